//! From sums by chain, stack and state to the samples of a profile: stacks joined and named.

use super::elsewhere::ElsewhereOfAll;
use crate::measure::intervals::aggregate::{Aggregate, Key};
use crate::measure::intervals::states::detail;
use crate::measure::intervals::timeline::CollectorWork;
use crate::measure::paths::stack_time::ElsewhereKey;
use crate::measure::paths::wait_chains::WaitChains;
use crate::profile::{
    NodeIdx, Precision, ProfileFrame, RequestStacks, Sample, SharedText, StackTree, ToldWaits, WakerKind, Weight,
};
use crate::slice::spawn_chains::{SpawnChainIdx, SpawnChains};
use crate::trace::ids::{FrameIdx, StackIdx, StringIdx};
use crate::trace::symbols::Symbols;
use indexmap::{IndexMap, IndexSet};
use rustc_hash::{FxBuildHasher, FxHashMap};

/// A sample without its weight, its names by number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SampleKey {
    pub(super) state: u32,
    pub(super) stack: NodeIdx,
    pub(super) detail: &'static str,
    pub(super) precision: Precision,
    pub(super) root: u32,
    /// The state of the request's own wait; empty where the request's own goroutine did it.
    pub(super) waited_in: u32,
}

/// What a trace's requests spent in other goroutines than their own.
pub(crate) struct Elsewhere<'a> {
    pub(crate) times: &'a [(ElsewhereKey, u64)],
    /// What they waited in.
    pub(crate) chains: &'a mut WaitChains,
    /// Whether times of single requests are under the same keys.
    pub(crate) of_each_request: bool,
}

/// The sums of one trace.
#[derive(Clone, Copy)]
pub(super) struct Sums<'a> {
    pub(super) list: &'a [(Key, Weight)],
    /// The node of each one's stack.
    pub(super) nodes: &'a [NodeIdx],
    pub(super) naming: Naming<'a>,
}

/// Stands for no sample.
pub(super) const NO_SAMPLE: u32 = u32::MAX;

/// Where the sums of one trace went.
pub(crate) struct Placed {
    /// By [`SumIdx`], the node of its stack.
    pub(crate) nodes: Vec<NodeIdx>,
    /// By [`SumIdx`], its sample; [`NO_SAMPLE`] where it has none.
    pub(crate) samples: Vec<u32>,
    /// By position in [`Elsewhere::times`], what stands for its sample; empty where times of single requests are not wanted.
    pub(crate) elsewhere: Vec<u32>,
}

/// Per number, how many names come before it.
fn ranks(names: &IndexSet<String, FxBuildHasher>) -> Vec<u32> {
    let mut sorted: Vec<usize> = (0..names.len()).collect();
    sorted.sort_unstable_by_key(|&number| &names[number]);
    let mut ranks = vec![0; sorted.len()];
    for (rank, number) in (0..).zip(sorted) {
        ranks[number] = rank;
    }
    ranks
}

/// What names the stacks of one trace.
#[derive(Clone, Copy)]
pub(crate) struct Naming<'a> {
    /// Chains of `go` statements.
    pub(crate) chains: &'a SpawnChains,
    /// Names of everything.
    pub(crate) symbols: &'a Symbols,
    /// Whether a child's stacks go under the stack that created it.
    pub(crate) joined: bool,
}

/// Collects the samples of one or several traces.
#[derive(Default)]
pub(crate) struct Folder {
    pub(crate) tree: StackTree,
    /// Names of states and of roots: there are few, and many samples have them.
    names: IndexSet<String, FxBuildHasher>,
    /// Many traces have most of them in common.
    samples: IndexMap<SampleKey, Weight, FxBuildHasher>,
    /// What requests spent in other goroutines, which gets its samples last.
    pub(super) elsewhere: ElsewhereOfAll,
    /// Latency of samples in which the goroutine helped the collector.
    pub(crate) assist_ns: u64,
    /// The same for sweeping.
    pub(crate) sweep_ns: u64,
    /// Where the requests have rows of waits, and names of roots.
    pub(super) rows: RequestRows,
}

/// Positions of what requests of several traces have in common.
#[derive(Default)]
pub(super) struct RequestRows {
    /// Of ended waits: where goroutines waited, in which state, and who ended that.
    pub(super) wakeups: FxHashMap<([NodeIdx; 2], WakerKind, [u32; 2]), usize>,
    /// Of names of roots.
    pub(super) roots: FxHashMap<String, u32>,
}

