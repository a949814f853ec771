//! One trace of Go 1.5 – 1.21 through both passes. It is one generation; its events are made anew for each pass.
//!
//! 1. The trace is read into memory and ordered once (`trace/v1`).
//! 2. Pass 1 walks through all events. It also divides the trace into parts of about as many events, and notes the state at
//!    the start of each: where each lane stands, the state of each goroutine, the last time.
//! 3. Pass 2 measures the parts side by side, and absorbs them in their order. It walks through all parts one after the
//!    other on one thread; where a root is a task, as tasks lead from one goroutine to another; and where pass 1 saw a
//!    goroutine's own stack although the goroutine does not run: the measurer of a part assumes that it does.
//!
//! Critical paths are walked where a part ends, in either way. So what is shown of very many chains of waits, which depends
//! on what is walked together, does not depend on the number of threads.

use super::in_order::{in_order, lock};
use super::progress::Ticker;
use super::threads::is_among_last;
use super::wanted::{annotation_sink, stack_classifier};
use crate::measure::{MeasureSpec, Measured, MeasuredPart, PartMeasurer, PartStart, WholeMeasurer};
use crate::profile::ByteCount;
use crate::slice::Selector;
use crate::survey::v1::{OrderedSurvey, OrderedTrace, classify};
use crate::survey::{NameMatcher, Survey};
use crate::trace::binary::Resolver;
use crate::trace::error::{Result, Warning};
use crate::trace::event::{Event, EventKind};
use crate::trace::ids::GIdx;
use crate::trace::sink::Sink;
use crate::trace::source::Source;
use crate::trace::time::Time;
use crate::trace::v1::order::{BriefEvent, OldTrace, Visitor, WalkStart, open};
use crate::trace::version::V1;
use std::sync::Mutex;

/// A trace that is in memory, ordered.
pub(super) struct V1Trace {
    trace: OldTrace,
    bytes: u64,
    /// Where its parts start.
    parts: Vec<WalkStart>,
    /// Whether each can be measured alone.
    parts_are_independent: bool,
    /// File position where another trace begins after this one; none when there is none.
    pub(super) next_trace: Option<u64>,
}

/// A source from a file position on.
struct SourceFrom<'a> {
    source: &'a dyn Source,
    start: u64,
}

impl Source for SourceFrom<'_> {
    fn size(&self) -> u64 {
        self.source.size().saturating_sub(self.start)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.source.read_at(buf, self.start + offset)
    }
}

impl V1Trace {
    /// Reads the trace whose header stands at `start`.
    pub(super) fn open(
        source: &dyn Source,
        version: V1,
        start: u64,
        resolver: Option<&(dyn Resolver + Sync)>,
    ) -> Result<Self> {
        let resolver = resolver.map(|r| r as &dyn Resolver);
        let source = SourceFrom { source, start };
        let trace = open(&source, version, resolver, rayon::current_num_threads()).map_err(|e| e.shifted_by(start))?;
        Ok(Self {
            next_trace: trace.next_trace.map(|at| start + at),
            trace,
            bytes: source.size(),
            parts: Vec::new(),
            parts_are_independent: false,
        })
    }

