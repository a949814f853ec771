//! Drops what no walk goes through any more from the middle of a log.
//!
//! A walk over what is earlier still has to know what each goroutine did at the end of that. The first of a goroutine's
//! dropped interval ends says so; it is kept, without its link:
//!
//! ```text
//! log        ■ needed ■ │ g1 g2 g1 g1 g3 g2 g1 g3 g3 │ ■ needed ■
//! condensed  ■ needed ■ │ g1 g2       g3             │ ■ needed ■
//! ```

use super::IntervalLog;
use super::chunk::{CHUNK, Chunk};
use super::writing::push;
use crate::trace::time::Window;

impl IntervalLog {
    /// Condenses the chunks that were written outside of `needed`, spans in order of time, but for the open one.
    pub(crate) fn condense(&mut self, needed: &[Window]) {
        let chunks = std::mem::take(&mut self.written);
        let mut dropped = Vec::new();
        for chunk in chunks {
            if is_needed(&chunk, needed) {
                self.drop_chunks(&mut dropped);
                self.written.push(chunk);
            } else {
                dropped.push(chunk);
            }
        }
        self.drop_chunks(&mut dropped);
        self.n_closed = [&self.written, &self.absorbed, &self.older]
            .iter()
            .flat_map(|chunks| chunks.iter())
            .map(|chunk| chunk.ends.len())
            .sum();
    }

    /// Keeps of chunks that follow each other the first interval end of each goroutine.
    fn drop_chunks(&mut self, dropped: &mut Vec<Chunk>) {
        let n_ends = |condensed| dropped.iter().filter(|c| c.is_condensed == condensed).map(|c| c.ends.len()).sum();
        let (new, old): (usize, usize) = (n_ends(false), n_ends(true));
        // What is condensed already is condensed again with as much, so that all that is read is little.
        if new < old.max(CHUNK) {
            self.written.append(dropped);
            return;
        }
        let mut condensed: Vec<Chunk> = Vec::new();
        for chunk in &*dropped {
            for end in &chunk.ends {
                self.condensed.grow(end.g.at() + 1);
                if !self.condensed.put(end.g.at()) {
                    push(&mut condensed, &self.memory, chunk.base + i64::from(end.ns_after_base()), end.g, end.sum);
                }
            }
        }
        // Not all of it: there can be far more goroutines in the trace.
        condensed.iter().flat_map(|chunk| &chunk.ends).for_each(|end| self.condensed.remove(end.g.at()));
        self.memory.give_back(dropped.drain(..));
        for mut chunk in condensed {
            if chunk.ends.len() < CHUNK / 2 {
                let mut small = Chunk::small(chunk.base, chunk.ends.len());
                small.ends.append(&mut chunk.ends);
                self.memory.give_back(std::iter::once(std::mem::replace(&mut chunk, small)));
            }
            self.written.push(Chunk { is_condensed: true, ..chunk });
        }
    }
}

/// Whether a chunk has interval ends inside of a span.
fn is_needed(chunk: &Chunk, needed: &[Window]) -> bool {
    let first = chunk.ends.first().map_or(chunk.base, |end| chunk.base + i64::from(end.ns_after_base()));
    let next = needed.partition_point(|span| span.end < first);
    needed.get(next).is_some_and(|span| span.start <= chunk.latest())
}

/// Spans in order of time, those that touch as one.
pub(crate) fn joined(mut spans: Vec<Window>) -> Vec<Window> {
    spans.sort_unstable_by_key(|span| span.start);
    spans.dedup_by(|later, earlier| {
        let touch = later.start <= earlier.end;
        if touch {
            earlier.end = earlier.end.max(later.end);
        }
        touch
    });
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::intervals::aggregate::SumIdx;
    use crate::measure::intervals::log::chunk::FIRST_CHUNK;
    use crate::measure::intervals::log::{IntervalLogMemory, Link, LinkKind};
    use crate::trace::ids::GIdx;
    use crate::trace::time::Time;

    /// What each goroutine is in at a time, by a log read back; of those that have an interval end from there on.
    fn at(log: &IntervalLog, time: Time) -> Vec<(GIdx, SumIdx)> {
        let mut sums = std::collections::BTreeMap::new();
        let mut reader = log.read_back();
        while let Some(mut slice) = reader.next_slice(time) {
            while let Some((end, g)) = slice.pop() {
                sums.insert(g, end.sum);
            }
        }
        sums.into_iter().collect()
    }

    #[test]
    fn what_is_before_and_after_a_gap_stays_as_it_was() {
        let span = |start: i64, end: i64| Window { start: Time(start), end: Time(end) };
        let (n, chunk) = (8 * CHUNK as i64, CHUNK as i64);
        let goroutine = |i: i64| GIdx((i * i % 97) as u32);
        let write = |memory: IntervalLogMemory| {
            let mut log = IntervalLog::new(memory);
            for i in 0..n {
                log.push(Time(i), goroutine(i), SumIdx((i % 1000) as u32));
                log.link(Time(i), goroutine(i), Link { kind: LinkKind::Wake, ..Link::RUNTIME });
            }
            log
        };
        // What is left where the interval ends from `start` to `end` are condensed.
        let condensed = |start: i64, end: i64| {
            let kept: std::collections::BTreeSet<GIdx> = (start..end).map(goroutine).collect();
            (n - (end - start)) as usize + kept.len()
        };
        // All chunks are full; or the first ones are small, and all others begin that much earlier.
        let memories: [(fn() -> IntervalLogMemory, i64); 2] =
            [(IntervalLogMemory::default, 0), (|| IntervalLogMemory::of_trace(97), FIRST_CHUNK as i64)];
        for (memory, earlier) in memories {
            let whole = write(memory());
            let border = |i: i64| (i * chunk - earlier).max(0);
            for gap in [(2, 5), (0, 3), (1, 7), (3, 4)].map(|(start, end)| (border(start), border(end))) {
                let mut log = write(memory());
                let needed = [span(-5, gap.0 - 1), span(gap.1, i64::MAX)];
                log.condense(&needed);
                // Again, as more is dropped later, or nothing.
                log.condense(&needed);
                assert_eq!(log.len(), condensed(gap.0, gap.1), "{gap:?}");
                for time in (0..n).filter(|t| needed.iter().any(|span| span.start.0 < *t && *t < span.end.0)) {
                    assert_eq!(at(&log, Time(time)), at(&whole, Time(time)), "{gap:?} at {time}");
                }
            }
            // The open chunk stays.
            let mut log = write(memory());
            log.condense(&[]);
            assert_eq!(log.len(), condensed(0, if earlier == 0 { border(7) } else { border(8) }));
        }
    }

    #[test]
    fn spans_that_touch_are_one() {
        let span = |start, end| Window { start: Time(start), end: Time(end) };
        let spans = vec![span(5, 9), span(0, 2), span(9, 12), span(2, 3), span(6, 7)];
        assert_eq!(joined(spans), [span(0, 3), span(5, 12)]);
    }
}
