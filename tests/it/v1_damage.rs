//! Old traces that are cut, torn, foreign or hostile: what is sound survives, the rest is named, nothing panics.

#![expect(clippy::print_stderr, reason = "a test that skips says so")]

use crate::v1;
use crate::v1::builder::{Builder, ev};
use gotrace_slice::trace::testing::OldTrace;
use std::time::{Duration, Instant};

/// Opens what may be refused, and walks through it.
fn survive(bytes: &[u8]) -> Option<usize> {
    v1::version(bytes)?;
    let trace = v1::open(bytes).ok()?;
    Some(v1::counts(&trace).events)
}

fn has(trace: &OldTrace, id: &str, text: &str) -> bool {
    trace.warnings.iter().any(|w| w.id == id && w.message.contains(text))
}

/// Two procs that hand work to each other.
fn ping_pong(rounds: u64) -> Builder {
    let mut trace = Builder::new(21);
    trace.start().event(ev::GO_CREATE, 1, &[10, 1, 1]);
    for n in 0..rounds {
        trace.event(ev::GO_SYS_CALL, 10, &[1]).event(ev::GO_SCHED, 10, &[1]);
        trace.event(ev::GO_START, 10, &[1, 2 + n]);
    }
    trace.batch(1, 1100).event(ev::PROC_START, 1, &[8]).event(ev::GO_START, 1, &[10, 1]);
    for n in 0..rounds {
        trace.event(ev::GO_SCHED, 12, &[2]).event(ev::GO_START, 12, &[10, 2 + n]);
    }
    trace
}

#[test]
fn a_header_alone_is_refused_with_a_reason() {
    let error = v1::open(&Builder::new(21).bytes).unwrap_err();
    assert!(error.to_string().contains("trace.Stop"), "{error}");
    let mut noise = Builder::new(19).bytes;
    noise.extend_from_slice(&[0xff; 4000]);
    let error = v1::open(&noise).unwrap_err();
    assert!(error.to_string().contains("4000 bytes"), "{error}");
}

#[test]
fn every_prefix_keeps_its_events_and_says_what_is_missing() {
    let whole = ping_pong(20).end();
    let all = v1::counts(&v1::open(&whole).unwrap()).events;
    let mut last = 0;
    for n in 16..whole.len() {
        let Some(events) = survive(&whole[..n]) else { continue };
        assert!(events >= last, "{n} bytes give {events} events, fewer bytes gave {last}");
        last = events;
        assert!(!v1::open(&whole[..n]).unwrap().complete, "a prefix of {n} bytes passes for complete");
    }
    assert_eq!(last, all);
}

#[test]
fn text_between_batches_costs_nothing_but_itself() {
    let whole = ping_pong(50).end();
    let sound = v1::states(&v1::open(&whole).unwrap(), true);
    let second_batch = whole.windows(2).skip(20).position(|w| w == [0x41, 1]).unwrap() + 20;
    for text in
        ["hello from the program\n", "Server started at 12:00\n", "goroutine 7 [running]:\n\tmain.main()\n", "e! ended"]
    {
        let mut dirty = whole.clone();
        dirty.splice(second_batch..second_batch, text.bytes());
        let trace = v1::open(&dirty).unwrap();
        let warning = &trace.warnings[0];
        assert_eq!((warning.id, warning.offset), ("damaged", Some(second_batch as u64)), "{:?}", trace.warnings);
        assert_eq!(warning.bytes, text.len() as u64);
        assert!(warning.message.contains(&text[..8].replace('\n', "\\n")), "{}", warning.message);
        assert!(!trace.complete);
        assert_eq!(v1::states(&trace, true), sound);
    }
}

#[test]
fn a_torn_batch_costs_the_rest_of_that_batch() {
    let whole = ping_pong(200).end();
    let second_batch = whole.windows(2).skip(20).position(|w| w == [0x41, 1]).unwrap() + 20;
    let mut torn = whole.clone();
    torn[second_batch - 900..second_batch - 880].fill(0xff);
    let trace = v1::open(&torn).unwrap();
    assert!(has(&trace, "damaged", "901 bytes"), "{:?}", trace.warnings);
    assert!(has(&trace, "damaged", "what follows on one proc after 0.000"), "{:?}", trace.warnings);
    let goroutine_10 = |trace: &OldTrace| v1::states(trace, false).lines().filter(|l| l.starts_with("10\t")).count();
    assert_eq!(goroutine_10(&trace), goroutine_10(&v1::open(&whole).unwrap()));
}

#[test]
fn a_second_trace_behind_the_first_is_named() {
    let first = ping_pong(5).end();
    let mut both = first.clone();
    both.extend(ping_pong(5).end());
    let trace = v1::open(&both).unwrap();
    assert!(has(&trace, "second-trace", &format!("byte {}", first.len())), "{:?}", trace.warnings);
    assert_eq!(v1::states(&trace, true), v1::states(&v1::open(&first).unwrap(), true));
}

#[test]
fn missing_wakeups_do_not_hold_the_rest_up() {
    let mut trace = Builder::new(21);
    trace.start().event(ev::GO_CREATE, 1, &[10, 1, 1]).event(ev::GO_SCHED, 50_000, &[1]);
    // Goroutine 10 starts for the fifth time; its first four are in a buffer that was never written.
    trace.batch(1, 1200).event(ev::GO_START, 0, &[10, 5]).event(ev::GO_END, 100, &[]);
    let trace = v1::open(&trace.end()).unwrap();
    assert!(has(&trace, "order", "no consistent ordering of events possible: 1 events"), "{:?}", trace.warnings);
    let states = v1::states(&trace, false);
    assert!(states.contains("10\t0\t1\t1\tmain.main\trunning\t100\t1\n"), "{states}");
    assert!(states.contains("10\t0\t1\t1\tmain.main\trunnable\t194\t1\n"), "{states}");
}