impl Folder {
    /// Adds the sums of one trace, and `elsewhere`: what requests spent in goroutines other than their own.
    pub(crate) fn add_sums(
        &mut self,
        aggregate: Aggregate,
        elsewhere: Option<Elsewhere<'_>>,
        naming: Naming<'_>,
    ) -> Placed {
        let Naming { chains, symbols, joined } = naming;
        let prefixes = if joined { self.prefixes(chains, symbols) } else { vec![StackTree::ROOT; chains.len()] };
        let mut frames = Frames::new(symbols);
        let sums = aggregate.into_sums();
        let mut order: Vec<usize> = (0..sums.len()).collect();
        order.sort_unstable_by_key(|&i| sums[i].0);
        let mut nodes = vec![StackTree::ROOT; sums.len()];
        let mut samples = vec![NO_SAMPLE; sums.len()];
        let mut last = None;
        for i in order {
            let (key, weight) = sums[i];
            let prefix = prefixes.get(key.chain.at()).copied().unwrap_or(StackTree::ROOT);
            // In their order, sums of one stack in several states follow each other.
            let place = (prefix, key.stack, key.line_known);
            let stack = match last {
                Some((same, stack)) if same == place => stack,
                _ => frames.push(&mut self.tree, prefix, key.stack, key.line_known),
            };
            last = Some((place, stack));
            let stack = if chains.get(key.chain).after_last_stack { self.after_last_stack(stack) } else { stack };
            nodes[i] = stack;
            if weight != Weight::default() {
                let root = chains.get(key.chain).label;
                samples[i] = self.add(&key, (stack, root), symbols, weight);
            }
        }
        let of_trace = Sums { list: &sums, nodes: &nodes, naming };
        let elsewhere = elsewhere.map_or_else(Vec::new, |elsewhere| self.add_elsewhere(elsewhere, of_trace));
        Placed { nodes, samples, elsewhere }
    }

    /// Adds a sample of a request's own goroutines, and gives its position among those before [`Folder::finish`].
    fn add(&mut self, key: &Key, (stack, root): (NodeIdx, StringIdx), symbols: &Symbols, weight: Weight) -> u32 {
        self.count_collector(key, weight.latency_ns);
        let (state, root) = (self.number(key.state.name(symbols)), self.number(symbols.text(root)));
        let (detail, waited_in) = (detail_of(key, symbols), self.number(""));
        self.add_sample(SampleKey { state, stack, detail, precision: key.precision, root, waited_in }, weight)
    }

    pub(super) fn count_collector(&mut self, key: &Key, latency_ns: u64) {
        match key.collector {
            CollectorWork::None => {}
            CollectorWork::MarkAssist => self.assist_ns = self.assist_ns.saturating_add(latency_ns),
            CollectorWork::Sweep => self.sweep_ns = self.sweep_ns.saturating_add(latency_ns),
        }
    }

    pub(super) fn add_sample(&mut self, key: SampleKey, weight: Weight) -> u32 {
        let sample = self.samples.entry(key);
        let position = sample.index() as u32;
        *sample.or_default() += weight;
        position
    }

    pub(super) fn number(&mut self, name: &str) -> u32 {
        let known = self.names.get_index_of(name);
        known.unwrap_or_else(|| self.names.insert_full(name.to_owned()).0) as u32
    }

    pub(super) fn name(&self, number: u32) -> &str {
        self.names.get_index(number as usize).map_or("", String::as_str)
    }

    /// The node of a root's name, above what goroutines that are not the request's own did while it waited.
    pub(super) fn root_frame(&mut self, root: u32) -> NodeIdx {
        let name = self.names.get_index(root as usize).filter(|name| !name.is_empty());
        let Some(name) = name else { return StackTree::ROOT };
        let frame = self.tree.intern(name, "", 0);
        self.tree.push(StackTree::ROOT, frame)
    }

    fn after_last_stack(&mut self, under: NodeIdx) -> NodeIdx {
        self.push_pseudo(under, ProfileFrame::AFTER_LAST_STACK, "root may be over")
    }

    pub(super) fn push_pseudo(&mut self, under: NodeIdx, name: &str, file: &str) -> NodeIdx {
        let frame = self.tree.intern(name, file, 0);
        self.tree.push(under, frame)
    }

    /// The node of a stack by itself.
    pub(crate) fn own_stack(&mut self, stack: StackIdx, symbols: &Symbols) -> NodeIdx {
        Frames::new(symbols).push(&mut self.tree, StackTree::ROOT, stack, true)
    }

    /// Per chain, the node under which its stacks go.
    fn prefixes(&mut self, chains: &SpawnChains, symbols: &Symbols) -> Vec<NodeIdx> {
        let go = self.tree.intern(ProfileFrame::GO, "go statement", 0);
        let mut frames = Frames::new(symbols);
        let mut prefixes: Vec<NodeIdx> = Vec::with_capacity(chains.len());
        // Links above come first.
        for i in (0..chains.len() as u32).map(SpawnChainIdx) {
            let chain = chains.get(i);
            prefixes.push(if chain.parent == i {
                StackTree::ROOT
            } else if chain.after_last_stack {
                prefixes[chain.parent.at()]
            } else {
                let above = prefixes[chain.parent.at()];
                let creator = frames.push(&mut self.tree, above, chain.creation, true);
                self.tree.push(creator, go)
            });
        }
        prefixes
    }

