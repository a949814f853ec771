//! Folded stacks as a tree of names: sorted, unique and summed without any of them being written out.
//!
//! A line may be a hundred kilobytes long, and many lines share nearly all of it. So lines are made one at a time, for
//! who writes them.

use super::clean::clean;
use super::frames::{self, CUT};
use crate::profile::{NodeIdx, Sample, StackTree};
use hashbrown::HashTable;
use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::hash::BuildHasher as _;
use std::io;

/// What a stack counts on each of two sides. Where there is one, it is the first.
pub(super) type Sides = [u64; 2];

/// A frame of folded stacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FoldedNode {
    /// Number of its name.
    pub(super) name: u32,
    /// Frames above it.
    pub(super) depth: u32,
    /// The number of the stack that it ends; [`TOP`] for a frame with others below it. Only a state's frame ends a stack.
    end: u32,
}

impl FoldedNode {
    /// The root, which ends no stack.
    pub(super) const ROOT: Self = Self { name: 0, depth: 0, end: TOP };
}

/// Stacks in the order of their lines' bytes, as a tree: each frame once, before those below it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct FoldedStacks {
    names: IndexSet<String, FxBuildHasher>,
    nodes: Vec<FoldedNode>,
    /// What each stack counts.
    counts: Vec<Sides>,
}

impl FoldedStacks {
    /// The stacks of samples, with a frame for the state at their ends.
    pub(super) fn of_samples(tree: &StackTree, samples: &[Sample], count: impl Fn(&Sample) -> u64) -> Self {
        let rows = samples.iter().map(|sample| (sample.stack, sample.state.as_str(), [count(sample), 0]));
        Self::of(tree, rows)
    }

    /// Stacks with their states and what they count.
    pub(super) fn of<'a>(tree: &StackTree, rows: impl Iterator<Item = (NodeIdx, &'a str, Sides)>) -> Self {
        let mut builder = FoldedBuilder::default();
        let mut known = KnownStacks::new(tree);
        for (leaf, state, sides) in rows {
            let at = known.place_of(leaf, &mut builder);
            builder.add(at, state, sides);
        }
        builder.finish()
    }

    /// What all of them count on both sides.
    pub(super) fn total(&self) -> u128 {
        self.counts.iter().flatten().copied().map(u128::from).sum()
    }

    /// What the stack counts that a frame ends; none of a frame with others below it.
    pub(super) fn sides(&self, node: &FoldedNode) -> Option<Sides> {
        self.counts.get(node.end as usize).copied()
    }

    /// The frames.
    pub(super) fn nodes(&self) -> &[FoldedNode] {
        &self.nodes
    }

    /// The name of a frame.
    pub(super) fn name(&self, node: &FoldedNode) -> &str {
        &self.names[node.name as usize]
    }

    /// Gives each line, without its values, and what it counts.
    pub(super) fn each_line(&self, mut take: impl FnMut(&str, Sides) -> io::Result<()>) -> io::Result<()> {
        let mut line = String::new();
        // Where the line has each of its frames.
        let mut starts: Vec<usize> = Vec::new();
        for node in &self.nodes {
            if let Some(&start) = starts.get(node.depth as usize) {
                line.truncate(start);
                starts.truncate(node.depth as usize);
            }
            starts.push(line.len());
            if node.depth > 0 {
                line.push(';');
            }
            line.push_str(self.name(node));
            if let Some(sides) = self.sides(node) {
                take(&line, sides)?;
            }
        }
        Ok(())
    }
}

/// A frame at its place: the frame above it, and twice its name, and one if it ends a stack.
type Place = (u32, u32);

/// Stands for no frame: above the outermost.
const TOP: u32 = u32::MAX;

/// Places, each once. There may be a million, so their hashes are not kept.
#[derive(Default)]
struct Places {
    list: Vec<Place>,
    numbers: HashTable<u32>,
}

impl Places {
    /// The number of a place, added if new.
    fn number(&mut self, place: Place) -> u32 {
        let Self { list, numbers } = self;
        let hash = |place: &Place| FxBuildHasher.hash_one(place);
        let next = list.len() as u32;
        let same = |number: &u32| list[*number as usize] == place;
        let entry = numbers.entry(hash(&place), same, |number| hash(&list[*number as usize]));
        let number = *entry.or_insert(next).get();
        if number == next {
            list.push(place);
        }
        number
    }
}

/// Puts stacks together.
#[derive(Default)]
pub(super) struct FoldedBuilder {
    names: IndexSet<String, FxBuildHasher>,
    places: Places,
    /// Of frames that end a stack, what it counts.
    counts: FxHashMap<u32, Sides>,
}

impl FoldedBuilder {
    /// Adds to what the stack below the frame `at` counts in a state.
    fn add(&mut self, at: u32, state: &str, sides: Sides) {
        let name = self.name(&frames::state_frame(state));
        let place = self.places.number((at, 2 * name + 1));
        let sums = self.counts.entry(place).or_default();
        sums.iter_mut().zip(sides).for_each(|(sum, value)| *sum = sum.saturating_add(value));
    }

