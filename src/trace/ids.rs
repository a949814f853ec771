//! Identifiers: the file's own, and the dense indexes that replace them.
//!
//! An id from the file never indexes anything. It is looked up once, at the edge, and becomes one of the
//! dense index types below, each of which belongs to exactly one table.

use std::fmt;

/// A goroutine id as the runtime wrote it. Not unique: ids of cgo callbacks repeat.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GoId(pub u64);

/// A thread (M) id as the runtime wrote it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ThreadId(pub u64);

/// A proc (P) id as the runtime wrote it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProcId(pub u64);

impl GoId {
    /// No goroutine; the wire writes it as -1 (`trace.NoGoroutine` in Go 1.22, `internal/trace/resources.go`).
    pub const NONE: Self = Self(u64::MAX);
}

impl ThreadId {
    /// No thread; the wire writes it as -1.
    pub const NONE: Self = Self(u64::MAX);
}

impl ProcId {
    /// No proc; the wire writes it as -1.
    pub const NONE: Self = Self(u64::MAX);
}

impl fmt::Display for GoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! dense_index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u32);

        impl $name {
            /// The absent value.
            pub const NONE: Self = Self(u32::MAX);

            /// Position in the table that this index belongs to.
            #[inline]
            pub fn at(self) -> usize {
                self.0 as usize
            }

            /// Whether this is a real index.
            #[inline]
            pub fn is_some(self) -> bool {
                self != Self::NONE
            }
        }
    };
}

dense_index! {
    /// A goroutine *instance* in a [`Forest`](crate::survey::Forest): one creation of one id.
    GIdx
}
dense_index! {
    /// A string in [`Symbols`](super::symbols::Symbols).
    StringIdx
}
dense_index! {
    /// A frame (function, file, line) in [`Symbols`](super::symbols::Symbols).
    FrameIdx
}
dense_index! {
    /// A stack in [`Symbols`](super::symbols::Symbols): a node of its tree of frames.
    StackIdx
}
pub(crate) use dense_index;

impl StackIdx {
    /// The stack without frames: what an event without a stack carries.
    pub const EMPTY: Self = Self(0);
}
