//! The lanes of an old trace merged into causal order, and converted to [`Event`](crate::trace::event::Event)s.
//!
//! In: the [`FileScan`] of a file. Out: an [`OldTrace`], whose events can be walked through as often as needed.
//!
//! 1. `lanes.rs` sorts the batches of a scan by proc: a lane of cells for each, and a reader of it. `laws.rs` looks whether
//!    the events of a lane contradict each other, and `ranges.rs` of all lanes.
//! 2. `stream.rs` reads a lane as the merge needs it, with the goroutine that executes; `slots.rs` has the goroutines by
//!    their ids.
//! 3. `merge.rs` merges the streams of Go 1.7 and later, by the `rules.rs` about goroutine states and with the heap of
//!    `frontier.rs`. `total.rs` sorts the events of Go 1.5 and 1.6 by their one sequence number.
//! 4. `builder.rs` takes the events in this order, writes what follows from it into their cells, and builds the
//!    `Order` of `ordered.rs`. `futile.rs` then flags futile wake-ups.
//! 5. `walk.rs` walks through the order; `convert.rs` converts each event, with `clock.rs` and `reasons.rs`, and calls
//!    the `visitor.rs` of the caller.
//! 6. `damage.rs` puts what was wrong into warnings.

mod builder;
mod clock;
mod convert;
mod damage;
mod frontier;
mod futile;
mod lanes;
mod laws;
mod merge;
mod ordered;
mod ranges;
mod reasons;
mod rules;
mod slots;
mod stream;
mod total;
mod visitor;
mod walk;

use super::{
    BrokenRules, FileScan, GapCause, Kind, RecordFormat, TableSource, Tables, middle, read_tables, scan, scan_from,
};
use crate::trace::binary::Resolver;
use crate::trace::error::{Error, ErrorKind, Result, Warning};
use crate::trace::ids::GoId;
use crate::trace::source::{Source, read_full};
use crate::trace::symbols::Symbols;
use crate::trace::time::Time;
use crate::trace::version::{HEADER_SIZE, V1, WorldStops};
use builder::{ClockDisorder, OrderBuilder};
use clock::Clock;
use damage::Damage;
use lanes::Lanes;
use laws::broken_rules;
use merge::{ForcedEvents, MergeResult, merge};
use ordered::Order;
use reasons::Reasons;
use stream::TraceBytes;

pub(crate) use visitor::{BriefEvent, Visitor};
pub(crate) use walk::{WalkStart, WalkSummary};

/// Number of bytes that one read asks for.
const CHUNK: usize = 1 << 20;

/// A whole old trace in causal order.
#[derive(Debug)]
pub struct OldTrace {
    /// Its strings, frames and stacks.
    pub symbols: Symbols,
    /// The id in the file of every goroutine instance, by its [`GIdx`](crate::trace::ids::GIdx). An instance is one creation
    /// of an id. A goroutine that is older than the trace, or whose creation is lost, is an instance too.
    pub goroutines: Vec<GoId>,
    /// When the trace starts: 1 ns before its first event, as in Go's reader.
    pub start: Time,
    /// Time of the last event; the same as `start` before a walk.
    pub end: Time,
    /// Number of timed events in the file.
    pub file_events: u64,
    /// Whether functions are addresses that only the program's binary can name (Go 1.5 and 1.6), and it was not given.
    pub needs_binary: bool,
    /// Offset of another trace after this one in the same source; none if there is none.
    pub next_trace: Option<u64>,
    /// Bytes that are no records, up to the next trace.
    pub skipped: u64,
    /// GOMAXPROCS at the start of the trace; none before a walk, and where the trace does not say so.
    pub first_procs: Option<u64>,
    /// Whether no data is missing; known after a walk.
    pub complete: bool,
    /// What a reader of the result must know; known after a walk.
    pub warnings: Vec<Warning>,
    bytes: Vec<u8>,
    format: RecordFormat,
    lanes: Lanes,
    order: Order,
    tables: Tables,
    reasons: Reasons,
    clock: Clock,
    stops: WorldStops,
    /// Whether the trace begins with announcements of the goroutines that exist already, as far as damage lets us know.
    announces: bool,
    /// For the warnings; none when these are made.
    findings: Option<Box<Findings>>,
}

