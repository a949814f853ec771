//! Old traces: their procs' streams merged, and converted to [`Event`](crate::trace::event::Event)s at the border.
//!
//! ```text
//! bytes ── scan ──> a lane of cells per proc ── merge ──> order of the cells ── convert ──> Event, Event, …
//!            └────> strings, stacks, frequency ───────────────────────────────────┘
//! ```
//!
//! The whole trace is one generation. An old event takes 2 to 10 bytes; each is decoded once, into a cell of 16. The
//! order is which lane comes next for how many cells, and what it tells of an event goes into its cell. Events,
//! which are three times as large, are made anew each time they are walked through.

mod clock;
mod convert;
mod damage;
mod entries;
mod frontier;
mod lanes;
mod ledger;
mod merge;
mod rules;
mod settle;
mod slots;
mod stream;
mod total;
mod walk;
mod words;

use super::{GapCause, Kind, Scan, Tables, Wire, middle, read_tables, scan, scan_from};
use crate::trace::binary::Resolver;
use crate::trace::error::{Error, ErrorKind, Result, Warning};
use crate::trace::ids::GoId;
use crate::trace::source::{Source, read_full};
use crate::trace::symbols::Symbols;
use crate::trace::time::Time;
use crate::trace::version::{HEADER_SIZE, V1, WorldStops};
use clock::Clock;
use damage::Damage;
use entries::Order;
use lanes::Lanes;
use ledger::{Disorder, Ledger};
use merge::{Forced, Merged, merge};
use stream::File;
use words::Words;

pub use convert::BriefEvent;
pub use walk::{Start, Visitor, Walked};

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// A whole old trace in causal order.
#[derive(Debug)]
pub struct OldTrace {
    /// Its strings, frames and stacks.
    pub symbols: Symbols,
    /// Id in the file of every goroutine instance, by [`GIdx`](crate::trace::ids::GIdx). An instance is one creation of an
    /// id; one that exists before the trace, or whose creation is lost, has its own as well.
    pub goroutines: Vec<GoId>,
    /// When the trace starts: 1 ns before its first event, as Go's reader has it.
    pub start: Time,
    /// Time of the last event.
    pub end: Time,
    /// Timed events in the file.
    pub file_events: u64,
    /// Whether the functions are addresses that only the program's binary can name (Go 1.5 and 1.6).
    pub needs_binary: bool,
    /// Where another trace begins behind this one, in the same source.
    pub next_trace: Option<u64>,
    /// GOMAXPROCS when the trace began.
    pub first_procs: Option<u64>,
    /// Whether nothing is missing.
    pub complete: bool,
    /// What a reader of the result must know.
    pub warnings: Vec<Warning>,
    bytes: Vec<u8>,
    wire: Wire,
    lanes: Lanes,
    order: Order,
    tables: Tables,
    words: Words,
    clock: Clock,
    stops: WorldStops,
    /// Whether the trace begins with announcements of the goroutines that exist already.
    announces: bool,
    unsettled: Option<Box<Unsettled>>,
}

impl OldTrace {
    fn file(&self) -> File<'_> {
        File { wire: &self.wire, bytes: &self.bytes }
    }
}

/// Reads a whole old trace. `resolver` names addresses in traces that have no names.
///
/// Fails only when no event can be used; all other damage is in [`OldTrace::warnings`].
pub fn read(source: &dyn Source, version: V1, resolver: Option<&dyn Resolver>) -> Result<OldTrace> {
    let mut trace = open(source, version, resolver, None)?;
    let walked = trace.walk(|_| {});
    trace.settle(walked);
    Ok(trace)
}

/// Does two things, side by side or one after the other.
pub type Both<'a> = &'a dyn Fn(&(dyn Fn() -> Scan + Sync), &(dyn Fn() -> Scan + Sync)) -> (Scan, Scan);

