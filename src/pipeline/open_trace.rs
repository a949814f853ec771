//! One trace of either dialect: read, surveyed, measured. The only place that asks which dialect it is.

use super::looked_at;
use super::progress::Ticker;
use super::snapshots::GenerationKey;
use super::{Input, Options, v1, v2};
use crate::measure::{MeasureSpec, Measured};
use crate::profile::{ByteCount, TraceInfo};
use crate::slice::{Selector, TimeRange};
use crate::survey::{FirstCalls, Survey};
use crate::trace::error::{Error, ErrorKind, Result, Warning};
use crate::trace::event::Event;
use crate::trace::source::{Source, read_full};
use crate::trace::symbols::Symbols;
use crate::trace::time::Time;
use crate::trace::v2::split::Predictions;
use crate::trace::version::{Dialect, HEADER_SIZE, Header, VERSIONS, Version, read_header};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A trace whose bytes were understood.
pub(super) struct OpenTrace<'a> {
    /// Where it starts in the input.
    pub(super) start: u64,
    version: &'static Version,
    passes: Passes<'a>,
}

/// The passes of each dialect.
enum Passes<'a> {
    V1(Box<v1::V1Trace>),
    V2(Box<v2::V2Trace<'a>>),
}

impl<'a> OpenTrace<'a> {
    /// Opens the trace that starts at `start` in the input.
    fn open(input: &Input<'a>, start: u64) -> Result<Self> {
        let version = read_version(input.source, start)?;
        let passes = match version.dialect {
            Dialect::V1(row) => Passes::V1(Box::new(v1::V1Trace::open(input.source, row, start, input.resolver)?)),
            Dialect::V2(row) => Passes::V2(Box::new(v2::V2Trace::open(input.source, row, start)?)),
        };
        Ok(Self { start, version, passes })
    }

    /// Pass 1, and what it predicts for splitting generations in pass 2.
    pub(super) fn survey(
        &mut self,
        selector: Option<&Selector>,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Survey, Predictions)> {
        match &mut self.passes {
            Passes::V1(trace) => Ok((trace.survey(selector, ticker), Predictions::default())),
            Passes::V2(trace) => trace.survey(selector, options, ticker),
        }
    }

    /// Pass 2: what was measured, the time of the last event, and what was wrong with the order of events.
    pub(super) fn measure(
        &self,
        survey: &Survey,
        predictions: Predictions,
        spec: MeasureSpec<'_>,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Measured, Time, Vec<Warning>)> {
        match &self.passes {
            Passes::V1(trace) => {
                let (measured, end) = trace.measure(spec, options.threads, ticker);
                Ok((measured, end, Vec::new()))
            }
            Passes::V2(trace) => trace.measure(survey, predictions, spec, options, ticker),
        }
    }

    /// Pass 2 without measuring: the time of the last event, and what was wrong with the order of events.
    pub(super) fn check(
        &self,
        survey: &Survey,
        predictions: Predictions,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Time, Vec<Warning>)> {
        match &self.passes {
            Passes::V1(_) => Ok((survey.end, Vec::new())),
            Passes::V2(trace) => trace.check(survey, predictions, options, ticker),
        }
    }

    /// Hands all events to `take`, in causal order; returns what was wrong with the order.
    pub(super) fn events(
        &self,
        survey: &Survey,
        take: &mut (dyn FnMut(&Event, &Symbols) + Send),
    ) -> Result<Vec<Warning>> {
        match &self.passes {
            Passes::V1(trace) => {
                trace.events(|event| take(event, &survey.symbols));
                Ok(Vec::new())
            }
            Passes::V2(trace) => trace.events(survey, take),
        }
    }

    /// Finds out what pass 1 alone cannot know of the first calls of gRPC's stream workers; other traces are not read again.
    pub(super) fn settle_first_calls(&self, survey: &mut Survey) -> Result<()> {
        let mut calls = FirstCalls::new(survey);
        if calls.needs_events() {
            // What is wrong with their order is found when it is checked, or measured.
            let _ = self.events(survey, &mut |event, symbols| calls.add(symbols, event))?;
            calls.settle(survey);
        }
        Ok(())
    }