impl OldTrace {
    fn file(&self) -> TraceBytes<'_> {
        TraceBytes { format: &self.format, bytes: &self.bytes }
    }
}

/// Reads a whole old trace. `resolver` names addresses in traces without names.
///
/// Fails only if the source does or there is no event; all other damage is in [`OldTrace::warnings`].
pub fn read(source: &dyn Source, version: V1, resolver: Option<&dyn Resolver>) -> Result<OldTrace> {
    let mut trace = open(source, version, resolver, 1)?;
    let summary = trace.walk(|_| {});
    trace.finish(summary);
    Ok(trace)
}

/// As [`read`], for callers that walk through the events anyway: [`OldTrace::finish`] takes what a walk finds. Where
/// `threads` is more than 1, the halves of the file are scanned in parallel, in the rayon pool of the caller; the
/// result is the same.
pub(crate) fn open(
    source: &dyn Source,
    version: V1,
    resolver: Option<&dyn Resolver>,
    threads: usize,
) -> Result<OldTrace> {
    let format = RecordFormat::new(version);
    let bytes = read_all(source)?;
    let mut scanned =
        (threads > 1).then(|| scan_halves(&format, &bytes)).flatten().unwrap_or_else(|| scan(&format, &bytes));
    if scanned.n_events == 0 {
        return Err(nothing_usable(&bytes, &scanned));
    }
    let frequency = clock::plausible(scanned.frequency);
    let file = TraceBytes { format: &format, bytes: &bytes };
    let mut lanes = Lanes::new(&mut scanned);
    let mut broken = broken_rules(&lanes);
    let MergeResult { mut builder, forced } = order_lanes(file, &mut lanes, version, frequency);
    broken.join(scanned.broken);
    broken.join(builder.broken);
    if scanned.gaps.iter().all(|gap| gap.cause == GapCause::SecondTrace) {
        // Behind lost events nobody knows what is open.
        broken.join(builder.ranges.broken);
        if version.stops != WorldStops::None {
            broken.join(builder.ranges.broken_stops);
        }
    }
    let (disorder, goroutines) = (builder.disorder, std::mem::take(&mut builder.goroutines));
    let order = Order::new(builder);
    if scanned.n_futile > 0 {
        futile::flag_futile(&order, &mut lanes);
    }
    let mut symbols = Symbols::default();
    let starts = if version.symbols { Vec::new() } else { start_addresses(file, &lanes) };
    let source = TableSource { format: &format, bytes: &bytes, scan: &scanned, starts: &starts, resolver };
    let tables = read_tables(source, &mut symbols);
    let reasons = Reasons::new(version.stops, &mut symbols);
    let clock = Clock::new(order.first_ticks, frequency);
    let announces = scanned.sound_start || scanned.gaps.first().is_none_or(|gap| gap.end == bytes.len() as u64);
    Ok(OldTrace {
        symbols,
        goroutines,
        start: Time(-1),
        end: Time(-1),
        file_events: scanned.n_events,
        needs_binary: !version.symbols && resolver.is_none(),
        next_trace: scanned.gaps.iter().find(|g| g.cause == GapCause::SecondTrace).map(|g| g.start),
        skipped: scanned.gaps.iter().filter(|g| g.cause != GapCause::SecondTrace).map(|g| g.end - g.start).sum(),
        first_procs: None,
        complete: true,
        warnings: Vec::new(),
        format,
        lanes,
        order,
        tables,
        reasons,
        clock,
        stops: version.stops,
        announces,
        bytes,
        findings: Some(Box::new(Findings { scanned, forced, broken, disorder })),
    })
}

