//! The events of one proc as the merge sees them: with who executes, who is meant, and which number they have. HOT.

use super::lanes::{Lanes, Reader};
use super::slots::{SlotIdx, Slots};
use crate::format::cursor::Cursor;
use crate::format::v1::{Cell, Kind, Record, Timed, Wire};

/// An event before it is ordered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) kind: Kind,
    /// The number of its cell.
    pub(super) cell: usize,
    pub(super) ticks: i64,
    pub(super) pos: u64,
    /// Who executed.
    pub(super) g: SlotIdx,
    /// Who was created, woken, or came back from a system call.
    pub(super) target: SlotIdx,
    /// The goroutine's (or collector's) number; in versions with one sequence, the event's.
    pub(super) seq: u64,
    /// When a system call really ended; 0 when its event says that itself.
    pub(super) exit: i64,
}

/// What the bytes of the file say.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) wire: &'a Wire,
    pub(super) bytes: &'a [u8],
}

impl File<'_> {
    /// Reads an event again: its cell has not room for all of it.
    pub(super) fn event(self, pos: u64) -> Option<Timed> {
        let bytes = self.bytes.get(usize::try_from(pos).ok()?..)?;
        match self.wire.read(&mut Cursor::new(bytes, pos)) {
            Ok(Some(Record::Event(event))) => Some(event),
            _ => None,
        }
    }
}

/// What an event says of who executes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// The goroutine that it names begins to execute.
    Starts,
    /// It tells of the goroutine that it names.
    Names,
    /// The goroutine that it names comes back from a system call.
    Returns,
    /// The goroutine that executes creates or wakes the one that it names.
    Targets,
    /// The goroutine that executes stops doing so.
    Leaves,
    /// Nothing.
    Stays,
}

/// The role of a kind (`parseEvent` in `tracev1/parser.go` of Go 1.27).
#[inline]
pub(super) fn role(kind: Kind) -> Role {
    match kind {
        Kind::GoStart | Kind::GoStartLocal | Kind::GoStartLabel => Role::Starts,
        Kind::GoWaiting | Kind::GoInSyscall | Kind::CpuSample => Role::Names,
        Kind::GoSysExit | Kind::GoSysExitLocal => Role::Returns,
        Kind::GoCreate | Kind::GoUnblock | Kind::GoUnblockLocal => Role::Targets,
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
        | Kind::GoBlockGc => Role::Leaves,
        _ => Role::Stays,
    }
}

/// Reads one lane.
pub(super) struct Stream {
    reader: Reader,
    /// Who executes.
    g: SlotIdx,
}

impl Stream {
    /// Reads this lane from its start.
    pub(super) fn new(lanes: &Lanes, lane: usize) -> Self {
        Self { reader: lanes.reader(lane), g: SlotIdx::NONE }
    }

    /// The next event.
    #[inline]
    pub(super) fn next(&mut self, file: File<'_>, lanes: &Lanes, slots: &mut Slots) -> Option<Head> {
        let at = self.reader.next(lanes)?;
        if std::mem::take(&mut self.reader.lost) {
            self.g = SlotIdx::NONE;
        }
        let cell = &lanes.cells[at];
        let (kind, g, none) = (cell.kind, self.g, SlotIdx::NONE);
        let (ticks, pos, seq) = (self.reader.ticks, self.reader.pos, u64::from(cell.more));
        let mut head = Head { kind, cell: at, ticks, pos, g, target: none, seq, exit: 0 };
        match role(kind) {
            Role::Stays => {}
            Role::Leaves => self.g = none,
            role => {
                let who = slots.of(self.who(cell, file));
                match role {
                    Role::Targets => head.target = who,
                    Role::Starts => (self.g, head.g) = (who, who),
                    _ => head.g = who,
                }
            }
        }
        match kind {
            Kind::GcStart => head.seq = u64::from(cell.who),
            Kind::GoSysExitLocal => (head.target, head.exit) = (head.g, i64::from(cell.more)),
            _ => {}
        }
        if matches!(kind, Kind::GoUnblock | Kind::GoSysExit) || cell.has(Cell::WIDE) {
            self.add_numbers(&mut head, file);
        }
        Some(head)
    }

    /// The id of the goroutine that an event names.
    #[inline]
    fn who(&self, cell: &Cell, file: File<'_>) -> u64 {
        if cell.has(Cell::WIDE) {
            return file.event(self.reader.pos).map_or(0, |event| named(&event));
        }
        u64::from(cell.who)
    }

    fn add_numbers(&self, head: &mut Head, file: File<'_>) {
        let Some(event) = file.event(self.reader.pos) else { return };
        let [first, second, third] = event.args;
        head.seq = if head.kind == Kind::GcStart { first } else { second };
        if role(head.kind) == Role::Returns {
            head.target = head.g;
            head.exit = if head.kind == Kind::GoSysExit { third } else { second } as i64;
        }
    }

    /// The number of the present batch, and the sequence number that its events count from, in versions that number
    /// all events.
    pub(super) fn batch(&self) -> (u32, i64) {
        (self.reader.n_batches, self.reader.seq)
    }
}

/// The id of the goroutine in an event that names one.
fn named(event: &Timed) -> u64 {
    if event.kind == Kind::CpuSample { event.args[2] } else { event.args[0] }
}
