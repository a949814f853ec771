//! From sums by chain, stack and state to the samples of a profile: stacks joined and named.

use crate::measure::intervals::aggregate::{Aggregate, Key, SumIdx};
use crate::measure::intervals::states::detail;
use crate::measure::intervals::timeline::CollectorWork;
use crate::measure::paths::measured::ElsewhereKey;
use crate::measure::paths::wait_chains::WaitChains;
use crate::profile::{
    NodeIdx, Precision, ProfileFrame, RequestStacks, Sample, SharedText, StackTree, WakerKind, Weight,
};
use crate::slice::spawn_chains::{SpawnChainIdx, SpawnChains};
use crate::trace::ids::{FrameIdx, StackIdx, StringIdx};
use crate::trace::symbols::Symbols;
use indexmap::{IndexMap, IndexSet};
use rustc_hash::{FxBuildHasher, FxHashMap};

/// A sample without its weight, its names by number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct SampleKey {
    state: u32,
    stack: NodeIdx,
    detail: &'static str,
    precision: Precision,
    root: u32,
    waited_in: u32,
}

/// What a trace's requests spent in other goroutines than their own.
#[derive(Clone, Copy)]
pub(crate) struct Elsewhere<'a> {
    pub(crate) times: &'a [(ElsewhereKey, u64)],
    /// What they waited in.
    pub(crate) chains: &'a WaitChains,
}

/// The sums of one trace.
#[derive(Clone, Copy)]
struct Sums<'a> {
    list: &'a [(Key, Weight)],
    /// The node of each one's stack.
    nodes: &'a [NodeIdx],
    naming: Naming<'a>,
}

/// Stands for no sample.
pub(super) const NO_SAMPLE: u32 = u32::MAX;

/// Where the sums of one trace went.
pub(crate) struct Placed {
    /// By [`SumIdx`], the node of its stack.
    pub(crate) nodes: Vec<NodeIdx>,
    /// By [`SumIdx`], its sample; [`NO_SAMPLE`] where it has none.
    pub(crate) samples: Vec<u32>,
    /// By position in [`Elsewhere::times`], its sample.
    pub(crate) elsewhere: Vec<u32>,
}

/// Where a sample is in the profile, its stack and its root, and the state of the request's own wait; empty where the
/// request's own goroutine did it.
#[derive(Clone, Copy)]
struct Below<'a> {
    stack: NodeIdx,
    root: StringIdx,
    waited_in: &'a str,
}

