//! Events that name stacks that no table of their generation defines, found by looking at each event.

use super::scan::UndefinedStacks;
use crate::trace::error::Result;
use crate::trace::v2::clock::Clock;
use crate::trace::v2::generation::{Generation, ThreadBatches};
use crate::trace::v2::reader::{ScanEvent, ScanReader};
use crate::trace::v2::resume::DamagedBatch;
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
    clock: Clock,
) -> Result<UndefinedStacks> {
    let (stack_args, mut undefined, mut bytes) = (stack_args(), UndefinedStacks::default(), Vec::new());
    let mut event = ScanEvent { pos: 0, ticks: 0, code: 0, args: [0; MAX_ARGS] };
    let batches = ThreadBatches::new(generation);
    for of_thread in (0..generation.index.threads.len()).map(|thread| batches.of(thread)) {
        for (nth, &batch) in of_thread.iter().enumerate() {
            let batch = &generation.index.batches[batch as usize];
            generation.read(batch, &mut bytes)?;
            let bound = generation.bound(of_thread.get(nth + 1).copied());
            let (mut reader, damaged) =
                (ScanReader::new(batch, &bytes), DamagedBatch { batch, bytes: &bytes, bound, known, clock });
            while next(&mut reader, &damaged, &mut event) {
                if stack_args[event.code as usize].iter().any(|at| !tables.defines_stack(event.args[*at])) {
                    undefined.add(event.pos);
                }
            }
        }
    }
    Ok(undefined)
}

/// Reads the next event that the scan reads, too. Returns false if there is none.
fn next(reader: &mut ScanReader<'_>, batch: &DamagedBatch<'_>, event: &mut ScanEvent) -> bool {
    loop {
        match reader.next(batch.known, event) {
            Ok(more) => return more,
            Err(bad) if batch.read_on(reader, bad).is_some() => {}
            Err(_) => return false,
        }
    }
}
