//! What the framing of a trace consists of: its batches and generations, found and not read.

/// A thread (M) id as the runtime wrote it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ThreadId(pub u64);

impl ThreadId {
    /// No thread; the wire writes it as -1.
    pub(crate) const NONE: Self = Self(u64::MAX);
}

/// What a batch holds, by its first byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BatchKind {
    /// Events of one thread.
    Events,
    /// A piece of the string table.
    Strings,
    /// A piece of the stack table.
    Stacks,
    /// CPU samples of all threads.
    Samples,
    /// The clock: its frequency and, from Go 1.25 on, a wall clock time.
    Sync,
}

/// Where one batch is, and what its header says.
#[derive(Clone, Copy, Debug)]
pub struct BatchRef {
    /// Offset of its data in the file.
    pub offset: u64,
    /// Base time in ticks: the first event's time difference counts from it.
    pub time: u64,
    /// Size of its data in bytes: less than the header says where the file ends inside it.
    pub size: u32,
    /// The thread that wrote it, as a position in [`GenerationIndex::threads`].
    pub thread: u32,
    /// What it holds.
    pub kind: BatchKind,
}

/// The batches of one generation. Experimental batches are left out.
#[derive(Clone, Debug)]
pub struct GenerationIndex {
    /// Its number in the file.
    pub number: u64,
    /// Offset of its first batch's header.
    pub start: u64,
    /// Offset of the first byte after its last batch and its end mark.
    pub end: u64,
    /// Its batches, in the file's order.
    pub batches: Vec<BatchRef>,
    /// The threads that wrote them, in order of first appearance.
    pub threads: Vec<ThreadId>,
    /// Lowest batch time in ticks: the time of the generation's sync event. `u64::MAX` without any batch.
    pub min_time: u64,
    /// Latest batch time in ticks; 0 without any batch.
    pub max_time: u64,
    /// Whether batches are missing, as far as the framing shows.
    pub lacks_batches: bool,
    /// Whether its end was seen: an end mark or, in versions without one, the next generation or the end of the file.
    pub ended: bool,
}

#[cfg(test)]
impl GenerationIndex {
    /// A whole generation whose batches are of one thread, from a moment in ticks on.
    pub(crate) fn of_one_thread(batches: Vec<BatchRef>, min_time: u64) -> Self {
        Self {
            number: 1,
            start: 0,
            end: 0,
            batches,
            threads: vec![ThreadId(1)],
            min_time,
            max_time: min_time,
            lacks_batches: false,
            ended: true,
        }
    }
}
