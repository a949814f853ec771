//! The next event of each thread. HOT.

use crate::trace::error::{Result, Warning};
use crate::trace::ids::ThreadId;
use crate::trace::v2::clock::{Clock, TickTable};
use crate::trace::v2::generation::Generation;
use crate::trace::v2::reader::{BatchReader, WireEvent};
use std::cmp::Ordering;

/// What events are read with.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) generation: &'a Generation<'a>,
    /// Which event codes the file's version has.
    pub(crate) known: &'a [bool; 256],
    pub(crate) clock: Clock,
    /// The same clock for small differences.
    pub(crate) ticks: &'a TickTable,
}

/// The order of the threads' ids, in which equal times go.
pub(crate) struct Ranks {
    pub(crate) of_thread: Vec<u32>,
    pub(crate) threads: Vec<u32>,
}

impl Ranks {
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

/// What is next in a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
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
pub(crate) struct Position {
    /// Which of the thread's batches it is in.
    pub(crate) batch: usize,
    /// Where in the file.
    pub(crate) pos: u64,
}

impl Position {
    /// Up to where in the file the `nth` batch of the thread is before it.
    pub(crate) fn until(self, nth: usize) -> u64 {
        match nth.cmp(&self.batch) {
            Ordering::Less => u64::MAX,
            Ordering::Equal => self.pos,
            Ordering::Greater => 0,
        }
    }
}

/// Where a thread is in its batches.
pub(crate) struct ThreadCursor<'a> {
    batches: &'a [u32],
    reader: BatchReader,
    /// The next event, if it was read, or the last one.
    event: WireEvent,
    next: Next,
}

impl<'a> ThreadCursor<'a> {
    pub(crate) fn new(batches: &'a [u32]) -> Self {
        Self { batches, reader: BatchReader::empty(), event: WireEvent::BLANK, next: Next::Nothing }
    }

    /// The next event, if it was read.
    #[inline]
    pub(crate) fn next(&self) -> Option<&WireEvent> {
        matches!(self.next, Next::Event | Next::EventBehindGap).then_some(&self.event)
    }

    /// The same if nothing is missing before it.
    #[inline]
    pub(crate) fn gapless(&self) -> Option<&WireEvent> {
        (self.next == Next::Event).then_some(&self.event)
    }

    /// Whether events before the next one are missing; from now on that is known.
    pub(crate) fn take_gap(&mut self) -> bool {
        let gap = self.next == Next::EventBehindGap;
        if gap {
            self.next = Next::Event;
        }
        gap
    }

    /// The next event was taken: reads on, if what follows is in the same batch and sound.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; the call cost as much")]
    pub(crate) fn take(&mut self, with: Reading<'_>) -> bool {
        let more = self.reader.next_fast(with.known, with.ticks, &mut self.event);
        if !more {
            self.next = Next::Nothing;
        }
        more
    }

    /// Where the next event stands, if it was read; `batches` are all of the thread's.
    pub(crate) fn position(&self, batches: &[u32]) -> Option<Position> {
        let begun = batches.len() - self.batches.len();
        self.next().map(|event| Position { batch: begun - 1, pos: event.pos })
    }

    /// A cursor of a thread with these batches, whose next event is to be the one at a position: reads up to there.
    /// Fails where the bytes cannot be read.
    pub(crate) fn at(batches: &'a [u32], position: Position, with: Reading<'_>) -> Result<Self> {
        let mut cursor = Self::new(&batches[position.batch..]);
        // Nothing was wrong with what comes before.
        let mut nothing = Vec::new();
        while cursor.read(with, &mut nothing)? != Next::Nothing && cursor.event.pos < position.pos {}
        Ok(cursor)
    }

    /// Place of the next event, or of the last one.
    pub(crate) fn pos(&self) -> u64 {
        self.event.pos
    }

    /// Reads on.
    pub(crate) fn read(&mut self, with: Reading<'_>, warnings: &mut Vec<Warning>) -> Result<Next> {
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