    /// The tree and the samples, by state, then by stack. `stacks` refers to samples by their positions before.
    pub(crate) fn finish(mut self, stacks: Option<&mut RequestStacks>) -> (StackTree, Vec<Sample>, ToldWaits) {
        let (sample_at, mut waits) = self.place_elsewhere();
        let Self { tree, names, samples, .. } = self;
        let ranks = ranks(&names);
        let rank = |name: u32| ranks[name as usize];
        let place = |key: &SampleKey| {
            (rank(key.state), key.stack, key.detail, key.precision, rank(key.root), rank(key.waited_in))
        };
        let mut samples: Vec<(u32, SampleKey, Weight)> =
            (0..).zip(samples).map(|(before, (key, weight))| (before, key, weight)).collect();
        samples.sort_unstable_by_key(|(_, key, _)| place(key));
        let mut positions = vec![0; samples.len()];
        for (position, (before, ..)) in (0..).zip(&samples) {
            positions[*before as usize] = position;
        }
        waits.renumber(|sample| positions[sample as usize]);
        if let Some(stacks) = stacks {
            stacks.renumber(|place| positions[sample_at(place) as usize]);
        }
        let names: Vec<SharedText> = names.iter().map(SharedText::from).collect();
        let name = |number: u32| names[number as usize].clone();
        let sample = |(_, key, weight): (u32, SampleKey, Weight)| Sample {
            stack: key.stack,
            state: name(key.state),
            detail: key.detail,
            precision: key.precision,
            root: name(key.root),
            waited_in: name(key.waited_in),
            weight,
        };
        (tree, samples.into_iter().map(sample).collect(), waits)
    }
}

/// What can be said of a sample beyond its state.
pub(crate) fn detail_of(key: &Key, symbols: &Symbols) -> &'static str {
    match key.collector {
        CollectorWork::None => {}
        CollectorWork::MarkAssist => return "mark assist",
        CollectorWork::Sweep => return "sweep",
    }
    let frames = symbols.frames(key.stack).map(|frame| symbols.function(frame));
    detail(key.state, key.state.name(symbols), frames)
}

/// Frames of the symbols as frames of the tree, each looked up once.
pub(super) struct Frames<'a> {
    symbols: &'a Symbols,
    known: FxHashMap<(FrameIdx, bool), u32>,
}

impl<'a> Frames<'a> {
    pub(super) fn new(symbols: &'a Symbols) -> Self {
        Self { symbols, known: FxHashMap::default() }
    }

    fn push(&mut self, tree: &mut StackTree, under: NodeIdx, stack: StackIdx, line_known: bool) -> NodeIdx {
        let frames = self.outermost_first(tree, stack, line_known);
        frames.into_iter().fold(under, |node, frame| tree.push(node, frame))
    }

    /// The frames of a stack, as the tree has them.
    pub(super) fn outermost_first(&mut self, tree: &mut StackTree, stack: StackIdx, line_known: bool) -> Vec<u32> {
        let symbols = self.symbols;
        let leaf_first: Vec<FrameIdx> = symbols.frames(stack).collect();
        // The outermost frame gets its number first: what is decided by the first frame of a kind looks at callers first.
        let outermost_first = leaf_first.into_iter().enumerate().rev();
        outermost_first.map(|(i, frame)| self.frame(tree, frame, line_known || i > 0)).collect()
    }

    fn frame(&mut self, tree: &mut StackTree, frame: FrameIdx, line_known: bool) -> u32 {
        let symbols = self.symbols;
        *self.known.entry((frame, line_known)).or_insert_with(|| {
            let f = symbols.frame(frame);
            let line = if line_known { f.line } else { 0 };
            tree.intern(symbols.text(f.function), symbols.text(f.file), line)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::symbols::Frame;

    #[test]
    fn the_outermost_frame_gets_its_number_first() {
        let mut symbols = Symbols::default();
        let mut stack = StackIdx::EMPTY;
        for function in ["outer", "middle", "leaf"] {
            let function = symbols.intern(function);
            let frame = symbols.intern_frame(Frame { function, file: StringIdx::EMPTY, line: 7 });
            stack = symbols.push_frame(stack, frame);
        }
        let mut tree = StackTree::default();
        let frames = Frames::new(&symbols).outermost_first(&mut tree, stack, false);
        let names = |frames: &[u32]| {
            let name = |frame: &u32| {
                (tree.frames()[*frame as usize].function.to_string(), tree.frames()[*frame as usize].line)
            };
            frames.iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(frames, [0, 1, 2]);
        // The line of the leaf alone is not known.
        assert_eq!(names(&frames), [("outer".to_owned(), 7), ("middle".to_owned(), 7), ("leaf".to_owned(), 0)]);
    }
}
