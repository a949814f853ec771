//! Follows a trace from its start to its end, and takes parts that were measured by themselves into the whole.

use super::left_over::LeftOver;
use super::part::MeasuredPart;
use super::part_walks::PartResources;
use crate::measure::core::MeasureCore;
use crate::measure::intervals::aggregate::Aggregate;
use crate::measure::intervals::log::{IntervalLogMemory, SumMap};
use crate::measure::paths::measured::PathsMeasured;
use crate::measure::paths::requests::{MeasuredTo, Paths};
use crate::measure::paths::wakers::Cause;
use crate::measure::spec::MeasureSpec;
use crate::profile::CpuTime;
use crate::slice::RootKind;
use crate::trace::event::{Event, GoState};
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::sink::Sink;
use crate::trace::time::{Time, Window};
use std::sync::Arc;

/// What was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Sums by chain, stack and state.
    pub(crate) aggregate: Aggregate,
    /// Windows with time inside the part of the trace that was looked at.
    pub(crate) roots: u64,
    /// Of these, goroutines that match by the stack of their `go` statement.
    pub(crate) roots_by_creation: u64,
    /// Of these, goroutines that match by their entry function alone.
    pub(crate) roots_by_entry: u64,
    /// Of these, stretches that match by stack.
    pub(crate) roots_by_stack: u64,
    /// Of these, user tasks.
    pub(crate) roots_by_task: u64,
    /// Of these, user regions.
    pub(crate) roots_by_region: u64,
    /// Of these, windows cut by an edge of it.
    pub(crate) roots_cut: u64,
    /// Descendants that lived on after their root's window.
    pub(crate) outlived: u64,
    /// Whether what ran had a CPU; nothing of samples without critical paths.
    pub(crate) cpu: CpuTime,
    /// Requests and their critical paths, where these were asked for.
    pub(crate) paths: Option<PathsMeasured>,
}

/// Measures a whole trace.
pub(crate) struct WholeMeasurer<'a> {
    core: MeasureCore<'a>,
    /// Whether critical paths are walked only when the caller asks, and not by themselves.
    holds_walks: bool,
    /// Requests, where critical paths are walked.
    paths: Option<Box<Paths>>,
}

impl<'a> WholeMeasurer<'a> {
    /// Prepares to measure a trace.
    pub(crate) fn new(spec: MeasureSpec<'a>) -> Self {
        let core = MeasureCore::new(spec, &IntervalLogMemory::of_trace(spec.forest.goroutines.len()));
        Self { core, holds_walks: false, paths: spec.latency.then(|| Box::new(Paths::new(spec))) }
    }

    /// What the measurers of parts share with it. `walks` says whether they walk paths themselves, where no more is asked for
    /// than what all requests spent, and each one is on one goroutine.
    pub(crate) fn part_resources(&self, walks: bool) -> PartResources<'a> {
        let spec = self.core.spec;
        let memory = self.core.log.as_ref().map(|log| log.memory()).unwrap_or_default();
        let walks = walks && !spec.request_stacks && !spec.exemplars && spec.slice.task_boundaries.is_empty();
        let known = self.paths.as_ref().filter(|_| walks).map(|paths| paths.known_before());
        PartResources { spec, memory, known }
    }

    /// A generation begins: goroutines first seen in it without a creation are at least as old.
    pub(crate) fn begin_generation(&mut self, start: Time) {
        self.core.older_since = start;
    }

    /// Whether critical paths are walked from here on only when the caller asks, however long the interval log gets.
    pub(crate) fn hold_walks(&mut self, holds: bool) {
        self.holds_walks = holds;
    }

    /// Walks the paths of requests that are over, if the log has grown enough; `now` is the time of the last event.
    /// With `shared`, little is left to measure, and all threads walk.
    #[inline]
    pub(crate) fn walk_if_due(&mut self, now: Time, shared: bool) {
        if self.paths.as_ref().zip(self.core.log.as_ref()).is_some_and(|(paths, log)| paths.is_due(log)) {
            self.walk(now, shared);
        }
    }

    fn walk(&mut self, now: Time, shared: bool) {
        let open = self.core.open_sums();
        self.core.unknown_before.clear();
        let MeasureCore { spec, windows, log, attribution, .. } = &mut self.core;
        let (Some(log), Some(paths)) = (log, &mut self.paths) else { return };
        paths.walk(MeasuredTo { now, spec: *spec, windows, open: &open, shared }, log, attribution);
    }

    fn take(&mut self, event: &Event, cause: Cause) {
        self.core.take_with_cause(event, cause);
        if let (Some(paths), true) = (&mut self.paths, event.kind.is_of_program()) {
            paths.ranges.take(&event.kind, event.time, self.core.older_since);
        }
    }

    /// Takes a part, the next in order, into the whole. `last` is the time of the last event before it, `start` that of
    /// the start of its generation. Returns false, with nothing taken, when `last` is later than the part was measured
    /// for, or when the file said something about windows that the events before the part did not show.
    pub(crate) fn absorb(&mut self, part: &mut MeasuredPart<'a>, last: Time, start: Time) -> bool {
        let Some((left, theirs, walked)) = part.take_if_it_fits(last, &mut self.core.windows) else { return false };
        self.begin_generation(start);
        let LeftOver { events, n_early, ended, .. } = left;
        let (early, later) = events.split_at(n_early);
        for left in early {
            let time = left.event.time.max(last + left.index as i64);
            self.take(&Event { time, ..left.event }, left.cause);
        }
        self.core.windows.absorb(&theirs.windows);
        for left in later {
            self.take(&left.event, left.cause);
        }
        let sums = self.core.absorb(theirs, &ended);
        if let (Some(paths), Some(walked)) = (&mut self.paths, walked) {
            paths.absorb(walked, &sums.sums, &self.core.attribution.aggregate);
        }
        true
    }

    /// The trace ends: what is open counts up to its end.
    pub(crate) fn finish(mut self, end: Time) -> Measured {
        let core = &mut self.core;
        let open = core.open_sums();
        for i in 0..core.lines.len() {
            if core.lines[i].state != GoState::NotExist {
                let (g, window) = (core.lines[i].g, core.lines[i].window());
                core.close(i, end, StackIdx::EMPTY, true);
                core.add_window_ns(i);
                if core.is_root_of(g, window) {
                    core.windows.cut_end(window);
                }
            }
        }
        core.windows.cut_tasks();
        let outlived = core.outlived.iter().map(|bits| u64::from(bits.count_ones())).sum();
        let paths = match (self.paths, core.log.take()) {
            (Some(paths), Some(log)) => {
                let walk = MeasuredTo { now: end, spec: core.spec, windows: &core.windows, open: &open, shared: true };
                Some(paths.finish(walk, *log, &mut core.attribution))
            }
            _ => None,
        };
        let looked_at = core.spec.looked_at;
        let whole = Window { start: looked_at.start.max(core.spec.trace_start), end: looked_at.end.min(end) };
        // The last kind is that of regions.
        let (mut by_kind, mut roots_cut) = ([0; RootKind::Region as usize + 1], 0);
        for (open, by) in core.windows.all_inside(looked_at) {
            by_kind[by as usize] += 1;
            roots_cut += u64::from(open.is_cut(looked_at));
        }
        let count = |by: RootKind| by_kind[by as usize];
        Measured {
            cpu: core.attribution.cpu.finish(core.windows.all(), whole),
            paths,
            roots: by_kind.iter().sum(),
            roots_by_creation: count(RootKind::Creation),
            roots_by_entry: count(RootKind::Entry),
            roots_by_stack: count(RootKind::Stack),
            roots_by_task: count(RootKind::Task),
            roots_by_region: count(RootKind::Region),
            roots_cut,
            outlived,
            aggregate: self.core.attribution.aggregate,
        }
    }
}

