//! A sample of latency in its parts: the own functions of the goroutine that waited, and what another one did meanwhile.
//!
//! ```text
//!   time.Sleep ← main.scan   [waiting for]   RWMutex.Lock ← main.tick   [waiting for]   RWMutex.RLock ← main.Read
//!   └─ the last goroutine ┘                  └─ by way of it ─────────┘                 └─ the request's own ────┘
//! ```

use crate::profile::waits::{is_lock, is_message, lock_kind};
use crate::profile::{LibraryPool, OwnCode, Precision, Profile, ProfileFrame, Sample, only_parks};
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;

/// Frames read of a stack at most, from the leaf.
const MAX_FRAMES: usize = 4096;

/// A sample with latency.
pub(super) struct TimedStack<'p> {
    /// The own functions of the request's goroutine, outermost first.
    pub(super) own: Vec<&'p ProfileFrame>,
    /// All frames of it, innermost first.
    frames: Vec<&'p ProfileFrame>,
    /// The state of the request's goroutine.
    pub(super) state: &'p str,
    /// Something finer than that.
    pub(super) detail: &'static str,
    /// The pool that a wait for a message is at, if it is a library's.
    pub(super) pool: Option<LibraryPool>,
    /// Time in ns.
    pub(super) ns: u64,
    /// Whether the time may have been spent in what the innermost function called.
    pub(super) bracketed: bool,
    /// What another goroutine did meanwhile.
    pub(super) worker: Option<Worker<'p>>,
}

/// What the last goroutine of a chain of waits did.
pub(super) struct Worker<'p> {
    /// Its own function; else the function it was started with.
    pub(super) frame: Option<&'p ProfileFrame>,
    /// Whether it is the program's own.
    pub(super) is_own: bool,
    pub(super) state: &'p str,
    pub(super) detail: &'static str,
    /// The function of the first goroutine waited for, where that is another one; else empty.
    pub(super) by_way_of: &'p str,
    /// Whether that is the program's own.
    pub(super) is_own_way: bool,
    /// Whether all waits up to it are for locks.
    pub(super) holds_lock: bool,
}

impl<'p> Worker<'p> {
    /// What tells goroutines apart: function, state and detail.
    pub(super) fn key(&self) -> (&'p str, &'p str, &'static str) {
        (self.frame.map_or("", |frame| &frame.function), self.state, self.detail)
    }
}

impl TimedStack<'_> {
    /// The function that waits, where it is none of the program's own. Where a wait ends in the network or in a system call,
    /// the one that was called for it says more than the one that waits in the end. None for a function of a lock.
    pub(super) fn waiting_function(&self, own: &OwnCode) -> Option<&str> {
        let is_library = |frame: &&&ProfileFrame| !frame.is_pseudo() && !only_parks(&frame.function);
        let last_own = self.frames.iter().position(|frame| own.has(frame))?;
        let below = &self.frames[..last_own];
        let state = self.worker.as_ref().map_or(self.state, |worker| worker.state);
        let found = if matches!(state, "network" | "syscall") { below.last() } else { below.iter().find(is_library) };
        let name = found.filter(is_library)?.function.as_str();
        (!name.starts_with("sync.") && !name.starts_with("internal/sync.") && !name.starts_with("time.Sleep"))
            .then_some(name)
    }
}

/// All samples of a profile that have latency.
pub(super) fn read(profile: &Profile) -> Vec<TimedStack<'_>> {
    let samples = profile.samples.iter().filter(|sample| sample.weight.latency_ns > 0);
    samples.map(|sample| timed_stack(profile, sample)).collect()
}

fn frames<'p>(profile: &'p Profile, sample: &Sample) -> Vec<&'p ProfileFrame> {
    profile.tree.stack(sample.stack).take(MAX_FRAMES).collect()
}

