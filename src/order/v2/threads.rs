//! The next event of each thread. HOT.

use crate::error::{Result, Warning};
use crate::format::v2::event::{BatchReader, WireEvent};
use crate::format::v2::generation::Generation;
use crate::format::v2::tables::{Clock, TickTable};
use crate::ids::ThreadId;
use std::cmp::Ordering;

/// What events are read with.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) generation: &'a Generation<'a>,
    /// Which event codes the file's version has.
    pub(super) known: &'a [bool; 256],
    pub(super) clock: Clock,
    /// The same clock for small differences.
    pub(super) ticks: &'a TickTable,
}

/// The order of the threads' ids, in which equal times go.
pub(super) struct Ranks {
    pub(super) of_thread: Vec<u32>,
    pub(super) threads: Vec<u32>,
}

impl Ranks {
    pub(super) fn new(ids: &[ThreadId]) -> Self {
        let mut threads: Vec<u32> = (0..ids.len() as u32).collect();
        threads.sort_unstable_by_key(|&thread| (ids[thread as usize], thread));
        let mut of_thread = vec![0; ids.len()];
        for (rank, &thread) in threads.iter().enumerate() {
            of_thread[thread as usize] = rank as u32;
        }
        Self { of_thread, threads }
    }
}

/// What is next in a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// An event.
    Event,
    /// An event; others before it are missing.
    EventBehindGap,
    /// Nothing, as far as was read.
    Nothing,
    /// Nothing; the last events are missing.
    Gap,
}

/// Where an event of a thread stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Position {
    /// Which of the thread's batches it is in.
    pub(super) batch: usize,
    /// Where in the file.
    pub(super) pos: u64,
}

impl Position {
    /// Up to where in the file the `nth` batch of the thread is before it.
    pub(super) fn until(self, nth: usize) -> u64 {
        match nth.cmp(&self.batch) {
            Ordering::Less => u64::MAX,
            Ordering::Equal => self.pos,
            Ordering::Greater => 0,
        }
    }
}

/// Where a thread is in its batches.
pub(super) struct ThreadCursor<'a> {
    batches: &'a [u32],
    reader: BatchReader,
    /// The next event, if it was read, or the last one.
    event: WireEvent,
    next: Next,
}

impl<'a> ThreadCursor<'a> {
    pub(super) fn new(batches: &'a [u32]) -> Self {
        Self { batches, reader: BatchReader::empty(), event: WireEvent::BLANK, next: Next::Nothing }
    }

    /// The next event, if it was read.
    #[inline]
    pub(super) fn next(&self) -> Option<&WireEvent> {
        matches!(self.next, Next::Event | Next::EventBehindGap).then_some(&self.event)
    }

    /// The same if nothing is missing before it.
    #[inline]
    pub(super) fn gapless(&self) -> Option<&WireEvent> {
        (self.next == Next::Event).then_some(&self.event)
    }

    /// Whether events before the next one are missing; from now on that is known.
    pub(super) fn take_gap(&mut self) -> bool {
        let gap = self.next == Next::EventBehindGap;
        if gap {
            self.next = Next::Event;
        }
        gap
    }

    /// The next event was taken: reads on, if what follows is in the same batch and sound.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; the call cost as much")]
    pub(super) fn take(&mut self, with: Reading<'_>) -> bool {
        let more = self.reader.next_sound(with.known, with.ticks, &mut self.event);
        if !more {
            self.next = Next::Nothing;
        }
        more
    }

    /// Where the next event stands, if it was read; `batches` are all of the thread's.
    pub(super) fn position(&self, batches: &[u32]) -> Option<Position> {
        let begun = batches.len() - self.batches.len();
        self.next().map(|event| Position { batch: begun - 1, pos: event.pos })
    }

    /// A cursor of a thread with these batches, whose next event is to be the one at a position: reads up to there.
    /// Fails where the bytes cannot be read.
    pub(super) fn at(batches: &'a [u32], position: Position, with: Reading<'_>) -> Result<Self> {
        let mut cursor = Self::new(&batches[position.batch..]);
        // Nothing was wrong with what comes before.
        let mut nothing = Vec::new();
        while cursor.read(with, &mut nothing)? != Next::Nothing && cursor.event.pos < position.pos {}
        Ok(cursor)
    }

    /// Place of the next event, or of the last one.
    pub(super) fn pos(&self) -> u64 {
        self.event.pos
    }

    /// Reads on.
    pub(super) fn read(&mut self, with: Reading<'_>, warnings: &mut Vec<Warning>) -> Result<Next> {
        let index = with.generation.index;
        let mut gap = false;
        loop {
            match self.reader.next(with.known, with.ticks, &mut self.event) {
                Ok(true) => {
                    self.next = if gap { Next::EventBehindGap } else { Next::Event };
                    return Ok(self.next);
                }
                Ok(false) => {}
                Err(bad) => {
                    warnings.push(bad.warning(self.reader.end(), index.number));
                    gap = true;
                }
            }
            let Some((&first, rest)) = self.batches.split_first() else {
                self.reader = BatchReader::empty();
                return Ok(if gap { Next::Gap } else { Next::Nothing });
            };
            self.batches = rest;
            self.reader.open(with.generation, &index.batches[first as usize], with.clock, &mut self.event)?;
        }
    }
}
