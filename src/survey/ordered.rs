//! Pass 1 of a trace whose events are already in causal order: the same forest, from one walk.

use super::build::Survey;
use super::evidence::{Gap, StretchFound, Stretches};
use super::forest::{Goroutine, Life, Origin, Stretch};
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

/// Surveys a trace from its events in causal order. `matches` says of a stack whether a function on it matches;
/// none when nothing is selected by stack.
pub fn survey(
    trace: OrderedTrace<'_>,
    events: impl Iterator<Item = Event>,
    matches: Option<&dyn Fn(StackIdx) -> bool>,
) -> Survey {
    let mut survey = Survey {
        symbols: trace.symbols,
        start: trace.start,
        end: trace.start,
        events: trace.file_events,
        ..Survey::default()
    };
    for &id in trace.goroutines {
        survey.forest.add(older(id), Life { born: trace.start, died: None });
    }
    let mut walk = Walk { survey, matches, stretches: FxHashMap::default() };
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
    matches: Option<&'a dyn Fn(StackIdx) -> bool>,
    stretches: FxHashMap<GIdx, Stretches<StackIdx>>,
}

impl Walk<'_> {
    fn event(&mut self, event: &Event) {
        if self.matches.is_some() && event.g.is_some() && event.stack != StackIdx::EMPTY {
            self.own_stack(event);
        }
        match &event.kind {
            EventKind::Transition(t) => self.transition(event, t),
            EventKind::ProcsChange { procs } => self.survey.gomaxprocs = Some(*procs),
            _ => {}
        }
    }

    fn own_stack(&mut self, event: &Event) {
        if self.matches.is_some_and(|matches| matches(event.stack)) {
            self.stretches.entry(event.g).or_default().matched(event.stack);
        } else {
            self.gap(event.g, event.pos, true);
        }
    }

    fn gap(&mut self, g: GIdx, pos: u64, other: bool) {
        let found = self.stretches.entry(g).or_default().gap(Gap { first: pos, last: pos, other });
        self.add_stretch(g, found);
    }

    fn transition(&mut self, event: &Event, t: &GoTransition) {
        match (t.from, t.to) {
            (GoState::NotExist, to) => self.birth(event, t, to),
            (_, GoState::NotExist) => {
                self.survey.forest.lives[t.g.at()].died = Some(event.time);
                self.survey.forest.goroutines[t.g.at()].ended = 0;
                let found = self.stretches.remove(&t.g).and_then(|mut s| s.end(Some(event.pos)));
                self.add_stretch(t.g, found);
            }
            (GoState::Undetermined, _) => {}
            (_, GoState::Running) if self.matches.is_some() => self.gap(t.g, event.pos, false),
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
        let inside = event.stack == StackIdx::EMPTY || self.matches.is_some_and(|matches| matches(event.stack));
        if inside && let Some(stretches) = self.stretches.get_mut(&event.g) {
            stretches.created(t.g.0);
        }
    }

    fn add_stretch(&mut self, g: GIdx, found: Option<StretchFound<StackIdx>>) {
        let Some(found) = found else { return };
        let forest = &mut self.survey.forest;
        let index = forest.stretches.len() as u32;
        for birth in found.births {
            forest.goroutines[birth as usize].stretch = index;
        }
        forest.stretches.push(Stretch { g, start: found.start, end: found.end, stack: found.stack });
    }

    fn finish(mut self) -> Survey {
        let mut open: Vec<_> = std::mem::take(&mut self.stretches).into_iter().collect();
        open.sort_unstable_by_key(|(g, _)| *g);
        for (g, mut stretches) in open {
            let found = stretches.end(None);
            self.add_stretch(g, found);
        }
        self.survey
    }
}
