//! Snapshots of one process that overlap: a request that is in several of them counts once.
//!
//! A flight recorder writes the generations that it still has. Two snapshots that are taken shortly after each other share
//! some, byte by byte, and so traces that share a generation are of one process. There, a goroutine has one id and one clock:
//! requests of one goroutine whose times overlap are one (`profile/same_seen.rs` has the rule). The same holds for all that a
//! list counts.
//!
//! ```text
//!  snapshot A   ├── 5 ──┼── 6 ──┼── 7 ──┤
//!  snapshot B                   ├── 7 ──┼── 8 ──┤      shares generation 7
//!  goroutine 9        ├─ r ─┤ ├─── s ────┤
//!                                                      r: in A alone
//!                                                      s: cut in A, whole in B, where it counts
//! ```

use crate::profile::{CutRequest, Request, SeenSpan, TraceInfo, counted_elsewhere};
use crate::slice::WindowIdx;
use crate::survey::listed::{Identity, ListedItem, ListedSpan};
use crate::survey::{CutSpan, SeenRequest};
use crate::trace::time::Window;
use crate::trace::v2::batch::GenerationIndex;
use petgraph::unionfind::UnionFind;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use std::hash::{Hash, Hasher as _};

/// What tells a generation from all others: its number and, of all its batches, the time in ticks, the thread and the size.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct GenerationKey {
    number: u64,
    batches: u64,
}

impl GenerationKey {
    /// Of a generation; none where it has no batch.
    pub(super) fn of(generation: &GenerationIndex) -> Option<Self> {
        let mut hasher = FxHasher::default();
        for batch in &generation.batches {
            let thread = generation.threads.get(batch.thread as usize).map(|thread| thread.0);
            (batch.time, thread, batch.size).hash(&mut hasher);
        }
        let key = Self { number: generation.number, batches: hasher.finish() };
        (!generation.batches.is_empty()).then_some(key)
    }
}

/// The generations that more than one of these traces has.
pub(super) fn shared(traces: &[Vec<GenerationKey>]) -> FxHashSet<GenerationKey> {
    let mut seen: FxHashMap<GenerationKey, usize> = FxHashMap::default();
    let mut shared = FxHashSet::default();
    for (trace, keys) in traces.iter().enumerate() {
        shared.extend(keys.iter().filter(|key| *seen.entry(**key).or_insert(trace) != trace));
    }
    shared
}

/// Of each trace, the first one of its process.
pub(super) fn processes(traces: &[Vec<GenerationKey>]) -> Vec<usize> {
    let mut processes = UnionFind::new(traces.len());
    let mut seen: FxHashMap<GenerationKey, usize> = FxHashMap::default();
    for (trace, keys) in traces.iter().enumerate() {
        for key in keys {
            processes.union(*seen.entry(*key).or_insert(trace), trace);
        }
    }
    let mut first: FxHashMap<usize, usize> = FxHashMap::default();
    (0..traces.len()).map(|trace| *first.entry(processes.find(trace)).or_insert(trace)).collect()
}

/// Something that a trace has, as a request, on the clock of its process. `I` tells it from others of the process that were
/// at the same time, `K` is where the trace has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<I, K> {
    /// Position of the trace.
    pub(super) trace: usize,
    /// Where the trace has it.
    pub(super) key: K,
    identity: I,
    span: SeenSpan,
}

impl Seen<u64, WindowIdx> {
    /// A whole request.
    pub(super) fn whole(request: &Request, window: WindowIdx, traces: &[TraceInfo]) -> Self {
        let mut seen = Self::of((request.trace, request.goid), window, (request.start_ns, request.dur_ns), traces);
        seen.span.is_inferred = request.is_inferred();
        seen
    }

    /// One that an edge cuts.
    pub(super) fn cut(cut: &CutRequest, window: WindowIdx, traces: &[TraceInfo]) -> Self {
        let mut seen = Self::of((cut.trace, cut.goid), window, (cut.start_ns, cut.at_least_ns), traces);
        (seen.span.cut_start, seen.span.cut_end) = (cut.cut_start, cut.cut_end);
        seen
    }

    fn of((trace, identity): (u32, u64), key: WindowIdx, (start_ns, ns): (u64, u64), traces: &[TraceInfo]) -> Self {
        let signed = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        let start_ns = traces[trace as usize].clock_start_ns.saturating_add(signed(start_ns));
        let end_ns = start_ns.saturating_add(signed(ns));
        let (cut_start, cut_end, is_inferred, is_named) = (false, false, false, true);
        let span = SeenSpan { trace, start_ns, end_ns, cut_start, cut_end, is_inferred, is_named };
        Self { trace: trace as usize, key, identity, span }
    }
}

