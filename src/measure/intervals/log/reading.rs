//! Reads a log back, from the latest interval end to the earliest.

use super::IntervalLog;
use super::chunk::{Chunk, ChunkLink, IntervalEnd, SumMap};
use super::link::Link;
use crate::measure::intervals::aggregate::SumIdx;
use crate::trace::ids::GIdx;
use crate::trace::time::Time;

/// Interval ends of one chunk that follow each other; taken from the last to the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkSlice<'a> {
    pub(super) base: Time,
    pub(super) ends: &'a [IntervalEnd],
    /// Position of the first one in its chunk.
    first: u32,
    /// Links of these interval ends, after those of earlier ones.
    links: &'a [ChunkLink],
    sum_map: Option<&'a SumMap>,
}

impl ChunkSlice<'_> {
    /// Takes interval ends, going back, up to one for which `find` gives something; none when all are taken.
    // Two loops, as in a part's own log, where sums are its own, nothing is looked up.
    #[inline(always)]
    pub(crate) fn find_back<T>(&mut self, mut find: impl FnMut(GIdx, SumIdx) -> Option<T>) -> Option<(LoggedEnd, T)> {
        let mut ends = self.ends.iter();
        let mut found = |end: &IntervalEnd, sum| {
            Some((LoggedEnd { ns_and_link: end.ns_and_link, g: end.g, sum }, find(end.g, sum)?))
        };
        let result = match self.sum_map {
            None => ends.by_ref().rev().find_map(|end| found(end, end.sum)),
            Some(map) => ends.by_ref().rev().find_map(|end| found(end, map.map(end.sum))),
        };
        self.ends = ends.as_slice();
        result
    }

    /// The next interval end, going back, and its goroutine; none when all are taken.
    #[cfg(test)]
    pub(super) fn pop(&mut self) -> Option<(LoggedEnd, GIdx)> {
        self.find_back(|g, _| Some(g))
    }

    /// The time of an interval end that was taken from this slice.
    #[inline]
    pub(crate) fn time(&self, end: LoggedEnd) -> Time {
        self.base + i64::from(end.ns_and_link & !IntervalEnd::HAS_LINK)
    }

    /// Who started the interval that begins at `end`, which must be the one that was taken last; none for the goroutine
    /// itself.
    #[inline]
    pub(crate) fn link(&mut self, end: LoggedEnd) -> Option<Link> {
        if end.ns_and_link & IntervalEnd::HAS_LINK == 0 {
            return None;
        }
        let position = self.first as usize + self.ends.len();
        while let Some((&ChunkLink { position: of, kind, by, stack }, rest)) = self.links.split_last() {
            self.links = rest;
            if usize::from(of) == position {
                return Some(Link { by, stack, kind });
            }
        }
        None
    }
}

/// An interval end as it is read back, with a sum of the log that is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoggedEnd {
    ns_and_link: u32,
    /// Whose interval.
    pub(crate) g: GIdx,
    /// What the interval that ends is counted in; one of the special values of [`SumIdx`] where there is none.
    pub(crate) sum: SumIdx,
}

impl IntervalLog {
    /// All interval ends, the latest first.
    pub(crate) fn read_back(&self) -> LogReader<'_> {
        LogReader {
            absorbed: ChunkReader::new(&self.absorbed, None),
            written: ChunkReader::new(&self.written, Some(&self.open)),
            older: ChunkReader::new(&self.older, None),
        }
    }
}

/// Reads chunks of one kind back.
#[derive(Clone)]
struct ChunkReader<'a> {
    chunks: std::iter::Rev<std::slice::Iter<'a, Chunk>>,
    chunk: Option<&'a Chunk>,
    /// Interval ends of the chunk that are not taken yet.
    n_left: usize,
    /// How many links these have, and those before them.
    n_links: usize,
    /// The time of the next interval end; [`Time::MIN`] when there is none.
    next_time: Time,
}

impl<'a> ChunkReader<'a> {
    /// Reads `last` first, unless it is empty, and then the others.
    fn new(chunks: &'a [Chunk], last: Option<&'a Chunk>) -> Self {
        let last = last.filter(|chunk| !chunk.ends.is_empty());
        let mut reader = Self { chunks: chunks.iter().rev(), chunk: None, n_left: 0, n_links: 0, next_time: Time::MIN };
        let first = last.or_else(|| reader.chunks.next());
        reader.begin_chunk(first);
        reader
    }

    fn next_chunk(&mut self) {
        let next = self.chunks.next();
        self.begin_chunk(next);
    }

    fn begin_chunk(&mut self, chunk: Option<&'a Chunk>) {
        self.chunk = chunk;
        self.n_left = self.chunk.map_or(0, |chunk| chunk.ends.len());
        self.n_links = self.chunk.map_or(0, |chunk| chunk.links.len());
        self.next_time = self.chunk.map_or(Time::MIN, Chunk::latest);
    }

    /// The interval ends left of the current chunk that are not before `least`; there must be one.
    fn slice_from(&mut self, least: Time) -> Option<ChunkSlice<'a>> {
        let chunk = self.chunk?;
        let ends = &chunk.ends[..self.n_left];
        let first = ends.len() - count_from(ends, least.0.saturating_sub(chunk.base.0));
        let links = &chunk.links[..self.n_links];
        self.n_left = first;
        self.n_links -= count_last(links, |link| usize::from(link.position) >= first);
        match first.checked_sub(1).and_then(|i| chunk.ends.get(i)) {
            Some(next) => self.next_time = chunk.base + i64::from(next.ns_after_base()),
            None => self.next_chunk(),
        }
        Some(ChunkSlice {
            base: chunk.base,
            ends: &ends[first..],
            first: first as u32,
            links,
            sum_map: chunk.sum_map.as_deref(),
        })
    }
}

/// How many interval ends, counted from the last, are not before `least` (ns after the base).
pub(super) fn count_from(ends: &[IntervalEnd], least: i64) -> usize {
    count_last(ends, |end| i64::from(end.ns_after_base()) >= least)
}

/// How many of a list, counted from the last, are in; those before are not. Gallops: there are few where two kinds of chunks
/// alternate, and many elsewhere.
fn count_last<T>(list: &[T], is_in: impl Fn(&T) -> bool) -> usize {
    let mut some = 1;
    while some < list.len() && is_in(&list[list.len() - some]) {
        some = (some * 4).min(list.len());
    }
    let from = list.len() - some.min(list.len());
    list.len() - from - list[from..].partition_point(|one| !is_in(one))
}

/// Interval ends of a log, the latest first: the three kinds of chunks merged.
#[derive(Clone)]
pub(crate) struct LogReader<'a> {
    absorbed: ChunkReader<'a>,
    written: ChunkReader<'a>,
    older: ChunkReader<'a>,
}

impl<'a> LogReader<'a> {
    /// The next interval ends, as far as they are not before `least`; none when there are none left from there on. At
    /// one moment, those of `absorbed` chunks come first, as time goes back.
    pub(crate) fn next_slice(&mut self, least: Time) -> Option<ChunkSlice<'a>> {
        let (absorbed, written, older) = (self.absorbed.next_time, self.written.next_time, self.older.next_time);
        if absorbed.max(written).max(older) < least {
            None
        } else if absorbed >= written && absorbed >= older {
            self.absorbed.slice_from(least.max(written).max(older))
        } else if written >= older {
            self.written.slice_from(least.max(older).max(absorbed + 1))
        } else {
            self.older.slice_from(least.max(written.max(absorbed) + 1))
        }
    }
}
