//! How fast the parts are: decoding, ordering, both passes together, writing pprof.
//!
//! On the largest trace of the repository, or on `GOTRACE_SLICE_BENCH=FILE` with roots `GOTRACE_SLICE_BENCH_ROOT`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::Profile;
use gotrace_slice::render::{self, Format};
use gotrace_slice::slice::{PatternSyntax, Patterns, RootBy, Selector};
use gotrace_slice::trace::event::{Event, Sink};
use gotrace_slice::trace::ids::GIdx;
use gotrace_slice::trace::time::Time;
use gotrace_slice::trace::v2::clock::{Clock, TickTable, read_sync};
use gotrace_slice::trace::v2::codes::known_codes;
use gotrace_slice::trace::v2::generation::{Generation, ThreadBatches};
use gotrace_slice::trace::v2::index::{Index, read_index};
use gotrace_slice::trace::v2::order::frontier::{GenerationInput, Workspace, order};
use gotrace_slice::trace::v2::order::scheduler::Instances;
use gotrace_slice::trace::v2::order::translate::GenerationNames;
use gotrace_slice::trace::v2::reader::{BatchReader, WireEvent};
use gotrace_slice::trace::version::{Dialect, HEADER_SIZE, Header, V2, read_header};
use gotrace_slice::trace::wire::event_spec::code;
use std::collections::HashMap;
use std::hint::black_box;

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
    let selector = Selector {
        roots: Patterns::new("--root", &[root], PatternSyntax::default()).expect("a pattern"),
        root_by: RootBy::default(),
        exclude: None,
        whole_life: false,
        time: None,
        goids: Vec::new(),
    };
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

fn parts(c: &mut Criterion) {
    let trace = trace();
    let (mut bytes, mut events) = (0, 0);
    for generation in &trace.index.generations {
        let read = Generation::new(&trace.bytes, generation);
        bytes += generation.end - generation.start;
        events += decode(&trace, &read);
    }

    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("events of all threads", |b| {
        b.iter(|| {
            for generation in &trace.index.generations {
                let read = Generation::new(&trace.bytes, generation);
                black_box(decode(&trace, &read));
            }
        });
    });
    group.finish();

    let mut group = c.benchmark_group("order");
    group.throughput(Throughput::Elements(events));
    group.bench_function("all generations, one thread", |b| {
        let names = GenerationNames::default();
        let mut workspace = Workspace::default();
        let mut ids: Vec<Ids> = Vec::new();
        for generation in &trace.index.generations {
            ids.push(Ids::of(&trace, &Generation::new(&trace.bytes, generation)));
        }
        b.iter(|| {
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
    });
    group.finish();
}

fn slice(trace: &Trace, threads: usize) -> Box<Profile> {
    let inputs = [Input { name: "bench".into(), source: &trace.bytes, resolver: None }];
    let options = Options { threads, ..Options::default() };
    match pipeline::profile(&inputs, &trace.selector, options, None) {
        Ok(Answer::Profile(profile)) => profile,
        other => panic!("{other:?}"),
    }
}

fn whole(c: &mut Criterion) {
    let trace = trace();
    let mut group = c.benchmark_group("pipeline");
    group.throughput(Throughput::Bytes(trace.bytes.len() as u64));
    for threads in [1, 2] {
        group.bench_with_input(BenchmarkId::new("threads", threads), &threads, |b, &threads| {
            b.iter(|| black_box(slice(&trace, threads)));
        });
    }
    group.bench_function("candidates", |b| {
        let options = Options { threads: 1, ..Options::default() };
        b.iter(|| {
            let inputs = [Input { name: "bench".into(), source: &trace.bytes, resolver: None }];
            black_box(pipeline::candidates(&inputs, options, None).expect("candidates"));
        });
    });
    group.finish();

    let profile = slice(&trace, 1);
    let mut group = c.benchmark_group("render");
    group.throughput(Throughput::Elements(profile.samples.len() as u64));
    for name in ["pprof", "json", "folded", "text"] {
        let format = Format::by_name(name).expect("a format");
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut out = Vec::new();
                (format.profile)(&profile, &render::Options::default(), &mut out).expect("memory is writable");
                black_box(out);
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = parts, whole
}
criterion_main!(benches);
