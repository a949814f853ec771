//! The answer in plain data: in which of the program's own functions requests spend most of their time, in which state, and
//! what they wait for there.
//!
//! ```text
//!   main.Page                100 %
//!   ├─ main.orders   78 % ◀─ the place: it has most of the time, and main.call is called by others too
//!   │  └─ main.call  78 %
//!   └─ main.users    14 %
//!      └─ main.call  14 %
//! ```
//!
//! `timed_stack` reads a sample, `place` finds where most of the time is; here causes are put together,
//! in `main_cause` as one.

mod main_cause;
mod place;
mod timed_stack;

use super::{LibraryPool, Metric, OwnCode, Profile, Requests, WakerKind};
use place::Narrowed;
use rustc_hash::FxHashMap;
use timed_stack::TimedStack;

/// What decides how long requests take.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// The root function; empty where requests have several.
    pub root: String,
    /// Requests that count.
    pub count: u64,
    /// Requests that may be of the roots too.
    pub undecided: u64,
    /// Requests that an edge cuts and that do not count.
    pub cut: u64,
    /// Half of the requests took at most this long, in ns.
    pub p50_ns: u64,
    /// The mean, in ns.
    pub mean_ns: u64,
    /// The time of all requests, in ns: causes are parts of it.
    pub total_ns: u64,
    /// What takes most of it, and what takes most of the rest if that is worth naming.
    pub causes: Vec<Cause>,
}

/// A part of the requests' time: one state below one function.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cause {
    /// The function of the program's own where it is spent; none where no such function is on the stacks.
    pub place: Option<CodePlace>,
    /// The function that waits, where it is another one: of a library; empty where they differ.
    pub waits_in: String,
    /// The state of the request's own goroutine.
    pub state: String,
    /// Something finer than the state; empty when there is nothing to add.
    pub detail: &'static str,
    /// The pool of a library that it waits at, if it does.
    pub pool: Option<LibraryPool>,
    /// How long, in ns, summed over requests.
    pub ns: u64,
    /// Whether most of it may have been spent in what the place calls.
    pub bracketed: bool,
    /// The goroutine that most of it was waited for; none where it was none, or many different ones.
    pub waits_for: Option<WaitsFor>,
    /// Who ended the waits, if nearly all were ended alike.
    pub ended_by: WakerKind,
    /// Whether nearly all of them were ended by the cancellation of a context.
    pub is_cancelled: bool,
}

impl Cause {
    /// Whether another one is told from it by nothing but its callers.
    fn is_like(&self, other: &Self) -> bool {
        let place = |cause: &Self| cause.place.as_ref().map(|place| (place.function.clone(), place.file.clone()));
        let of = |cause: &Self| (cause.state.clone(), cause.detail, cause.pool, cause.bracketed);
        let both_alone = self.waits_for.is_none() && other.waits_for.is_none();
        both_alone && self.place.is_some() && place(self) == place(other) && of(self) == of(other)
    }

    fn add(&mut self, other: &Self) {
        self.ns = self.ns.saturating_add(other.ns);
        if self.waits_in != other.waits_in {
            self.waits_in.clear();
        }
        if self.ended_by != other.ended_by {
            self.ended_by = WakerKind::Unknown;
        }
        self.is_cancelled &= other.is_cancelled;
        if let (Some(own), Some(its)) = (&mut self.place, &other.place) {
            own.lines = place::lines(own.lines.iter().chain(&its.lines).copied());
        }
    }
}

/// A function and the lines in it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CodePlace {
    /// The function with its package path.
    pub function: String,
    /// Its file.
    pub file: String,
    /// The lines that time was spent below and how much, in ns, most first; none where they are not known.
    pub lines: Vec<(u32, u64)>,
}

/// The goroutine that was waited for, and what it did meanwhile.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WaitsFor {
    /// Where it was: its own function, else the function it was started with; none where it has no stack.
    pub place: Option<CodePlace>,
    /// Whether that function is the program's own.
    pub is_own: bool,
    /// What it was doing.
    pub state: String,
    /// Something finer than the state.
    pub detail: &'static str,
    /// The function that the request's goroutine waited for, where that waited for another one itself; else empty.
    pub by_way_of: String,
    /// Whether that function is the program's own.
    pub is_own_way: bool,
    /// Whether it held the lock: all waits up to it are for locks.
    pub holds_lock: bool,
    /// How much of the cause it is, in ns.
    pub ns: u64,
}

