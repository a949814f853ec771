//! One trace of Go 1.5 – 1.21 through both passes. It is one generation; its events are made anew for each pass.
//! The first one cuts it into parts, which threads measure side by side in the second one.

use super::annotations::annotations;
use super::in_order::{in_order, lock};
use super::progress::Ticker;
use super::threads::{all_threads, walking_threads};
use crate::measure::{GenerationMeasured, MeasureSpec, Measured, Measurer, PartStart};
use crate::slice::Selector;
use crate::survey::Survey;
use crate::survey::annotations::roots::Matches;
use crate::survey::roots::classify::{Classifier, StackClass};
use crate::survey::roots::servers::ServerStep;
use crate::survey::v1::{OrderedSurvey, OrderedTrace, classes};
use crate::trace::binary::Resolver;
use crate::trace::error::{Result, Warning};
use crate::trace::event::{Event, EventKind, Sink};
use crate::trace::ids::GIdx;
use crate::trace::source::Source;
use crate::trace::symbols::Symbols;
use crate::trace::time::Time;
use crate::trace::v1::order::{Both, BriefEvent, OldTrace, Start, Visitor, open};
use crate::trace::version::V1;
use std::sync::Mutex;

/// A trace that is in memory, ordered.
pub(super) struct V1Trace {
    trace: OldTrace,
    bytes: u64,
    /// Where its parts start.
    parts: Vec<Start>,
    /// Whether they can be measured by themselves.
    apart: bool,
    /// Where another trace begins behind this one.
    pub(super) next_trace: Option<u64>,
}

/// A source without its beginning.
struct Behind<'a> {
    source: &'a dyn Source,
    start: u64,
}

impl Source for Behind<'_> {
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
        let source = Behind { source, start };
        let both: Both<'_> = &|first, second| rayon::join(first, second);
        let both = (rayon::current_num_threads() > 1).then_some(both);
        let trace = open(&source, version, resolver, both)?;
        Ok(Self {
            next_trace: trace.next_trace.map(|at| start + at),
            trace,
            bytes: source.size(),
            parts: Vec::new(),
            apart: false,
        })
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        self.trace.warnings.push(warning);
    }

    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.trace.warnings)
    }

    /// Pass 1.
    pub(super) fn survey(&mut self, selector: Option<&Selector>, threads: usize, ticker: &Ticker<'_>) -> Survey {
        self.survey_parts(selector, n_parts(threads, self.trace.file_events), ticker)
    }

    fn survey_parts(&mut self, selector: Option<&Selector>, n_parts: u64, ticker: &Ticker<'_>) -> Survey {
        let symbols = std::mem::take(&mut self.trace.symbols);
        let classes = stack_classes(&symbols, selector);
        let known = OrderedTrace {
            goroutines: &self.trace.goroutines,
            symbols,
            start: self.trace.start,
            file_events: self.trace.file_events,
        };
        let matches = selector.map(|s| |name: &str| s.roots.matches(name));
        let annotations = annotations(selector, matches.as_ref().map(|m| m as Matches<'_>));
        let mut surveyor = Surveyor(OrderedSurvey::new(known, classes, selector.is_none(), annotations));
        self.parts = vec![self.trace.first()];
        let mut walked = None;
        for n in 0..n_parts {
            surveyor.0.begin_part(n as u32);
            let (told, next) = self.trace.walk_part(&self.parts[n as usize], (n, n_parts), &mut surveyor);
            walked = Some(told);
            if n + 1 < n_parts {
                self.parts.push(next);
            }
        }
        let mut survey = surveyor.0.finish();
        if let Some(walked) = walked {
            survey.end = walked.end;
            self.apart = n_parts > 1 && !walked.strays;
            survey.gomaxprocs = survey.gomaxprocs.or(walked.first_procs);
            self.trace.settle(walked);
        }
        ticker.add(self.bytes);
        survey
    }

    /// Pass 2.
    pub(super) fn measure(&self, task: MeasureSpec<'_>, threads: usize, ticker: &Ticker<'_>) -> (Measured, Time) {
        // Tasks lead from one goroutine to another, whichever part that is in.
        let one_by_one = !self.apart || !task.slice.marks.is_empty();
        let measured = if one_by_one { self.measure_in_order(task) } else { self.measure_parts(task, threads) };
        ticker.add(self.bytes);
        (measured, self.trace.end)
    }

    fn measure_in_order(&self, task: MeasureSpec<'_>) -> Measured {
        let mut measurer = Measurer::new(task);
        measurer.begin_generation(self.trace.start);
        for part in 0..self.parts.len() {
            self.walk(part, task, &mut measurer);
        }
        measurer.finish(self.trace.end, all_threads())
    }

    /// Measures several parts side by side, and takes them into the whole in their order.
    fn measure_parts<'t>(&self, task: MeasureSpec<'t>, threads: usize) -> Measured {
        let spare: Mutex<Vec<Measurer<'t>>> = Mutex::default();
        let whole = Measurer::new(task);
        let memory = whole.tape_memory();
        let measure = |part: usize, (): &mut ()| {
            let measurer = lock(&spare).pop().unwrap_or_else(|| Measurer::partial(task, &memory));
            self.measure_part(part, task, measurer)
        };
        let take = |(whole, last): &mut (Measurer<'t>, Time),
                    i: usize,
                    (mut part, end): (GenerationMeasured<'t>, Time),
                    (): &mut ()| {
            // What is older than a part and first seen in it is as old as the trace.
            whole.absorb(&mut part, *last, self.trace.start);
            *last = end;
            // Parts are about as large as each other.
            whole.walk_if_due(end, walking_threads(1, (self.parts.len() - 1 - i) as u64));
            lock(&spare).push(part.into_measurer());
        };
        let whole = (whole, self.trace.start);
        let (whole, _) = in_order(self.parts.len(), threads, whole, || (), measure, take);
        whole.finish(self.trace.end, all_threads())
    }

    fn measure_part<'t>(
        &self,
        part: usize,
        task: MeasureSpec<'t>,
        mut measurer: Measurer<'t>,
    ) -> (GenerationMeasured<'t>, Time) {
        // When the part before ends is known, so nothing waits for that.
        let start = &self.parts[part];
        let generation = part as u32;
        let settled = Time::MIN;
        measurer.begin_partial(PartStart { generation, file_start: start.first_pos(), settled, inside: None });
        let mut measuring = Measuring { task, measurer: &mut measurer };
        start.active().for_each(|event| measuring.event(&event));
        let end = self.walk(part, task, &mut measurer);
        (measurer.end_partial(), end)
    }

    /// Gives the events of a part to a measurer; gives the time of the last one.
    fn walk<'t>(&self, part: usize, task: MeasureSpec<'t>, measurer: &mut Measurer<'t>) -> Time {
        let nth = (part as u64, self.parts.len() as u64);
        self.trace.walk_part(&self.parts[part], nth, &mut Measuring { task, measurer }).0.end
    }
}