    /// What became of its bytes.
    pub(super) fn byte_count(&self) -> ByteCount {
        let total = self.trace.next_trace.unwrap_or(self.bytes);
        let skipped = self.trace.skipped;
        ByteCount { total, used: total.saturating_sub(skipped), skipped, unknown: 0 }
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        self.trace.warnings.push(warning);
    }

    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.trace.warnings)
    }

    /// Pass 1.
    pub(super) fn survey(&mut self, selector: Option<&Selector>, ticker: &Ticker<'_>) -> Survey {
        self.survey_parts(selector, n_parts(self.trace.file_events), ticker)
    }

    fn survey_parts(&mut self, selector: Option<&Selector>, n_parts: u64, ticker: &Ticker<'_>) -> Survey {
        let symbols = std::mem::take(&mut self.trace.symbols);
        let matches = selector.map(|s| |name: &str| s.roots.matches(name));
        let matches = matches.as_ref().map(|m| m as NameMatcher<'_>);
        let classes = stack_classifier(selector, matches).and_then(|classifier| classify(&symbols, &classifier));
        let known = OrderedTrace {
            goroutines: &self.trace.goroutines,
            symbols,
            start: self.trace.start,
            file_events: self.trace.file_events,
        };
        let annotations = annotation_sink(selector, matches);
        let mut surveyor = Surveyor(OrderedSurvey::new(known, classes, annotations));
        self.parts = vec![self.trace.first()];
        let mut walked = None;
        for n in 0..n_parts {
            surveyor.0.begin_part(n as u32);
            let (part, next) = self.trace.walk_part(&self.parts[n as usize], (n, n_parts), &mut surveyor);
            walked = Some(part);
            if n + 1 < n_parts {
                self.parts.push(next);
            }
        }
        let mut survey = surveyor.0.finish();
        // Its positions are numbers of events.
        let found = std::mem::take(&mut survey.warnings).into_vec();
        survey.warnings.extend(found.into_iter().map(|warning| Warning { offset: None, ..warning }));
        if let Some(walked) = walked {
            survey.end = walked.end;
            self.parts_are_independent = n_parts > 1 && !walked.stack_while_stopped;
            survey.gomaxprocs = survey.gomaxprocs.or(walked.first_procs);
            self.trace.finish(walked);
        }
        ticker.add(self.bytes);
        survey
    }

    /// Hands all events to `take`.
    pub(super) fn events(&self, take: impl FnMut(&Event)) {
        self.trace.walk(take);
    }

    /// Pass 2.
    pub(super) fn measure(&self, task: MeasureSpec<'_>, threads: usize, ticker: &Ticker<'_>) -> (Measured, Time) {
        // Tasks lead from one goroutine to another, whichever part that is in.
        let one_by_one = threads == 1 || !self.parts_are_independent || !task.slice.task_boundaries.is_empty();
        let measured = if one_by_one { self.measure_in_order(task) } else { self.measure_parts(task, threads) };
        ticker.add(self.bytes);
        (measured, self.trace.end)
    }

    fn measure_in_order(&self, task: MeasureSpec<'_>) -> Measured {
        let mut measurer = WholeMeasurer::new(task);
        measurer.begin_generation(self.trace.start);
        for part in 0..self.parts.len() {
            measurer.hold_walks(true);
            let end = self.walk(part, task, &mut measurer);
            measurer.hold_walks(false);
            measurer.walk_if_due(end, self.is_among_last(part));
        }
        measurer.finish(self.trace.end)
    }

    /// Measures several parts side by side, and absorbs them into the whole in their order.
    fn measure_parts<'t>(&self, task: MeasureSpec<'t>, threads: usize) -> Measured {
        let spare: Mutex<Vec<PartMeasurer<'t>>> = Mutex::default();
        let whole = WholeMeasurer::new(task);
        let resources = whole.part_resources(false);
        let measure = |part: usize, (): &mut ()| {
            let measurer = lock(&spare).pop().unwrap_or_else(|| PartMeasurer::new(&resources));
            self.measure_part(part, task, measurer)
        };
        let take = |(whole, last): &mut (WholeMeasurer<'t>, Time),
                    i: usize,
                    (mut part, end): (MeasuredPart<'t>, Time),
                    (): &mut ()| {
            // What is older than a part and first seen in it is as old as the trace.
            whole.absorb(&mut part, *last, self.trace.start);
            *last = end;
            whole.walk_if_due(end, self.is_among_last(i));
            lock(&spare).push(part.into_measurer());
        };
        let whole = (whole, self.trace.start);
        let (whole, _) = in_order(self.parts.len(), threads, whole, || (), measure, take);
        whole.finish(self.trace.end)
    }

    /// Whether so little follows a part that other threads will have nothing else to do. All are about as large.
    fn is_among_last(&self, part: usize) -> bool {
        is_among_last(1, (self.parts.len() - 1 - part) as u64)
    }

    fn measure_part<'t>(
        &self,
        part: usize,
        task: MeasureSpec<'t>,
        mut measurer: PartMeasurer<'t>,
    ) -> (MeasuredPart<'t>, Time) {
        // The end of the part before is known, so no event waits for it.
        let start = &self.parts[part];
        let generation = part as u32;
        let independent_from = Time::MIN;
        measurer.begin(PartStart { generation, file_start: start.first_pos(), independent_from, inside: None });
        let mut measuring = Measuring { task, measurer: &mut measurer };
        start.active().for_each(|event| measuring.event(&event));
        let end = self.walk(part, task, &mut measurer);
        (measurer.end(), end)
    }

    /// Hands the events of a part to a measurer; returns the time of the last one.
    fn walk(&self, part: usize, task: MeasureSpec<'_>, measurer: &mut impl Sink) -> Time {
        let nth = (part as u64, self.parts.len() as u64);
        self.trace.walk_part(&self.parts[part], nth, &mut Measuring { task, measurer }).0.end
    }
}

