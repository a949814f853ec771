//! Pass 1 of a trace whose events are already in causal order: the same forest, from one walk.

use super::annotations::notes::AnnotationKind;
use super::annotations::sink::AnnotationSink;
use super::collect::Survey;
use super::forest::{Goroutine, Life, Origin};
use super::roots::classify::{Classifier, PartialClass, StackClass};
use super::roots::connections::Moment;
use super::roots::served::Served;
use super::roots::servers::ServerStep;
use super::roots::tracker::{RootPart, RootTracker};
use super::v2::evidence::Gap;
use crate::trace::event::{Event, EventKind, GoState, GoTransition};
use crate::trace::ids::{GIdx, GoId, StackIdx, StringIdx};
use crate::trace::symbols::Symbols;
use crate::trace::time::Time;
use rustc_hash::FxHashMap;

/// What is known of a trace besides its events.
pub struct OrderedTrace<'a> {
    /// Id in the file of every goroutine, by index.
    pub goroutines: &'a [GoId],
    /// Names of everything.
    pub symbols: Symbols,
    /// The trace's first moment.
    pub start: Time,
    /// Timed events in the file.
    pub file_events: u64,
}

/// What each stack of a trace says.
pub fn classes(symbols: &Symbols, classifier: &Classifier<'_>) -> Vec<StackClass> {
    let functions = |name: &str| classifier.function(name);
    let stacks = symbols.fold_stacks(functions, |outer: PartialClass, function| outer.enter(function));
    stacks.into_iter().map(|stack| classifier.class(stack)).collect()
}

/// Surveys a trace from its events in causal order.
pub struct OrderedSurvey<'a> {
    survey: Survey,
    annotations: Option<AnnotationSink<'a>>,
    /// What each stack says; none when nothing asks for that.
    classes: Option<Vec<StackClass>>,
    /// Goroutines that had a matching stack or a server's, or may be inside a stretch.
    trackers: FxHashMap<GIdx, RootTracker>,
    /// Per goroutine, where it was last seen without a matching stack; or one of the two below.
    last_gap: Vec<u64>,
    parts: Vec<RootPart>,
    /// The part of the trace that the events are of.
    part: u32,
}

/// Nothing was seen of a goroutine.
const UNSEEN: u64 = u64::MAX;
/// A tracker has what was seen of a goroutine.
const NOTICED: u64 = u64::MAX - 1;

fn older(id: GoId) -> Goroutine {
    Goroutine {
        id,
        parent: GIdx::NONE,
        creation: StackIdx::EMPTY,
        entry: StackIdx::EMPTY,
        generation: 0,
        ended: Goroutine::ALIVE,
        stretch: Goroutine::NO_STRETCH,
        previous: GIdx::NONE,
        origin: Origin::Older,
    }
}

impl<'a> OrderedSurvey<'a> {
    /// Nothing seen yet. `classes` tells what each stack says; none when nothing asks for that. With `lists_handlers`
    /// of what the trace's servers served. `annotations` takes tasks and regions, where these are asked for.
    pub fn new(
        trace: OrderedTrace<'_>,
        classes: Option<Vec<StackClass>>,
        lists_handlers: bool,
        annotations: Option<AnnotationSink<'a>>,
    ) -> Self {
        let mut survey = Survey {
            symbols: trace.symbols,
            start: trace.start,
            end: trace.start,
            events: trace.file_events,
            served: Served::new(lists_handlers),
            ..Survey::default()
        };
        for &id in trace.goroutines {
            survey.forest.add(older(id), Some(Life { born: trace.start, died: None }));
        }
        let last_gap = vec![UNSEEN; if classes.is_some() { trace.goroutines.len() } else { 0 }];
        Self { survey, annotations, classes, trackers: FxHashMap::default(), last_gap, parts: Vec::new(), part: 0 }
    }

    /// The next event is the first of this part of the trace.
    pub fn begin_part(&mut self, part: u32) {
        self.part = part;
    }

    /// Takes an event by which a goroutine begins or stops to run, if no more of it matters than its place, who
    /// executed, its stack, and whether `g` runs behind it; else it is to be taken as a whole.
    #[inline]
    pub fn brief_event(&mut self, pos: u64, g: GIdx, stack: StackIdx, runs: bool) -> bool {
        let Some(classes) = &self.classes else { return true };
        let class = classes.get(stack.at()).copied().unwrap_or_default();
        if class.step != ServerStep::None || class.matches || class.cut {
            return false;
        }
        if runs || class.excludes() {
            match self.last_gap.get_mut(g.at()) {
                Some(seen) if *seen != NOTICED => *seen = pos,
                _ => return false,
            }
        }
        true
    }

    /// Takes the next event.
    #[inline]
    pub fn event(&mut self, event: &Event) {
        self.survey.end = event.time;
        if self.classes.is_some() && event.g.is_some() && event.stack != StackIdx::EMPTY {
            self.own_stack(event);
        }
        match &event.kind {
            EventKind::Transition(t) => self.transition(event, t),
            EventKind::ProcsChange { procs } => self.survey.gomaxprocs = Some(*procs),
            EventKind::TaskBegin { task, parent, name } => {
                self.annotation(event, AnnotationKind::TaskBegin { task: *task, parent: *parent, name: *name });
            }
            EventKind::TaskEnd { task } => self.annotation(event, AnnotationKind::TaskEnd { task: *task }),
            EventKind::Log { task } => self.annotation(event, AnnotationKind::Log { task: *task }),
            EventKind::RegionBegin { task, name } => {
                self.annotation(event, AnnotationKind::RegionBegin { task: *task, name: *name });
            }
            EventKind::RegionEnd { task, name } => {
                self.annotation(event, AnnotationKind::RegionEnd { task: *task, name: *name });
            }
            _ => {}
        }
    }

