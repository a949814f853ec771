//! Pass 1 of a trace whose events are already in causal order: one walk through them gives the same forest.
//!
//! Each goroutine's evidence comes in its own order by itself. Most goroutines never have a stack that matters, and of
//! these only the position of the last gap is kept, in an array; a tracker is made for the others.

use super::Survey;
use super::annotations::kind::AnnotationKind;
use super::annotations::sink::AnnotationSink;
use super::collect::Collector;
use super::forest::{Goroutine, Origin};
use super::roots::classify::{Classifier, HiddenMatches, PartialClass};
use super::roots::connections::{Moment, ServerStack};
use super::roots::servers::ServerStep;
use super::roots::stack_class::StackClass;
use super::roots::stack_evidence::{Match, StackHolds, StretchGap};
use super::roots::stretches::Before;
use super::roots::tracker::RootEvidence;
use super::spans::Life;
use crate::trace::event::{Event, EventKind, GoState, GoTransition};
use crate::trace::ids::{GIdx, GoId, StackIdx};
use crate::trace::symbols::Symbols;
use crate::trace::time::Time;

/// What is known of a trace besides its events.
pub(crate) struct OrderedTrace<'a> {
    /// Id in the file of every goroutine, by index.
    pub(crate) goroutines: &'a [GoId],
    /// Names of everything.
    pub(crate) symbols: Symbols,
    /// The trace's first moment.
    pub(crate) start: Time,
    /// Timed events in the file.
    pub(crate) file_events: u64,
}

/// What each stack of a trace says, by the stack's index; none when no caller needs it.
pub(crate) fn classify(symbols: &Symbols, classifier: &Classifier<'_>) -> Option<Vec<StackClass>> {
    let functions = |name: &str, file: &str| classifier.function(name, || file);
    let stacks =
        symbols.fold_stacks(functions, |outer: PartialClass, function, line| outer.enter(function, line.into()));
    let mut hidden = HiddenMatches::default();
    for stack in (1..stacks.len()).map(|i| StackIdx(i as u32)) {
        let mut outer = symbols.parent(stack);
        if hidden.note(&stacks[outer.at()], &stacks[stack.at()]) {
            while outer != StackIdx::EMPTY {
                hidden.note_outside(&stacks[outer.at()]);
                outer = symbols.parent(outer);
            }
            hidden.note_outside(&PartialClass::default());
        }
    }
    let class = |stack| StackClass { hides_match: hidden.hides(&stack), ..classifier.class(stack) };
    let classes: Vec<StackClass> = stacks.into_iter().map(class).collect();
    let serves = classes.iter().any(|class| class.serves());
    classifier.needs_classes(serves).then_some(classes)
}

/// Surveys a trace from its events in causal order.
pub(crate) struct OrderedSurvey<'a> {
    collector: Collector<'a>,
    /// What each stack says; none when stacks do not matter.
    classes: Option<Vec<StackClass>>,
    /// Per goroutine, the file position of its last gap, with [`OUTSIDE`]; or one of the two values below. Empty without
    /// classes.
    last_gap: Vec<u64>,
    /// The part of the trace that the events are of.
    part: u32,
}

/// Nothing was seen of a goroutine.
const UNSEEN: u64 = u64::MAX;
/// A tracker follows the goroutine.
const TRACKED: u64 = u64::MAX - 1;
/// The bit that says that the goroutine had a stack that does not match.
const OUTSIDE: u64 = 1 << 63;

/// What is noted of a goroutine after a gap at a file position; `other` says whether that is a stack that does not match.
#[inline]
fn noted(before: u64, pos: u64, other: bool) -> u64 {
    let was_outside = if before == UNSEEN { 0 } else { before & OUTSIDE };
    pos | was_outside | if other { OUTSIDE } else { 0 }
}

impl<'a> OrderedSurvey<'a> {
    /// Nothing seen yet. `classes` says what each stack says; none when stacks do not matter. `annotations` takes events
    /// about tasks and regions; none when they do not matter.
    pub(crate) fn new(
        trace: OrderedTrace<'_>,
        classes: Option<Vec<StackClass>>,
        annotations: Option<AnnotationSink<'a>>,
    ) -> Self {
        let mut collector = Collector::new(trace.start, trace.symbols, annotations);
        collector.survey.events = trace.file_events;
        for &id in trace.goroutines {
            let life = Life::since(trace.start);
            collector.survey.forest.add(Goroutine::older(id, 0), Some(life));
        }
        let last_gap = vec![UNSEEN; if classes.is_some() { trace.goroutines.len() } else { 0 }];
        Self { collector, classes, last_gap, part: 0 }
    }

    /// The next event is the first of this part of the trace.
    pub(crate) fn begin_part(&mut self, part: u32) {
        self.part = part;
    }

    /// Takes an event by which a goroutine begins or stops to run, as [`event`](Self::event) does, if `g` is not followed
    /// and `stack` says nothing but that no matching function is at work. `runs` says whether `g` runs after the event.
    /// Else false, with nothing changed. Benchmark: `v1` in `benches/pipeline.rs`.
    #[inline]
    pub(crate) fn event_fast(&mut self, pos: u64, g: GIdx, stack: StackIdx, runs: bool) -> bool {
        let Some(classes) = &self.classes else { return true };
        let class = classes.get(stack.at()).copied().unwrap_or_default();
        if !class.is_plain() {
            return false;
        }
        if runs || class.excludes() {
            match self.last_gap.get_mut(g.at()) {
                Some(gap) if *gap != TRACKED => *gap = noted(*gap, pos, class.excludes()),
                _ => return false,
            }
        }
        true
    }