    /// Adds to warnings the time that they concern.
    pub(super) fn date(&self, survey: &Survey, warnings: &mut [Warning]) {
        if let Passes::V2(trace) = &self.passes {
            trace.date(survey, warnings);
        }
    }

    fn warn(&mut self, warning: Warning) {
        match &mut self.passes {
            Passes::V1(trace) => trace.warn(warning),
            Passes::V2(trace) => trace.warnings.push(warning),
        }
    }

    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        match &mut self.passes {
            Passes::V1(trace) => trace.take_warnings(),
            Passes::V2(trace) => std::mem::take(&mut trace.warnings),
        }
    }

    fn byte_count(&self, warnings: &[Warning]) -> ByteCount {
        let mut bytes = match &self.passes {
            Passes::V1(trace) => trace.byte_count(),
            Passes::V2(trace) => trace.byte_count(warnings),
        };
        // The last trace stands for all behind it.
        let behind: u64 = warnings.iter().filter(|w| w.id == TOO_MANY).map(|w| w.bytes).sum();
        bytes.total += behind;
        bytes.skipped += behind;
        bytes
    }

    fn wall(&self) -> Option<(Time, i64)> {
        match &self.passes {
            Passes::V1(_) => None,
            Passes::V2(trace) => trace.wall,
        }
    }

    /// What tells its generations from those of other processes; none of an old trace, which has no generations.
    pub(super) fn generation_keys(&self) -> Vec<GenerationKey> {
        match &self.passes {
            Passes::V1(_) => Vec::new(),
            Passes::V2(trace) => trace.index.generations.iter().filter_map(GenerationKey::of).collect(),
        }
    }

    fn n_generations(&self) -> u64 {
        match &self.passes {
            Passes::V1(_) => 1,
            Passes::V2(trace) => trace.index.generations.len() as u64,
        }
    }

    fn next_trace(&self) -> Option<u64> {
        match &self.passes {
            Passes::V1(trace) => trace.next_trace,
            Passes::V2(trace) => trace.index.next_trace,
        }
    }

    /// What a report says about the trace. A span that no recording has is a warning, too.
    pub(super) fn info(
        &self,
        input: &Input<'_>,
        survey: &Survey,
        (end, time): (Time, Option<TimeRange>),
        warnings: &mut Vec<Warning>,
    ) -> TraceInfo {
        let duration_ns = end.since(survey.start);
        warnings.extend(v2::implausible_span(duration_ns));
        TraceInfo {
            name: input.name.clone(),
            version: Cow::Borrowed(self.version.name),
            bytes: self.byte_count(warnings),
            duration_ns,
            window_ns: looked_at::length(duration_ns, time),
            clock_start_ns: survey.start.0,
            labels: BTreeMap::new(),
            wall_start_ns: self.wall().map(|(at, ns)| ns.saturating_sub(at.0.saturating_sub(survey.start.0))),
            events: survey.events,
            goroutines: survey.forest.goroutines.len() as u64,
            generations: self.n_generations(),
            gomaxprocs: survey.gomaxprocs,
            complete: !warnings.iter().any(|w| w.data_lost),
            hides_short_calls: self.version.hides_short_calls(),
            table: None,
            hides_waiting_stacks: self.version.hides_waiting_stacks(),
        }
    }
}

/// The kind of the warning about those that are not read.
const TOO_MANY: &str = "too-many-traces";
/// Most traces in one file. Finding the end of an old one takes reading all that follows it.
const MAX_TRACES: usize = 256;

