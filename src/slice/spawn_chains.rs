//! Whose stacks go under whose: chains of `go` statements from a root down to a goroutine.

use crate::trace::ids::{StackIdx, StringIdx};
use rustc_hash::FxHashMap;

/// Longest chain of `go` statements that is shown; deeper goroutines join under its end.
pub const MAX_CHAIN: u32 = 64;

/// One link of a chain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SpawnChain {
    /// The link above; itself for the first.
    pub parent: u32,
    /// The stack of the `go` statement; empty for the first link.
    pub creation: StackIdx,
    /// The root's label.
    pub label: StringIdx,
    depth: u32,
}

/// All chains of a slice, each once.
#[derive(Clone, Default, Debug)]
pub struct SpawnChains {
    list: Vec<SpawnChain>,
    by_key: FxHashMap<(u32, StackIdx, StringIdx), u32>,
}

impl SpawnChains {
    /// The chain of a root itself.
    pub fn root(&mut self, label: StringIdx) -> u32 {
        let next = self.list.len() as u32;
        self.intern(
            SpawnChain { parent: next, creation: StackIdx::EMPTY, label, depth: 0 },
            (u32::MAX, StackIdx::EMPTY, label),
        )
    }

    /// The chain of a goroutine that one with chain `parent` created. A function that keeps starting itself is
    /// shown once.
    pub fn child(&mut self, parent: u32, creation: StackIdx) -> u32 {
        let above = self.list[parent as usize];
        if creation == StackIdx::EMPTY || creation == above.creation || above.depth >= MAX_CHAIN {
            return parent;
        }
        let context = SpawnChain { parent, creation, label: above.label, depth: above.depth + 1 };
        self.intern(context, (parent, creation, above.label))
    }

    fn intern(&mut self, context: SpawnChain, key: (u32, StackIdx, StringIdx)) -> u32 {
        *self.by_key.entry(key).or_insert_with(|| {
            self.list.push(context);
            self.list.len() as u32 - 1
        })
    }

    /// A link.
    pub fn get(&self, context: u32) -> SpawnChain {
        self.list[context as usize]
    }

    /// Number of links.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
