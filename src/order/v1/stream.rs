//! The events of one proc, in the order in which it wrote them. HOT.

use super::slots::{SlotIdx, Slots};
use crate::format::cursor::Cursor;
use crate::format::v1::{Kind, Piece, Record, Sample, Timed, Wire};

/// An event before it is ordered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) kind: Kind,
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

/// Reads one proc's batches, or the CPU samples, which are in no proc's order.
pub(super) struct Stream<'a> {
    bytes: &'a [u8],
    pieces: &'a [Piece],
    samples: std::slice::Iter<'a, Sample>,
    cursor: Cursor<'a>,
    ticks: i64,
    seq: i64,
    g: SlotIdx,
    /// Whether the end of the batch before is lost, and with it who runs now.
    torn: bool,
}

impl<'a> Stream<'a> {
    /// The events of the batches `pieces`, which are one proc's.
    pub(super) fn new(bytes: &'a [u8], pieces: &'a [Piece]) -> Self {
        let cursor = Cursor::new(&[], 0);
        Self { bytes, pieces, samples: [].iter(), cursor, ticks: 0, seq: 0, g: SlotIdx::NONE, torn: false }
    }

    /// The CPU samples, sorted.
    pub(super) fn of_samples(samples: &'a [Sample]) -> Self {
        Self { samples: samples.iter(), ..Self::new(&[], &[]) }
    }

    /// The next event, CPU samples left out.
    #[inline]
    pub(super) fn next(&mut self, wire: &Wire, slots: &mut Slots) -> Option<Head> {
        loop {
            let pos = self.cursor.offset();
            if self.cursor.is_empty() {
                if !self.open_piece() {
                    return self.next_sample(slots);
                }
                continue;
            }
            // Everything inside a piece was read once before.
            match wire.read(&mut self.cursor) {
                Ok(Some(Record::Event(event))) => {
                    self.ticks = self.ticks.wrapping_add(event.step);
                    self.seq = self.seq.wrapping_add(event.seq_step);
                    if event.kind != Kind::CpuSample {
                        return Some(self.head(&event, pos, slots));
                    }
                }
                Ok(Some(Record::Batch { seq, ticks, .. })) => (self.seq, self.ticks) = (seq, ticks),
                Ok(Some(_)) => {}
                _ => self.cursor = Cursor::new(&[], 0),
            }
        }
    }

    fn open_piece(&mut self) -> bool {
        let Some((piece, rest)) = self.pieces.split_first() else { return false };
        self.pieces = rest;
        if std::mem::replace(&mut self.torn, piece.torn) {
            self.g = SlotIdx::NONE;
        }
        self.cursor = Cursor::new(&self.bytes[piece.start as usize..piece.end as usize], piece.start);
        true
    }

    fn next_sample(&mut self, slots: &mut Slots) -> Option<Head> {
        let sample = self.samples.next()?;
        let g = slots.of(sample.g);
        let kind = Kind::CpuSample;
        Some(Head { kind, ticks: sample.ticks, pos: sample.pos, g, target: SlotIdx::NONE, seq: 0, exit: 0 })
    }

    /// Adds what the record leaves to its place: who runs on this proc (`parseEvent` in `tracev1/parser.go`, Go 1.27).
    #[inline]
    fn head(&mut self, event: &Timed, pos: u64, slots: &mut Slots) -> Head {
        let [first, second, third] = event.args;
        let mut head =
            Head { kind: event.kind, ticks: self.ticks, pos, g: self.g, target: SlotIdx::NONE, seq: second, exit: 0 };
        match event.kind {
            Kind::GoStart | Kind::GoStartLocal | Kind::GoStartLabel => {
                self.g = slots.of(first);
                head.g = self.g;
            }
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
            | Kind::GoBlockGc => self.g = SlotIdx::NONE,
            Kind::GoWaiting | Kind::GoInSyscall => head.g = slots.of(first),
            Kind::GoSysExit => {
                head.g = slots.of(first);
                (head.target, head.exit) = (head.g, third as i64);
            }
            Kind::GoSysExitLocal => {
                head.g = slots.of(first);
                (head.target, head.exit) = (head.g, second as i64);
            }
            Kind::GoCreate | Kind::GoUnblock | Kind::GoUnblockLocal => head.target = slots.of(first),
            Kind::GcStart => head.seq = first,
            _ => {}
        }
        head
    }

    /// Sequence number of the event read last, in versions that number all events.
    pub(super) fn seq(&self) -> i64 {
        self.seq
    }
}
