//! Finds the next batch after bytes that are no records.

use super::record::{Record, RecordFormat};
use crate::trace::wire::cursor::{Cursor, Malformed};

/// First byte of a batch in every version (`traceEvBatch|1<<traceArgCountShift` in `src/runtime/trace.go`).
const BATCH: u8 = 0x41;
/// Number of records that must be sound after a batch record, so that it counts as one and not as random bytes.
const RECORDS_TO_CONFIRM: usize = 8;
/// Largest proc id that a batch found by its bytes may have.
const MAX_PROC: u64 = 1 << 20;
/// Most ticks that such a batch may differ from the batch before: about a day at 1 GHz.
const MAX_TICK_DISTANCE: u64 = 1 << 46;

/// Whether Go's reader takes this for a proc's id (`readRawEvent` in `tracev1/parser.go` of Go 1.27).
pub(crate) fn is_proc(id: u64) -> bool {
    id == u64::MAX || i32::try_from(id).is_ok()
}

/// The offset of the first plausible batch at or after `from`; none if there is none. `near`: the ticks of the batch
/// before, none if not known.
pub(crate) fn next_batch(format: &RecordFormat, bytes: &[u8], from: usize, near: Option<i64>) -> Option<usize> {
    let candidates = bytes.iter().enumerate().skip(from).filter(|&(_, &byte)| byte == BATCH);
    candidates.map(|(at, _)| at).find(|&at| is_plausible_batch(format, Cursor::new(&bytes[at..], at as u64), near))
}

fn is_plausible_batch(format: &RecordFormat, mut cursor: Cursor<'_>, near: Option<i64>) -> bool {
    let Ok(Some(Record::Batch { proc, ticks, .. })) = format.read(&mut cursor) else { return false };
    let is_near = near.is_none_or(|near| near.abs_diff(ticks) <= MAX_TICK_DISTANCE);
    if !is_near || (proc != u64::MAX && proc > MAX_PROC) {
        return false;
    }
    for n in 0..RECORDS_TO_CONFIRM {
        if cursor.is_empty() {
            return n > 0;
        }
        match format.read(&mut cursor) {
            Ok(Some(_)) => {}
            // The file ends in the middle of a record: no evidence against the batch.
            Err(Malformed::Ends) => return n > 1,
            _ => return false,
        }
    }
    true
}
