//! Waits by the own function that waits, and what the trace says of how they ended.

use crate::profile::waits::{is_message, reads_stream};
use crate::profile::{Carrier, LibraryPool, NodeIdx, Profile, ProfileFrame, WakerKind, Wakeup};
use rustc_hash::{FxHashMap, FxHashSet};

/// For what a wait was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum WaitFor {
    /// A lock.
    Lock,
    /// Something free of a pool, a worker that is free, or a message of another request.
    Pool,
    /// Something else, until a timer or a cancellation ended it.
    Deadline,
    /// Whoever ended it: a call to something else.
    Call,
}

/// All waits of one kind in one function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The stack on which most of them are, in the profile's tree.
    pub(super) stack: NodeIdx,
    pub(super) waits_for: WaitFor,
    /// How many. A call that sends a message and receives another one waits twice, for two goroutines: of the waits on one
    /// stack, those count whose wakers together took longest.
    pub(super) count: u64,
    /// How long together, in ns.
    pub(super) ns: u64,
    /// The longest, in ns.
    pub(super) max_ns: u64,
    /// Of the waits on `stack` alone, in ns.
    most_ns: u64,
}

/// The waits of requests that are for each other, for a pool, for a deadline or for a call, by the innermost own function
/// that waits. Most time first.
pub(super) fn places(profile: &Profile, wakeups: &[Wakeup]) -> Vec<Place> {
    let mut position_of: FxHashMap<(Option<&ProfileFrame>, WaitFor), usize> = FxHashMap::default();
    let mut places: Vec<Place> = Vec::new();
    let mut counted = FxHashSet::default();
    for wakeup in wakeups {
        let Some(waits_for) = waits_for(profile, wakeup) else { continue };
        let next = places.len();
        let frame = profile.tree.goroutine(wakeup.waiting).find(|frame| profile.own_code.has(frame));
        let key = (frame, waits_for);
        let position = *position_of.entry(key).or_insert(next);
        if position == next {
            places.push(Place { stack: wakeup.waiting, waits_for, count: 0, ns: 0, max_ns: 0, most_ns: 0 });
        }
        let place = &mut places[position];
        // Rows come with most time first.
        if counted.insert((wakeup.waiting, waits_for)) {
            place.count += wakeup.count;
        }
        place.ns = place.ns.saturating_add(wakeup.wait_ns);
        place.max_ns = place.max_ns.max(wakeup.max_ns);
        if wakeup.wait_ns > place.most_ns {
            (place.stack, place.most_ns) = (wakeup.waiting, wakeup.wait_ns);
        }
    }
    places.sort_by_key(|place| std::cmp::Reverse(place.ns));
    places
}

/// For what a wait was; none where other findings are about it, or nothing can be said.
pub(super) fn waits_for(profile: &Profile, wakeup: &Wakeup) -> Option<WaitFor> {
    let is_channel = is_message(&wakeup.state);
    let is_select = wakeup.state.starts_with("select");
    let is_pool = || LibraryPool::of(profile.tree.goroutine(wakeup.waiting).map(|frame| &*frame.function)).is_some();
    // Where no two requests are under way at once none queues: a worker does its own job.
    let queues = || queues(profile);
    match wakeup.waker {
        WakerKind::Sibling if wakeup.is_lock() => Some(WaitFor::Lock),
        // A timer's channel alone is a sleep, that of a context is not.
        WakerKind::Timer if is_select || is_channel && is_cancelled(profile, wakeup) => Some(WaitFor::Deadline),
        WakerKind::Sibling | WakerKind::Outside if is_channel && is_cancelled(profile, wakeup) => {
            Some(WaitFor::Deadline)
        }
        // Nobody but the network ends such a wait, unless by a deadline or by closing the connection.
        WakerKind::Sibling | WakerKind::Outside if wakeup.state == "network" => Some(WaitFor::Deadline),
        WakerKind::Sibling if is_channel && (is_pool() || queues()) => Some(WaitFor::Pool),
        WakerKind::Outside if is_channel && is_pool() => Some(WaitFor::Pool),
        // Who receives was busy until then.
        WakerKind::Outside if wakeup.state.starts_with("chan send") && queues() => Some(WaitFor::Pool),
        WakerKind::Network | WakerKind::Outside if is_channel || wakeup.state == "network" => {
            (!is_part_of_stream(profile, wakeup)).then_some(WaitFor::Call)
        }
        _ => None,
    }
}

/// Whether two requests were under way at once.
fn queues(profile: &Profile) -> bool {
    let latency = profile.requests.as_ref().and_then(|requests| requests.latency.as_ref());
    latency.is_some_and(|latency| latency.max_in_flight > 1)
}

fn is_cancelled(profile: &Profile, wakeup: &Wakeup) -> bool {
    profile.cancels(wakeup) || profile.carrier(wakeup) == Some(Carrier::Cancellation)
}

/// Whether what the program calls there reads one thing part by part.
fn is_part_of_stream(profile: &Profile, wakeup: &Wakeup) -> bool {
    let frames = profile.tree.goroutine(wakeup.waiting).take_while(|frame| !profile.own_code.has(frame));
    reads_stream(frames.map(|frame| frame.function.as_str()))
}
