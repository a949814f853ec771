//! What the events of old traces mean, on traces written for the purpose.

use crate::v1;
use crate::v1::builder::{Builder, ev};
use gotrace_slice::trace::event::{EventKind, GoState};

fn states_of(trace: &mut Builder) -> String {
    let trace = v1::open(&trace.end()).unwrap();
    assert_eq!(trace.warnings, []);
    v1::states(&trace, true)
}

#[test]
fn goroutines_older_than_the_trace_have_no_creator() {
    let mut trace = Builder::new(21);
    trace.batch(0, 1000).event(ev::GO_CREATE, 0, &[1, 1, 1]).event(ev::GO_CREATE, 1, &[2, 2, 1]);
    trace.event(ev::GO_WAITING, 1, &[2]).event(ev::GO_CREATE, 1, &[3, 2, 1]).event(ev::GO_START, 1, &[1, 1]);
    trace.event(ev::GOMAXPROCS, 1, &[4, 0]).event(ev::GO_CREATE, 5, &[4, 2, 1]).event(ev::GO_SCHED, 90, &[1]);
    let trace = v1::open(&trace.end()).unwrap();
    let firsts: Vec<(u64, GoState, GoState)> = v1::list(&trace)
        .into_iter()
        .filter_map(|e| match e.kind {
            EventKind::Transition(t) if matches!(t.from, GoState::Undetermined | GoState::NotExist) => {
                Some((trace.goroutines[t.g.at()].0, t.from, t.to))
            }
            _ => None,
        })
        .collect();
    let expected = [
        (2, GoState::Undetermined, GoState::Waiting),
        (1, GoState::Undetermined, GoState::Running),
        (3, GoState::Undetermined, GoState::Runnable),
        (4, GoState::NotExist, GoState::Runnable),
    ];
    assert_eq!(firsts, expected);
    let states = v1::states(&trace, true);
    assert!(states.contains("2\t0\t0\t-1\t\tunknown"), "{states}");
    assert!(states.contains("3\t0\t0\t-1\t\trunnable"), "{states}");
    assert!(states.contains("4\t0\t1\t1\tmain.wait\trunnable\t90\t1\tmain.main"), "{states}");
}

#[test]
fn a_call_that_does_not_block_is_a_nanosecond() {
    let mut trace = Builder::new(21);
    trace.start().event(ev::GO_SYS_CALL, 100, &[1]).event(ev::GO_SCHED, 100, &[1]);
    let states = states_of(&mut trace);
    assert!(states.contains("\tsyscall\t1\t1\t"), "{states}");
    assert!(states.contains("1\t0\t0\t-1\t\trunning\t205\t2\t"), "{states}");
}

#[test]
fn a_call_that_blocks_ends_when_it_returned_not_when_that_was_written() {
    let mut trace = Builder::new(21);
    trace.start().event(ev::GO_SYS_CALL, 100, &[1]).event(ev::GO_SYS_BLOCK, 10, &[]);
    // Returned at tick 1215 (300 before it had a proc again).
    trace.batch(1, 1515).event(ev::GO_SYS_EXIT, 0, &[1, 2, 1215]).event(ev::GO_START, 5, &[1, 3]);
    trace.event(ev::GO_SCHED, 1, &[1]);
    let states = states_of(&mut trace);
    assert!(states.contains("\tsyscall\t110\t1\t"), "{states}");
    assert!(states.contains("\trunnable\t305\t2\t"), "{states}");
}

#[test]
fn sequence_numbers_beat_clocks() {
    // Proc 1 is 3 ticks ahead: it starts goroutine 10 before proc 0 created it.
    let mut trace = Builder::new(21);
    trace.start().event(ev::GO_CREATE, 95, &[10, 2, 1]).event(ev::GO_SCHED, 400, &[1]);
    trace.batch(1, 1097).event(ev::PROC_START, 0, &[8]).event(ev::GO_START, 1, &[10, 1]);
    trace.event(ev::GO_BLOCK_RECV, 100, &[2]);
    let trace = v1::open(&trace.end()).unwrap();
    assert!(trace.warnings.iter().all(|w| w.id == "time-order"), "{:?}", trace.warnings);
    let states = v1::states(&trace, false);
    assert!(states.contains("10\t0\t1\t1\tmain.wait\trunnable\t1\t1\n"), "{states}");
}

#[test]
fn reasons_have_the_names_of_new_traces() {
    let reasons = [
        (16, "forever"),
        (17, "runtime.Gosched"),
        (18, "preempted"),
        (19, "sleep"),
        (20, ""),
        (22, "chan send"),
        (23, "chan receive"),
        (24, "select"),
        (25, "sync"),
        (26, "sync.(*Cond).Wait"),
        (27, "network"),
        (42, "GC mark assist wait for work"),
    ];
    for (code, name) in reasons {
        let mut trace = Builder::new(21);
        trace.start().event(code, 10, &[1]);
        let trace = v1::open(&trace.end()).unwrap();
        let last = *v1::list(&trace).last().unwrap();
        let EventKind::Transition(t) = last.kind else { panic!("{last:?}") };
        assert_eq!(trace.symbols.text(t.reason), name);
        assert_eq!(t.stack, last.stack);
    }
}

#[test]
fn futile_wakeups_of_old_runtimes_vanish() {
    let mut trace = Builder::new(10);
    trace.start().event(ev::GO_CREATE, 5, &[10, 2, 1]).event(ev::GO_BLOCK_RECV, 5, &[1]);
    trace.event(ev::GO_START_LOCAL, 5, &[10]).event(ev::GO_UNBLOCK, 5, &[1, 2, 2]).event(ev::GO_SCHED, 5, &[2]);
    trace.event(ev::GO_START, 5, &[1, 3]).event(ev::FUTILE_WAKEUP, 1, &[]).event(ev::GO_BLOCK_RECV, 1, &[1]);
    trace.event(ev::GO_START, 5, &[10, 2]).event(ev::GO_END, 100, &[]);
    let states = states_of(&mut trace);
    assert!(states.contains("1\t0\t0\t-1\t\tchan receive\t127\t1\t"), "{states}");
}

#[test]
fn versions_before_names_have_addresses() {
    let mut trace = Builder::new(5);
    let mut seq = 0;
    let mut event = |trace: &mut Builder, code, args: &[u64]| {
        seq += 1;
        let values: Vec<u64> = [1, 10].into_iter().chain(args.iter().copied()).collect();
        trace.record(code, &values);
    };
    trace.record(ev::BATCH, &[0, 0, 1000]);
    event(&mut trace, ev::GO_CREATE, &[1, 0x1000, 0]);
    event(&mut trace, ev::GO_START, &[1]);
    event(&mut trace, ev::GOMAXPROCS, &[1, 0]);
    event(&mut trace, ev::GO_CREATE, &[2, 0x2000, 7]);
    event(&mut trace, ev::GO_SCHED, &[7]);
    trace.record(ev::FREQUENCY, &[1_000_000_000, 0]);
    trace.bytes.extend([ev::STACK | 3 << 6, 4, 7, 1, 0xb4, 0x22]);
    let trace = v1::open(&trace.bytes).unwrap();
    assert!(trace.needs_binary && trace.complete, "{:?}", trace.warnings);
    assert!(trace.warnings[0].message.contains("--binary"));
    let states = v1::states(&trace, true);
    assert!(states.contains("2\t0\t1\t1\t0x2000\trunnable\t10\t1\t0x1134\n"), "{states}");
}
