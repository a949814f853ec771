//! Matches the stacks of two sides, and says what each adds to the change.

use super::apportion::{RequestCounts, SideSums};
use super::{CompareOptions, Delta, MatchBy, deltas, rank};
use crate::profile::{NodeIdx, Precision, Profile, ProfileFrame, Sample, StackTree};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// On which sides a stack is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    /// On the new side alone.
    New,
    /// On the base alone.
    Gone,
    /// On both.
    Both,
}

impl Presence {
    /// Its name in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Both => "both",
        }
    }
}

/// How the time in one state on one stack changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackChange {
    /// The stack's leaf in [`Comparison::tree`](super::Comparison::tree).
    pub stack: NodeIdx,
    /// The state's name.
    pub state: String,
    /// Where that is what other goroutines did: the state in which requests waited for it, for most of the time. Else empty.
    pub waited_in: String,
    /// Whether some of the time may have been spent in what the stack called.
    pub bracketed: bool,
    /// How much.
    pub delta: Delta,
    /// On which sides it is.
    pub presence: Presence,
}

/// On which sides a function is on stacks; none where it is on none.
pub(crate) fn presence_of(tree: &StackTree, stacks: &[StackChange], function: &str) -> Option<Presence> {
    let with = stacks.iter().filter(|change| tree.stack(change.stack).any(|frame| frame.function == function));
    let sides = with.map(|change| change.presence);
    sides.reduce(|all, one| if all == one { all } else { Presence::Both })
}

/// The function that is called from a stack on one side alone: the one with most time of those directly below `at`
/// whose stacks are all new, or all gone. Where running time is known only down to a function, this says what was below.
pub(crate) fn one_sided_below<'a>(
    tree: &'a StackTree,
    stacks: &'a [StackChange],
    at: &StackChange,
) -> Option<(&'a str, Presence)> {
    let outermost_first = |stack: NodeIdx| {
        let mut frames: Vec<&str> = tree.stack(stack).map(|f| f.function.as_str()).collect();
        frames.reverse();
        frames
    };
    let above = outermost_first(at.stack);
    let mut called: Vec<(&str, Presence, u64)> = Vec::new();
    for change in stacks {
        let frames = outermost_first(change.stack);
        let Some(&function) = frames.strip_prefix(above.as_slice()).and_then(|rest| rest.first()) else { continue };
        let ns = change.delta.delta_ns.unsigned_abs();
        match called.iter_mut().find(|(known, ..)| *known == function) {
            Some((_, presence, sum)) => {
                *presence = if *presence == change.presence { *presence } else { Presence::Both };
                *sum = sum.saturating_add(ns);
            }
            None => called.push((function, change.presence, ns)),
        }
    }
    let one_sided = called.into_iter().filter(|(_, presence, _)| *presence != Presence::Both);
    one_sided.max_by_key(|(_, _, ns)| *ns).map(|(function, presence, _)| (function, presence))
}

/// The time of one stack in one state on both sides.
#[derive(Default)]
struct StackSums<'a> {
    part: SideSums,
    bracketed: bool,
    /// By the state that requests waited in, in ns.
    waited_in: BTreeMap<&'a str, u64>,
}

impl StackSums<'_> {
    /// The state in which most of the time was waited; empty where most of it is the requests' own.
    fn waited_in(&self) -> String {
        let most = self.waited_in.iter().max_by_key(|(_, ns)| **ns);
        most.map_or_else(String::new, |(state, _)| (*state).to_owned())
    }
}