    /// The same for a stack given by its functions, outermost first.
    #[cfg(test)]
    pub(super) fn add_stack<'a>(&mut self, functions: impl Iterator<Item = &'a str>, state: &str, sides: Sides) {
        let at = functions.fold(TOP, |above, function| self.below(above, function));
        self.add(at, state, sides);
    }

    fn below(&mut self, above: u32, function: &str) -> u32 {
        let name = self.name(function);
        self.push(above, name)
    }

    fn push(&mut self, above: u32, name: u32) -> u32 {
        self.places.number((above, 2 * name))
    }

    /// The number of a name as lines have it: `;` separates frames and a line is a stack, so neither may be part of it.
    fn name(&mut self, name: &str) -> u32 {
        let name = clean(&name.replace([';', '\n', '\r'], ",")).into_owned();
        self.names.insert_full(name).0 as u32
    }

    /// All stacks, sorted.
    pub(super) fn finish(self) -> FoldedStacks {
        let Self { names, places, counts } = self;
        let places = places.list;
        let rank = ranks(&names);
        let mut sorted: Vec<u32> = (0..places.len() as u32).collect();
        let order = |&at: &u32| {
            let (above, name) = places[at as usize];
            (above, rank[name as usize])
        };
        sorted.sort_unstable_by_key(order);
        let below = |above: u32| {
            let start = sorted.partition_point(|&at| places[at as usize].0 < above);
            let end = sorted.partition_point(|&at| places[at as usize].0 <= above);
            &sorted[start..end]
        };
        let mut stacks = FoldedStacks { nodes: Vec::with_capacity(places.len()), ..FoldedStacks::default() };
        let mut open: Vec<(u32, u32)> = below(TOP).iter().rev().map(|&at| (at, 0)).collect();
        while let Some((at, depth)) = open.pop() {
            let (name, count) = (places[at as usize].1 / 2, counts.get(&at));
            let end = count.map_or(TOP, |_| stacks.counts.len() as u32);
            stacks.nodes.push(FoldedNode { name, depth, end });
            stacks.counts.extend(count);
            open.extend(below(at).iter().rev().map(|&below| (below, depth + 1)));
        }
        FoldedStacks { names, ..stacks }
    }
}

/// By number of a name, its position in the order of lines: as a frame with others below it, and as the last one.
fn ranks(names: &IndexSet<String, FxBuildHasher>) -> Vec<u32> {
    let key = |number: usize| {
        let end = if number % 2 == 1 { &b""[..] } else { b";" };
        names[number / 2].as_bytes().iter().chain(end)
    };
    let mut all: Vec<usize> = (0..2 * names.len()).collect();
    all.sort_unstable_by(|&a, &b| key(a).cmp(key(b)));
    let mut ranks = vec![0; all.len()];
    for (rank, number) in (0..).zip(all) {
        ranks[number] = rank;
    }
    ranks
}

/// The places of a tree's stacks, each looked up once.
struct KnownStacks<'a> {
    tree: &'a StackTree,
    /// By node of the tree.
    places: FxHashMap<NodeIdx, u32>,
    /// By frame of the tree, the number of its name.
    names: FxHashMap<u32, u32>,
}

impl<'a> KnownStacks<'a> {
    fn new(tree: &'a StackTree) -> Self {
        Self { tree, places: FxHashMap::default(), names: FxHashMap::default() }
    }

    /// The place of a stack's innermost frame. Of a very deep one the outermost frames are left out.
    fn place_of(&mut self, leaf: NodeIdx, builder: &mut FoldedBuilder) -> u32 {
        if let Some(&place) = self.places.get(&leaf) {
            return place;
        }
        let (indexes, cut) = frames::leaf_first(self.tree, leaf);
        let top = if cut { builder.below(TOP, CUT) } else { TOP };
        let place = indexes.iter().rev().fold(top, |above, &frame| {
            let function = &self.tree.frames()[frame as usize].function;
            let name = *self.names.entry(frame).or_insert_with(|| builder.name(function));
            builder.push(above, name)
        });
        self.places.insert(leaf, place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(stacks: &[(&[&str], &str)]) -> Vec<(String, Sides)> {
        let mut builder = FoldedBuilder::default();
        for (functions, state) in stacks {
            builder.add_stack(functions.iter().copied(), state, [1, 2]);
        }
        let mut lines = Vec::new();
        let take = |line: &str, sides| {
            lines.push((line.to_owned(), sides));
            Ok(())
        };
        builder.finish().each_line(take).unwrap();
        lines
    }

    #[test]
    fn lines_are_sorted_by_their_bytes_and_unique() {
        let lines = lines(&[
            (&["b", "a"], "running"),
            (&["a"], "sync"),
            (&["a.func1", "x"], "sync"),
            (&["a", "[sync]"], "sync"),
            (&["a", "[sync]!"], "sync"),
            (&["a"], "sync"),
            (&[], "sync"),
        ]);
        let expected =
            ["[sync]", "a.func1;x;[sync]", "a;[sync]", "a;[sync]!;[sync]", "a;[sync];[sync]", "b;a;[running]"];
        assert_eq!(lines.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>(), expected);
        assert!(lines.iter().map(|(line, _)| line).is_sorted());
        assert_eq!(lines[2].1, [2, 4]);
    }

    #[test]
    fn a_name_cannot_break_the_format() {
        assert_eq!(lines(&[(&["a;b\nc\x1b", "d e"], "x")])[0].0, "a,b,c\\x1B;d e;[x]");
    }
}
