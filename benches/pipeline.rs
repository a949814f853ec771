//! How fast the parts are: decoding, ordering, both passes together, writing pprof.
//!
//! On the largest trace of the repository, or on `GOTRACE_SLICE_BENCH=FILE` with roots `GOTRACE_SLICE_BENCH_ROOT`.
//! `cargo bench --bench pipeline WORD` runs those whose names have the word. A line says the median and the fastest of
//! the samples, and how much is done in a second of the median.

#![allow(clippy::print_stdout, reason = "the lines are the result")]

use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::Profile;
use gotrace_slice::render::{self, Format};
use gotrace_slice::slice::Selector;
use gotrace_slice::trace::event::Event;
use gotrace_slice::trace::ids::GIdx;
use gotrace_slice::trace::testing::{
    BatchReader, Clock, Generation, GenerationInput, GenerationNames, Index, Instances, Sink, ThreadBatches, TickTable,
    WireEvent, Workspace, code, known_codes, order, read_index, read_sync,
};
use gotrace_slice::trace::time::Time;
use gotrace_slice::trace::version::{Dialect, HEADER_SIZE, Header, V2, read_header};
use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A trace in memory, its batches found.
struct Trace {
    bytes: Vec<u8>,
    index: Index,
    clock: Clock,
    known: [bool; 256],
    selector: Selector,
}

fn trace() -> Trace {
    let path = std::env::var("GOTRACE_SLICE_BENCH")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/traces/go1.26/server.trace").to_owned());
    let root = std::env::var("GOTRACE_SLICE_BENCH_ROOT").unwrap_or_else(|_| "Handler".to_owned());
    let bytes = std::fs::read(path).expect("a readable trace");
    let version = v2(&bytes);
    let index = read_index(&bytes, version, 0).expect("an index");
    let sync = read_sync(&bytes, &index.generations[0], &mut Vec::new()).expect("a clock");
    let selector = Selector::builder().root(root).build().expect("a pattern");
    let clock = Clock::new(sync.frequency.expect("a frequency"));
    Trace { bytes, index, clock, known: known_codes(version), selector }
}

fn v2(bytes: &[u8]) -> V2 {
    match read_header(&bytes[..HEADER_SIZE]) {
        Header::Known(version) => match version.dialect {
            Dialect::V2(row) => row,
            Dialect::V1(_) => panic!("a trace of Go 1.22 or later is needed"),
        },
        other => panic!("{other:?}"),
    }
}

/// Decodes all events of a generation, thread by thread.
fn each_event(trace: &Trace, generation: &Generation<'_>, mut take: impl FnMut(&WireEvent)) {
    let batches = ThreadBatches::new(generation);
    let mut event = WireEvent { pos: 0, time: Time::MIN, code: 0, args: [0; 4] };
    let mut reader = BatchReader::empty();
    let ticks = TickTable::new(trace.clock);
    for thread in 0..generation.index.threads.len() {
        for &batch in batches.of(thread) {
            let batch = &generation.index.batches[batch as usize];
            reader.open(generation, batch, trace.clock, &mut event).expect("bytes in memory");
            while let Ok(true) = reader.next(&trace.known, &ticks, &mut event) {
                take(&event);
            }
        }
    }
}

fn decode(trace: &Trace, generation: &Generation<'_>) -> u64 {
    let mut events = 0;
    each_event(trace, generation, |event| {
        events += 1;
        black_box(event);
    });
    events
}

/// Every id is one goroutine: enough for ordering.
struct Ids(HashMap<u64, GIdx>);

impl Ids {
    fn of(trace: &Trace, generation: &Generation<'_>) -> Self {
        let mut ids = HashMap::new();
        each_event(trace, generation, |event| {
            if matches!(event.code, code::GO_CREATE | code::GO_CREATE_BLOCKED | code::GO_START | code::GO_STATUS) {
                let next = GIdx(ids.len() as u32);
                ids.entry(event.args[0]).or_insert(next);
            }
        });
        Self(ids)
    }
}

impl Instances for Ids {
    fn current(&self, id: u64) -> GIdx {
        self.0.get(&id).copied().unwrap_or(GIdx::NONE)
    }

    fn created(&mut self, _thread: usize, id: u64) -> GIdx {
        self.current(id)
    }
}

/// Wants every event and does nothing with it.
struct Swallow;

impl Sink for Swallow {
    fn wants(&self, _: GIdx) -> bool {
        true
    }

    fn event(&mut self, event: &Event, _: u64) {
        black_box(event);
    }
}