impl Seen<u64, u32> {
    /// One of the requests that were served in the trace at a position.
    pub(super) fn served(request: &SeenRequest, trace: usize) -> Self {
        let SeenRequest { position, goid, cut_start, cut_end, is_inferred, is_undecided, .. } = *request;
        let (start_ns, end_ns, is_named) = (request.start.0, request.end.0, !is_undecided);
        let span = SeenSpan { trace: trace as u32, start_ns, end_ns, cut_start, cut_end, is_inferred, is_named };
        Self { trace, key: position, identity: goid, span }
    }

    /// Whether nothing says what it is.
    pub(super) fn is_undecided(&self) -> bool {
        !self.span.is_named
    }
}

impl Seen<Identity, ListedItem> {
    /// What the list of a trace counts; `trace` is its position, and its first and last moment.
    pub(super) fn listed(listed: &ListedSpan, (trace, looked_at): (usize, Window)) -> Self {
        let ListedSpan { item, identity, span: CutSpan { began, ended }, is_inferred, is_named } = *listed;
        let span = SeenSpan {
            trace: trace as u32,
            start_ns: began.unwrap_or(looked_at.start).0,
            end_ns: ended.unwrap_or(looked_at.end).0,
            cut_start: began.is_none(),
            cut_end: ended.is_none(),
            is_inferred,
            is_named,
        };
        Self { trace, key: item, identity, span }
    }
}

/// Those that count in another trace of their process; `process` has the first trace of each one's process.
pub(super) fn duplicates<I: Copy + Ord, K: Copy>(mut seen: Vec<Seen<I, K>>, process: &[usize]) -> Vec<Seen<I, K>> {
    let of_one = |of: &Seen<I, K>| (of.identity, process[of.trace]);
    seen.sort_by_key(|of| (of_one(of), of.span.start_ns, of.trace));
    let mut dropped = Vec::new();
    for of_one in seen.chunk_by(|a, b| of_one(a) == of_one(b)) {
        let spans: Vec<SeenSpan> = of_one.iter().map(|of| of.span).collect();
        let elsewhere = counted_elsewhere(&spans);
        dropped.extend(of_one.iter().zip(elsewhere).filter(|(_, elsewhere)| *elsewhere).map(|(of, _)| *of));
    }
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(trace: usize, goid: u64) -> Seen<u64, WindowIdx> {
        let request = Request { trace: trace as u32, goid, start_ns: 10, dur_ns: 10, ..Request::default() };
        Seen::whole(&request, WindowIdx(0), &vec![TraceInfo::default(); 3])
    }

    #[test]
    fn what_is_of_one_process_and_goroutine_counts_once() {
        let dropped = |list: &[Seen<u64, WindowIdx>]| {
            duplicates(list.to_vec(), &[0, 0, 2]).iter().map(|of| of.trace).collect::<Vec<_>>()
        };
        assert_eq!(dropped(&[seen(1, 7), seen(0, 7)]), [1]);
        // Its twins: of another process, of another goroutine.
        assert!(dropped(&[seen(0, 7), seen(2, 7)]).is_empty());
        assert!(dropped(&[seen(0, 7), seen(1, 8)]).is_empty());
    }

    /// Tasks of one type that are open at once are told apart by their ids, however many there are.
    #[test]
    fn many_open_tasks_of_two_snapshots_count_once() {
        use crate::trace::time::Time;
        let n = 50_000_u32;
        let task = |trace: usize, i: u32| {
            let listed = ListedSpan {
                item: ListedItem::Request(i as usize),
                identity: Identity::Annotation("task", 0, u64::from(i), 0),
                span: CutSpan { began: Some(Time(i64::from(i))), ended: None },
                is_inferred: false,
                is_named: true,
            };
            let (start, end) = (Time(0), Time(i64::from(n) * (trace as i64 + 2)));
            Seen::listed(&listed, (trace, Window { start, end }))
        };
        let start = std::time::Instant::now();
        let dropped = duplicates((0..2 * n).map(|i| task((i % 2) as usize, i / 2)).collect(), &[0, 0]);
        assert!(dropped.len() == n as usize && dropped.iter().all(|of| of.trace == 0), "{}", dropped.len());
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
    }

    #[test]
    fn traces_that_share_a_generation_are_of_one_process() {
        let key = |number: u64| GenerationKey { number, batches: number * 10 };
        let traces = [vec![key(1), key(2)], vec![key(4)], vec![key(3), key(4)], vec![key(2), key(3)], vec![key(9)]];
        assert_eq!(processes(&traces), [0, 0, 0, 0, 4]);
        assert_eq!(shared(&traces).len(), 3);
        // The same number in another process.
        let other = GenerationKey { number: 2, batches: 21 };
        assert_eq!(processes(&[vec![key(2)], vec![other]]), [0, 1]);
    }
}
