//! Requests that wait at many places while many things are done.

use super::{Trace, code};

/// Requests that wait on `stacks` stacks each, for a goroutine that does one of `works` things meanwhile: all pairs of both.
pub fn pairs(stacks: u64, works: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let (entry, creation, reason) =
        (trace.names.stack(&["main.Handler"]), trace.names.stack(&["main.main"]), trace.names.string(b"chan receive"));
    let waits: Vec<[u64; 2]> = (0..stacks)
        .map(|i| [reason, trace.names.stack(&["runtime.chanrecv1", &format!("main.ask{i}"), "main.Handler"])])
        .collect();
    let worked: Vec<[u64; 4]> =
        (0..works).map(|i| [0, 0, 0, trace.names.stack(&[&format!("main.work{i}"), "main.worker"])]).collect();
    let release: Vec<u64> = (0..works)
        .map(|i| trace.names.stack(&["runtime.chansend1", &format!("main.work{i}"), "main.worker"]))
        .collect();
    let created: Vec<[u64; 3]> = (0..works).map(|i| [i + 2, entry, creation]).collect();
    let starts: Vec<Vec<[u64; 2]>> = (0..works).map(|g| (0..=stacks).map(|i| [g + 2, 2 * i + 1]).collect()).collect();
    let wakes: Vec<Vec<[u64; 3]>> =
        (0..works as usize).map(|g| (0..stacks).map(|i| [g as u64 + 2, 2 * i + 2, release[g]]).collect()).collect();
    let mut worker: Vec<(u64, u8, &[u64])> = vec![(1, code::GO_STATUS, &[1, 1, 2])];
    let mut requests: Vec<(u64, u8, &[u64])> = Vec::new();
    let mut at = 10;
    for g in 0..works as usize {
        worker.push((at, code::GO_CREATE, &created[g]));
        requests.push((at + 1, code::GO_START, &starts[g][0]));
        for i in 0..stacks as usize {
            requests.push((at + 5, code::GO_BLOCK, &waits[i]));
            worker.push((at + 10, code::USER_LOG, &worked[g]));
            worker.push((at + 900, code::USER_LOG, &worked[g]));
            worker.push((at + 910, code::GO_UNBLOCK, &wakes[g][i]));
            requests.push((at + 920, code::GO_START, &starts[g][i + 1]));
            at += 1000;
        }
        requests.push((at, code::GO_DESTROY, &[]));
        at += 100;
    }
    trace.thread(1, 1, &worker);
    trace.thread(1, 2, &requests);
    trace.finish()
}
