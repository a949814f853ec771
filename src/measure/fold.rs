//! From sums by chain, stack and state to the samples of a profile: stacks joined and named.

use super::Measured;
use super::aggregate::Key;
use super::states::detail;
use crate::ids::{FrameIdx, StackIdx};
use crate::profile::{NodeIdx, Precision, ProfileFrame, Sample, StackTree, Weight};
use crate::slice::context::Contexts;
use crate::symbols::Symbols;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// A sample without its weight.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct SampleKey {
    state: String,
    stack: NodeIdx,
    detail: &'static str,
    precision: Precision,
    root: String,
}

/// Collects the samples of one or several traces.
#[derive(Default)]
pub struct Folder {
    tree: StackTree,
    samples: BTreeMap<SampleKey, Weight>,
}

impl Folder {
    /// Adds what one trace measured. With `joined`, a child's stacks go under the stack that created it.
    pub fn add(&mut self, measured: Measured, contexts: &Contexts, symbols: &Symbols, joined: bool) {
        let prefixes = if joined { self.prefixes(contexts, symbols) } else { vec![StackTree::ROOT; contexts.len()] };
        let mut frames = Frames { symbols, known: FxHashMap::default() };
        for (key, weight) in measured.aggregate.sorted() {
            let prefix = prefixes[key.context as usize];
            let stack = frames.push(&mut self.tree, prefix, key.stack, key.line_known);
            *self.samples.entry(sample_key(&key, stack, contexts, symbols)).or_default() += weight;
        }
    }

    /// Per chain, the node under which its stacks go.
    fn prefixes(&mut self, contexts: &Contexts, symbols: &Symbols) -> Vec<NodeIdx> {
        let go = self.tree.intern_frame(ProfileFrame {
            function: ProfileFrame::GO.into(),
            file: "go statement".into(),
            line: 0,
        });
        let mut frames = Frames { symbols, known: FxHashMap::default() };
        let mut prefixes: Vec<NodeIdx> = Vec::with_capacity(contexts.len());
        // Links above come first.
        for i in 0..contexts.len() as u32 {
            let context = contexts.get(i);
            prefixes.push(if context.parent == i {
                StackTree::ROOT
            } else {
                let above = prefixes[context.parent as usize];
                let creator = frames.push(&mut self.tree, above, context.creation, true);
                self.tree.push(creator, go)
            });
        }
        prefixes
    }

    /// The tree and the samples, unsorted.
    pub fn finish(self) -> (StackTree, Vec<Sample>) {
        let sample = |(key, weight): (SampleKey, Weight)| Sample {
            stack: key.stack,
            state: key.state,
            detail: key.detail,
            precision: key.precision,
            root: key.root,
            weight,
        };
        (self.tree, self.samples.into_iter().map(sample).collect())
    }
}

fn sample_key(key: &Key, stack: NodeIdx, contexts: &Contexts, symbols: &Symbols) -> SampleKey {
    let leaf = symbols.leaf(key.stack).map_or("", |frame| symbols.function(frame));
    SampleKey {
        state: key.state.name(symbols).to_owned(),
        stack,
        detail: detail(key.state, leaf),
        precision: key.precision,
        root: symbols.text(contexts.get(key.context).label).to_owned(),
    }
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
            tree.intern_frame(ProfileFrame {
                function: symbols.text(f.function).to_owned(),
                file: symbols.text(f.file).to_owned(),
                line: if line_known { f.line } else { 0 },
            })
        })
    }
}
