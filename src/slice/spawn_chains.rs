//! Spawn chains: the `go` statements from a root down to a goroutine. Where stacks are joined, the chain says under
//! which stacks a goroutine's own stacks are shown.
//!
//! ```text
//!   root "main.Handler"  ←  go in main.fetchAll  ←  go in main.fetchOne
//!   link 0                  link 1, parent 0        link 2, parent 1
//! ```
//!
//! Goroutines with the same `go` statements above them share a chain, named by the index of its last link.

use crate::trace::ids::{StackIdx, StringIdx, dense_index};
use rustc_hash::FxHashMap;

dense_index! {
    /// A chain in [`SpawnChains`], by its last link.
    SpawnChainIdx
}

impl SpawnChainIdx {
    /// The first chain. It stands for no chain too, of goroutines that belong to no root.
    pub(crate) const FIRST: Self = Self(0);
}

/// Most `go` statements in a chain. Deeper goroutines are shown under its end.
pub(crate) const MAX_CHAIN: u32 = 64;

/// One link of a chain; with its parents, the chain that ends here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct SpawnChain {
    /// The link above; itself for the first.
    pub(crate) parent: SpawnChainIdx,
    /// The stack of the `go` statement; empty for the first link.
    pub(crate) creation: StackIdx,
    /// The root's label.
    pub(crate) label: StringIdx,
    /// Whether it is about what a root's goroutine does after the root's last matching stack.
    pub(crate) after_last_stack: bool,
    depth: u32,
}

/// Parent, creation and label of a chain; whether it is after the last stack.
type SpawnChainKey = (SpawnChainIdx, StackIdx, StringIdx, bool);

/// All chains of a slice, each once. A chain is named by the index of its last link.
#[derive(Clone, Default, Debug)]
pub(crate) struct SpawnChains {
    list: Vec<SpawnChain>,
    by_key: FxHashMap<SpawnChainKey, SpawnChainIdx>,
}

impl SpawnChains {
    /// The chain of a root itself: one link, without a `go` statement.
    pub(crate) fn root(&mut self, label: StringIdx) -> SpawnChainIdx {
        let next = SpawnChainIdx(self.list.len() as u32);
        let chain = SpawnChain { parent: next, creation: StackIdx::EMPTY, label, after_last_stack: false, depth: 0 };
        self.intern(chain, (SpawnChainIdx::NONE, StackIdx::EMPTY, label, false))
    }

    /// The chain of what a root's goroutine does after the root's last matching stack; `root` is the root's own chain.
    pub(crate) fn after_last_stack(&mut self, root: SpawnChainIdx) -> SpawnChainIdx {
        let above = self.list[root.at()];
        let chain = SpawnChain { parent: root, after_last_stack: true, ..above };
        self.intern(chain, (root, StackIdx::EMPTY, above.label, true))
    }

    /// The chain of a goroutine that was created by one with chain `parent`: `parent` itself where the creation is
    /// unknown, where the chain is as long as [`MAX_CHAIN`], and where a `go` statement repeats the one before, so that
    /// a function that keeps starting itself is shown once.
    pub(crate) fn child(&mut self, parent: SpawnChainIdx, creation: StackIdx) -> SpawnChainIdx {
        let above = self.list[parent.at()];
        if creation == StackIdx::EMPTY || creation == above.creation || above.depth >= MAX_CHAIN {
            return parent;
        }
        let depth = above.depth + 1;
        let chain = SpawnChain { parent, creation, label: above.label, after_last_stack: false, depth };
        self.intern(chain, (parent, creation, above.label, false))
    }

    fn intern(&mut self, chain: SpawnChain, key: SpawnChainKey) -> SpawnChainIdx {
        *self.by_key.entry(key).or_insert_with(|| {
            self.list.push(chain);
            SpawnChainIdx(self.list.len() as u32 - 1)
        })
    }

    /// A chain's last link.
    pub(crate) fn get(&self, chain: SpawnChainIdx) -> SpawnChain {
        self.list[chain.at()]
    }

    /// Number of links.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }
}
