//! Pass 1 of a trace whose events are already in causal order: the same forest, from one walk.

use super::build::Survey;
use super::classes::{Classifier, PartialClass, StackClass};
use super::connection::Moment;
use super::evidence::Gap;
use super::forest::{Goroutine, Life, Origin};
use super::served::Served;
use super::server::Step;
use super::tracker::{Part, Tracker};
use crate::event::{Event, EventKind, GoState, GoTransition};
use crate::ids::{GIdx, GoId, StackIdx};
use crate::symbols::Symbols;
use crate::time::Time;
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

/// Surveys a trace from its events in causal order. `classes` tells what each stack says; none when nothing asks
/// for that. With `lists_handlers` of what the trace's servers served.
pub fn survey(
    trace: OrderedTrace<'_>,
    events: impl Iterator<Item = Event>,
    classes: Option<&[StackClass]>,
    lists_handlers: bool,
) -> Survey {
    let mut survey = Survey {
        symbols: trace.symbols,
        start: trace.start,
        end: trace.start,
        events: trace.file_events,
        served: Served::new(lists_handlers),
        ..Survey::default()
    };
    for &id in trace.goroutines {
        survey.forest.add(older(id), Life { born: trace.start, died: None });
    }
    let mut walk = Walk { survey, classes, trackers: FxHashMap::default(), parts: Vec::new() };
    for event in events {
        walk.survey.end = event.time;
        walk.event(&event);
    }
    walk.finish()
}

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

struct Walk<'a> {
    survey: Survey,
    classes: Option<&'a [StackClass]>,
    trackers: FxHashMap<GIdx, Tracker>,
    parts: Vec<Part>,
}

impl Walk<'_> {
    fn event(&mut self, event: &Event) {
        if event.g.is_some() && event.stack != StackIdx::EMPTY {
            self.own_stack(event);
        }
        match &event.kind {
            EventKind::Transition(t) => self.transition(event, t),
            EventKind::ProcsChange { procs } => self.survey.gomaxprocs = Some(*procs),
            _ => {}
        }
    }

    fn class(&self, stack: StackIdx) -> StackClass {
        self.classes.and_then(|classes| classes.get(stack.at())).copied().unwrap_or_default()
    }

    fn own_stack(&mut self, event: &Event) {
        let class = self.class(event.stack);
        if class.step != Step::None {
            let Survey { served, forest, .. } = &mut self.survey;
            if served.see(forest, event.g, class.step, event.stack, class.matches) {
                return;
            }
            let at = Moment { pos: event.pos, time: Some(event.time) };
            let tracker = self.trackers.entry(event.g).or_default();
            tracker.seen(class.step, event.stack, class.matches, at, &mut self.parts);
            self.add_parts(event.g);
        } else if class.excludes() {
            self.gap(event.g, event, true);
        } else if class.matches {
            self.trackers.entry(event.g).or_default().matched(event.stack);
        }
        if class.cut {
            self.survey.cut.insert(event.g);
        }
    }

    fn gap(&mut self, g: GIdx, event: &Event, other: bool) {
        let gap = Gap { first: event.pos, last: event.pos, ticks: 0, other };
        self.trackers.entry(g).or_default().gap(gap, Some(event.time), &mut self.parts);
        self.add_parts(g);
    }

    fn transition(&mut self, event: &Event, t: &GoTransition) {
        match (t.from, t.to) {
            (GoState::NotExist, to) => self.birth(event, t, to),
            (_, GoState::NotExist) => {
                self.survey.forest.lives[t.g.at()].died = Some(event.time);
                self.survey.forest.goroutines[t.g.at()].ended = 0;
                if let Some(mut tracker) = self.trackers.remove(&t.g) {
                    let at = Moment { pos: event.pos, time: Some(event.time) };
                    tracker.end(at, &mut self.parts);
                    self.add_parts(t.g);
                }
            }
            (GoState::Undetermined, _) => {}
            (_, GoState::Running) if self.classes.is_some() => self.gap(t.g, event, false),
            _ => {}
        }
    }

    fn birth(&mut self, event: &Event, t: &GoTransition, to: GoState) {
        let goroutine = &mut self.survey.forest.goroutines[t.g.at()];
        goroutine.parent = if event.g == t.g { GIdx::NONE } else { event.g };
        goroutine.creation = event.stack;
        goroutine.entry = t.stack;
        goroutine.origin = if to == GoState::Syscall { Origin::Callback } else { Origin::Created };
        self.survey.forest.lives[t.g.at()].born = event.time;
        // A creation whose own stack does not match is outside, whatever comes next.
        if self.class(event.stack).may_be_inside()
            && let Some(tracker) = self.trackers.get_mut(&event.g)
        {
            tracker.created(t.g.0);
        }
    }

    fn add_parts(&mut self, g: GIdx) {
        let Survey { served, forest, .. } = &mut self.survey;
        for part in self.parts.drain(..) {
            served.add(forest, g, part);
        }
    }

    fn finish(mut self) -> Survey {
        let mut open: Vec<_> = std::mem::take(&mut self.trackers).into_iter().collect();
        open.sort_unstable_by_key(|(g, _)| *g);
        for (g, mut tracker) in open {
            tracker.cut(&mut self.parts);
            self.add_parts(g);
        }
        self.survey
    }
}
