//! Each request's time by stack, packed: there can be tens of millions of these times, 47 for each request of a server.
//!
//! ```text
//!   runs     window 7: 3 times at byte 0        window 8: 2 times at byte 13        …
//!   bytes    0 │ 41 │ 7040    0 │ 2 │ 310    …
//!            │   │    └ ns
//!            │   └ sum, after the last one of the chain
//!            └ chain + 1; the request's own has none
//! ```
//!
//! The bytes are in chunks: nothing is copied as they grow, and what was read can be given back.

use super::stack_time::{ElsewhereKey, OWN, RequestStackTime};
use super::wait_chains::WaitChainIdx;
use crate::measure::intervals::aggregate::SumIdx;
use crate::slice::WindowIdx;
use crate::trace::ids::StringIdx;
use crate::trace::wire::cursor::Cursor;
use crate::trace::wire::encode::put_uvarint;

/// Bytes of a chunk, and most bytes of a time.
const CHUNK: usize = if cfg!(test) { 1 << 8 } else { 1 << 18 };
const TIME: usize = 5 + 5 + 10;

/// Times of one window that follow each other.
#[derive(Clone, Copy, Debug)]
struct Run {
    window: WindowIdx,
    /// Of times in other goroutines.
    label: StringIdx,
    chunk: u32,
    /// The first byte in the chunk.
    at: u32,
    n: u32,
}

/// Times of requests, in the order in which they were given.
#[derive(Default, Debug)]
pub(crate) struct PackedTimes {
    chunks: Vec<Vec<u8>>,
    runs: Vec<Run>,
    n: usize,
    /// The last chain and sum.
    last: (u32, u32),
}