    /// Takes the next event.
    #[inline]
    pub(crate) fn event(&mut self, event: &Event) {
        self.collector.survey.end = event.time;
        if self.classes.is_some() && event.g.is_some() && event.stack != StackIdx::EMPTY {
            self.own_stack(event);
        }
        match &event.kind {
            EventKind::Transition(t) => self.transition(event, t),
            EventKind::ProcsChange { procs } => self.collector.survey.gomaxprocs = Some(*procs),
            _ => self.annotation(event),
        }
    }

    fn annotation(&mut self, event: &Event) {
        if let EventKind::TaskBegin { task, .. } = event.kind {
            self.collector.task_ids.begin(task, event.pos);
        }
        if let Some(kind) = AnnotationKind::of(&event.kind).filter(|_| event.g.is_some()) {
            self.collector.begin_task(event.g, moment(event), kind);
            self.collector.annotation(event.g, moment(event), kind);
        }
    }

    #[inline]
    fn class(&self, stack: StackIdx) -> StackClass {
        self.classes.as_ref().and_then(|classes| classes.get(stack.at())).copied().unwrap_or_default()
    }

    #[inline]
    fn own_stack(&mut self, event: &Event) {
        let class = self.class(event.stack);
        let creates = matches!(event.kind, EventKind::Transition(GoTransition { from: GoState::NotExist, .. }));
        let class = if creates { class } else { class.without_creation() };
        let class = match event.kind {
            EventKind::Transition(t) if t.g == event.g && t.to == GoState::Runnable => class.at_stop(),
            EventKind::Sample => class.at_sample(),
            _ => class,
        };
        let StackClass { step, matches, call, .. } = class;
        let (stack, at, holds) = (event.stack, moment(event), holds(event));
        if step != ServerStep::None {
            let seen = ServerStack { step, matches, call, stack, at, last: at.pos, holds };
            self.evidence(event.g, RootEvidence::Server(seen));
        } else if class.excludes() {
            self.gap(event.g, StretchGap::at_other_stack(event.pos), event.time);
        } else if matches {
            self.evidence(event.g, RootEvidence::Match(Match { stack, call, first: at.pos, last: at.pos, holds }));
        }
        if class.truncated {
            self.collector.survey.truncated.insert(event.g);
        }
    }

    /// Takes a piece of evidence about a goroutine, which is followed from here on.
    fn evidence(&mut self, g: GIdx, evidence: RootEvidence) {
        let last_gap = self.last_gap.get_mut(g.at());
        let is_created = self.collector.survey.forest.get(g).origin != Origin::Older;
        self.collector.evidence(g, evidence, || {
            let before = last_gap.map_or(UNSEEN, |gap| std::mem::replace(gap, TRACKED));
            let was_outside = is_created || before != UNSEEN && before & OUTSIDE != 0;
            Before {
                last_gap: (before != UNSEEN).then_some(before & !OUTSIDE),
                was_outside,
                was_seen: before != UNSEEN,
            }
        });
    }

    #[inline]
    fn gap(&mut self, g: GIdx, gap: StretchGap, time: Time) {
        match self.last_gap.get_mut(g.at()) {
            Some(noted_gap) if *noted_gap != TRACKED => {
                *noted_gap = noted(*noted_gap, gap.last, gap.first_other.is_some());
            }
            _ => self.evidence(g, RootEvidence::Gap(gap, Some(time))),
        }
    }

    #[inline]
    fn transition(&mut self, event: &Event, t: &GoTransition) {
        match (t.from, t.to) {
            (GoState::NotExist, to) => self.birth(event, t, to),
            (_, GoState::NotExist) => self.death(event, t.g),
            (GoState::Undetermined, _) => {}
            (_, GoState::Running) if self.classes.is_some() => {
                self.gap(t.g, StretchGap::at_resume(event.pos), event.time);
            }
            _ => {}
        }
    }

    fn death(&mut self, event: &Event, g: GIdx) {
        self.collector.survey.forest.died(g, event.time, self.part);
        self.collector.end_annotations(g, moment(event));
        if let Some(gap) = self.last_gap.get_mut(g.at())
            && std::mem::replace(gap, UNSEEN) == TRACKED
        {
            self.collector.end(g, moment(event));
        }
    }

    fn birth(&mut self, event: &Event, t: &GoTransition, to: GoState) {
        let forest = &mut self.collector.survey.forest;
        let goroutine = &mut forest.goroutines[t.g.at()];
        goroutine.parent = if event.g == t.g { GIdx::NONE } else { event.g };
        goroutine.creation = event.stack;
        goroutine.entry = t.stack;
        goroutine.origin = if to == GoState::Syscall { Origin::Callback } else { Origin::Created };
        forest.lives[t.g.at()].born = event.time;
        self.annotation(event);
        // A creation whose own stack does not match is outside, whatever comes next.
        let inside = self.class(event.stack).may_be_inside();
        if inside && self.last_gap.get(event.g.at()).is_some_and(|&gap| gap != UNSEEN) {
            self.evidence(event.g, RootEvidence::Created(t.g));
        }
    }

    /// The trace ends.
    pub(crate) fn finish(self) -> Survey {
        self.collector.finish()
    }
}

/// How long the own stack of an event holds.
fn holds(event: &Event) -> StackHolds {
    match event.kind {
        EventKind::Transition(t) if t.g == event.g && t.to == GoState::Waiting => StackHolds::WhileItWaits,
        EventKind::Transition(t) if t.g == event.g && matches!(t.to, GoState::Runnable | GoState::Syscall) => {
            StackHolds::UntilItRuns
        }
        _ => StackHolds::AMoment,
    }
}

fn moment(event: &Event) -> Moment {
    Moment { pos: event.pos, time: Some(event.time) }
}