/// Least number of events in a part.
const MIN_PART: u64 = 1 << 15;
/// Most parts: several for each of eight threads, so that none waits long for another at the end. The start of each takes a
/// byte for every goroutine.
const MAX_PARTS: u64 = 24;

/// Number of parts to divide a trace into.
fn n_parts(n_events: u64) -> u64 {
    (n_events / MIN_PART).clamp(1, MAX_PARTS)
}

/// Takes the events of the first pass.
struct Surveyor<'a>(OrderedSurvey<'a>);

impl Visitor for Surveyor<'_> {
    #[inline]
    fn brief_event(&mut self, event: &BriefEvent) -> bool {
        let BriefEvent { pos, g, stack, runs, .. } = *event;
        self.0.event_fast(pos, g, stack, runs)
    }

    #[inline]
    fn event(&mut self, event: &Event) {
        self.0.event(event);
    }
}

/// Takes the events of the second pass.
struct Measuring<'m, 't, S> {
    task: MeasureSpec<'t>,
    measurer: &'m mut S,
}

impl<S> Measuring<'_, '_, S> {
    /// As [`MeasureSpec::wants`]; for latency, all events: paths need the work of other goroutines, and when the whole
    /// program was stopped.
    #[inline]
    fn wants(&self, g: GIdx) -> bool {
        self.task.latency || self.task.wants(g)
    }
}

impl<S: Sink> Visitor for Measuring<'_, '_, S> {
    #[inline]
    fn brief_event(&mut self, event: &BriefEvent) -> bool {
        !self.wants(event.g) && !self.wants(event.target)
    }

    #[inline]
    fn event(&mut self, event: &Event) {
        let subject = if let EventKind::Transition(t) = &event.kind { t.g } else { event.g };
        if self.wants(subject) || self.wants(event.g) || event.kind.is_annotation() {
            self.measurer.event(event, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::testing::{found, selector, task, trace};
    use crate::slice::{RootBy, select};
    use crate::trace::version::{Dialect, Header, read_header};

    /// In parts that know nothing of each other or as a whole, the sums are the same.
    #[allow(clippy::ptr_arg, reason = "a vector is a source, a slice of unknown size is not")]
    fn compare(bytes: &Vec<u8>, name: &str, pattern: &str, whole_life: bool) {
        let Header::Known(version) = read_header(bytes) else { panic!("no trace") };
        let Dialect::V1(row) = version.dialect else { panic!("no old trace") };
        let selector = selector(pattern, RootBy::default(), whole_life);
        let ticker = Ticker::new(&[], 1, None);
        let measure = |n_parts: u64| {
            let mut recording = V1Trace::open(bytes, row, 0, None).expect("a sound trace");
            let survey = recording.survey_parts(Some(&selector), n_parts, &ticker);
            assert!(recording.parts_are_independent || n_parts == 1, "{name} is sound");
            let slice = select(&survey.forest, &survey.symbols, &selector);
            let (measured, last) = recording.measure(task(&survey, &slice, whole_life), 2, &ticker);
            (found(measured), last)
        };
        let whole = measure(1);
        for n_parts in [2, 7, 40, 300] {
            let parts = measure(n_parts);
            let other = parts.0.0.iter().zip(&whole.0.0).find(|(a, b)| a != b);
            assert!(parts == whole, "{name}: --root '{pattern}' in {n_parts} parts: {other:?}");
        }
    }

    #[test]
    fn measuring_in_parts_changes_nothing() {
        for version in ["go1.19", "go1.21"] {
            for (name, pattern) in [
                ("waits-long", "main."),
                ("waits-long", "."),
                ("http1", "."),
                ("server", "."),
                ("cpuprof", "."),
                ("waits", "sync|chan"),
                ("server", "Handler"),
                ("cpuprof", "Burn"),
                ("pools", "ServeHTTP"),
                ("http1", "Handler"),
                ("http1", "main.NoBodyHandler"),
                ("http2", "main.SpawnHandler"),
                ("trees", "main."),
            ] {
                let bytes = trace(&format!("{version}/{name}"));
                compare(&bytes, name, pattern, false);
                compare(&bytes, name, pattern, true);
            }
        }
    }
}
