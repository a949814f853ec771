//! The events of one proc as the merge sees them: with who executes, who is meant, and which number they have. HOT.

use super::lanes::{Lanes, Reader};
use super::slots::{SlotIdx, Slots};
use crate::trace::v1::{Cell, Kind, Record, Timed, Wire};
use crate::trace::wire::cursor::Cursor;

/// An event before it is ordered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    /// The number of its cell.
    pub(crate) cell: usize,
    pub(crate) ticks: i64,
    pub(crate) pos: u64,
    /// Who executed.
    pub(crate) g: SlotIdx,
    /// Who was created, woken, or came back from a system call.
    pub(crate) target: SlotIdx,
    /// The goroutine's (or collector's) number; in versions with one sequence, the event's.
    pub(crate) seq: u64,
    /// When a system call really ended; 0 when its event says that itself.
    pub(crate) exit: i64,
}

impl Head {
    /// No event.
    pub(crate) const NONE: Self =
        Self { kind: Kind::Batch, cell: 0, ticks: 0, pos: 0, g: SlotIdx::NONE, target: SlotIdx::NONE, seq: 0, exit: 0 };
}

/// What the bytes of the file say.
#[derive(Clone, Copy)]
pub(crate) struct File<'a> {
    pub(crate) wire: &'a Wire,
    pub(crate) bytes: &'a [u8],
}

impl File<'_> {
    /// Reads an event again: its cell has not room for all of it.
    pub(crate) fn event(self, pos: u64) -> Option<Timed> {
        let bytes = self.bytes.get(usize::try_from(pos).ok()?..)?;
        match self.wire.read(&mut Cursor::new(bytes, pos)) {
            Ok(Some(Record::Event(event))) => Some(event),
            _ => None,
        }
    }
}

/// What an event says of who executes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
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

/// What [`role`] looks up.
pub(crate) const fn role_of(kind: Kind) -> Role {
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

/// The roles of the kinds by their codes. Kinds come in no order that a processor could foresee, so a table is faster
/// than a jump.
static ROLES: [Role; 64] = {
    let mut roles = [Role::Stays; 64];
    let mut code = 1;
    while code < 64 {
        if let Some(kind) = Kind::of(code) {
            roles[code as usize] = role_of(kind);
        }
        code += 1;
    }
    roles
};

/// The role of a kind (`parseEvent` in `tracev1/parser.go` of Go 1.27).
#[inline(always)]
pub(crate) fn role(kind: Kind) -> Role {
    ROLES[kind as usize & 63]
}

/// Reads one lane.
pub(crate) struct Stream {
    reader: Reader,
    /// Who executes.
    g: SlotIdx,
}

impl Stream {
    /// Reads this lane from its start.
    pub(crate) fn new(lanes: &Lanes, lane: usize) -> Self {
        Self { reader: lanes.reader(lane), g: SlotIdx::NONE }
    }

    /// Puts the next event into `head`; false at the end. Field by field: to read as a whole what was just written in
    /// parts takes a processor long.
    #[inline(always)]
    pub(crate) fn next(&mut self, file: File<'_>, lanes: &Lanes, slots: &mut Slots, head: &mut Head) -> bool {
        let Some(at) = self.reader.next(lanes) else { return false };
        if std::mem::take(&mut self.reader.lost) {
            self.g = SlotIdx::NONE;
        }
        let cell = lanes.cells[at];
        let (kind, g, none) = (cell.kind, self.g, SlotIdx::NONE);
        let role = role(kind);
        let (mut by, mut target) = (g, none);
        if role == Role::Leaves {
            self.g = none;
        } else if role != Role::Stays {
            let who = slots.of(self.who(&cell, file));
            let targets = role == Role::Targets;
            target = if targets { who } else { none };
            by = if targets { g } else { who };
            self.g = if role == Role::Starts { who } else { g };
        }
        head.kind = kind;
        head.cell = at;
        head.ticks = self.reader.ticks;
        head.pos = self.reader.pos;
        head.g = by;
        head.target = target;
        head.seq = u64::from(cell.more);
        head.exit = 0;
        if kind == Kind::GcStart {
            head.seq = u64::from(cell.who);
        }
        if role == Role::Returns {
            head.target = by;
            head.exit = i64::from(cell.more);
        }
        if matches!(kind, Kind::GoUnblock | Kind::GoSysExit) || cell.has(Cell::WIDE) {
            self.add_numbers(head, file);
        }
        true
    }

    /// The id of the goroutine that an event names.
    #[inline(always)]
    fn who(&self, cell: &Cell, file: File<'_>) -> u64 {
        if cell.has(Cell::WIDE) { self.wide_who(file) } else { u64::from(cell.who) }
    }

    #[cold]
    fn wide_who(&self, file: File<'_>) -> u64 {
        file.event(self.reader.pos).map_or(0, |event| named(&event))
    }

    /// Adds the numbers that the event's cell has no room for.
    #[inline(never)]
    fn add_numbers(&self, head: &mut Head, file: File<'_>) {
        head.exit = 0;
        let Some(event) = file.event(self.reader.pos) else {
            if head.kind == Kind::GoSysExit {
                head.target = SlotIdx::NONE;
            }
            return;
        };
        let [first, second, third] = event.args;
        head.seq = if head.kind == Kind::GcStart { first } else { second };
        if role(head.kind) == Role::Returns {
            head.exit = if head.kind == Kind::GoSysExit { third } else { second } as i64;
        }
    }

    /// The number of the present batch, and the sequence number that its events count from, in versions that number
    /// all events.
    pub(crate) fn batch(&self) -> (u32, i64) {
        (self.reader.n_batches, self.reader.seq)
    }
}

/// The id of the goroutine in an event that names one.
fn named(event: &Timed) -> u64 {
    if event.kind == Kind::CpuSample { event.args[2] } else { event.args[0] }
}
