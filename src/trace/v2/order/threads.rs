//! The next event of one thread, over all its batches. On the hot path.

use crate::trace::error::Result;
use crate::trace::time::Time;
use crate::trace::v2::batch::ThreadId;
use crate::trace::v2::clock::{Clock, TickTable};
use crate::trace::v2::generation::Generation;
use crate::trace::v2::reader::{BadEvent, BatchReader, WireEvent};
use crate::trace::v2::resume::{DamagedBatch, Resumed};
use crate::trace::warning_list::WarningList;
use std::cmp::Ordering;

/// What is needed to read a generation's events.
#[derive(Clone, Copy)]
pub(crate) struct EventSource<'a> {
    pub(crate) generation: &'a Generation<'a>,
    /// Which event codes the file's version has.
    pub(crate) known: &'a [bool; 256],
    pub(crate) clock: Clock,
    /// The same clock, for differences of times.
    pub(crate) ticks: &'a TickTable,
}

/// The threads by their ids: of events with equal times, that of the thread with the lower id comes first.
pub(crate) struct ThreadRanks {
    /// The rank of each thread.
    pub(crate) of_thread: Vec<u32>,
    /// The threads by rank, as positions in the generation's list.
    pub(crate) threads: Vec<u32>,
}

impl ThreadRanks {
    pub(crate) fn new(ids: &[ThreadId]) -> Self {
        let mut threads: Vec<u32> = (0..ids.len() as u32).collect();
        threads.sort_unstable_by_key(|&thread| (ids[thread as usize], thread));
        let mut of_thread = vec![0; ids.len()];
        for (rank, &thread) in threads.iter().enumerate() {
            of_thread[thread as usize] = rank as u32;
        }
        Self { of_thread, threads }
    }
}

/// What comes next in a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NextEvent {
    /// An event.
    Event,
    /// An event. Events before it are missing.
    EventAfterGap,
    /// Nothing was read: the thread has no more events, or they are in its next batch.
    Nothing,
    /// The thread has no more events, and its last ones are missing.
    NothingAfterGap,
}

/// Where an event of a thread is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Position {
    /// Position of its batch among the thread's.
    pub(crate) batch: usize,
    /// Its offset in the file.
    pub(crate) pos: u64,
}

impl Position {
    /// The offset up to which the `nth` batch of the thread is before the event: all of it, a part, or nothing.
    pub(crate) fn until(self, nth: usize) -> u64 {
        match nth.cmp(&self.batch) {
            Ordering::Less => u64::MAX,
            Ordering::Equal => self.pos,
            Ordering::Greater => 0,
        }
    }
}

/// Reads the events of a thread, one after the other.
pub(crate) struct ThreadCursor<'a> {
    /// The batches that were not opened yet, as positions in the generation's index.
    batches: &'a [u32],
    reader: BatchReader,
    /// The next event if `next` says that there is one, else the last one.
    event: WireEvent,
    next: NextEvent,
    /// The batch that was opened last, as a position in the generation's index.
    open: u32,
    /// By how many nanoseconds at most the events are later than their ticks say: 0 but behind damage.
    slack: i64,
}

impl<'a> ThreadCursor<'a> {
    /// Before the first event of these batches, which was not read yet.
    pub(crate) fn new(batches: &'a [u32]) -> Self {
        Self {
            batches,
            reader: BatchReader::empty(),
            event: WireEvent::BLANK,
            next: NextEvent::Nothing,
            open: 0,
            slack: 0,
        }
    }

    /// The next event; `None` if it was not read or there is none.
    #[inline]
    pub(crate) fn next(&self) -> Option<&WireEvent> {
        matches!(self.next, NextEvent::Event | NextEvent::EventAfterGap).then_some(&self.event)
    }

    /// The next event; `None` also if events before it are missing.
    #[inline]
    pub(crate) fn next_without_gap(&self) -> Option<&WireEvent> {
        (self.next == NextEvent::Event).then_some(&self.event)
    }

