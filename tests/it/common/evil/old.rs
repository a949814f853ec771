//! Old traces built to be slow to read.

use crate::v1::builder::{Builder, ev};

/// Requests that wait at a time.
const CROWD: u64 = 200;
/// How often each yields before it ends.
const YIELDS: u64 = 10;
/// The stack at which the first of each crowd waits; each has one of its own.
const FIRST_STACK: u64 = 10;

/// Crowds of requests that wait for one goroutine, each at a stack of its own, and take long to end: more different waits end
/// at one moment than a list has room for. About 26 events a request.
pub fn crowded(n: u64) -> Vec<u8> {
    let mut trace = Builder::new(21);
    trace.start();
    let mut ticks = 2000;
    for first in (0..n).step_by(CROWD as usize) {
        let crowd = |i: u64| 10 + first + i;
        trace.batch(0, ticks);
        for i in 0..CROWD {
            trace.event(ev::GO_CREATE, 1, &[crowd(i), 1, 1]);
        }
        trace.event(ev::GO_SCHED, 1, &[1]);
        for i in 0..CROWD {
            trace.event(ev::GO_START_LOCAL, 1, &[crowd(i)]).event(ev::GO_BLOCK_SYNC, 1, &[FIRST_STACK + i]);
        }
        trace.event(ev::GO_START_LOCAL, 1, &[1]).event(ev::GO_UNBLOCK_LOCAL, 1, &[2, 1]).event(ev::GO_SCHED, 1, &[1]);
        trace.event(ev::GO_START_LOCAL, 1, &[2]).event(ev::GO_SCHED, 5000, &[2]).event(ev::GO_START_LOCAL, 1, &[2]);
        for i in 0..CROWD {
            trace.event(ev::GO_UNBLOCK_LOCAL, 1, &[crowd(i), 2]);
        }
        trace.event(ev::GO_BLOCK, 1, &[2]);
        for i in 0..CROWD {
            for _ in 0..YIELDS {
                trace.event(ev::GO_START_LOCAL, 1, &[crowd(i)]).event(ev::GO_SCHED, 1, &[1]);
            }
            trace.event(ev::GO_START_LOCAL, 1, &[crowd(i)]).event(ev::GO_END, 1, &[]);
        }
        trace.event(ev::GO_START_LOCAL, 1, &[1]);
        // More than all these events took.
        ticks += 5000 + 40 * CROWD;
    }
    trace.end();
    for i in 0..CROWD {
        trace.string(100 + i, format!("main.wait{i}").as_bytes());
        trace.stack(FIRST_STACK + i, &[[0x3000 + i, 100 + i, 3, 1], [0x1000, 1, 3, 10]]);
    }
    trace.bytes
}

/// Each proc starts a goroutine whose turn never comes.
pub(super) fn stuck(n: u64) -> Vec<u8> {
    let mut trace = Builder::new(21);
    trace.start().event(ev::GO_CREATE, 1, &[10, 1, 1]);
    for proc in 1..=n {
        trace.batch(proc, 1100).event(ev::PROC_START, 1, &[proc]).event(ev::GO_START, 1, &[10, 7 + proc]);
    }
    trace.end()
}

/// Each goroutine creates the next one, and ends.
pub(super) fn chain(n: u64) -> Vec<u8> {
    let mut trace = Builder::new(21);
    trace.start();
    for i in 0..n {
        trace.event(ev::GO_CREATE, 1, &[10 + i, 1, 1]).event(ev::GO_END, 1, &[]);
        trace.event(ev::GO_START_LOCAL, 1, &[10 + i]);
    }
    trace.end()
}
