//! Identifiers: the ids of the file, and the dense indexes that replace them.
//!
//! An id from the file never indexes an array: it can be any 64-bit number, and damaged files have wrong ones. The
//! reader looks it up once, where it leaves the wire format, and uses one of the index types below from then on. Each
//! of these belongs to exactly one table.

use std::fmt;

/// A goroutine id as the runtime wrote it. Not unique: ids of cgo callbacks repeat.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GoId(pub u64);

impl GoId {
    /// No goroutine; the wire writes it as -1 (`trace.NoGoroutine` in Go 1.22, `internal/trace/resources.go`).
    pub const NONE: Self = Self(u64::MAX);
}

impl fmt::Display for GoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Defines an index type: a `u32` that numbers the rows of one table from 0 on, and [`NONE`](StringIdx::NONE), the
/// largest `u32`, for "no row". A type for each table, so that an index never reads another table.
macro_rules! dense_index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[allow(unreachable_pub, reason = "indexes of private tables are made in the same way")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u32);

        #[allow(dead_code, unreachable_pub, reason = "not every index has all uses")]
        impl $name {
            /// No row of the table.
            pub const NONE: Self = Self(u32::MAX);

            /// The row's number. Of `NONE` it is larger than that of any row, so that `get` finds nothing there.
            #[inline]
            pub fn at(self) -> usize {
                self.0 as usize
            }

            /// Whether this is a row's index: not `NONE`.
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

impl StringIdx {
    /// The empty string. As a label or a name: there is none.
    pub const EMPTY: Self = Self(0);
}

impl StackIdx {
    /// The stack without frames: what an event without a stack carries.
    pub const EMPTY: Self = Self(0);
}
