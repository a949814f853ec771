//! Old traces: their procs' streams merged, and converted to [`Event`](crate::event::Event)s at the border.
//!
//! ```text
//! bytes ── scan ──> pieces per proc ── merge ──> entries ── move_exits ──> entries ── Events ──> Event, Event, …
//!            └────> strings, stacks, frequency ───────────────────────────────┘
//! ```
//!
//! The whole trace is one generation, and an old event takes 2 to 10 bytes; so the bytes stay in memory with one
//! `Entry` per event, and events are made anew each time they are walked through.

mod clock;
mod convert;
mod damage;
mod frontier;
mod ledger;
mod merge;
mod rules;
mod settle;
mod slots;
mod stream;
mod total;
mod words;

pub use convert::Events;

use crate::binary::Resolver;
use crate::error::{Error, ErrorKind, Result, Warning};
use crate::format::cursor::Cursor;
use crate::format::v1::{GapCause, Kind, Piece, Record, Scan, Tables, Wire, read_tables, scan};
use crate::format::version::{HEADER_SIZE, V1, WorldStops};
use crate::ids::GoId;
use crate::source::Source;
use crate::symbols::Symbols;
use crate::time::Time;
use clock::Clock;
use damage::Damage;
use ledger::{Disorder, Entry, Ledger};
use merge::{Forced, Merged, merge};
use stream::Stream;
use words::Words;

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// A whole old trace in causal order.
#[derive(Debug)]
pub struct OldTrace {
    /// Its strings, frames and stacks.
    pub symbols: Symbols,
    /// Id in the file of every goroutine instance, by [`GIdx`](crate::ids::GIdx). An instance is one creation of an
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
    entries: Vec<Entry>,
    tables: Tables,
    words: Words,
    clock: Clock,
    stops: WorldStops,
    /// Whether the trace begins with announcements of the goroutines that exist already.
    announces: bool,
    unsettled: Option<Box<Unsettled>>,
}

impl OldTrace {
    /// Its events in causal order, times strictly increasing. Walked through as often as needed, always the same.
    pub fn events(&self) -> Events<'_> {
        Events::new(self)
    }
}

/// Reads a whole old trace. `resolver` names addresses in traces that have no names.
///
/// Fails only when no event can be used; all other damage is in [`OldTrace::warnings`].
pub fn read(source: &dyn Source, version: V1, resolver: Option<&dyn Resolver>) -> Result<OldTrace> {
    let mut trace = open(source, version, resolver)?;
    let mut events = trace.events();
    let end = events.by_ref().last().map_or(trace.start, |e| e.time);
    let walked = events.walked(end);
    trace.settle(walked);
    Ok(trace)
}

/// Like [`read`], for who walks through the events anyway: what only a walk can tell comes with
/// [`OldTrace::settle`].
pub fn open(source: &dyn Source, version: V1, resolver: Option<&dyn Resolver>) -> Result<OldTrace> {
    let wire = Wire::new(version);
    let bytes = read_all(source)?;
    let mut parts = scan(&wire, &bytes);
    if parts.n_events == 0 {
        return Err(nothing_usable(&bytes, &parts));
    }
    let frequency = clock::plausible(parts.frequency);
    let Merged { mut ledger, forced } = in_order(&wire, &bytes, &mut parts, version, frequency);
    settle::move_exits(&mut ledger);
    if parts.n_futile > 0 {
        let kind_at = |pos: u64| bytes.get(pos as usize).and_then(|code| Kind::of(code & 0x3f));
        settle::remove_futile(&mut ledger.entries, kind_at);
    }
    let mut symbols = Symbols::default();
    let starts = if version.symbols { Vec::new() } else { start_addresses(&wire, &bytes, &ledger.entries) };
    let tables = read_tables(&wire, &bytes, &parts, &starts, resolver, &mut symbols);
    let words = Words::new(version.stops, &mut symbols);
    let clock = Clock::new(ledger.entries.first().map_or(0, |e| e.ticks), frequency);
    let announces = parts.sound_start || parts.gaps.first().is_none_or(|gap| gap.end == bytes.len() as u64);
    Ok(OldTrace {
        symbols,
        goroutines: ledger.goroutines,
        start: Time(-1),
        end: Time(-1),
        file_events: parts.n_events,
        needs_binary: !version.symbols && resolver.is_none(),
        next_trace: parts.gaps.iter().find(|g| g.cause == GapCause::SecondTrace).map(|g| g.start),
        first_procs: None,
        complete: true,
        warnings: Vec::new(),
        wire,
        entries: ledger.entries,
        tables,
        words,
        clock,
        stops: version.stops,
        announces,
        bytes,
        unsettled: Some(Box::new(Unsettled { parts, forced, disorder: ledger.disorder })),
    })
}

