//! What pass 1 reads of one generation, and what it finds there.

use super::evidence::GoroutineRef;
use super::evidence_store::EvidenceStore;
use super::notes::{Notes, NotesWanted};
use super::scan_concat::{ScanConcat, ShiftBirths};
use crate::survey::annotations::task_ids::TaskIds;
use crate::survey::roots::stack_class::StackClass;
use crate::trace::id_table::IdTable;
use crate::trace::ids::GoId;
use crate::trace::v2::clock::Clock;
use crate::trace::v2::generation::{Generation, ThreadBatches};
use crate::trace::v2::tables::{Tables, WireSample};
use crate::trace::warning_list::WarningList;
use rustc_hash::{FxHashMap, FxHashSet};

/// The creation of a goroutine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Birth {
    /// The new goroutine.
    pub(crate) id: GoId,
    /// The goroutine that created it; [`GoroutineRef::NONE`] when none is known.
    pub(crate) parent: GoroutineRef,
    /// Wire id of the creator's stack.
    pub(crate) creation_stack: u64,
    /// Wire id of the new goroutine's stack: its entry function.
    pub(crate) entry_stack: u64,
    /// When, in ticks.
    pub(crate) ticks: u64,
    /// Whether it began with a cgo callback.
    pub(crate) from_c: bool,
}

/// The end of a goroutine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Death {
    /// The goroutine.
    pub(crate) g: GoroutineRef,
    /// File position of the event.
    pub(crate) pos: u64,
    /// When, in ticks.
    pub(crate) ticks: u64,
}

impl ShiftBirths for Birth {
    fn shift_births(self, births: u32) -> Self {
        Self { parent: self.parent.shift_births(births), ..self }
    }
}

impl ShiftBirths for Death {
    fn shift_births(self, births: u32) -> Self {
        Self { g: self.g.shift_births(births), ..self }
    }
}

/// What a scan of a generation's threads, or of some of them, found.
#[derive(Default, Debug)]
pub(crate) struct Scan {
    /// Creations, thread by thread in the order of the generation's index, each thread's in its order.
    pub(crate) births: ScanConcat<Birth>,
    /// Number of creations per thread.
    pub(crate) births_per_thread: Vec<u32>,
    /// Ends, in no order.
    pub(crate) deaths: ScanConcat<Death>,
    /// Goroutines that a status announced.
    pub(crate) announced: Vec<GoId>,
    /// What goroutines' own stacks say; empty when stacks do not matter.
    pub(crate) evidence: EvidenceStore,
    /// What was noted of tasks and regions; empty when these do not matter.
    pub(crate) notes: Notes,
    /// Goroutines with a stack whose outer end was cut off; may repeat.
    pub(crate) truncated: Vec<GoroutineRef>,
    /// Goroutines that were on a thread when the generation ended, each with the file position of its last gap.
    pub(crate) unfinished: Vec<(GoroutineRef, Option<u64>)>,
    /// Events that name a stack that no table defines; counted where stacks are looked up.
    pub(crate) undefined_stacks: UndefinedStacks,
    /// Highest wire id of a stack, where stacks are not looked up.
    pub(crate) highest_stack: u64,
    /// Events about collections: their numbers, codes and file positions.
    pub(crate) collections: Vec<(u64, u8, u64)>,
    /// Ids of the tasks that begin.
    pub(crate) task_ids: TaskIds,
    /// Wire ids of the strings that events name.
    pub(crate) strings: FxHashSet<u64>,
    /// Least number of a collector event; none when there is no such event.
    pub(crate) first_gc: Option<u64>,
    /// Time, in ticks, and value of the last change of GOMAXPROCS.
    pub(crate) procs: Option<(u64, u64)>,
    /// Whether a stack of the generation is a server's.
    pub(crate) serves: bool,
    /// Number of timed events.
    pub(crate) events: u64,
    /// Latest time of an event, in ticks; none without events.
    pub(crate) latest: Option<u64>,
    /// What could not be read.
    pub(crate) warnings: WarningList,
}

/// Events that name a stack that no table defines.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct UndefinedStacks {
    /// How many.
    pub(crate) events: u64,
    /// The lowest file position of one; none without any.
    pub(crate) first: Option<u64>,
}

impl UndefinedStacks {
    /// Adds an event.
    pub(crate) fn add(&mut self, pos: u64) {
        self.join(Self { events: 1, first: Some(pos) });
    }

    /// Adds those of other threads.
    pub(crate) fn join(&mut self, other: Self) {
        self.events += other.events;
        self.first = self.first.into_iter().chain(other.first).min();
    }
}

/// What a scan reads.
pub(crate) struct ScanInput<'a> {
    /// Whether the generation is the trace's first.
    pub(crate) is_first: bool,
    /// The generation.
    pub(crate) generation: &'a Generation<'a>,
    /// Its batches by thread.
    pub(crate) batches: &'a ThreadBatches,
    /// Its strings and stacks.
    pub(crate) tables: &'a Tables,
    /// The event codes of the file's version.
    pub(crate) known: &'a [bool; 256],
    /// The generation's clock.
    pub(crate) clock: Clock,
    /// What each stack says about a selection by stack and about servers; none when stacks do not matter.
    pub(crate) classes: Option<&'a IdTable<StackClass>>,
    /// What is noted of tasks and regions; none when these do not matter.
    pub(crate) notes: Option<NotesWanted>,
    /// The CPU samples of each thread, by its id, in order of time; empty when they do not matter.
    pub(crate) samples: &'a FxHashMap<u64, Vec<WireSample>>,
    /// Whether runs with skippable stacks are kept too.
    pub(crate) keeps_all: bool,
}

impl Scan {
    /// Adds the scan of the following threads.
    pub(crate) fn join(&mut self, next: Self) {
        let births = self.births.len() as u32;
        let shifted = |g: GoroutineRef| g.shift_births(births);
        self.births.join(next.births, births);
        self.births_per_thread.extend(next.births_per_thread);
        self.deaths.join(next.deaths, births);
        self.announced.extend(next.announced);
        self.evidence.join(next.evidence, births);
        self.notes.join(next.notes, births);
        self.truncated.extend(next.truncated.into_iter().map(shifted));
        self.unfinished.extend(next.unfinished.into_iter().map(|(g, gap)| (shifted(g), gap)));
        self.undefined_stacks.join(next.undefined_stacks);
        self.highest_stack = self.highest_stack.max(next.highest_stack);
        self.collections.extend(next.collections);
        self.task_ids.join(next.task_ids);
        self.strings.extend(next.strings);
        self.first_gc = self.first_gc.into_iter().chain(next.first_gc).min();
        self.procs = self.procs.max(next.procs);
        self.events += next.events;
        self.latest = self.latest.max(next.latest);
        self.warnings.append(next.warnings);
    }
}