/// A cause that is less than so many per cent of the time of all requests is not named beside the first.
const MIN_SECOND: u64 = 10;
/// Nor is one beside a first cause that is this many per cent.
const MOST: u64 = 90;

impl Answer {
    /// The answer of a profile whose latency is known; none without requests that took time. Where an edge cuts all that
    /// there are, it counts these.
    pub(super) fn of(profile: &Profile) -> Option<Self> {
        let requests = profile.requests.as_ref().filter(|_| profile.metric == Metric::Latency)?;
        if requests.list.is_empty() && !requests.cut.is_empty() {
            return Some(Self::of_cut(requests, profile));
        }
        let latency = requests.latency.as_ref().filter(|latency| latency.total_ns > 0)?;
        let stacks = timed_stack::read(profile);
        let mut rest: Vec<&TimedStack<'_>> = stacks.iter().collect();
        let mut causes: Vec<Cause> = Vec::new();
        while causes.len() < 2 && !rest.is_empty() {
            let cause = cause(&mut rest, latency.total_ns, requests, profile);
            // The same below another caller: of a server with several ways to a handler, for instance.
            if let Some(first) = causes.first_mut().filter(|first| first.is_like(&cause)) {
                first.add(&cause);
                continue;
            }
            let is_second = !causes.is_empty();
            let reaches =
                |ns: u64, percent: u64| u128::from(ns) * 100 >= u128::from(latency.total_ns) * u128::from(percent);
            if is_second && !reaches(cause.ns, MIN_SECOND) {
                break;
            }
            let is_all = reaches(cause.ns, MOST);
            causes.push(cause);
            if is_all {
                break;
            }
        }
        // The first was looked for below the deepest function with half of the time: another can have more.
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.ns));
        Some(Self {
            root: root(requests),
            count: latency.count,
            undecided: profile.selection.undecided.count(),
            cut: if requests.include_partial { 0 } else { requests.partial },
            p50_ns: latency.p50_ns,
            mean_ns: latency.mean_ns,
            total_ns: latency.total_ns,
            causes,
        })
    }

    /// The answer where no request counts.
    fn of_cut(requests: &Requests, profile: &Profile) -> Self {
        let first = requests.cut.first().map_or("", |cut| &cut.root);
        let is_one = requests.cut.iter().all(|cut| cut.root == first);
        Self {
            root: if is_one { first.to_owned() } else { String::new() },
            undecided: profile.selection.undecided.count(),
            cut: requests.partial,
            ..Self::default()
        }
    }
}

/// The one name that all requests have, and those that are cut: these are counted in the same sentence.
fn root(requests: &Requests) -> String {
    let mut used: Vec<u32> = requests.list.iter().map(|request| request.root).collect();
    used.sort_unstable();
    used.dedup();
    let one = if used.len() == 1 { requests.roots.get(used[0] as usize) } else { None };
    let one = one.filter(|name| requests.cut.iter().all(|cut| *cut.root == ***name));
    one.cloned().unwrap_or_default()
}

/// The largest cause of these stacks, which are taken out. `whole_ns` is the time of all requests.
fn cause<'p>(rest: &mut Vec<&TimedStack<'p>>, whole_ns: u64, requests: &Requests, profile: &Profile) -> Cause {
    let near = place::narrow(rest, place::Enough { of_ns: whole_ns.min(place::time(rest)), percent: 50 });
    let kind = |row: &TimedStack<'p>| (row.state, row.detail, row.pool);
    let most = largest(near.rows.iter().map(|row| (kind(row), row.ns))).map_or(("", "", None), |l| l.0);
    let (state, detail, pool) = most;
    let in_state: Vec<&TimedStack<'p>> = near.rows.iter().copied().filter(|row| kind(row) == most).collect();
    let found = place::narrow(&in_state, place::Enough { of_ns: place::time(&in_state), percent: 80 });
    let place = found.place(rest);
    let ended = ended(place.as_ref(), state, requests, profile);
    let cause = Cause {
        waits_in: waits_in(&found, &profile.own_code),
        state: state.to_owned(),
        detail,
        pool,
        ns: place::time(&found.rows),
        bracketed: is_over_half(place::time_of(&found.rows, |row| row.bracketed), place::time(&found.rows)),
        waits_for: waits_for(&found),
        ended_by: nearly_all(&ended, |end| end.waker).unwrap_or_default(),
        is_cancelled: nearly_all(&ended, |end| end.is_cancelled).unwrap_or_default(),
        place,
    };
    // What was found is in the order of the rest.
    let mut taken = found.rows.iter().peekable();
    rest.retain(|row| taken.next_if(|next| std::ptr::eq(**next, *row)).is_none());
    cause
}