/// Like [`read`], for who walks through the events anyway: what only a walk can tell comes with
/// [`OldTrace::settle`]. With `both` the halves of the file are scanned by themselves.
pub fn open(
    source: &dyn Source,
    version: V1,
    resolver: Option<&dyn Resolver>,
    both: Option<Both<'_>>,
) -> Result<OldTrace> {
    let wire = Wire::new(version);
    let bytes = read_all(source)?;
    let mut parts = both.and_then(|both| scan_halves(&wire, &bytes, both)).unwrap_or_else(|| scan(&wire, &bytes));
    if parts.n_events == 0 {
        return Err(nothing_usable(&bytes, &parts));
    }
    let frequency = clock::plausible(parts.frequency);
    let file = File { wire: &wire, bytes: &bytes };
    let (mut lanes, Merged { mut ledger, forced }) = in_order(file, &mut parts, version, frequency);
    let (disorder, goroutines) = (ledger.disorder, std::mem::take(&mut ledger.goroutines));
    let order = Order::of(ledger);
    if parts.n_futile > 0 {
        settle::mark_futile(&order, &mut lanes);
    }
    let mut symbols = Symbols::default();
    let starts = if version.symbols { Vec::new() } else { start_addresses(file, &lanes) };
    let tables = read_tables(&wire, &bytes, &parts, &starts, resolver, &mut symbols);
    let words = Words::new(version.stops, &mut symbols);
    let clock = Clock::new(order.first_ticks, frequency);
    let announces = parts.sound_start || parts.gaps.first().is_none_or(|gap| gap.end == bytes.len() as u64);
    Ok(OldTrace {
        symbols,
        goroutines,
        start: Time(-1),
        end: Time(-1),
        file_events: parts.n_events,
        needs_binary: !version.symbols && resolver.is_none(),
        next_trace: parts.gaps.iter().find(|g| g.cause == GapCause::SecondTrace).map(|g| g.start),
        first_procs: None,
        complete: true,
        warnings: Vec::new(),
        wire,
        lanes,
        order,
        tables,
        words,
        clock,
        stops: version.stops,
        announces,
        bytes,
        unsettled: Some(Box::new(Unsettled { parts, forced, disorder })),
    })
}

/// What is wrong with a trace, before a walk through its events tells the rest.
#[derive(Debug)]
struct Unsettled {
    parts: Scan,
    forced: Forced,
    disorder: Disorder,
}

impl OldTrace {
    /// Takes in what a walk told, and says what is wrong with the trace.
    pub fn settle(&mut self, walked: Walked) {
        self.end = walked.end;
        self.first_procs = walked.first_procs;
        if let Some(unsettled) = self.unsettled.take() {
            let Unsettled { parts, forced, disorder } = *unsettled;
            let damage = Damage { forced, disorder, missing_stacks: walked.missing_stacks };
            let warnings = damage::warnings(self, &parts, damage);
            self.warnings.splice(0..0, warnings);
            self.complete = !self.warnings.iter().any(|w| w.data_lost);
        }
    }
}

/// The scan of a file whose halves are read by themselves; none where damage is in the way.
fn scan_halves(wire: &Wire, bytes: &[u8], both: Both<'_>) -> Option<Scan> {
    let at = middle(wire, bytes)?;
    let (first, second) = both(&|| scan(wire, &bytes[..at]), &|| scan_from(wire, bytes, at));
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

fn in_order(file: File<'_>, scanned: &mut Scan, version: V1, frequency: Option<u64>) -> (Lanes, Merged) {
    let mut lanes = Lanes::new(scanned);
    if version.total_sequence {
        let ledger = total::order(file, &mut lanes);
        return (lanes, Merged { ledger, forced: Forced::default() });
    }
    if let Some(merged) = merge(file, &mut lanes, None) {
        return (lanes, merged);
    }
    // The merge wrote into the cells; a damaged trace is worth being read once more.
    lanes = Lanes::new(&mut scan(file.wire, file.bytes));
    let merged = merge(file, &mut lanes, Some(patience(frequency)))
        .unwrap_or_else(|| Merged { ledger: Ledger::default(), forced: Forced::default() });
    (lanes, merged)
}

/// How many ticks an event may wait for an earlier one in a trace with missing events: 10 µs, far more than the
/// clocks of the cores differ (246 ns in a trace that Go keeps as an example of bad ones).
fn patience(frequency: Option<u64>) -> i64 {
    frequency.map_or(1 << 9, |f| (f / 100_000) as i64).max(1)
}

/// The start addresses of all goroutines, in versions that write those instead of stacks.
fn start_addresses(file: File<'_>, lanes: &Lanes) -> Vec<u64> {
    let mut starts = Vec::new();
    for lane in 0..lanes.len() {
        let mut reader = lanes.reader(lane);
        while let Some(at) = reader.next(lanes) {
            if lanes.cells[at].kind == Kind::GoCreate {
                starts.extend(file.event(reader.pos).map(|event| event.args[1]));
            }
        }
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}

fn nothing_usable(bytes: &[u8], scan: &Scan) -> Error {
    let behind = bytes.len().saturating_sub(HEADER_SIZE);
    let text = if behind == 0 {
        "the trace is a header without events: the program ended before the runtime wrote its first buffer \
         (was trace.Stop called?)"
            .to_owned()
    } else if scan.pieces.is_empty() {
        format!("none of the {behind} bytes behind the header is a sound batch of events")
    } else {
        format!("the trace has no events in the {behind} bytes behind its header")
    };
    let at = scan.gaps.first().map_or(bytes.len() as u64, |gap| gap.start);
    Error::at(ErrorKind::NothingUsable(text), at)
}
