//! Finds the next batch behind bytes that are no records.

use super::record::{Record, Wire};
use crate::trace::wire::cursor::{Cursor, Malformed};

/// First byte of a batch in every version (`traceEvBatch|1<<traceArgCountShift` in `src/runtime/trace.go`).
const BATCH: u8 = 0x41;
/// Records that must follow a batch's first before it is believed.
const BELIEVE_AFTER: usize = 8;
/// More procs than a machine has.
const MAX_PROC: u64 = 1 << 20;
/// Ticks that a batch may be away from the batch before: days.
const MAX_AWAY: u64 = 1 << 46;

/// Where a proc id ends being one: the reader's own limit (`readRawEvent` in `tracev1/parser.go` of Go 1.27).
pub(crate) fn is_proc(id: u64) -> bool {
    id == u64::MAX || i32::try_from(id).is_ok()
}

/// The offset of the first believable batch at or behind `from`. `near`: the ticks of the batch before.
pub(crate) fn next_batch(wire: &Wire, bytes: &[u8], from: usize, near: Option<i64>) -> Option<usize> {
    let candidates = bytes.iter().enumerate().skip(from).filter(|&(_, &byte)| byte == BATCH);
    candidates.map(|(at, _)| at).find(|&at| believable(wire, Cursor::new(&bytes[at..], at as u64), near))
}

fn believable(wire: &Wire, mut cursor: Cursor<'_>, near: Option<i64>) -> bool {
    let Ok(Some(Record::Batch { proc, ticks, .. })) = wire.read(&mut cursor) else { return false };
    let is_near = near.is_none_or(|near| near.abs_diff(ticks) <= MAX_AWAY);
    if !is_near || (proc != u64::MAX && proc > MAX_PROC) {
        return false;
    }
    for n in 0..BELIEVE_AFTER {
        if cursor.is_empty() {
            return n > 0;
        }
        match wire.read(&mut cursor) {
            Ok(Some(_)) => {}
            // Cut off by the end of the file: as good as the rest was.
            Err(Malformed::Ends) => return n > 1,
            _ => return false,
        }
    }
    true
}