#[test]
fn clocks_that_contradict_the_order_are_named() {
    let mut trace = Builder::new(21);
    trace.start().event(ev::GO_CREATE, 500, &[10, 1, 1]);
    trace.batch(1, 1100).event(ev::GO_START, 0, &[10, 1]).event(ev::GO_END, 900, &[]);
    let trace = v1::open(&trace.end()).unwrap();
    assert!(has(&trace, "time-order", "time stamps out of order"), "{:?}", trace.warnings);
    assert!(!trace.complete);
}

#[test]
fn a_reused_id_is_another_goroutine() {
    let mut trace = Builder::new(21);
    trace.start().event(ev::GO_CREATE, 1, &[10, 1, 1]).event(ev::GO_CREATE, 10, &[10, 2, 1]);
    let trace = v1::open(&trace.end()).unwrap();
    let states = v1::states(&trace, false);
    assert!(states.contains("10\t0\t1\t1\tmain.main\trunnable"), "{states}");
    assert!(states.contains("10\t1\t1\t1\tmain.wait\trunnable"), "{states}");
}

#[test]
fn declared_lengths_allocate_nothing() {
    for length in [1u64 << 16, 1 << 20, 1 << 32, u64::MAX] {
        let mut trace = Builder::new(21);
        trace.start();
        trace.bytes.extend([ev::STRING, 1]);
        let mut varint = length;
        while varint >= 0x80 {
            trace.bytes.push(varint as u8 | 0x80);
            varint >>= 7;
        }
        trace.bytes.push(varint as u8);
        let trace = v1::open(&trace.bytes).unwrap();
        assert_eq!(trace.file_events, 6);
        assert!(!trace.complete);
    }
}

/// Where many streams wait for one goroutine, the work must not grow with their product.
#[test]
fn many_procs_that_wait_for_one_goroutine() {
    let run = |n: u64| {
        let mut trace = Builder::new(21);
        trace.start().event(ev::GO_CREATE, 1, &[10, 1, 1]);
        for i in 0..n {
            trace.event(ev::GO_SCHED, 1, &[1]).event(ev::GO_START, 1, &[1, i + 2]);
        }
        for i in 0..n {
            trace.batch(i + 1, 1010).event(ev::GO_START, 0, &[1, n + 100 + i]);
        }
        let bytes = trace.end();
        let start = Instant::now();
        survive(&bytes).unwrap();
        start.elapsed()
    };
    // The fastest of three: what runs beside it slows it down.
    let fastest = |n: u64| (0..3).map(|_| run(n)).min().expect("three");
    let (_, small, large) = (run(100), fastest(20_000), fastest(40_000));
    assert!(large < small * 4 + Duration::from_millis(200), "{small:?} for half, {large:?} for all");
}

#[test]
fn flips_of_a_small_trace_do_no_harm() {
    let whole = ping_pong(6).end();
    for at in 0..whole.len() {
        for value in [0, 1, 0x41, 0x7f, 0x80, 0xc0, 0xff, whole[at] ^ 0x40, whole[at].wrapping_add(1)] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            survive(&bytes);
        }
    }
}

/// Cuts and flips of real traces.
#[test]
fn foreign_traces_cut_and_flipped_do_no_harm() {
    let Some(corpus) = v1::corpus() else {
        eprintln!("skipped: no corpus of foreign traces (GOTRACE_SLICE_CORPUS)");
        return;
    };
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    for path in v1::old_traces(&corpus) {
        let whole = std::fs::read(&path).unwrap();
        let start = Instant::now();
        survive(&whole);
        let limit = Duration::from_millis(500) + Duration::from_nanos(2000 * whole.len() as u64);
        assert!(start.elapsed() < limit, "{} took {:?}", path.display(), start.elapsed());
        let rounds = (200_000 / whole.len().max(1)).clamp(2, 300);
        for _ in 0..rounds {
            survive(&whole[..next(whole.len() + 1)]);
            let mut bytes = whole.clone();
            for _ in 0..=next(3) {
                bytes[next(whole.len())] = next(256) as u8;
            }
            survive(&bytes);
        }
    }
}

#[test]
fn the_unordered_trace_says_so() {
    let Some(corpus) = v1::corpus() else { return };
    let bytes = std::fs::read(corpus.join("v1--stress_1_5_unordered.trace")).unwrap();
    let trace = v1::open(&bytes).unwrap();
    assert!(has(&trace, "time-order", "time stamps out of order"), "{:?}", trace.warnings);
    assert!(!trace.complete);
}

/// An event that names a stack which the file does not define: its place, and no word where all are defined.
#[test]
fn an_undefined_stack_is_said() {
    let open = |stack: u64| {
        let mut trace = Builder::new(21);
        trace.start().event(ev::GO_CREATE, 1, &[10, 1, 1]);
        let at = trace.bytes.len() as u64;
        trace.event(ev::GO_SCHED, 10, &[stack]).event(ev::GO_START, 10, &[1, 2]);
        trace.event(ev::GO_SCHED, 10, &[1]);
        (v1::open(&trace.end()).expect("a trace"), at)
    };
    let (trace, at) = open(9);
    let warning = trace.warnings.iter().find(|w| w.id == "no-stacks").expect("a warning");
    assert_eq!((warning.offset, trace.complete), (Some(at), false), "{warning:?}");
    assert!(has(&trace, "no-stacks", "1 event"), "{warning:?}");
    let (trace, _) = open(1);
    assert!(!has(&trace, "no-stacks", ""), "{:?}", trace.warnings);
}
