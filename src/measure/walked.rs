//! What walks along critical paths are given, and what they find.

use super::states::StateKey;
use super::wakeups::Wakeups;
use crate::ids::{GIdx, WindowIdx};
use crate::time::{Time, Window};

/// A request whose path is to be walked.
#[derive(Clone, Debug)]
pub(super) struct Ride {
    /// Which one.
    pub(super) window: WindowIdx,
    /// Its goroutine.
    pub(super) g: GIdx,
    /// Of a task that another goroutine took over: since when, and which one.
    pub(super) taken_over: Option<(Time, GIdx)>,
    /// When.
    pub(super) span: Window,
    /// Time by slot of [`States`].
    pub(super) states: Vec<u64>,
}

impl Ride {
    /// Adds what was found of a part of it.
    pub(super) fn add(&mut self, states: Vec<u64>) {
        if self.states.is_empty() {
            self.states = states;
        } else {
            for (sum, ns) in self.states.iter_mut().zip(states) {
                *sum += ns;
            }
        }
    }

    /// It as rides on one goroutine each, which together take as long.
    pub(super) fn parts(&self) -> impl Iterator<Item = Self> + use<> {
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
pub(super) struct States {
    /// Which state each slot is.
    pub(super) slots: Vec<StateKey>,
    /// Per place, its slot plus 1.
    by_place: Vec<u8>,
}

/// Most states that requests tell apart. Go has about twenty-five.
pub(super) const MAX_STATES: usize = 32;

impl States {
    pub(super) fn slot(&mut self, place: u32, state: StateKey) -> usize {
        let at = place as usize;
        if self.by_place.len() <= at {
            self.by_place.resize(at + 1, 0);
        }
        if self.by_place[at] == 0 {
            let known = self.slots.iter().position(|s| *s == state);
            let slot = known.unwrap_or_else(|| {
                self.slots.push(state);
                self.slots.len() - 1
            });
            self.by_place[at] = slot.min(MAX_STATES - 1) as u8 + 1;
        }
        usize::from(self.by_place[at]) - 1
    }
}

/// Where a piece of a path is counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Via {
    /// In another goroutine of the same request.
    Inside,
    /// In a goroutine that is not the request's.
    Foreign,
}

/// Time by place, dense, with the places that have any.
#[derive(Default, Debug)]
pub(super) struct ByPlace {
    ns: Vec<u64>,
    touched: Vec<u32>,
}

impl ByPlace {
    #[inline]
    pub(super) fn add(&mut self, place: u32, ns: u64) {
        let at = place as usize;
        if self.ns.len() <= at {
            self.ns.resize(at + 1, 0);
        }
        if self.ns[at] == 0 {
            self.touched.push(place);
        }
        self.ns[at] = self.ns[at].saturating_add(ns);
    }

    /// Gives all sums away.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (u32, u64)> + '_ {
        let Self { ns, touched } = self;
        touched.drain(..).map(|place| (place, std::mem::take(&mut ns[place as usize])))
    }
}

/// A piece of one request's path, the latest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    /// When.
    pub(super) span: Window,
    /// In which goroutine.
    pub(super) g: GIdx,
    /// Where it was counted.
    pub(super) place: u32,
}

/// Most pieces that are noted of one request's path.
pub(super) const MAX_STEPS: usize = 10_000;

/// What the walks found.
#[derive(Default, Debug)]
pub(super) struct Walked {
    /// In requests' own goroutines.
    pub(super) own: ByPlace,
    /// In other goroutines of the same request.
    pub(super) inside: ByPlace,
    /// Elsewhere.
    pub(super) foreign: ByPlace,
    pub(super) wakeups: Wakeups,
    pub(super) states: States,
    /// Runnable while the world was stopped, in ns.
    pub(super) stw_runnable_ns: u64,
}
