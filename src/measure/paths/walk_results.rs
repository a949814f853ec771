//! What walks along critical paths are given, and what they find.

use super::wakeups::Wakeups;
use crate::measure::intervals::aggregate::Aggregate;
use crate::measure::intervals::states::StateKey;
use crate::slice::WindowIdx;
use crate::trace::ids::GIdx;
use crate::trace::time::{Time, Window};

/// A request whose path is to be walked.
#[derive(Clone, Debug)]
pub(crate) struct PathSegment {
    /// Which one.
    pub(crate) window: WindowIdx,
    /// Its goroutine.
    pub(crate) g: GIdx,
    /// Of a task that another goroutine took over: since when, and which one.
    pub(crate) taken_over: Option<(Time, GIdx)>,
    /// When.
    pub(crate) span: Window,
    /// Time by slot of [`States`].
    pub(crate) states: Vec<u64>,
}

impl PathSegment {
    /// Adds what was found of a part of it.
    pub(crate) fn add(&mut self, states: Vec<u64>) {
        self.states.resize(self.states.len().max(states.len()), 0);
        for (sum, ns) in self.states.iter_mut().zip(states) {
            *sum += ns;
        }
    }

    /// It as rides on one goroutine each, which together take as long.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Self> + use<> {
        let Window { start, end } = self.span;
        let (since, by) = self.taken_over.unwrap_or((end, self.g));
        let border = since.clamp(start, end);
        let part = |g, start, end| Self { g, span: Window { start, end }, taken_over: None, ..self.clone() };
        let parts = [part(by, border, end), part(self.g, start, border)];
        parts.into_iter().filter(|part| part.span.start < part.span.end)
    }
}

/// Which states requests were in: each gets a slot, the last of which all further ones share.
#[derive(Default, Debug)]
pub(crate) struct States {
    /// Which state each slot is.
    pub(crate) slots: Vec<StateKey>,
}

/// The state of a place: its slot, and what matters of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaceState(u8);

impl PlaceState {
    const WAITS: u8 = 1 << 6;
    const RUNNABLE: u8 = 1 << 7;

    fn new(slot: usize, state: StateKey) -> Self {
        let waits = if state.is_wait() { Self::WAITS } else { 0 };
        let runnable = if state == StateKey::RUNNABLE { Self::RUNNABLE } else { 0 };
        Self(slot.min(MAX_STATES - 1) as u8 | waits | runnable)
    }

    #[inline]
    pub(crate) fn slot(self) -> usize {
        usize::from(self.0) % MAX_STATES
    }

    /// Whether it is one of the waits.
    #[inline]
    pub(crate) fn waits(self) -> bool {
        self.0 & Self::WAITS != 0
    }

    /// Whether it only lacks a proc.
    #[inline]
    pub(crate) fn is_runnable(self) -> bool {
        self.0 & Self::RUNNABLE != 0
    }
}

/// Most states that requests tell apart. Go has about twenty-five.
pub(crate) const MAX_STATES: usize = 32;

impl States {
    fn of(&mut self, state: StateKey) -> PlaceState {
        let known = self.slots.iter().position(|s| *s == state);
        let slot = known.unwrap_or_else(|| {
            self.slots.push(state);
            self.slots.len() - 1
        });
        PlaceState::new(slot, state)
    }
}

/// What the walks found at a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtPlace {
    /// What is counted there.
    pub(crate) state: PlaceState,
    /// Time by [`Class`].
    pub(crate) sums: [u64; 3],
}

/// Where a piece of a path is counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Via {
    /// In another goroutine of the same request.
    Inside,
    /// In a goroutine that is not the request's.
    Foreign,
}

/// In whose goroutine a piece of a request's path is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// The request's own.
    Own,
    /// Another one of the same request.
    Inside,
    /// One that is not the request's.
    Foreign,
}

/// A piece of one request's path, the latest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PathStep {
    /// When.
    pub(crate) span: Window,
    /// In which goroutine.
    pub(crate) g: GIdx,
    /// Where it was counted.
    pub(crate) place: u32,
}

/// Most pieces that are noted of one request's path.
pub(crate) const MAX_STEPS: usize = 10_000;

/// What the walks found.
#[derive(Default, Debug)]
pub(crate) struct WalkResults {
    /// By place.
    pub(crate) places: Vec<AtPlace>,
    pub(crate) wakeups: Wakeups,
    pub(crate) states: States,
    /// Runnable while the world was stopped, in ns.
    pub(crate) stw_runnable_ns: u64,
}

impl WalkResults {
    /// Gets to know all places.
    pub(crate) fn learn(&mut self, aggregate: &Aggregate) {
        for place in self.places.len()..aggregate.len() {
            let state = self.states.of(aggregate.key(place as u32).state);
            self.places.push(AtPlace { state, sums: [0; 3] });
        }
    }

    /// The state of a place; none for what is no place.
    #[inline]
    pub(crate) fn state(&self, place: u32) -> Option<PlaceState> {
        self.places.get(place as usize).map(|at| at.state)
    }
}