impl<'a> MeasureCore<'a> {
    /// Takes what a part measured, and leaves it empty. `ended` are the goroutines that ended in it, and whether each is
    /// older than the part. Gives its sums as ours.
    fn absorb(&mut self, theirs: &mut MeasureCore<'a>, ended: &[(GIdx, bool)]) -> Arc<SumMap> {
        self.windows.absorb_positions(&theirs.windows);
        for g in theirs.created_late.drain(..) {
            // The same condition as for goroutines created in time: nobody outlives a window that is cut.
            let Window { start: from, end: to } = self.spec.looked_at;
            if (from..to).contains(&self.windows.get(self.spec.slice.owner[g.at()]).end) {
                self.outlived[g.at() / 64] |= 1 << (g.0 % 64);
            }
        }
        for &(g, older) in ended {
            theirs.ended[g.at() / 64] = 0;
            self.ended[g.at() / 64] |= 1 << (g.0 % 64);
            if older {
                self.drop_line(g);
            }
        }
        self.absorb_lines(theirs);
        self.attribution.cpu.absorb(&mut theirs.attribution.cpu);
        let aggregate: &mut Aggregate = &mut theirs.attribution.aggregate;
        let sums = self.attribution.aggregate.absorb(aggregate);
        for (ours, theirs) in self.outlived.iter_mut().zip(&mut theirs.outlived) {
            *ours |= std::mem::take(theirs);
        }
        match (&mut self.log, &mut theirs.log) {
            (Some(ours), Some(theirs)) => ours.absorb(theirs, sums),
            _ => Arc::new(SumMap { sums, splits: Vec::new() }),
        }
    }

    /// Goroutines that are alive at the end of a part go on from there.
    fn absorb_lines(&mut self, theirs: &mut MeasureCore<'a>) {
        for mut line in theirs.take_lines() {
            line.carried = false;
            self.attribution.take_samples(line.g);
            if line.is_sampled() {
                for stack in theirs.attribution.take_samples(line.g) {
                    self.attribution.sample(&mut line, stack);
                }
            }
            match self.line(line.g) {
                Some(at) => {
                    self.add_window_ns(at);
                    self.lines[at] = line;
                }
                None => {
                    self.add_line(line);
                }
            }
        }
    }
}

impl Sink for WholeMeasurer<'_> {
    #[inline]
    fn wants(&self, g: GIdx) -> bool {
        self.core.wants(g)
    }

    fn event(&mut self, event: &Event, _: u64) {
        self.take(event, Cause { by: event.g, stack: event.stack });
        if !self.holds_walks {
            self.walk_if_due(event.time, false);
        }
    }
}