/// How often each is measured. A sample takes a tenth of a second at least.
const SAMPLES: usize = 20;
const SAMPLE: Duration = Duration::from_millis(100);

/// What is measured, and how.
struct Bench {
    /// `cargo bench` says so. Otherwise each runs once, which shows that it works.
    measures: bool,
    word: String,
}

impl Bench {
    fn from_arguments() -> Self {
        let (flags, words): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|a| a.starts_with("--"));
        Self { measures: flags.iter().any(|f| f == "--bench"), word: words.concat() }
    }

    /// Runs `work`, which handles `amount` of a unit.
    fn run(&self, name: &str, amount: u64, unit: &str, mut work: impl FnMut()) {
        if !name.contains(&self.word) {
            return;
        }
        let mut time = |n: u32| {
            let started = Instant::now();
            (0..n).for_each(|_| work());
            started.elapsed()
        };
        if !self.measures {
            time(1);
            return println!("{name}: works");
        }
        // As many runs in a sample as its time needs, measured when the caches are warm.
        let mut n = 1;
        while time(n) < SAMPLE {
            n *= 2;
        }
        let mut seconds: Vec<f64> = (0..SAMPLES).map(|_| time(n).as_secs_f64() / f64::from(n)).collect();
        seconds.sort_by(f64::total_cmp);
        let (median, fastest) = (seconds[SAMPLES / 2], seconds[0]);
        let rate = amount as f64 / median / 1e6;
        println!("{name:36} {:>10.3} ms, fastest {:>10.3} ms {rate:>9.1} M{unit}/s", median * 1e3, fastest * 1e3);
    }
}

fn parts(bench: &Bench) {
    let trace = trace();
    let (mut bytes, mut events) = (0, 0);
    for generation in &trace.index.generations {
        let read = Generation::new(&trace.bytes, generation);
        bytes += generation.end - generation.start;
        events += decode(&trace, &read);
    }

    bench.run("decode: events of all threads", bytes, "B", || {
        for generation in &trace.index.generations {
            let read = Generation::new(&trace.bytes, generation);
            black_box(decode(&trace, &read));
        }
    });

    let names = GenerationNames::default();
    let mut workspace = Workspace::default();
    let mut ids: Vec<Ids> = Vec::new();
    for generation in &trace.index.generations {
        ids.push(Ids::of(&trace, &Generation::new(&trace.bytes, generation)));
    }
    bench.run("order: all generations, one thread", events, " events", || {
        for (generation, ids) in trace.index.generations.iter().zip(&mut ids) {
            let read = Generation::new(&trace.bytes, generation);
            let input = GenerationInput {
                generation: &read,
                clock: trace.clock,
                known: &trace.known,
                samples: &[],
                names: &names,
                n_goroutines: ids.0.len(),
                first_gc: None,
                last: Time::MIN,
                from: None,
                until: None,
            };
            black_box(order(&input, ids, &mut workspace, &mut Swallow).expect("bytes in memory"));
        }
    });
}

fn slice(trace: &Trace, threads: usize) -> Box<Profile> {
    let inputs = [Input { name: "bench".into(), source: &trace.bytes, resolver: None }];
    let options = Options { threads, ..Options::default() };
    match pipeline::profile(&inputs, &trace.selector, options, None) {
        Ok(Answer::Profile(profile)) => profile,
        other => panic!("{other:?}"),
    }
}

fn whole(bench: &Bench) {
    let trace = trace();
    let bytes = trace.bytes.len() as u64;
    for threads in [1, 2] {
        bench.run(&format!("pipeline: threads {threads}"), bytes, "B", || {
            black_box(slice(&trace, threads));
        });
    }
    let options = Options { threads: 1, ..Options::default() };
    bench.run("pipeline: candidates", bytes, "B", || {
        let inputs = [Input { name: "bench".into(), source: &trace.bytes, resolver: None }];
        black_box(pipeline::candidates(&inputs, None, options, None).expect("candidates"));
    });

    let profile = slice(&trace, 1);
    for name in ["pprof", "json", "folded", "text"] {
        let format = Format::by_name(name).expect("a format");
        bench.run(&format!("render: {name}"), profile.samples.len() as u64, " samples", || {
            let mut out = Vec::new();
            (format.profile)(&profile, &render::Options::default(), &mut out).expect("memory is writable");
            black_box(out);
        });
    }
}

fn main() {
    let bench = Bench::from_arguments();
    parts(&bench);
    whole(&bench);
}