/// What tells on which stack a wait was.
fn stack_of(wait: &Key) -> (StackIdx, bool) {
    (wait.stack, wait.line_known)
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
    pub(crate) fn add_sums(&mut self, aggregate: Aggregate, elsewhere: Elsewhere<'_>, naming: Naming<'_>) -> Placed {
        let Naming { chains, symbols, joined } = naming;
        let prefixes = if joined { self.prefixes(chains, symbols) } else { vec![StackTree::ROOT; chains.len()] };
        let mut frames = Frames { symbols, known: FxHashMap::default() };
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
                samples[i] = self.add(&key, Below { stack, root, waited_in: "" }, symbols, weight);
            }
        }
        let elsewhere = self.add_elsewhere(elsewhere, Sums { list: &sums, nodes: &nodes, naming });
        Placed { nodes, samples, elsewhere }
    }

    /// Adds what requests spent in other goroutines than their own, below the stacks that they waited on. Gives the sample of
    /// each.
    fn add_elsewhere(&mut self, elsewhere: Elsewhere<'_>, sums: Sums<'_>) -> Vec<u32> {
        let Sums { list, naming, .. } = sums;
        let key_of = |sum: SumIdx| list.get(sum.at()).map(|(key, _)| *key);
        let waits = |chain| {
            let (waits, is_ended) = elsewhere.chains.waits(chain);
            (waits.into_iter().map(key_of).collect::<Vec<Option<Key>>>(), is_ended)
        };
        let mut samples = vec![NO_SAMPLE; elsewhere.times.len()];
        let mut all: Vec<(_, _, _, (usize, u64))> =
            (0..).zip(elsewhere.times).map(|(i, &(of, ns))| (waits(of.chain), key_of(of.sum), of, (i, ns))).collect();
        all.sort_unstable_by(|a, b| (&a.0, a.1, a.2.label).cmp(&(&b.0, b.1, b.2.label)));
        let mut frames = Frames { symbols: naming.symbols, known: FxHashMap::default() };
        for ((waits, is_ended), key, of, (i, latency_ns)) in all {
            let Some(key) = key else { continue };
            let own = waits.first().copied().flatten();
            let of_own = own.map_or(StringIdx::EMPTY, |own| naming.chains.get(own.chain).label);
            let label = if of.label == StringIdx::EMPTY { of_own } else { of.label };
            let own_stack = elsewhere.chains.waits(of.chain).0.first().and_then(|sum| sums.nodes.get(sum.at()));
            let own_stack = own_stack.copied().filter(|node| *node != StackTree::ROOT);
            let above = own_stack.unwrap_or_else(|| self.root_frame(label, naming.symbols));
            let mut stack = self.push_waits(&mut frames, above, &waits);
            if is_ended {
                stack = self.push_pseudo(stack, ProfileFrame::MORE, "further goroutines");
            }
            let stack = frames.push(&mut self.tree, stack, key.stack, key.line_known);
            let waited_in = own.map_or("", |own| own.state.name(naming.symbols));
            let weight = Weight { latency_ns, ..Weight::default() };
            samples[i] = self.add(&key, Below { stack, root: label, waited_in }, naming.symbols, weight);
        }
        samples
    }

    /// The node below which there is what a goroutine did that a request waited for at the end of these waits, of which
    /// the first is on the stack `above`. Waits on one stack that follow each other are one frame with their number.
    fn push_waits(&mut self, frames: &mut Frames<'_>, above: NodeIdx, waits: &[Option<Key>]) -> NodeIdx {
        let hops: Vec<(StackIdx, bool)> = waits.iter().flatten().map(stack_of).collect();
        let mut node = above;
        for (i, alike) in hops.chunk_by(|a, b| a == b).enumerate() {
            let (stack, line_known) = alike[0];
            if i > 0 {
                node = frames.push(&mut self.tree, node, stack, line_known);
            }
            node = self.waiting_for(node, alike.len());
        }
        if hops.is_empty() {
            node = self.waiting_for(node, 1);
        }
        node
    }

    /// Adds a sample, and gives its position among those before [`Folder::finish`].
    fn add(&mut self, key: &Key, below: Below<'_>, symbols: &Symbols, weight: Weight) -> u32 {
        match key.collector {
            CollectorWork::None => {}
            CollectorWork::MarkAssist => self.assist_ns = self.assist_ns.saturating_add(weight.latency_ns),
            CollectorWork::Sweep => self.sweep_ns = self.sweep_ns.saturating_add(weight.latency_ns),
        }
        let Below { stack, root, waited_in } = below;
        let (state, root) = (self.number(key.state.name(symbols)), self.number(symbols.text(root)));
        let waited_in = self.number(waited_in);
        let detail = detail_of(key, symbols);
        let key = SampleKey { state, stack, detail, precision: key.precision, root, waited_in };
        let sample = self.samples.entry(key);
        let position = sample.index() as u32;
        *sample.or_default() += weight;
        position
    }

    pub(super) fn number(&mut self, name: &str) -> u32 {
        let known = self.names.get_index_of(name);
        known.unwrap_or_else(|| self.names.insert_full(name.to_owned()).0) as u32
    }

    /// The node of a root's name, above what goroutines that are not the request's own did while it waited.
    fn root_frame(&mut self, label: StringIdx, symbols: &Symbols) -> NodeIdx {
        let name = symbols.text(label);
        if name.is_empty() {
            return StackTree::ROOT;
        }
        let frame = self.tree.intern(name, "", 0);
        self.tree.push(StackTree::ROOT, frame)
    }

    fn after_last_stack(&mut self, under: NodeIdx) -> NodeIdx {
        self.push_pseudo(under, ProfileFrame::AFTER_LAST_STACK, "root may be over")
    }

    /// Below it stands what another goroutine did after `n` waits on the stack of `under`.
    fn waiting_for(&mut self, under: NodeIdx, n: usize) -> NodeIdx {
        let times = if n == 1 { String::new() } else { format!(" ×{n}") };
        let name = ProfileFrame::WAITING_FOR.to_owned() + &times;
        self.push_pseudo(under, &name, ProfileFrame::OTHER_GOROUTINE)
    }

    fn push_pseudo(&mut self, under: NodeIdx, name: &str, file: &str) -> NodeIdx {
        let frame = self.tree.intern(name, file, 0);
        self.tree.push(under, frame)
    }

    /// The node of a stack by itself.
    pub(crate) fn own_stack(&mut self, stack: StackIdx, symbols: &Symbols) -> NodeIdx {
        Frames { symbols, known: FxHashMap::default() }.push(&mut self.tree, StackTree::ROOT, stack, true)
    }

    /// Per chain, the node under which its stacks go.
    fn prefixes(&mut self, chains: &SpawnChains, symbols: &Symbols) -> Vec<NodeIdx> {
        let go = self.tree.intern(ProfileFrame::GO, "go statement", 0);
        let mut frames = Frames { symbols, known: FxHashMap::default() };
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
    pub(crate) fn finish(self, stacks: Option<&mut RequestStacks>) -> (StackTree, Vec<Sample>) {
        let Self { tree, names, samples, .. } = self;
        let ranks = ranks(&names);
        let rank = |name: u32| ranks[name as usize];
        let place = |key: &SampleKey| {
            (rank(key.state), key.stack, key.detail, key.precision, rank(key.root), rank(key.waited_in))
        };
        let mut samples: Vec<(u32, SampleKey, Weight)> =
            (0..).zip(samples).map(|(before, (key, weight))| (before, key, weight)).collect();
        samples.sort_unstable_by_key(|(_, key, _)| place(key));
        if let Some(stacks) = stacks {
            let mut positions = vec![0; samples.len()];
            for (position, (before, ..)) in (0..).zip(&samples) {
                positions[*before as usize] = position;
            }
            stacks.renumber(&positions);
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
        (tree, samples.into_iter().map(sample).collect())
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
struct Frames<'a> {
    symbols: &'a Symbols,
    known: FxHashMap<(FrameIdx, bool), u32>,
}

impl Frames<'_> {
    fn push(&mut self, tree: &mut StackTree, under: NodeIdx, stack: StackIdx, line_known: bool) -> NodeIdx {
        let leaf_first: Vec<FrameIdx> = self.symbols.frames(stack).collect();
        let mut node = under;
        for (i, &frame) in leaf_first.iter().enumerate().rev() {
            let frame = self.frame(tree, frame, line_known || i > 0);
            node = tree.push(node, frame);
        }
        node
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