/// Calls `work` for each trace of a file: it holds one, or several one after the other. One that has nothing usable costs
/// the others nothing: returns a warning for each such. An error if there is no other.
pub(super) fn for_each_trace(
    input: &Input<'_>,
    work: &mut dyn FnMut(&mut OpenTrace<'_>) -> Result<()>,
) -> Result<Vec<Warning>> {
    let (mut errors, mut unusable) = (Vec::new(), Vec::new());
    let (mut start, mut traces) = (Some(0), 0);
    while let Some(at) = start.filter(|_| traces < MAX_TRACES) {
        traces += 1;
        start = match one_trace(input, at, traces == MAX_TRACES, work) {
            Ok(next) => next,
            Err(e) if costs_no_others(&e, at) => {
                let next = next_header(input.source, at + HEADER_SIZE as u64)?;
                unusable.push(nothing_usable(&e, at, next.unwrap_or_else(|| input.source.size())));
                errors.push(e);
                next
            }
            Err(e) => return Err(e),
        };
    }
    match errors.into_iter().next() {
        Some(error) if unusable.len() == traces => Err(error),
        _ => Ok(unusable),
    }
}

/// Whether the trace that starts at an offset cannot be used, and others of its file can: it has no events, or is of a
/// version that is not known. A file that begins with one of that kind is refused as a whole.
fn costs_no_others(error: &Error, start: u64) -> bool {
    match error.kind() {
        ErrorKind::NothingUsable(_) => true,
        ErrorKind::UnsupportedVersion { .. } => start > 0,
        _ => false,
    }
}

/// Calls `work` for the trace that starts at an offset; returns where the next one starts, if there is one.
fn one_trace(
    input: &Input<'_>,
    start: u64,
    is_last: bool,
    work: &mut dyn FnMut(&mut OpenTrace<'_>) -> Result<()>,
) -> Result<Option<u64>> {
    let mut trace = OpenTrace::open(input, start)?;
    let next = trace.next_trace();
    if let Some(next) = next.filter(|_| is_last) {
        let message = format!("more than {MAX_TRACES} traces follow one another; the rest is not read");
        trace.warn(Warning::lost(TOO_MANY, message, next, input.source.size().saturating_sub(next)));
    }
    work(&mut trace)?;
    Ok(next)
}

fn nothing_usable(error: &Error, start: u64, end: u64) -> Warning {
    let message = format!("nothing of the trace that begins at byte {start} can be used: {}", error.kind());
    Warning::lost("unusable-trace", message, start, end.saturating_sub(start))
}

/// Warnings about traces of a file of which nothing can be used, as those of the last one that was: it is not complete.
pub(super) fn of_last_trace(unusable: Vec<Warning>, traces: &mut [TraceInfo]) -> Vec<Warning> {
    let Some(last) = traces.len().checked_sub(1).filter(|_| !unusable.is_empty()) else { return unusable };
    traces[last].complete = false;
    let ByteCount { total, skipped, .. } = &mut traces[last].bytes;
    for warning in &unusable {
        *total += warning.bytes;
        *skipped += warning.bytes;
    }
    unusable.into_iter().map(|warning| warning.of_trace(last)).collect()
}

/// Offset of the first header of a known version from an offset on; none if there is none.
fn next_header(source: &dyn Source, from: u64) -> Result<Option<u64>> {
    const PIECE: usize = 64 << 10;
    let mut bytes = vec![0; PIECE + HEADER_SIZE];
    let mut at = from;
    while at < source.size() {
        let read = read_full(source, &mut bytes, at)?;
        let starts = bytes[..read].windows(HEADER_SIZE).take(PIECE);
        let found = starts.enumerate().find(|(_, window)| matches!(read_header(window), Header::Known(_)));
        if let Some((i, _)) = found {
            return Ok(Some(at + i as u64));
        }
        at += PIECE as u64;
    }
    Ok(None)
}

fn supported() -> String {
    VERSIONS.iter().map(|v| v.name).collect::<Vec<_>>().join(", ")
}

pub(super) fn read_version(source: &dyn Source, start: u64) -> Result<&'static Version> {
    let mut first = [0; HEADER_SIZE];
    let read = read_full(source, &mut first, start)?;
    let kind = match read_header(&first[..read]) {
        Header::Known(version) => return Ok(version),
        Header::Unknown(version) => ErrorKind::UnsupportedVersion { version, supported: supported() },
        Header::NotATrace if read == 0 => ErrorKind::NotATrace("an empty file".into()),
        Header::NotATrace => ErrorKind::NotATrace("something else".into()),
    };
    Err(Error::new(kind).with_offset(start))
}
