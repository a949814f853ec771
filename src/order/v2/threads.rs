//! The events of each thread, read a few ahead. HOT.

use crate::error::Warning;
use crate::format::v2::event::{BatchReader, Codes, WireEvent};
use crate::format::v2::generation::Generation;
use crate::format::v2::tables::Clock;
use crate::ids::ThreadId;

/// Events read at once: many enough for a tight loop, few enough that those of all threads stay in the cache.
const READ_AHEAD: usize = 32;

/// What events are read with.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) generation: &'a Generation<'a>,
    pub(super) codes: Codes<'a>,
    pub(super) clock: Clock,
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

/// Where a thread is in its batches.
pub(super) struct ThreadCursor<'a> {
    batches: &'a [u32],
    reader: Option<BatchReader<'a>>,
    events: Vec<WireEvent>,
    /// The events that were read and not taken.
    at: usize,
    end: usize,
    /// Place of the last event that was taken.
    taken: u64,
    /// Events before the next one are missing.
    pub(super) gap: bool,
}

impl<'a> ThreadCursor<'a> {
    pub(super) fn new(batches: &'a [u32]) -> Self {
        Self { batches, reader: None, events: Vec::new(), at: 0, end: 0, taken: 0, gap: false }
    }

    /// The next event, if it was read.
    #[inline]
    pub(super) fn next(&self) -> Option<&WireEvent> {
        self.ahead().first()
    }

    /// The next events, as far as they were read.
    #[inline]
    pub(super) fn ahead(&self) -> &[WireEvent] {
        self.events.get(self.at..self.end).unwrap_or_default()
    }

    /// So many events were taken.
    #[inline]
    pub(super) fn take(&mut self, n: usize) {
        self.at += n;
    }

    /// Place of the next event, or of the last one.
    pub(super) fn pos(&self) -> u64 {
        self.next().map_or(self.taken, |event| event.pos)
    }

    /// Reads on once all that was read is taken; false when the thread has no more events.
    pub(super) fn read(&mut self, with: Reading<'a>, warnings: &mut Vec<Warning>) -> bool {
        if let Some(last) = self.events[..self.end].last() {
            self.taken = last.pos;
        }
        (self.at, self.end) = (0, 0);
        let index = with.generation.index;
        loop {
            if let Some(reader) = &mut self.reader {
                match reader.fill(with.codes, with.clock, &mut self.events) {
                    Ok(0) => {}
                    Ok(n) => {
                        self.end = n;
                        return true;
                    }
                    Err(bad) => {
                        warnings.push(bad.warning(reader.end(), index.number));
                        self.gap = true;
                    }
                }
            }
            let Some((&first, rest)) = self.batches.split_first() else {
                self.reader = None;
                self.events = Vec::new();
                return false;
            };
            self.batches = rest;
            let batch = &index.batches[first as usize];
            // An event has two bytes at least: threads by the thousand have small batches.
            let ahead = (batch.size as usize / 2).clamp(1, READ_AHEAD);
            if self.events.len() < ahead {
                self.events.resize(ahead, WireEvent::BLANK);
            }
            self.reader = Some(BatchReader::new(with.generation, batch, with.clock));
        }
    }
}