impl PackedTimes {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.n
    }

    /// Adds one. Those of a window that are in order take the least room.
    pub(super) fn push(&mut self, RequestStackTime { window, key, ns }: RequestStackTime) {
        let ElsewhereKey { chain, sum, label } = key;
        let has_room = self.chunks.last().is_some_and(|chunk| chunk.len() + TIME <= CHUNK);
        if !has_room {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let is_of = |run: &Run| run.window == window && (chain == OWN || run.label == label);
        if !has_room || !self.runs.last().is_some_and(is_of) {
            let (chunk, at) = (self.chunks.len() - 1, self.chunks.last().map_or(0, Vec::len));
            self.runs.push(Run { window, label, chunk: chunk as u32, at: at as u32, n: 0 });
            self.last = (OWN.0, 0);
        }
        if let (Some(run), Some(bytes)) = (self.runs.last_mut(), self.chunks.last_mut()) {
            run.n += 1;
            let (last_chain, last_sum) = self.last;
            let from = if last_chain == chain.0 { last_sum } else { 0 };
            put_uvarint(bytes, u64::from(chain.0.wrapping_sub(OWN.0)));
            put_uvarint(bytes, u64::from(sum.0.wrapping_sub(from)));
            put_uvarint(bytes, ns);
            self.last = (chain.0, sum.0);
            self.n += 1;
        }
    }

    fn read(&self, run: Run) -> impl Iterator<Item = RequestStackTime> + '_ {
        let bytes = self.chunks.get(run.chunk as usize).map_or(&[][..], Vec::as_slice);
        let mut bytes = Cursor::new(bytes.get(run.at as usize..).unwrap_or_default(), 0);
        let mut last = (OWN.0, 0);
        (0..run.n).map_while(move |_| {
            let chain = (bytes.uvarint().ok()? as u32).wrapping_add(OWN.0);
            let from = if last.0 == chain { last.1 } else { 0 };
            let sum = (bytes.uvarint().ok()? as u32).wrapping_add(from);
            let ns = bytes.uvarint().ok()?;
            last = (chain, sum);
            let label = if WaitChainIdx(chain) == OWN { StringIdx::EMPTY } else { run.label };
            let key = ElsewhereKey { chain: WaitChainIdx(chain), sum: SumIdx(sum), label };
            Some(RequestStackTime { window: run.window, key, ns })
        })
    }

    /// All, in the order in which they were given.
    pub(super) fn iter(&self) -> impl Iterator<Item = RequestStackTime> + '_ {
        self.runs.iter().flat_map(|run| self.read(*run))
    }

    /// Those of a window. For what is [joined](Self::joined).
    pub(crate) fn of(&self, window: WindowIdx) -> impl Iterator<Item = RequestStackTime> + '_ {
        let from = self.runs.partition_point(|run| run.window < window);
        self.runs[from..].iter().take_while(move |run| run.window == window).flat_map(|run| self.read(*run))
    }

    /// The times in the order of their windows, under the keys that `key` gives: those of one key together as one.
    pub(super) fn joined(mut self, mut key: impl FnMut(ElsewhereKey) -> ElsewhereKey) -> Self {
        self.runs.sort_by_key(|run| run.window);
        let mut unread = vec![0_u32; self.chunks.len()];
        self.runs.iter().for_each(|run| unread[run.chunk as usize] += 1);
        let mut joined = Self::default();
        for of_window in std::mem::take(&mut self.runs).chunk_by(|a, b| a.window == b.window) {
            let times = of_window.iter().flat_map(|run| self.read(*run));
            let times = times.map(|time| RequestStackTime { key: key(time.key), ..time });
            for time in RequestStackTime::join(times.collect()) {
                joined.push(time);
            }
            for run in of_window {
                let unread = &mut unread[run.chunk as usize];
                *unread -= 1;
                if *unread == 0 {
                    self.chunks[run.chunk as usize] = Vec::new();
                }
            }
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(window: u32, chain: u32, sum: u32, ns: u64) -> RequestStackTime {
        let chain = if chain == 0 { OWN } else { WaitChainIdx(chain) };
        let label = if chain == OWN { StringIdx::EMPTY } else { StringIdx(3 + window % 2) };
        RequestStackTime { window: WindowIdx(window), key: ElsewhereKey { chain, sum: SumIdx(sum), label }, ns }
    }

    /// In several chunks, of windows that come again, with numbers of any size.
    fn times() -> Vec<RequestStackTime> {
        let mut random = 1_u64;
        let mut next = |n: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % n
        };
        let one = |_| time(next(40) as u32, next(3) as u32, (next(5) << next(30)) as u32, next(9) << next(40));
        (0..3000).map(one).collect()
    }

    #[test]
    fn times_come_back_as_they_were_given() {
        let times = times();
        let mut packed = PackedTimes::default();
        for time in &times {
            packed.push(*time);
        }
        assert_eq!((packed.len(), packed.iter().collect::<Vec<_>>()), (times.len(), times));
        assert!(packed.chunks.len() > 5 && packed.chunks.iter().all(|chunk| chunk.len() <= CHUNK));
    }

    /// As walks of a server's requests find them: 16 bytes are allowed, with what an output makes of them.
    #[test]
    fn a_time_takes_seven_bytes() {
        let mut packed = PackedTimes::default();
        for window in 0..200 {
            (0..40).for_each(|i| packed.push(time(window, 0, 3000 + 30 * i, 5_000 + u64::from(i))));
        }
        let bytes = packed.chunks.iter().map(Vec::capacity).sum::<usize>() + packed.runs.len() * size_of::<Run>();
        assert!(bytes <= 7 * packed.len(), "{bytes} bytes for {}", packed.len());
    }

    #[test]
    fn they_are_joined_as_a_list_is() {
        let shorter =
            |key: ElsewhereKey| ElsewhereKey { chain: if key.chain == OWN { OWN } else { WaitChainIdx(1) }, ..key };
        let mut packed = PackedTimes::default();
        for time in times() {
            packed.push(time);
        }
        let joined = packed.joined(shorter);
        let list = times().into_iter().map(|time| RequestStackTime { key: shorter(time.key), ..time });
        let list = RequestStackTime::join(list.collect());
        assert!(list.len() < times().len());
        assert_eq!(joined.iter().collect::<Vec<_>>(), list);
        for window in 0..41 {
            let of_window: Vec<_> = list.iter().copied().filter(|time| time.window.0 == window).collect();
            assert_eq!(joined.of(WindowIdx(window)).collect::<Vec<_>>(), of_window);
        }
    }
}
