//! Events that name stacks that no table of their generation defines, found by looking at each event.

use super::scan::UndefinedStacks;
use crate::trace::error::Result;
use crate::trace::v2::batch::BatchKind;
use crate::trace::v2::generation::Generation;
use crate::trace::v2::reader::{ScanEvent, ScanReader};
use crate::trace::v2::tables::Tables;
use crate::trace::wire::event_spec::{EVENTS, MAX_ARGS};

/// Names of arguments that are stacks.
const STACKS: [&str; 2] = ["stack", "new_stack"];

/// The positions of the stacks among the arguments of each event.
fn stack_args() -> Vec<Vec<usize>> {
    let of = |args: &[&str]| (0..args.len()).filter(|i| STACKS.contains(&args[*i])).collect();
    EVENTS.iter().map(|spec| of(if spec.timed { spec.args } else { &[] })).collect()
}

/// The events of a generation that name undefined stacks.
pub(crate) fn undefined_stacks(
    generation: &Generation<'_>,
    tables: &Tables,
    known: &[bool; 256],
) -> Result<UndefinedStacks> {
    let (stack_args, mut undefined, mut bytes) = (stack_args(), UndefinedStacks::default(), Vec::new());
    let mut event = ScanEvent { pos: 0, ticks: 0, code: 0, args: [0; MAX_ARGS] };
    for batch in generation.index.batches.iter().filter(|batch| batch.kind == BatchKind::Events) {
        generation.read(batch, &mut bytes)?;
        let mut reader = ScanReader::new(batch, &bytes);
        while matches!(reader.next(known, &mut event), Ok(true)) {
            if stack_args[event.code as usize].iter().any(|at| !tables.defines_stack(event.args[*at])) {
                undefined.add(event.pos);
            }
        }
    }
    Ok(undefined)
}
