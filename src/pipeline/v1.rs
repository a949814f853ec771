//! One trace of Go 1.5 – 1.21 through both passes. It is one generation; its events are made anew for each pass.
//! Threads share the second pass by roots.

use super::{Ticker, annotations};
use crate::binary::Resolver;
use crate::error::{Result, Warning};
use crate::event::{EventKind, Sink};
use crate::format::version::V1;
use crate::ids::GIdx;
use crate::measure::{Measured, Measurer, Task};
use crate::order::v1::{OldTrace, open};
use crate::slice::{Selector, Slice};
use crate::source::Source;
use crate::survey::Survey;
use crate::survey::annotations::Matches;
use crate::survey::classes::{Classifier, StackClass};
use crate::survey::ordered::{OrderedSurvey, OrderedTrace, classes};
use crate::survey::server::Step;
use crate::symbols::Symbols;
use crate::time::Time;
use rayon::prelude::*;

/// A trace that is in memory, ordered.
pub(super) struct Recording {
    trace: OldTrace,
    bytes: u64,
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

impl Recording {
    /// Reads the trace whose header stands at `start`.
    pub(super) fn open(
        source: &dyn Source,
        version: V1,
        start: u64,
        resolver: Option<&(dyn Resolver + Sync)>,
    ) -> Result<Self> {
        let resolver = resolver.map(|r| r as &dyn Resolver);
        let source = Behind { source, start };
        let trace = open(&source, version, resolver)?;
        Ok(Self { next_trace: trace.next_trace.map(|at| start + at), trace, bytes: source.size() })
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        self.trace.warnings.push(warning);
    }

    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.trace.warnings)
    }

    /// Pass 1.
    pub(super) fn survey(&mut self, selector: Option<&Selector>, ticker: &Ticker<'_>) -> Survey {
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
        let mut survey = OrderedSurvey::new(known, classes, selector.is_none(), annotations);
        let walked = self.trace.walk(|event| survey.event(event));
        let mut survey = survey.finish();
        survey.gomaxprocs = survey.gomaxprocs.or(walked.first_procs);
        self.trace.settle(walked);
        ticker.add(self.bytes);
        survey
    }

    /// Pass 2. The slices of different roots have nothing in common, so each thread measures some of them; but critical
    /// paths lead from one to another.
    pub(super) fn measure(&self, task: Task<'_>, threads: usize, ticker: &Ticker<'_>) -> (Measured, Time) {
        // Tasks lead from one goroutine to another, as critical paths do.
        let is_whole = task.latency || !task.slice.marks.is_empty();
        let shares = share_out(task.slice, if is_whole { 1 } else { threads });
        let measured: Vec<Measured> =
            shares.par_iter().map(|slice| self.measure_share(Task { slice, ..task })).collect();
        ticker.add(self.bytes);
        let nothing = || Measurer::new(task).finish(self.trace.end);
        (measured.into_iter().reduce(together).unwrap_or_else(nothing), self.trace.end)
    }

    fn measure_share(&self, task: Task<'_>) -> Measured {
        let mut measurer = Measurer::new(task);
        measurer.begin_generation(self.trace.start);
        let tracked = &task.slice.tracked;
        let wants = |g: GIdx| task.latency || tracked.get(g.at()) == Some(&true);
        self.trace.walk_for(wants, |event| {
            let subject = if let EventKind::Transition(t) = &event.kind { t.g } else { event.g };
            if wants(subject) || wants(event.g) || event.kind.is_annotation() {
                measurer.event(event, 0);
            }
        });
        measurer.finish(self.trace.end)
    }
}

/// Every share is measured on a walk through all events of its own; more of them than this would do little else.
const MAX_SHARES: usize = 8;

/// Cuts a slice into at most `n`: a root and all that it started are in one of them. Without the empty ones.
fn share_out(slice: &Slice, n: usize) -> Vec<Slice> {
    let n = n.clamp(1, MAX_SHARES);
    let share_of = |g: usize| {
        let root = slice.owner.get(g).filter(|w| w.is_some()).and_then(|w| slice.windows.get(w.at()));
        // Neighbours are much alike, so they go to different shares.
        root.map_or(g, |root| root.g.at()) % n
    };
    let share = |nth: usize| {
        let tracked = slice.tracked.iter().enumerate().map(|(g, tracked)| *tracked && share_of(g) == nth).collect();
        Slice { tracked, ..slice.clone() }
    };
    (0..n).map(share).filter(|share| share.tracked.contains(&true)).collect()
}

/// The sum of what two threads measured.
fn together(mut a: Measured, mut b: Measured) -> Measured {
    a.aggregate.absorb(&mut b.aggregate);
    a.roots += b.roots;
    a.roots_by_creation += b.roots_by_creation;
    a.roots_by_entry += b.roots_by_entry;
    a.roots_by_stack += b.roots_by_stack;
    a.roots_by_task += b.roots_by_task;
    a.roots_by_region += b.roots_by_region;
    a.roots_cut += b.roots_cut;
    a.outlived += b.outlived;
    a
}

/// What each stack says; none when nothing asks for that.
fn stack_classes(symbols: &Symbols, selector: Option<&Selector>) -> Option<Vec<StackClass>> {
    if selector.is_some_and(|s| !s.root_by.stack) {
        return None;
    }
    let matches = selector.map(|s| |name: &str| s.roots.matches(name));
    let roots = matches.as_ref().map(|m| m as &(dyn Fn(&str) -> bool + Sync));
    let classes = classes(symbols, &Classifier::new(roots));
    let wanted = selector.is_some() || classes.iter().any(|class| class.step != Step::None);
    wanted.then_some(classes)
}
