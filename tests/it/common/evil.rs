//! Traces built to be slow to read, each in any size.

mod damage;
mod gos_own;
pub mod old;
mod pairs;

use super::sim::{Plan, simulate};
pub use gos_own::gos_own;
use gotrace_slice::trace::testing::{CpuSample, NO_THREAD, NameTable, TimedEvent, TraceWriter, code};
pub use pairs::pairs;

/// A kind of trace: its name, the size that tests use, and how it is made.
pub type Kind = (&'static str, u64, fn(u64) -> Vec<u8>);

/// All kinds.
pub const KINDS: [Kind; 24] = [
    ("threads that wait for creations", 5_000, waiting_for_creations),
    ("threads that wait for one goroutine", 5_000, waiting_in_a_row),
    ("threads that wait while it changes", 2_000, waiting_in_vain),
    ("threads whose turn never comes", 10_000, stuck),
    ("procs whose turn never comes", 10_000, stuck_procs),
    ("generations", 10_000, generations),
    ("a chain of goroutines", 50_000, chain),
    ("children of one goroutine", 50_000, children),
    ("an id that repeats", 5_000, repeated_id),
    ("threads with CPU samples", 5_000, samples),
    ("functions", 10_000, functions),
    ("endpoints", 10_000, endpoints),
    ("a long schedule", 20_000, schedule),
    ("waiters at one lock", 10_000, waiters),
    ("nested regions", 20_000, regions),
    ("deep stacks of long names", 500, deep_stacks),
    ("deep stacks of many lines", 500, many_lines),
    ("tasks inside of each other", 20_000, tasks),
    ("bytes between batches", 5_000, damage::foreign),
    ("batches with damage in them", 2_000, damage::unreadable),
    ("names that nothing defines", 20_000, damage::undefined),
    ("crowds in an old trace", 4_000, old::crowded),
    ("procs of an old trace that wait", 10_000, old::stuck),
    ("a chain of goroutines in an old trace", 50_000, old::chain),
];

struct Trace {
    writer: TraceWriter,
    names: NameTable,
}

impl Trace {
    fn new() -> Self {
        let mut writer = TraceWriter::new("1.23").expect("a version");
        writer.sync(1, 0, 1_000_000_000, (0, 0));
        Self { writer, names: NameTable::default() }
    }

    /// A thread with a proc of its own, and its events: ticks, code, arguments.
    fn thread(&mut self, generation: u64, thread: u64, events: &[(u64, u8, &[u64])]) {
        let start = events.first().map_or(0, |e| e.0);
        let proc = TimedEvent::new(start, code::PROC_STATUS, &[thread, 1]);
        let events: Vec<_> = events.iter().map(|(ticks, code, args)| TimedEvent::new(*ticks, *code, args)).collect();
        self.writer.events(generation, thread, &[&[proc], &events[..]].concat());
    }

    fn finish(mut self) -> Vec<u8> {
        self.writer.names(1, 0, &self.names);
        self.writer.finish()
    }
}

/// Every thread starts at time 0 a goroutine that is created later.
fn waiting_for_creations(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let (entry, creation) = (trace.names.stack(&["main.worker"]), trace.names.stack(&["main.main"]));
    for i in 1..=n {
        trace.thread(1, i, &[(0, code::GO_START, &[i + 10, 1]), (2 * n, code::GO_DESTROY, &[])]);
    }
    let args: Vec<[u64; 3]> = (1..=n).map(|i| [n - i + 11, entry, creation]).collect();
    let creations: Vec<_> = args.iter().zip(1..).map(|(a, t)| (t, code::GO_CREATE, &a[..])).collect();
    trace.thread(1, n + 1, &creations);
    trace.finish()
}

/// One goroutine runs on all threads in turn; their clocks say the opposite order.
fn waiting_in_a_row(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let (entry, reason) = (trace.names.stack(&["main.worker"]), trace.names.string(b"sync"));
    trace.thread(1, n + 1, &[(1, code::GO_CREATE, &[1, entry, entry])]);
    for i in 0..n {
        let at = 10 * (n - i);
        trace.thread(
            1,
            i + 1,
            &[
                (at, code::GO_START, &[1, 2 * i + 1]),
                (at + 1, code::GO_BLOCK, &[reason, entry]),
                (at + 2, code::GO_UNBLOCK, &[1, 2 * i + 2, 0]),
            ],
        );
    }
    trace.finish()
}

/// All threads wait for a goroutine to wait, which goes in and out of system calls as often as there are threads.
fn waiting_in_vain(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let entry = trace.names.stack(&["main.worker"]);
    for i in 2..n + 2 {
        trace.thread(1, i, &[(0, code::GO_UNBLOCK, &[1, 1, 0])]);
    }
    let seqs: Vec<[u64; 2]> = (1..=n).map(|seq| [seq, entry]).collect();
    let running: [u64; 3] = [1, 1, 2];
    let mut events: Vec<(u64, u8, &[u64])> = vec![(1, code::GO_STATUS, &running)];
    for (seq, t) in seqs.iter().zip(1..) {
        events.push((4 * t, code::GO_SYSCALL_BEGIN, seq));
        events.push((4 * t + 1, code::GO_SYSCALL_END, &[]));
        // And a status that lets one of them through, again and again.
        events.push((4 * t + 2, code::GO_STATUS, &[1, NO_THREAD, 4]));
        events.push((4 * t + 3, code::GO_STATUS, &running));
    }
    trace.thread(1, 1, &events);
    trace.finish()
}

/// No thread's event can be next, and each starts the same goroutine.
fn stuck(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let entry = trace.names.stack(&["main.worker"]);
    trace.thread(1, n + 1, &[(1, code::GO_CREATE, &[1, entry, entry])]);
    for i in 1..=n {
        trace.thread(1, i, &[(2, code::GO_START, &[1, 7 + i])]);
    }
    trace.finish()
}

/// No proc can be taken or stolen.
fn stuck_procs(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let entry = trace.names.stack(&["main.worker"]);
    trace.thread(1, n + 1, &[(1, code::GO_CREATE, &[1, entry, entry])]);
    for i in 1..=n {
        trace.thread(1, i, &[(2, code::PROC_START, &[1, 7 + i]), (3, code::PROC_STEAL, &[1, 9 + i, n - i])]);
        trace.thread(1, i, &[(2, code::GC_BEGIN, &[5 + i % 2, 0])]);
    }
    trace.finish()
}

fn generations(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let entry = trace.names.stack(&["main.worker"]);
    trace.thread(1, 1, &[(1, code::GO_CREATE, &[9, entry, entry]), (2, code::GO_START, &[9, 1])]);
    trace.writer.names(1, 1, &trace.names);
    for generation in 2..=n {
        trace.writer.sync(generation, 10 * generation, 1_000_000_000, (0, 0));
        trace.thread(generation, 1, &[(10 * generation + 1, code::GO_STATUS, &[9, 1, 2])]);
        trace.thread(generation, 2, &[(10 * generation + 2, code::HEAP_ALLOC, &[generation])]);
    }
    trace.writer.finish()
}

fn chain(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let (entry, creation) = (trace.names.stack(&["main.link"]), trace.names.stack(&["main.link:7"]));
    let ids: Vec<[u64; 3]> = (2..n + 2).map(|i| [i, entry, creation]).collect();
    let starts: Vec<[u64; 2]> = (2..n + 2).map(|i| [i, 1]).collect();
    let mut events: Vec<(u64, u8, &[u64])> = vec![(1, code::GO_STATUS, &[1, 1, 2])];
    for i in 0..n as usize {
        events.push((10 * i as u64 + 10, code::GO_CREATE, &ids[i]));
        events.push((10 * i as u64 + 11, code::GO_DESTROY, &[]));
        events.push((10 * i as u64 + 12, code::GO_START, &starts[i]));
    }
    trace.thread(1, 1, &events);
    trace.finish()
}

fn children(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let (entry, creation) = (trace.names.stack(&["main.child"]), trace.names.stack(&["main.parent"]));
    let ids: Vec<[u64; 3]> = (2..n + 2).map(|i| [i, entry, creation]).collect();
    let mut events: Vec<(u64, u8, &[u64])> = vec![(1, code::GO_STATUS, &[1, 1, 2])];
    events.extend(ids.iter().zip(2..).map(|(args, t)| (t, code::GO_CREATE, &args[..])));
    trace.thread(1, 1, &events);
    trace.finish()
}

/// A cgo callback comes back with the same id in every generation, three times.
fn repeated_id(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let stack = trace.names.stack(&["main.callback"]);
    trace.writer.names(1, 0, &trace.names);
    for generation in 1..=n {
        trace.writer.sync(generation, 100 * generation, 1_000_000_000, (0, 0));
        let at = |t| 100 * generation + t;
        let announce = (at(1), code::GO_STATUS, &[9u64, 1, 3][..]);
        trace.thread(
            generation,
            1,
            &[
                announce,
                (at(2), code::GO_DESTROY_SYSCALL, &[]),
                (at(3), code::GO_CREATE_SYSCALL, &[9]),
                (at(4), code::GO_DESTROY_SYSCALL, &[]),
                (at(5), code::GO_CREATE_SYSCALL, &[9]),
            ],
        );
        trace.thread(
            generation,
            2,
            &[(at(1), code::GO_STATUS, &[7, 2, 2]), (at(9), code::USER_LOG, &[0, 0, 0, stack])],
        );
    }
    trace.writer.finish()
}

fn samples(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let stack = trace.names.stack(&["main.hot"]);
    let mut samples = Vec::new();
    for i in 1..=n {
        trace.thread(1, i, &[(1, code::GO_STATUS, &[i, i, 2]), (9 + i, code::USER_LOG, &[0, 0, 0, stack])]);
        samples.push(CpuSample { ticks: 5 + i, thread: i, proc: i, goroutine: i, stack });
    }
    trace.writer.samples(1, 0, &samples);
    trace.finish()
}

/// Every goroutine runs a function of its own.
fn functions(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let ids: Vec<[u64; 3]> = (2..n + 2)
        .map(|i| {
            let entry = trace.names.stack(&[&format!("main.worker.func{i}")]);
            [i, entry, trace.names.stack(&[&format!("main.start{i}")])]
        })
        .collect();
    let creations: Vec<_> = ids.iter().zip(2..).map(|(args, t)| (t, code::GO_CREATE, &args[..])).collect();
    trace.thread(1, 1, &creations);
    trace.finish()
}

/// A connection has a request of each handler; every other one calls what may be asked for.
fn endpoints(n: u64) -> Vec<u8> {
    const SERVER: [&str; 3] =
        ["net/http.HandlerFunc.ServeHTTP", "net/http.serverHandler.ServeHTTP", "net/http.(*conn).serve"];
    let mut trace = Trace::new();
    let entry = trace.names.stack(&[SERVER[2]]);
    let reads = [trace.names.string(b"preempted"), trace.names.stack(&["net/http.(*conn).readRequest", SERVER[2]])];
    let handlers: Vec<[u64; 4]> = (0..n)
        .map(|i| {
            let (own, other) = (format!("main.h{i}"), format!("app.h{i}"));
            let called: &[&str] = if i % 2 == 0 { &[&own] } else { &["main.work", &other] };
            [0, 0, 0, trace.names.stack(&[called, &SERVER[..]].concat())]
        })
        .collect();
    let starts: Vec<[u64; 2]> = (1..=n + 1).map(|i| [9, i]).collect();
    let created = [9, entry, entry];
    let mut events: Vec<(u64, u8, &[u64])> = vec![(1, code::GO_CREATE, &created), (2, code::GO_START, &starts[0])];
    for ((handler, start), at) in handlers.iter().zip(&starts[1..]).zip(1..) {
        events.push((10 * at, code::GO_STOP, &reads));
        events.push((10 * at + 1, code::GO_START, start));
        events.push((10 * at + 5, code::USER_LOG, handler));
    }
    trace.thread(1, 1, &events);
    trace.finish()
}

fn schedule(n: u64) -> Vec<u8> {
    simulate(Plan { seed: 99, steps: n as u32, threads: 8, generations: 4, version: "1.26" }).bytes
}

/// Requests that wait for one lock, whose holder does as many things as there are waiters; they hand it on one by one.
pub fn waiters(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let (entry, creation) = (trace.names.stack(&["main.waiter"]), trace.names.stack(&["main.main"]));
    let (lock, unlock) = (
        trace.names.stack(&["sync.(*Mutex).Lock", "main.waiter"]),
        trace.names.stack(&["sync.(*Mutex).Unlock", "main.waiter"]),
    );
    let (work, reason) = (trace.names.stack(&["main.refresh"]), trace.names.string(b"sync"));
    let release = trace.names.stack(&["sync.(*Mutex).Unlock", "main.refresh"]);
    let created: Vec<[u64; 3]> = (0..n).map(|i| [i + 2, entry, creation]).collect();
    let first: Vec<[u64; 2]> = (0..n).map(|i| [i + 2, 1]).collect();
    let again: Vec<[u64; 2]> = (0..n).map(|i| [i + 2, 3]).collect();
    let unblocked: Vec<[u64; 3]> = (0..n).map(|i| [i + 2, 2, unlock]).collect();
    let (blocked, logged, released) = ([reason, lock], [0, 0, 0, work], [2, 2, release]);
    let mut holder: Vec<(u64, u8, &[u64])> = vec![(1, code::GO_STATUS, &[1, 1, 2])];
    let mut waiters: Vec<(u64, u8, &[u64])> = Vec::new();
    let at = |phase: u64, i: u64| 10 + phase * 10 * n + 10 * i;
    for i in 0..n {
        holder.push((at(0, i), code::GO_CREATE, &created[i as usize]));
        waiters.push((at(1, i), code::GO_START, &first[i as usize]));
        waiters.push((at(1, i) + 1, code::GO_BLOCK, &blocked));
    }
    for i in 0..n {
        holder.push((at(2, i), code::USER_LOG, &logged));
    }
    holder.push((at(3, 0), code::GO_UNBLOCK, &released));
    for i in 0..n {
        waiters.push((at(3, i) + 1, code::GO_START, &again[i as usize]));
        if let Some(next) = unblocked.get(i as usize + 1) {
            waiters.push((at(3, i) + 2, code::GO_UNBLOCK, next));
        }
        waiters.push((at(3, i) + 3, code::GO_DESTROY, &[]));
    }
    trace.thread(1, 1, &holder);
    trace.thread(1, 2, &waiters);
    trace.finish()
}

/// One goroutine begins regions inside of each other, each of a type of its own, and ends them all.
fn regions(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let stack = trace.names.stack(&["main.recursive", "main.main"]);
    let args: Vec<[u64; 3]> = (0..n).map(|i| [0, trace.names.string(format!("main{i}").as_bytes()), stack]).collect();
    let mut events: Vec<(u64, u8, &[u64])> = vec![(1, code::GO_STATUS, &[1, 1, 2])];
    events.extend((2..).zip(&args).map(|(t, args)| (t, code::USER_REGION_BEGIN, &args[..])));
    events.extend((n + 2..).zip(args.iter().rev()).map(|(t, args)| (t, code::USER_REGION_END, &args[..])));
    trace.thread(1, 1, &events);
    trace.finish()
}

/// One goroutine begins tasks, each a part of the one before, and ends them all.
fn tasks(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let (name, stack) = (trace.names.string(b"main"), trace.names.stack(&["main.recursive", "main.main"]));
    let begins: Vec<[u64; 4]> = (1..=n).map(|i| [i, i - 1, name, stack]).collect();
    let ends: Vec<[u64; 2]> = (1..=n).rev().map(|i| [i, stack]).collect();
    let mut events: Vec<(u64, u8, &[u64])> = vec![(1, code::GO_STATUS, &[1, 1, 2])];
    events.extend((2..).zip(&begins).map(|(t, args)| (t, code::USER_TASK_BEGIN, &args[..])));
    events.extend((n + 2..).zip(&ends).map(|(t, args)| (t, code::USER_TASK_END, &args[..])));
    trace.thread(1, 1, &events);
    trace.finish()
}

/// One goroutine runs all the time, `n` times in a task inside of another one, of which it is no part.
pub fn two_tasks_at_once(n: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let stack = trace.names.stack(&["main.compute", "main.main"]);
    let names = [trace.names.string(b"checkout"), trace.names.string(b"audit")];
    let begins: Vec<[u64; 4]> = (0..2 * n).map(|i| [i + 1, 0, names[i as usize % 2], stack]).collect();
    let ends: Vec<[u64; 2]> = (0..2 * n).map(|i| [i + 1, stack]).collect();
    let mut events: Vec<(u64, u8, &[u64])> = vec![(1, code::GO_STATUS, &[1, 1, 2])];
    for i in 0..n as usize {
        let at = 10 + 1100 * i as u64;
        let (outer, inner) = (2 * i, 2 * i + 1);
        events.push((at, code::USER_TASK_BEGIN, &begins[outer]));
        events.push((at + 20, code::USER_TASK_BEGIN, &begins[inner]));
        events.push((at + 900, code::USER_TASK_END, &ends[inner]));
        events.push((at + 1000, code::USER_TASK_END, &ends[outer]));
    }
    trace.thread(1, 1, &events);
    trace.finish()
}

/// A goroutine waits on `n` stacks of 128 frames, over names of 1,000 bytes.
pub fn deep_stacks(n: u64) -> Vec<u8> {
    let names: Vec<String> = (0..=n / 6).map(|i| format!("main.{}{i:06}", "x".repeat(989))).collect();
    waits_on(n, |stack, frame| names[(stack * 31 + frame * 7) as usize % names.len()].clone())
}

/// The same where each frame of each stack is at a line of its own.
fn many_lines(n: u64) -> Vec<u8> {
    waits_on(n, |stack, frame| format!("main.f:{}", stack * 128 + frame))
}

fn waits_on(n: u64, name: impl Fn(u64, u64) -> String) -> Vec<u8> {
    let mut trace = Trace::new();
    let (entry, reason) = (trace.names.stack(&["main.main"]), trace.names.string(b"sync"));
    let stacks = (0..n).map(|stack| {
        let frames: Vec<String> = (0..127).map(|frame| name(stack, frame)).chain(["main.main".to_owned()]).collect();
        [reason, trace.names.stack(&frames.iter().map(String::as_str).collect::<Vec<_>>())]
    });
    let waits: Vec<[u64; 2]> = stacks.collect();
    let (starts, wakes): (Vec<_>, Vec<_>) = (0..n).map(|i| ([9, 2 * i + 1], [9, 2 * i + 2, entry])).unzip();
    let mut waiter: Vec<(u64, u8, &[u64])> = Vec::new();
    let created = [9, entry, entry];
    let mut waker: Vec<(u64, u8, &[u64])> = vec![(1, code::GO_STATUS, &[1, 1, 2]), (2, code::GO_CREATE, &created)];
    for i in 0..n as usize {
        let at = 10 + 40 * i as u64;
        waiter.push((at, code::GO_START, &starts[i]));
        waiter.push((at + 10, code::GO_BLOCK, &waits[i]));
        waker.push((at + 30, code::GO_UNBLOCK, &wakes[i]));
    }
    trace.thread(1, 1, &waker);
    trace.thread(1, 2, &waiter);
    trace.finish()
}

/// A server with a thread on every core: on each, one goroutine that another thread wakes, which runs, wakes the next
/// thread's and waits; all threads in turn. About `n_events` events.
pub fn server(threads: u64, n_events: u64) -> Vec<u8> {
    let mut trace = Trace::new();
    let (entry, creation) = (trace.names.stack(&["main.worker"]), trace.names.stack(&["main.main"]));
    let (wait, wake) =
        (trace.names.stack(&["main.wait", "main.worker"]), trace.names.stack(&["main.wake", "main.worker"]));
    let blocked = [trace.names.string(b"chan receive"), wait];
    let created: Vec<[u64; 3]> = (0..threads).map(|t| [t + 10, entry, creation]).collect();
    let creations: Vec<_> = created.iter().zip(1..).map(|(args, at)| (at, code::GO_CREATE, &args[..])).collect();
    trace.thread(1, threads + 1, &creations);
    let cycles = n_events / 3 / threads;
    for t in 0..threads {
        let starts: Vec<[u64; 2]> = (0..cycles).map(|k| [t + 10, 1 + 2 * k]).collect();
        // The one before it waits by now; the first thread's turn comes after the last one's of the turn before.
        let (neighbour, behind) = if t == 0 { (threads + 9, 1) } else { (t + 9, 0) };
        let wakes: Vec<[u64; 3]> =
            (0..cycles).map(|k| [neighbour, (2 + 2 * k).saturating_sub(2 * behind), wake]).collect();
        let mut events: Vec<(u64, u8, &[u64])> = Vec::new();
        for k in 0..cycles as usize {
            let at = 4 * threads + (k as u64 * threads + t) * 4;
            events.push((at, code::GO_START, &starts[k]));
            if k as u64 >= behind {
                events.push((at + 1, code::GO_UNBLOCK, &wakes[k]));
            }
            events.push((at + 2, code::GO_BLOCK, &blocked));
        }
        trace.thread(1, t + 1, &events);
    }
    trace.finish()
}
