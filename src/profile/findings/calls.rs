//! Which call, of several that requests wait for, takes most of their time.

use crate::profile::waits::{is_message, reads_stream};
use crate::profile::{FindingEvidence, NodeIdx, Profile, ProfileFrame, Sample};
use rustc_hash::FxHashMap;

/// The functions of the request's own goroutine that are the user's, innermost first, with their lines.
type OwnPath<'a> = Vec<&'a ProfileFrame>;

/// Time that requests spent below one path of own functions, not computing.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// A stack with that path, in the profile's tree.
    pub(super) stack: NodeIdx,
    /// How many own frames, from the innermost one on, are needed to tell it from the other calls.
    pub(super) n_frames: usize,
    /// Latency, in ns.
    pub(super) ns: u64,
}

/// Waits for calls: by the path of own functions, and those alone that are waits for something outside the goroutine.
/// Most time first; with one call alone, there is nothing to decide.
pub(super) fn calls(profile: &Profile) -> Vec<Call> {
    let mut by_path: FxHashMap<OwnPath<'_>, (NodeIdx, u64)> = FxHashMap::default();
    let counts =
        |sample: &&Sample| sample.weight.latency_ns > 0 && is_call(sample) && !is_part_of_stream(profile, sample);
    for sample in profile.samples.iter().filter(counts) {
        let path: OwnPath<'_> =
            profile.tree.own_goroutine(sample.stack).filter(|frame| profile.own_code.has(frame)).collect();
        if !path.is_empty() {
            let (_, ns) = by_path.entry(path).or_insert((sample.stack, 0));
            *ns = ns.saturating_add(sample.weight.latency_ns);
        }
    }
    let mut all: Vec<(OwnPath<'_>, NodeIdx, u64)> =
        by_path.into_iter().map(|(path, (at, ns))| (path, at, ns)).collect();
    all.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    let n_frames = |i: usize| {
        let others = all.iter().enumerate().filter(|(other, _)| *other != i);
        1 + others.map(|(_, other)| n_common(&all[i].0, &other.0)).max().unwrap_or(0)
    };
    // Only the first ones are asked for, and there can be many.
    (0..all.len().min(2)).map(|i| Call { stack: all[i].1, n_frames: n_frames(i), ns: all[i].2 }).collect()
}

/// The own function in which most time is spent in system calls, by the line that leads to them.
pub(super) fn system_calls(profile: &Profile) -> Option<FindingEvidence> {
    let mut by_frame: FxHashMap<&ProfileFrame, (NodeIdx, u64)> = FxHashMap::default();
    for sample in profile.samples.iter().filter(|sample| sample.state == "syscall" && sample.waited_in.is_empty()) {
        let Some(frame) = profile.tree.goroutine(sample.stack).find(|frame| profile.own_code.has(frame)) else {
            continue;
        };
        let (_, ns) = by_frame.entry(frame).or_insert((sample.stack, 0));
        *ns = ns.saturating_add(sample.weight.latency_ns);
    }
    let longest = by_frame.into_iter().max_by(|a, b| a.1.1.cmp(&b.1.1).then_with(|| b.0.cmp(a.0)));
    longest.map(|(_, (stack, ns))| FindingEvidence::Call { stack, n_frames: 1, ns })
}

/// How many frames, from the innermost one on, are the same function at the same line.
fn n_common(a: &OwnPath<'_>, b: &OwnPath<'_>) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Whether the request reads one thing part by part there: what it was called for, it was called for elsewhere.
fn is_part_of_stream(profile: &Profile, sample: &Sample) -> bool {
    let of_own = profile.tree.own_goroutine(sample.stack).take_while(|frame| !profile.own_code.has(frame));
    reads_stream(of_own.map(|frame| frame.function.as_str()))
}

/// Whether the request waited for something that it called: not for a lock, a processor or a time.
fn is_call(sample: &Sample) -> bool {
    let state = if sample.waited_in.is_empty() { &sample.state } else { &sample.waited_in };
    state == "network" || state == "syscall" || is_message(state)
}

/// What the goroutine did that requests waited for longest while they waited on the stack `waiting`: a sample's stack, and
/// how long all goroutines of that function were waited for, in ns. None where no goroutine was followed.
pub(super) fn worked_meanwhile(profile: &Profile, waiting: NodeIdx) -> Option<(NodeIdx, u64)> {
    let tree = &profile.tree;
    let mut by_function: FxHashMap<&str, (NodeIdx, u64, u64)> = FxHashMap::default();
    for sample in profile.samples.iter().filter(|sample| !sample.waited_in.is_empty()) {
        if !tree.is_below(sample.stack, waiting) {
            continue;
        }
        let own = tree.goroutine(sample.stack).find(|frame| profile.own_code.has(frame));
        let own = own.or_else(|| tree.goroutine(sample.stack).last());
        let Some(function) = own else { continue };
        let latency_ns = sample.weight.latency_ns;
        let (stack, most, sum) = by_function.entry(&function.function).or_insert((sample.stack, 0, 0));
        *sum = sum.saturating_add(latency_ns);
        if latency_ns > *most {
            (*stack, *most) = (sample.stack, latency_ns);
        }
    }
    let longest = by_function.into_iter().max_by(|a, b| a.1.2.cmp(&b.1.2).then_with(|| b.0.cmp(a.0)));
    longest.map(|(_, (stack, _, ns))| (stack, ns))
}