    fn annotation(&mut self, event: &Event, said: AnnotationKind<StringIdx>) {
        let Some(annotations) = self.annotations.as_mut().filter(|_| event.g.is_some()) else { return };
        let at = Moment { pos: event.pos, time: Some(event.time) };
        let Survey { forest, symbols, .. } = &self.survey;
        if let AnnotationKind::TaskBegin { task, parent, name } = said {
            annotations.begin_task((task, parent, name), event.g, at, symbols);
        }
        annotations.note(event.g, forest.get(event.g).origin == Origin::Older, at, said, symbols);
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
        if class.step != ServerStep::None {
            self.server(event, class);
        } else if class.excludes() {
            self.gap(event.g, event, true);
        } else if class.matches {
            self.notice(event.g).matched(event.stack);
        }
        if class.cut {
            self.survey.cut.insert(event.g);
        }
    }

    /// A stack that tells where in a server the goroutine is.
    fn server(&mut self, event: &Event, class: StackClass) {
        let Survey { served, forest, .. } = &mut self.survey;
        if !served.see(forest, event.g, class.step, event.stack, class.matches) {
            let at = Moment { pos: event.pos, time: Some(event.time) };
            let mut parts = std::mem::take(&mut self.parts);
            self.notice(event.g).seen(class.step, event.stack, class.matches, at, &mut parts);
            self.parts = parts;
            self.add_parts(event.g);
        }
    }

    /// What is tracked of a goroutine, from here on.
    fn notice(&mut self, g: GIdx) -> &mut RootTracker {
        let seen = self.last_gap.get_mut(g.at()).map_or(UNSEEN, |seen| std::mem::replace(seen, NOTICED));
        self.trackers.entry(g).or_insert_with(|| RootTracker::continued_from((seen != UNSEEN).then_some(seen)))
    }

    #[inline]
    fn gap(&mut self, g: GIdx, event: &Event, other: bool) {
        match self.last_gap.get_mut(g.at()) {
            // Most goroutines never match; of them only the last gap matters.
            Some(seen) if *seen != NOTICED => *seen = event.pos,
            _ => {
                let gap = Gap { first: event.pos, last: event.pos, ticks: 0, other };
                let mut parts = std::mem::take(&mut self.parts);
                self.notice(g).gap(gap, Some(event.time), &mut parts);
                self.parts = parts;
                self.add_parts(g);
            }
        }
    }

    #[inline]
    fn transition(&mut self, event: &Event, t: &GoTransition) {
        match (t.from, t.to) {
            (GoState::NotExist, to) => self.birth(event, t, to),
            (_, GoState::NotExist) => {
                self.death(event, t.g);
            }
            (GoState::Undetermined, _) => {}
            (_, GoState::Running) if self.classes.is_some() => self.gap(t.g, event, false),
            _ => {}
        }
    }

    fn death(&mut self, event: &Event, g: GIdx) {
        self.survey.forest.died(g, event.time);
        self.survey.forest.goroutines[g.at()].ended = self.part;
        if let Some(annotations) = &mut self.annotations {
            annotations.died(g, Moment { pos: event.pos, time: Some(event.time) });
        }
        if let Some(seen) = self.last_gap.get_mut(g.at())
            && std::mem::replace(seen, UNSEEN) == NOTICED
        {
            let at = Moment { pos: event.pos, time: Some(event.time) };
            if let Some(mut tracker) = self.trackers.remove(&g) {
                tracker.end(at, &mut self.parts);
            }
            self.add_parts(g);
        }
    }

    fn birth(&mut self, event: &Event, t: &GoTransition, to: GoState) {
        let goroutine = &mut self.survey.forest.goroutines[t.g.at()];
        goroutine.parent = if event.g == t.g { GIdx::NONE } else { event.g };
        goroutine.creation = event.stack;
        goroutine.entry = t.stack;
        goroutine.origin = if to == GoState::Syscall { Origin::Callback } else { Origin::Created };
        self.survey.forest.lives[t.g.at()].born = event.time;
        self.annotation(event, AnnotationKind::Created(t.g.0));
        // A creation whose own stack does not match is outside, whatever comes next.
        let inside = self.class(event.stack).may_be_inside();
        if inside && self.last_gap.get(event.g.at()).is_some_and(|&seen| seen != UNSEEN) {
            self.notice(event.g).created(t.g.0);
        }
    }

    fn add_parts(&mut self, g: GIdx) {
        let Survey { served, forest, .. } = &mut self.survey;
        for part in self.parts.drain(..) {
            served.add(forest, g, part);
        }
    }

    /// The trace is over.
    pub fn finish(mut self) -> Survey {
        let mut open: Vec<_> = std::mem::take(&mut self.trackers).into_iter().collect();
        open.sort_unstable_by_key(|(g, _)| *g);
        for (g, mut tracker) in open {
            tracker.cut(&mut self.parts);
            self.add_parts(g);
        }
        if let Some(annotations) = self.annotations {
            annotations.finish(&mut self.survey);
        }
        self.survey
    }
}