/// What scanning and ordering found. With what a walk finds, the warnings are made of it.
#[derive(Debug)]
struct Findings {
    scanned: FileScan,
    forced: ForcedEvents,
    broken: BrokenRules,
    disorder: ClockDisorder,
}

impl OldTrace {
    /// Takes what a walk through the whole trace found, and makes the warnings.
    pub fn finish(&mut self, summary: WalkSummary) {
        self.end = summary.end;
        self.first_procs = summary.first_procs;
        if let Some(findings) = self.findings.take() {
            let Findings { scanned, forced, broken, disorder } = *findings;
            let damage = Damage { forced, broken, disorder, missing_stacks: summary.missing_stacks };
            let warnings = damage::warnings(self, &scanned, damage);
            self.warnings.splice(0..0, warnings);
            self.complete = !self.warnings.iter().any(|w| w.data_lost);
        }
    }
}

/// The scan of a file whose halves are scanned in parallel; none where damage in the first half makes that wrong.
fn scan_halves(format: &RecordFormat, bytes: &[u8]) -> Option<FileScan> {
    let at = middle(format, bytes)?;
    let (first, second) = rayon::join(|| scan(format, &bytes[..at]), || scan_from(format, bytes, at));
    first.join(second)
}

fn read_all(source: &dyn Source) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let at = bytes.len();
        bytes.resize(at + CHUNK, 0);
        let n = read_full(source, &mut bytes[at..], at as u64)?;
        bytes.truncate(at + n);
        if n < CHUNK {
            return Ok(bytes);
        }
    }
}

/// Orders lanes.
fn order_lanes(file: TraceBytes<'_>, lanes: &mut Lanes, version: V1, frequency: Option<u64>) -> MergeResult {
    if version.total_sequence {
        let builder = total::order(file, lanes);
        return MergeResult { builder, forced: ForcedEvents::default() };
    }
    if let Some(merged) = merge(file, lanes, None) {
        return merged;
    }
    // The merge wrote into the cells, so a damaged trace is scanned again.
    *lanes = Lanes::new(&mut scan(file.format, file.bytes));
    merge(file, lanes, Some(patience(frequency)))
        .unwrap_or_else(|| MergeResult { builder: OrderBuilder::default(), forced: ForcedEvents::default() })
}

/// How many ticks an event may wait for an earlier one in a trace with missing events: 10 µs. The clocks of cores differ
/// by far less (246 ns in the trace that Go's tests have for bad clocks).
fn patience(frequency: Option<u64>) -> i64 {
    frequency.map_or(1 << 9, |f| (f / 100_000) as i64).max(1)
}

/// The start addresses of all goroutines, sorted, for versions that have those instead of stacks.
fn start_addresses(file: TraceBytes<'_>, lanes: &Lanes) -> Vec<u64> {
    let mut starts = Vec::new();
    for lane in 0..lanes.len() {
        let mut reader = lanes.reader(lane);
        while let Some(at) = reader.next(lanes) {
            if lanes.cells[at].kind == Kind::GoCreate {
                starts.extend(file.read_event(reader.pos).map(|event| event.args[1]));
            }
        }
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}

fn nothing_usable(bytes: &[u8], scan: &FileScan) -> Error {
    let n_after = bytes.len().saturating_sub(HEADER_SIZE);
    let text = if n_after == 0 {
        "the trace is a header without events: the program ended before the runtime wrote its first buffer \
         (was trace.Stop called?)"
            .to_owned()
    } else if scan.batches.is_empty() {
        format!("none of the {n_after} bytes after the header is a sound batch of events")
    } else {
        format!("the trace has no events in the {n_after} bytes after its header")
    };
    let at = scan.gaps.first().map_or(bytes.len() as u64, |gap| gap.start);
    Error::at(ErrorKind::NothingUsable(text), at)
}
