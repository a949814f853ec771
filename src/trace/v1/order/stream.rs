//! The events of one lane as the merge needs them: with the goroutine that executes, the one that is meant, and the
//! sequence number.
//!
//! Most events do not say which goroutine executes. It follows from the events of the same proc before: a goroutine
//! that starts executes until it stops.

use super::lanes::{LaneReader, Lanes};
use super::slots::{SlotIdx, Slots};
use crate::trace::v1::{EventCell, EventRecord, Kind, Record, RecordFormat, table_by_code};
use crate::trace::wire::cursor::Cursor;

/// The next event of a lane, not ordered yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    /// The number of its cell.
    pub(crate) cell: usize,
    pub(crate) ticks: i64,
    /// Offset in the file.
    pub(crate) pos: u64,
    /// The goroutine that executes.
    pub(crate) g: SlotIdx,
    /// The goroutine that is created, woken, or returns from a system call.
    pub(crate) target: SlotIdx,
    /// The sequence number of the goroutine or collector; in versions with one sequence, of the event.
    pub(crate) seq: u64,
    /// Ticks when the system call returned; 0 when that is the time of the event.
    pub(crate) exit: i64,
}

impl Head {
    /// No event.
    pub(crate) const NONE: Self =
        Self { kind: Kind::Batch, cell: 0, ticks: 0, pos: 0, g: SlotIdx::NONE, target: SlotIdx::NONE, seq: 0, exit: 0 };
}

/// The bytes of the file, and how to read them.
#[derive(Clone, Copy)]
pub(crate) struct TraceBytes<'a> {
    pub(crate) format: &'a RecordFormat,
    pub(crate) bytes: &'a [u8],
}

impl TraceBytes<'_> {
    /// Reads the event at an offset once more, for values that its cell has no room for; none if there is none.
    pub(crate) fn read_event(self, pos: u64) -> Option<EventRecord> {
        let bytes = self.bytes.get(usize::try_from(pos).ok()?..)?;
        match self.format.read(&mut Cursor::new(bytes, pos)) {
            Ok(Some(Record::Event(event))) => Some(event),
            _ => None,
        }
    }
}

/// What an event means for the goroutine that executes on its proc.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EventRole {
    /// The goroutine that the event names begins to execute.
    Starts,
    /// The event is about the goroutine that it names.
    Names,
    /// The goroutine that the event names returns from a system call.
    Returns,
    /// The goroutine that executes creates or wakes the one that the event names.
    Targets,
    /// The goroutine that executes stops.
    Stops,
    /// None of these.
    None,
}

/// As [`role`], which looks it up in a table.
pub(crate) const fn role_of(kind: Kind) -> EventRole {
    match kind {
        Kind::GoStart | Kind::GoStartLocal | Kind::GoStartLabel => EventRole::Starts,
        Kind::GoWaiting | Kind::GoInSyscall | Kind::CpuSample => EventRole::Names,
        Kind::GoSysExit | Kind::GoSysExitLocal => EventRole::Returns,
        Kind::GoCreate | Kind::GoUnblock | Kind::GoUnblockLocal => EventRole::Targets,
        Kind::GoEnd
        | Kind::GoStop
        | Kind::GoSched
        | Kind::GoPreempt
        | Kind::GoSleep
        | Kind::GoBlock
        | Kind::GoBlockSend
        | Kind::GoBlockRecv
        | Kind::GoBlockSelect
        | Kind::GoBlockSync
        | Kind::GoBlockCond
        | Kind::GoBlockNet
        | Kind::GoSysBlock
        | Kind::GoBlockGc => EventRole::Stops,
        _ => EventRole::None,
    }
}

/// The roles of all kinds, by their codes.
static ROLES: [EventRole; 64] = table_by_code!(role_of);

/// The role of a kind (`parseEvent` in `tracev1/parser.go` of Go 1.27).
#[inline(always)]
pub(crate) fn role(kind: Kind) -> EventRole {
    ROLES[kind as usize & 63]
}

/// Reads the events of one lane.
pub(crate) struct Stream {
    reader: LaneReader,
    /// The goroutine that executes.
    g: SlotIdx,
}

impl Stream {
    /// The events of a lane from its start on.
    pub(crate) fn new(lanes: &Lanes, lane: usize) -> Self {
        Self { reader: lanes.reader(lane), g: SlotIdx::NONE }
    }

    /// Puts the next event into `head`; false at the end. Writes each field to its place, because a copy of a struct whose
    /// fields were just written waits for the writes.
    #[inline(always)]
    pub(crate) fn next(&mut self, file: TraceBytes<'_>, lanes: &Lanes, slots: &mut Slots, head: &mut Head) -> bool {
        let Some(at) = self.reader.next(lanes) else { return false };
        if std::mem::take(&mut self.reader.lost) {
            self.g = SlotIdx::NONE;
        }
        let cell = lanes.cells[at];
        let (kind, g, none) = (cell.kind, self.g, SlotIdx::NONE);
        let role = role(kind);
        let (mut by, mut target) = (g, none);
        if role == EventRole::Stops {
            self.g = none;
        } else if role != EventRole::None {
            let named = slots.index_of(self.named_id(&cell, file));
            let targets = role == EventRole::Targets;
            target = if targets { named } else { none };
            by = if targets { g } else { named };
            self.g = if role == EventRole::Starts { named } else { g };
        }
        head.kind = kind;
        head.cell = at;
        head.ticks = self.reader.ticks;
        head.pos = self.reader.pos;
        head.g = by;
        head.target = target;
        head.seq = u64::from(cell.stack_or_arg);
        head.exit = 0;
        if kind == Kind::GcStart {
            head.seq = u64::from(cell.arg);
        }
        if role == EventRole::Returns {
            head.target = by;
            head.exit = i64::from(cell.stack_or_arg);
        }
        if matches!(kind, Kind::GoUnblock | Kind::GoSysExit) || cell.has(EventCell::WIDE) {
            self.add_numbers(head, file);
        }
        true
    }

    /// The id of the goroutine that an event names.
    #[inline(always)]
    fn named_id(&self, cell: &EventCell, file: TraceBytes<'_>) -> u64 {
        if cell.has(EventCell::WIDE) { self.wide_named_id(file) } else { u64::from(cell.arg) }
    }

    #[cold]
    fn wide_named_id(&self, file: TraceBytes<'_>) -> u64 {
        file.read_event(self.reader.pos).map_or(0, |event| named_id(&event))
    }

    /// Adds the numbers that the event's cell has no room for, read from the file.
    #[inline(never)]
    fn add_numbers(&self, head: &mut Head, file: TraceBytes<'_>) {
        head.exit = 0;
        let Some(event) = file.read_event(self.reader.pos) else {
            if head.kind == Kind::GoSysExit {
                head.target = SlotIdx::NONE;
            }
            return;
        };
        let [first, second, third] = event.args;
        head.seq = if head.kind == Kind::GcStart { first } else { second };
        if role(head.kind) == EventRole::Returns {
            head.exit = if head.kind == Kind::GoSysExit { third } else { second } as i64;
        }
    }

    /// The number of the present batch in its lane, and the sequence number that its events count from; 0 in versions
    /// without them.
    pub(crate) fn batch(&self) -> (u32, i64) {
        (self.reader.n_batches, self.reader.seq)
    }
}

/// The id of the goroutine in an event that names one.
fn named_id(event: &EventRecord) -> u64 {
    if event.kind == Kind::CpuSample { event.args[2] } else { event.args[0] }
}
