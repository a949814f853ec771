//! Spawn chains: the `go` statements from a root down to a goroutine. Where stacks are joined, the chain says under
//! which stacks a goroutine's own stacks are shown.
//!
//! ```text
//!   root "main.Handler"  ←  go in main.fetchAll  ←  go in main.fetchOne
//!   link 0                  link 1, parent 0        link 2, parent 1
//! ```
//!
//! Goroutines with the same `go` statements above them share a chain, named by the index of its last link.

use crate::trace::ids::{StackIdx, StringIdx};
use rustc_hash::FxHashMap;

/// Most `go` statements in a chain. Deeper goroutines are shown under its end.
pub(crate) const MAX_CHAIN: u32 = 64;

/// One link of a chain; with its parents, the chain that ends here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct SpawnChain {
    /// The link above; itself for the first.
    pub(crate) parent: u32,
    /// The stack of the `go` statement; empty for the first link.
    pub(crate) creation: StackIdx,
    /// The root's label.
    pub(crate) label: StringIdx,
    depth: u32,
}

/// All chains of a slice, each once. A chain is named by the index of its last link.
#[derive(Clone, Default, Debug)]
pub(crate) struct SpawnChains {
    list: Vec<SpawnChain>,
    by_key: FxHashMap<(u32, StackIdx, StringIdx), u32>,
}

impl SpawnChains {
    /// The chain of a root itself: one link, without a `go` statement.
    pub(crate) fn root(&mut self, label: StringIdx) -> u32 {
        let next = self.list.len() as u32;
        self.intern(
            SpawnChain { parent: next, creation: StackIdx::EMPTY, label, depth: 0 },
            (u32::MAX, StackIdx::EMPTY, label),
        )
    }

    /// The chain of a goroutine that was created by one with chain `parent`: `parent` itself where the creation is
    /// unknown, where the chain is as long as [`MAX_CHAIN`], and where a `go` statement repeats the one before, so that
    /// a function that keeps starting itself is shown once.
    pub(crate) fn child(&mut self, parent: u32, creation: StackIdx) -> u32 {
        let above = self.list[parent as usize];
        if creation == StackIdx::EMPTY || creation == above.creation || above.depth >= MAX_CHAIN {
            return parent;
        }
        let chain = SpawnChain { parent, creation, label: above.label, depth: above.depth + 1 };
        self.intern(chain, (parent, creation, above.label))
    }

    fn intern(&mut self, chain: SpawnChain, key: (u32, StackIdx, StringIdx)) -> u32 {
        *self.by_key.entry(key).or_insert_with(|| {
            self.list.push(chain);
            self.list.len() as u32 - 1
        })
    }

    /// A chain's last link.
    pub(crate) fn get(&self, chain: u32) -> SpawnChain {
        self.list[chain as usize]
    }

    /// Number of links.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }
}