fn timed_stack<'p>(profile: &'p Profile, sample: &'p Sample) -> TimedStack<'p> {
    let own = &profile.own_code;
    let frames = frames(profile, sample);
    let goroutines: Vec<&[&ProfileFrame]> = frames.split(|frame| frame.is_waiting_for()).map(of_one).collect();
    let waiter = goroutines.last().copied().unwrap_or_default();
    let is_own_wait = sample.waited_in.is_empty();
    let state = if is_own_wait { &sample.state } else { &sample.waited_in };
    let detail = if is_own_wait { sample.detail } else { lock_detail(state, waiter) };
    TimedStack {
        own: without_recursion(from_root(waiter, &sample.root).filter(|frame| own.has(frame))),
        pool: if is_message(state) { LibraryPool::of(waiter.iter().map(|f| f.function.as_str())) } else { None },
        frames: waiter.to_vec(),
        state,
        detail,
        ns: sample.weight.latency_ns,
        bracketed: sample.precision == Precision::Bracketed && goroutines.len() == 1,
        worker: (goroutines.len() > 1).then(|| worker(sample, &goroutines, own)),
    }
}

/// Frames of a stack, outermost first, from the root's function on; all of them where that is not on the stack.
fn from_root<'a, 'p>(
    frames: &'a [&'p ProfileFrame],
    root: &str,
) -> impl Iterator<Item = &'p ProfileFrame> + use<'a, 'p> {
    let outermost = frames.iter().rposition(|frame| frame.function == *root);
    frames[..outermost.map_or(frames.len(), |at| at + 1)].iter().rev().copied()
}

/// Frames, each function once: where it was first called, with the line that leads further in. So stacks that differ in how
/// deep they recur have in common what they call then.
fn without_recursion<'p>(frames: impl Iterator<Item = &'p ProfileFrame>) -> Vec<&'p ProfileFrame> {
    let mut once: Vec<&ProfileFrame> = Vec::new();
    let mut known: FxHashMap<&str, usize> = FxHashMap::default();
    for frame in frames {
        match known.entry(&frame.function) {
            Entry::Occupied(at) => once[*at.get()] = frame,
            Entry::Vacant(free) => {
                free.insert(once.len());
                once.push(frame);
            }
        }
    }
    once
}

/// A goroutine's own stack, without that of its creator and without what only stands for its end.
fn of_one<'a, 'p>(frames: &'a [&'p ProfileFrame]) -> &'a [&'p ProfileFrame] {
    let is_creator = |frame: &&ProfileFrame| frame.function == ProfileFrame::GO;
    let end = frames.iter().position(is_creator).unwrap_or(frames.len());
    &frames[..end]
}

fn lock_detail(state: &str, frames: &[&ProfileFrame]) -> &'static str {
    if state == "sync" { lock_kind(frames.iter().map(|frame| frame.function.as_str())) } else { "" }
}

fn worker<'p>(sample: &'p Sample, goroutines: &[&[&'p ProfileFrame]], own: &OwnCode) -> Worker<'p> {
    let last = goroutines.first().copied().unwrap_or_default();
    let waits = &goroutines[1..];
    let of = |frames: &[&'p ProfileFrame]| frames.iter().copied().find(|frame| own.has(frame));
    let way = waits.len().checked_sub(2).map(|at| waits[at]);
    let own_way = way.and_then(of);
    let by_way_of = own_way.or_else(|| way.and_then(entry));
    Worker {
        frame: of(last).or(entry(last)),
        is_own: of(last).is_some(),
        state: &sample.state,
        detail: sample.detail,
        by_way_of: by_way_of.map_or("", |frame| &frame.function),
        is_own_way: own_way.is_some(),
        holds_lock: waits.iter().all(|frames| is_lock(lock_detail("sync", frames))),
    }
}

/// The function that a goroutine was started with.
fn entry<'p>(frames: &[&'p ProfileFrame]) -> Option<&'p ProfileFrame> {
    frames.iter().rev().copied().find(|frame| !frame.is_pseudo())
}
