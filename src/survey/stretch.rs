//! Stretches of goroutines that can be roots: what there is of each of millions.

use crate::trace::ids::{GIdx, StackIdx};

/// A stretch of a goroutine's life with a matching function on its own stack: a request between a server's borders, or
/// the time between stacks that do not match. There can be millions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stretch {
    /// The goroutine.
    pub(crate) g: GIdx,
    /// Its first matching stack.
    pub(crate) stack: StackIdx,
    start: KnownPos,
    end: KnownPos,
    seen_start: KnownPos,
    seen_end: KnownPos,
    /// Whether its borders are inferred from stacks.
    is_inferred: bool,
    may_be_several: bool,
}

impl Stretch {
    /// A stretch whose borders are a server's own.
    pub(crate) fn served(g: GIdx, stack: StackIdx, start: Option<u64>, end: Option<u64>) -> Self {
        let (start, end) = (KnownPos::new(start), KnownPos::new(end));
        let (seen_start, seen_end, is_inferred, may_be_several) = (KnownPos::NONE, KnownPos::NONE, false, false);
        Self { g, stack, start, end, seen_start, seen_end, is_inferred, may_be_several }
    }

    /// A stretch whose borders are inferred.
    pub(crate) fn inferred(g: GIdx, stack: StackIdx, start: Option<u64>, end: Option<u64>, seen: SeenPart) -> Self {
        let (seen_start, seen_end) = (KnownPos::new(seen.start), KnownPos::new(seen.end));
        let (is_inferred, may_be_several) = (true, seen.may_be_several);
        Self { seen_start, seen_end, is_inferred, may_be_several, ..Self::served(g, stack, start, end) }
    }

    /// File position of the event that starts it; none: it is older than the trace.
    pub(crate) fn start(&self) -> Option<u64> {
        self.start.get()
    }

    /// It began there.
    pub(crate) fn set_start(&mut self, start: Option<u64>) {
        self.start = KnownPos::new(start);
    }

    /// File position of the event that ends it; none: it outlasts the trace.
    pub(crate) fn end(&self) -> Option<u64> {
        self.end.get()
    }

    /// Whether its borders are inferred from stacks, and not a server's own.
    pub(crate) fn is_inferred(&self) -> bool {
        self.is_inferred
    }

    /// What is certain of it where its borders are inferred from stacks; none where they are a server's own.
    pub(crate) fn seen(&self) -> Option<SeenPart> {
        let Self { seen_start, seen_end, may_be_several, .. } = *self;
        self.is_inferred.then(|| SeenPart { start: seen_start.get(), end: seen_end.get(), may_be_several })
    }
}

/// A file position that may not be known, in half the memory of an `Option`: no event is at the end of all numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct KnownPos(u64);

impl KnownPos {
    const NONE: Self = Self(u64::MAX);

    fn new(pos: Option<u64>) -> Self {
        pos.map_or(Self::NONE, Self)
    }

    fn get(self) -> Option<u64> {
        (self != Self::NONE).then_some(self.0)
    }
}

/// What is certain of a stretch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SeenPart {
    /// File position of its first matching stack; none: it was on that since the trace began.
    pub(crate) start: Option<u64>,
    /// File position of the event up to which its last matching stack holds; none: up to the stretch's end.
    pub(crate) end: Option<u64>,
    /// Whether a stack on which the goroutine waited came twice: the stretch may be several calls.
    pub(crate) may_be_several: bool,
}

impl SeenPart {
    /// Of a root of which nothing is certain but where it starts.
    pub(crate) fn nothing_after(start: u64) -> Self {
        Self { start: Some(start), end: None, may_be_several: false }
    }
}