/// What is wrong with a trace, before a walk through its events tells the rest.
#[derive(Debug)]
struct Unsettled {
    parts: Scan,
    forced: Forced,
    disorder: Disorder,
}

/// What a walk through all events tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Walked {
    /// Time of the last event.
    pub end: Time,
    /// GOMAXPROCS when the trace began.
    pub first_procs: Option<u64>,
    missing_stacks: u64,
}

impl Events<'_> {
    /// What the walk told, once it is over; `end` is the time of the last event.
    pub fn walked(&self, end: Time) -> Walked {
        Walked { end, first_procs: self.first_procs, missing_stacks: self.missing_stacks }
    }
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

fn read_all(source: &dyn Source) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let at = bytes.len();
        bytes.resize(at + CHUNK, 0);
        let n = source.read_full_at(&mut bytes[at..], at as u64)?;
        bytes.truncate(at + n);
        if n < CHUNK {
            return Ok(bytes);
        }
    }
}

/// Streams of the procs in the order of their ids, the CPU samples last: at equal times this order holds.
fn streams<'a>(bytes: &'a [u8], pieces: &'a [Piece], scan: &'a Scan) -> Vec<Stream<'a>> {
    let procs = pieces.chunk_by(|a, b| a.proc == b.proc);
    procs.map(|pieces| Stream::new(bytes, pieces)).chain([Stream::of_samples(&scan.samples)]).collect()
}

fn in_order(wire: &Wire, bytes: &[u8], scan: &mut Scan, version: V1, frequency: Option<u64>) -> Merged {
    let mut pieces = std::mem::take(&mut scan.pieces);
    pieces.sort_by_key(|piece| piece.proc);
    scan.samples.sort_by_key(|sample| sample.ticks);
    let streams = || streams(bytes, &pieces, scan);
    if version.total_sequence {
        return Merged { ledger: total::order(wire, streams(), scan.n_events), forced: Forced::default() };
    }
    merge(wire, streams(), scan.n_events, None)
        .or_else(|| merge(wire, streams(), scan.n_events, Some(patience(frequency))))
        .unwrap_or_else(|| Merged { ledger: Ledger::default(), forced: Forced::default() })
}

/// How many ticks an event may wait for an earlier one in a trace with missing events: 10 µs, far more than the
/// clocks of the cores differ (246 ns in a trace that Go keeps as an example of bad ones).
fn patience(frequency: Option<u64>) -> i64 {
    frequency.map_or(1 << 9, |f| (f / 100_000) as i64).max(1)
}

/// The start addresses of all goroutines, in versions that write those instead of stacks.
fn start_addresses(wire: &Wire, bytes: &[u8], entries: &[Entry]) -> Vec<u64> {
    let read = |entry: &Entry| match wire.read(&mut Cursor::new(bytes.get(entry.pos() as usize..)?, 0)) {
        Ok(Some(Record::Event(event))) if event.kind == Kind::GoCreate => Some(event.args[1]),
        _ => None,
    };
    let mut starts: Vec<u64> = entries.iter().filter_map(read).collect();
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
