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

/// Surveys a trace from its events in causal order.
pub struct OrderedSurvey {
    survey: Survey,
    /// Per stack, whether a function on it matches; none when nothing is selected by stack.
    matches: Option<Vec<bool>>,
    /// Stretches of goroutines that had a matching stack, or may be inside one.
    stretches: FxHashMap<GIdx, Stretches<StackIdx>>,
    /// Per goroutine, where it was last seen without a matching stack; or one of the two below.
    last_gap: Vec<u64>,
}

/// Nothing was seen of a goroutine.
const UNSEEN: u64 = u64::MAX;
/// What was seen of a goroutine is among the stretches.
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

impl OrderedSurvey {
    /// Nothing seen yet. `matches`: per stack, whether a function on it matches; none when nothing is selected by
    /// stack.
    pub fn new(trace: OrderedTrace<'_>, matches: Option<Vec<bool>>) -> Self {
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
        let last_gap = vec![UNSEEN; if matches.is_some() { trace.goroutines.len() } else { 0 }];
        Self { survey, matches, stretches: FxHashMap::default(), last_gap }
    }

    /// Takes the next event.
    #[inline]
    pub fn event(&mut self, event: &Event) {
        self.survey.end = event.time;
        if self.matches.is_some() && event.g.is_some() && event.stack != StackIdx::EMPTY {
            self.own_stack(event);
        }
        match &event.kind {
            EventKind::Transition(t) => self.transition(event, t),
            EventKind::ProcsChange { procs } => self.survey.gomaxprocs = Some(*procs),
            _ => {}
        }
    }

    fn is_match(&self, stack: StackIdx) -> bool {
        self.matches.as_ref().is_some_and(|matches| matches.get(stack.at()) == Some(&true))
    }

    #[inline]
    fn own_stack(&mut self, event: &Event) {
        if self.is_match(event.stack) {
            self.notice(event.g).matched(event.stack);
        } else {
            self.gap(event.g, event.pos, true);
        }
    }

    /// The stretches of a goroutine, from here on.
    fn notice(&mut self, g: GIdx) -> &mut Stretches<StackIdx> {
        let seen = self.last_gap.get_mut(g.at()).map_or(UNSEEN, |seen| std::mem::replace(seen, NOTICED));
        self.stretches.entry(g).or_insert_with(|| Stretches::continued_from((seen != UNSEEN).then_some(seen)))
    }

    #[inline]
    fn gap(&mut self, g: GIdx, pos: u64, other: bool) {
        match self.last_gap.get_mut(g.at()) {
            // Most goroutines never match; of them only the last gap matters.
            Some(seen) if *seen != NOTICED => *seen = pos,
            _ => {
                let found = self.notice(g).gap(Gap { first: pos, last: pos, other });
                self.add_stretch(g, found);
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
            (_, GoState::Running) if self.matches.is_some() => self.gap(t.g, event.pos, false),
            _ => {}
        }
    }

    fn death(&mut self, event: &Event, g: GIdx) {
        self.survey.forest.lives[g.at()].died = Some(event.time);
        self.survey.forest.goroutines[g.at()].ended = 0;
        if let Some(seen) = self.last_gap.get_mut(g.at())
            && std::mem::replace(seen, UNSEEN) == NOTICED
        {
            let found = self.stretches.remove(&g).and_then(|mut s| s.end(Some(event.pos)));
            self.add_stretch(g, found);
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
        let inside = event.stack == StackIdx::EMPTY || self.is_match(event.stack);
        if inside && self.last_gap.get(event.g.at()).is_some_and(|&seen| seen != UNSEEN) {
            self.notice(event.g).created(t.g.0);
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

    /// The trace is over.
    pub fn finish(mut self) -> Survey {
        let mut open: Vec<_> = std::mem::take(&mut self.stretches).into_iter().collect();
        open.sort_unstable_by_key(|(g, _)| *g);
        for (g, mut stretches) in open {
            let found = stretches.end(None);
            self.add_stretch(g, found);
        }
        self.survey
    }
}