fn is_over_half(part: u64, whole: u64) -> bool {
    u128::from(part) * 2 > u128::from(whole)
}

/// Times of a damaged trace can be as long as numbers go.
fn sum(parts: impl Iterator<Item = u64>) -> u64 {
    parts.fold(0, u64::saturating_add)
}

/// The key with the largest sum; of equal ones the first.
fn largest<K: Eq + std::hash::Hash + Copy>(parts: impl Iterator<Item = (K, u64)>) -> Option<(K, u64)> {
    let mut sums: Vec<(K, u64)> = Vec::new();
    let mut known: FxHashMap<K, usize> = FxHashMap::default();
    for (key, ns) in parts {
        let at = *known.entry(key).or_insert(sums.len());
        match sums.get_mut(at) {
            Some((_, sum)) => *sum = sum.saturating_add(ns),
            None => sums.push((key, ns)),
        }
    }
    sums.into_iter().rev().max_by_key(|(_, ns)| *ns)
}

/// The function that waits below the place, where it is the same in most of the time.
fn waits_in(found: &Narrowed<'_, '_>, own: &OwnCode) -> String {
    let all = place::time(&found.rows);
    let names = found.rows.iter().filter_map(|row| row.waiting_function(own).map(|name| (name, row.ns)));
    // Of system calls the one with half of the time is worth naming; a wait is told by nearly all of it.
    let percent = if found.rows.first().is_some_and(|row| row.state == "syscall") { 50 } else { 80 };
    let is_most = |ns: u64| u128::from(ns) * 100 > u128::from(all) * percent;
    largest(names).filter(|(_, ns)| is_most(*ns)).map_or_else(String::new, |(name, _)| name.to_owned())
}

/// The goroutine that most of the time was waited for.
fn waits_for(found: &Narrowed<'_, '_>) -> Option<WaitsFor> {
    let all = place::time(&found.rows);
    let workers = || found.rows.iter().filter_map(|row| row.worker.as_ref().map(|worker| (worker, row.ns)));
    let (most, ns) =
        largest(workers().map(|(worker, ns)| (worker.key(), ns))).filter(|(_, ns)| is_over_half(*ns, all))?;
    let alike: Vec<_> = workers().filter(|(worker, _)| worker.key() == most).collect();
    let (first, _) = alike.first()?;
    let held_ns = sum(alike.iter().filter(|(worker, _)| worker.holds_lock).map(|(_, ns)| *ns));
    let ((by_way_of, is_own_way), _) =
        largest(alike.iter().map(|(worker, ns)| ((worker.by_way_of, worker.is_own_way), *ns)))?;
    let lines = alike.iter().filter_map(|(worker, ns)| worker.frame.map(|frame| (frame.line, *ns)));
    Some(WaitsFor {
        place: first.frame.map(|frame| CodePlace {
            function: frame.function.to_string(),
            file: frame.file.to_string(),
            lines: place::lines(lines),
        }),
        is_own: first.is_own,
        state: first.state.to_owned(),
        detail: first.detail,
        by_way_of: by_way_of.to_owned(),
        is_own_way,
        holds_lock: is_over_half(held_ns, ns),
        ns,
    })
}

/// How waits ended, and how long they took, in ns.
struct Ended {
    waker: WakerKind,
    is_cancelled: bool,
    ns: u64,
}

/// How the waits in a state below a place ended.
fn ended(place: Option<&CodePlace>, state: &str, requests: &Requests, profile: &Profile) -> Vec<Ended> {
    let is_there = |wakeup: &&super::Wakeup| {
        let below =
            |place: &CodePlace| profile.tree.stack(wakeup.waiting).any(|frame| frame.function == place.function);
        wakeup.state == state && place.is_none_or(below)
    };
    let ended = |w: &super::Wakeup| Ended { waker: w.waker, is_cancelled: profile.cancels(w), ns: w.wait_ns };
    requests.wakeups.iter().filter(is_there).map(ended).collect()
}

/// What nine tenths of the time have in common.
fn nearly_all<T: Eq + std::hash::Hash + Copy>(ended: &[Ended], of: impl Fn(&Ended) -> T) -> Option<T> {
    let all = sum(ended.iter().map(|end| end.ns));
    let most = largest(ended.iter().map(|end| (of(end), end.ns)));
    most.filter(|(_, ns)| u128::from(*ns) * 10 >= u128::from(all) * 9).map(|(common, _)| common)
}

#[cfg(test)]
mod tests;
