//! Damaged traces built to be slow to read.

use super::Trace;
use gotrace_slice::trace::testing::{TimedEvent, code};

/// Before each batch stands text, or what looks like the beginning of a batch that has those behind it in it.
pub(super) fn foreign(n: u64) -> Vec<u8> {
    const BEGINNING: [u8; 5] = [code::EVENT_BATCH, 1, 1, 1, 100];
    // More than 64 bytes are no accident where they can be read.
    const LOGS: u64 = 16;
    let mut trace = Trace::new();
    let stack = trace.names.stack(&["main.worker"]);
    for i in 1..=n {
        let status = [i, i, 2];
        trace.writer.raw(if i % 2 == 0 { &BEGINNING } else { b"listening on :8080\n" });
        let log = [0, 0, 0, stack];
        let mut events: Vec<(u64, u8, &[u64])> = vec![(1, code::GO_STATUS, &status)];
        events.extend((0..LOGS).map(|at| (9 + i + at, code::USER_LOG, &log[..])));
        trace.thread(1, i, &events);
    }
    trace.finish()
}

/// Each batch has an event in its middle that there is not.
pub(super) fn unreadable(n: u64) -> Vec<u8> {
    const EVENTS: u64 = 40;
    let mut trace = Trace::new();
    let stack = trace.names.stack(&["main.worker"]);
    for i in 1..=n {
        let mut data = Vec::new();
        TimedEvent::new(0, code::PROC_STATUS, &[i, 1]).put(&mut data, 0);
        TimedEvent::new(1, code::GO_STATUS, &[i, i, 2]).put(&mut data, 0);
        for at in 1..EVENTS {
            if at == EVENTS / 2 {
                data.push(0xff);
            }
            TimedEvent::new(at + 1, code::USER_LOG, &[0, 0, 0, stack]).put(&mut data, at);
        }
        trace.writer.batch(1, i, 100 * i, &data);
    }
    trace.finish()
}

/// Each event names a string and a stack that no table defines.
pub(super) fn undefined(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    trace.names.stack(&["main.worker"]);
    let args: Vec<[u64; 3]> = (0..n).map(|i| [0, 100 + i, 100 + i]).collect();
    let mut events: Vec<(u64, u8, &[u64])> = vec![(1, code::GO_STATUS, &[1, 1, 2])];
    events.extend((2..).zip(&args).map(|(t, args)| (t, code::USER_REGION_BEGIN, &args[..])));
    trace.thread(1, 1, &events);
    trace.finish()
}