/// Parts for each thread, so that none waits long for another.
const PARTS_PER_THREAD: u64 = 3;
/// Least number of events that are worth a part of their own.
const MIN_PART: u64 = 1 << 15;
/// Most parts. Each takes a byte for every goroutine.
const MAX_PARTS: u64 = 64;

/// How many parts to cut a trace into.
fn n_parts(threads: usize, n_events: u64) -> u64 {
    let wanted = if threads > 1 { threads as u64 * PARTS_PER_THREAD } else { 1 };
    wanted.min(n_events / MIN_PART).clamp(1, MAX_PARTS)
}

/// Takes the events of the first pass.
struct Surveyor<'a>(OrderedSurvey<'a>);

impl Visitor for Surveyor<'_> {
    #[inline]
    fn glance(&mut self, glance: &BriefEvent) -> bool {
        let BriefEvent { pos, g, stack, runs, .. } = *glance;
        self.0.glance(pos, g, stack, runs)
    }

    #[inline]
    fn event(&mut self, event: &Event) {
        self.0.event(event);
    }
}

/// Takes the events of the second pass.
struct Measuring<'m, 't> {
    task: MeasureSpec<'t>,
    measurer: &'m mut Measurer<'t>,
}

impl Measuring<'_, '_> {
    /// As [`MeasureSpec::wants`], and nobody's too: paths want to know when the whole program was stopped.
    #[inline]
    fn wants(&self, g: GIdx) -> bool {
        self.task.latency || self.task.wants(g)
    }
}

impl Visitor for Measuring<'_, '_> {
    #[inline]
    fn glance(&mut self, glance: &BriefEvent) -> bool {
        !self.wants(glance.g) && !self.wants(glance.target)
    }

    #[inline]
    fn event(&mut self, event: &Event) {
        let subject = if let EventKind::Transition(t) = &event.kind { t.g } else { event.g };
        if self.wants(subject) || self.wants(event.g) || event.kind.is_annotation() {
            self.measurer.event(event, 0);
        }
    }
}

/// What each stack says; none when nothing asks for that.
fn stack_classes(symbols: &Symbols, selector: Option<&Selector>) -> Option<Vec<StackClass>> {
    if selector.is_some_and(|s| !s.root_by.stack) {
        return None;
    }
    let matches = selector.map(|s| |name: &str| s.roots.matches(name));
    let roots = matches.as_ref().map(|m| m as &(dyn Fn(&str) -> bool + Sync));
    let classes = classes(symbols, &Classifier::new(roots));
    let wanted = selector.is_some() || classes.iter().any(|class| class.step != ServerStep::None);
    wanted.then_some(classes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::testing::{found, selector, task, trace};
    use crate::slice::{RootBy, select};
    use crate::trace::version::{Dialect, Header, read_header};

    /// In parts, of which no part knows the one before, or as a whole: the same sums.
    #[allow(clippy::ptr_arg, reason = "a vector is a source, a slice of unknown size is not")]
    fn compare(bytes: &Vec<u8>, name: &str, pattern: &str, whole_life: bool) {
        let Header::Known(version) = read_header(bytes) else { panic!("no trace") };
        let Dialect::V1(row) = version.dialect else { panic!("no old trace") };
        let selector = selector(pattern, RootBy::default(), whole_life);
        let ticker = Ticker::new(&[], 1, None);
        let measure = |n_parts: u64| {
            let mut recording = V1Trace::open(bytes, row, 0, None).expect("a sound trace");
            let survey = recording.survey_parts(Some(&selector), n_parts, &ticker);
            assert!(recording.apart || n_parts == 1, "{name} is sound");
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