    /// Whether events before the next one are missing. The caller handles it: from now on, none are.
    pub(crate) fn take_gap(&mut self) -> bool {
        let gap = self.next == NextEvent::EventAfterGap;
        if gap {
            self.next = NextEvent::Event;
        }
        gap
    }

    /// Steps over the next event, which was taken, and reads the one after it if that is in the same batch and sound.
    /// Returns false if not: then [`read`](Self::read) goes on. Equal to `read`, but for that.
    #[inline(always)]
    pub(crate) fn read_fast(&mut self, events: EventSource<'_>) -> bool {
        let more = self.reader.next_fast(events.known, events.ticks, &mut self.event);
        if !more {
            self.next = NextEvent::Nothing;
        }
        more
    }

    /// Where the next event is; `None` if it was not read or there is none. `batches` are all of the thread's.
    pub(crate) fn position(&self, batches: &[u32]) -> Option<Position> {
        let n_opened = batches.len() - self.batches.len();
        self.next().map(|event| Position { batch: n_opened - 1, pos: event.pos })
    }

    /// Reads a thread up to a position, so that the event there is the next one. `batches` are all of the thread's.
    /// Fails if its bytes cannot be read.
    pub(crate) fn at(batches: &'a [u32], position: Position, events: EventSource<'_>) -> Result<Self> {
        let mut cursor = Self::new(&batches[position.batch..]);
        // Where something is damaged there is no position to read to.
        let mut no_warnings = WarningList::default();
        while cursor.read(events, &mut no_warnings)? != NextEvent::Nothing && cursor.event.pos < position.pos {}
        Ok(cursor)
    }

    /// Offset in the file of the next event or, if it was not read, of the last one.
    pub(crate) fn pos(&self) -> u64 {
        self.event.pos
    }

    /// Reads the next event. Adds a warning for each batch whose end is damaged. Fails if its bytes cannot be read.
    pub(crate) fn read(&mut self, events: EventSource<'_>, warnings: &mut WarningList) -> Result<NextEvent> {
        let index = events.generation.index;
        let mut gap = false;
        loop {
            match self.reader.next(events.known, events.ticks, &mut self.event) {
                Ok(true) => {
                    self.next = if gap { NextEvent::EventAfterGap } else { NextEvent::Event };
                    return Ok(self.next);
                }
                Ok(false) => {}
                Err(bad) => {
                    let resumed = self.resume(bad, events);
                    warnings.push(bad.warning(self.reader.end(), resumed, index.number));
                    gap = true;
                    if resumed.is_some() {
                        continue;
                    }
                }
            }
            let Some((&first, rest)) = self.batches.split_first() else {
                self.reader = BatchReader::empty();
                return Ok(if gap { NextEvent::NothingAfterGap } else { NextEvent::Nothing });
            };
            (self.batches, self.open, self.slack) = (rest, first, 0);
            self.reader.open(events.generation, &index.batches[first as usize], events.clock, &mut self.event)?;
        }
    }

    /// Goes to where the open batch can be read on behind an event that cannot be decoded, if there is such a place.
    #[cold]
    fn resume(&mut self, bad: BadEvent, events: EventSource<'_>) -> Option<Resumed> {
        let EventSource { generation, known, clock, .. } = events;
        let (batch, bytes) = (generation.index.batches.get(self.open as usize)?, self.reader.bytes());
        let bound = generation.bound(self.batches.first().copied());
        let resumed = DamagedBatch { batch, bytes, bound, known, clock }.resume(bad)?;
        self.reader.seek(resumed.pos);
        self.slack = resumed.slack;
        Some(resumed)
    }

    /// The next event is not allowed before a time. Behind damage, where the thread's times may be too early, that moves
    /// this event and all that follow it in the batch, as far as they can be later than their ticks say.
    pub(crate) fn not_before(&mut self, time: Time) {
        let late = (time.0.saturating_sub(self.event.time.0)).clamp(0, self.slack);
        self.event.time = self.event.time + late;
        self.slack -= late;
    }

    /// Whether events may be later than their ticks say.
    #[inline]
    pub(crate) fn has_slack(&self) -> bool {
        self.slack > 0
    }
}