/// Matches the stacks of two profiles: those of the samples that `of` gives. They are added to the tree.
pub(crate) fn compare(
    new: &Profile,
    base: &Profile,
    options: CompareOptions,
    scale: RequestCounts,
    of: fn(&Profile) -> &[Sample],
    tree: &mut StackTree,
) -> Vec<StackChange> {
    let mut sums: FxHashMap<(NodeIdx, &str), StackSums<'_>> = FxHashMap::default();
    collect((base, of(base)), options, tree, &mut sums, |part| &mut part.base_ns);
    collect((new, of(new)), options, tree, &mut sums, |part| &mut part.new_ns);
    let mut rows: Vec<((NodeIdx, &str), StackSums<'_>)> = sums.into_iter().collect();
    // By names, not by nodes: nodes are numbered by the order of the sides, and the result must not depend on that.
    rows.sort_by_cached_key(|((stack, state), _)| (tree.stack(*stack).collect::<Vec<_>>(), *state));
    let deltas = deltas(&rows.iter().map(|(_, sums)| sums.part).collect::<Vec<_>>(), scale);
    let change = |(((stack, state), sums), delta): (((NodeIdx, &str), StackSums<'_>), Delta)| StackChange {
        stack,
        state: state.to_owned(),
        waited_in: sums.waited_in(),
        bracketed: sums.bracketed,
        delta,
        presence: presence(sums.part),
    };
    let mut stacks: Vec<StackChange> = rows.into_iter().zip(deltas).map(change).collect();
    stacks.sort_by_key(|s| std::cmp::Reverse(rank(s.delta)));
    stacks
}

/// Decided by the sums: a short time may round to 0 in a mean request.
fn presence(part: SideSums) -> Presence {
    match (part.base_ns, part.new_ns) {
        (0, _) => Presence::New,
        (_, 0) => Presence::Gone,
        _ => Presence::Both,
    }
}

fn collect<'a>(
    (profile, samples): (&'a Profile, &'a [Sample]),
    options: CompareOptions,
    tree: &mut StackTree,
    sums: &mut FxHashMap<(NodeIdx, &'a str), StackSums<'a>>,
    side: fn(&mut SideSums) -> &mut u64,
) {
    let mut frames = FrameMatcher { of: profile, options, known: FxHashMap::default() };
    for sample in samples.iter().filter(|s| s.weight.latency_ns > 0) {
        let stack = frames.stack(sample, tree);
        let known = sums.entry((stack, &sample.state)).or_default();
        let ns = side(&mut known.part);
        *ns = ns.saturating_add(sample.weight.latency_ns);
        known.bracketed |= sample.precision == Precision::Bracketed;
        let waited = known.waited_in.entry(&sample.waited_in).or_default();
        *waited = waited.saturating_add(sample.weight.latency_ns);
    }
}

/// Adds the stacks of one profile to the tree of both.
struct FrameMatcher<'a> {
    of: &'a Profile,
    options: CompareOptions,
    /// By the profile's index: the index in the tree of both.
    known: FxHashMap<u32, u32>,
}

impl FrameMatcher<'_> {
    fn stack(&mut self, sample: &Sample, tree: &mut StackTree) -> NodeIdx {
        let mut indexes: Vec<u32> = self.of.tree.frame_indexes(sample.stack).collect();
        indexes.reverse();
        let all = self.of.tree.frames();
        let root = indexes.iter().position(|&i| all[i as usize].function == sample.root && !sample.root.is_empty());
        if let Some(depth) = self.options.by.depth() {
            indexes.truncate(end_of(&indexes, root.unwrap_or(0), depth, |i| all[i as usize].is_pseudo()));
        }
        let (mut at, rest) = match root.filter(|_| self.options.roots_alike) {
            Some(root) => {
                let frame = tree.intern_frame(root_frame());
                (tree.push(StackTree::ROOT, frame), &indexes[root + 1..])
            }
            None => (StackTree::ROOT, &indexes[..]),
        };
        for &index in rest {
            let frame = *self
                .known
                .entry(index)
                .or_insert_with(|| tree.intern_frame(matched(&all[index as usize], self.options.by)));
            at = tree.push(at, frame);
        }
        at
    }
}

/// Where a stack of these frames, outermost first, ends that has so many functions from `from` on.
fn end_of(frames: &[u32], from: usize, depth: usize, is_pseudo: impl Fn(u32) -> bool) -> usize {
    let functions = (from..frames.len()).filter(|&at| !is_pseudo(frames[at]));
    functions.take(depth).last().map_or(from, |last| last + 1)
}

/// Stands for the root on both sides, and for its callers.
fn root_frame() -> ProfileFrame {
    ProfileFrame { function: ProfileFrame::ROOT.into(), file: "".into(), line: 0 }
}

/// A frame without what does not count. Files and lines differ from build to build.
fn matched(frame: &ProfileFrame, by: MatchBy) -> ProfileFrame {
    match by {
        MatchBy::Function | MatchBy::Depth(_) if !frame.is_pseudo() => {
            ProfileFrame { function: frame.function.clone(), file: "".into(), line: 0 }
        }
        _ => frame.clone(),
    }
}
