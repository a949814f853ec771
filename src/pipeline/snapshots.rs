//! Snapshots of one process that overlap: a request that is in several of them counts once.
//!
//! A flight recorder writes the generations that it still has. Two snapshots that are taken shortly after each other share
//! some, byte by byte, and so traces that share a generation are of one process. There, a goroutine has one id and one clock:
//! requests of one goroutine whose times overlap are one. The same holds for all that a list counts.
//!
//! ```text
//!  snapshot A   ├── 5 ──┼── 6 ──┼── 7 ──┤
//!  snapshot B                   ├── 7 ──┼── 8 ──┤      shares generation 7
//!  goroutine 9        ├─ r ─┤ ├─── s ────┤
//!                                                      r: in A alone
//!                                                      s: cut in A, whole in B, where it counts
//! ```

use crate::profile::{CutRequest, Request, TraceInfo};
use crate::slice::WindowIdx;
use crate::survey::listed::{Identity, ListedItem, ListedSpan};
use crate::survey::{CutSpan, SeenRequest};
use crate::trace::error::Warning;
use crate::trace::time::Window;
use crate::trace::v2::batch::GenerationIndex;
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
    let mut process: Vec<usize> = (0..traces.len()).collect();
    let mut seen: FxHashMap<GenerationKey, usize> = FxHashMap::default();
    for (trace, keys) in traces.iter().enumerate() {
        for key in keys {
            let other = process[*seen.entry(*key).or_insert(trace)];
            let (first, later) = (other.min(process[trace]), other.max(process[trace]));
            for of in process.iter_mut().filter(|of| **of == later) {
                *of = first;
            }
        }
    }
    process
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
    start_ns: i64,
    end_ns: i64,
    cut_start: bool,
    cut_end: bool,
    /// Whether its edges are inferred: then they depend on what else a trace shows.
    is_inferred: bool,
    /// Whether the trace has what names it: without that another trace's counts.
    is_named: bool,
}

impl Seen<u64, WindowIdx> {
    /// A whole request.
    pub(super) fn whole(request: &Request, window: WindowIdx, traces: &[TraceInfo]) -> Self {
        let (span, is_inferred) = ((request.start_ns, request.dur_ns), request.is_inferred());
        Self { is_inferred, ..Self::of((request.trace, request.goid), window, span, traces) }
    }

    /// One that an edge cuts.
    pub(super) fn cut(cut: &CutRequest, window: WindowIdx, traces: &[TraceInfo]) -> Self {
        let span = (cut.start_ns, cut.at_least_ns);
        let CutRequest { cut_start, cut_end, .. } = *cut;
        Self { cut_start, cut_end, ..Self::of((cut.trace, cut.goid), window, span, traces) }
    }

    fn of((trace, goid): (u32, u64), key: WindowIdx, (start_ns, ns): (u64, u64), traces: &[TraceInfo]) -> Self {
        let trace = trace as usize;
        let signed = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        let start_ns = traces[trace].clock_start_ns.saturating_add(signed(start_ns));
        let end_ns = start_ns.saturating_add(signed(ns));
        let (identity, is_named) = (goid, true);
        Self { trace, key, identity, start_ns, end_ns, cut_start: false, cut_end: false, is_inferred: false, is_named }
    }
}

impl Seen<u64, u32> {
    /// One of the requests that were served in the trace at a position.
    pub(super) fn served(request: &SeenRequest, trace: usize) -> Self {
        let SeenRequest { position, goid, cut_start, cut_end, is_inferred, is_undecided, .. } = *request;
        let (key, identity, is_named) = (position, goid, !is_undecided);
        let (start_ns, end_ns) = (request.start.0, request.end.0);
        Self { trace, key, identity, start_ns, end_ns, cut_start, cut_end, is_inferred, is_named }
    }

    /// Whether nothing says what it is.
    pub(super) fn is_undecided(&self) -> bool {
        !self.is_named
    }
}

impl Seen<Identity, ListedItem> {
    /// What the list of a trace counts; `trace` is its position, and its first and last moment.
    pub(super) fn listed(listed: ListedSpan, (trace, span): (usize, Window)) -> Self {
        let ListedSpan { item, identity, span: CutSpan { began, ended }, is_inferred, is_named } = listed;
        Self {
            trace,
            key: item,
            identity,
            start_ns: began.unwrap_or(span.start).0,
            end_ns: ended.unwrap_or(span.end).0,
            cut_start: began.is_none(),
            cut_end: ended.is_none(),
            is_inferred,
            is_named,
        }
    }
}

impl<I, K> Seen<I, K> {
    fn is_cut(&self) -> bool {
        self.cut_start || self.cut_end
    }

    /// Whether both are the same request of one process. Their edges are the same where no edge of a trace cuts them: user
    /// tasks of one goroutine can overlap and be several.
    fn is_same(&self, other: &Self) -> bool {
        let overlap = self.start_ns < other.end_ns && other.start_ns < self.end_ns;
        let starts = self.cut_start || other.cut_start || self.start_ns == other.start_ns;
        let ends = self.cut_end || other.cut_end || self.end_ns == other.end_ns;
        overlap && self.trace != other.trace && (starts && ends || self.is_inferred || other.is_inferred)
    }

    /// The least of those that are the same counts: a named one, a whole one, one with certain edges, of two cut ones the
    /// longer, of equal ones the first.
    fn rank(&self) -> (bool, bool, bool, i128, usize) {
        let shorter = i128::from(self.start_ns) - i128::from(self.end_ns);
        (!self.is_named, self.is_cut(), self.is_inferred, shorter, self.trace)
    }
}

/// What several traces have of one request.
struct Same<'s, I, K> {
    /// The one that counts.
    best: &'s Seen<I, K>,
    /// The one that is seen for longest.
    last: &'s Seen<I, K>,
    traces: Vec<usize>,
}

impl<'s, I, K> Same<'s, I, K> {
    fn of(first: &'s Seen<I, K>) -> Self {
        Self { best: first, last: first, traces: vec![first.trace] }
    }

    /// Whether it has another one too: of each trace, one.
    fn has(&self, other: &Seen<I, K>) -> bool {
        !self.traces.contains(&other.trace) && (self.best.is_same(other) || self.last.is_same(other))
    }

    /// Adds one, and gives the one of both that does not count.
    fn add(&mut self, next: &'s Seen<I, K>) -> &'s Seen<I, K> {
        self.traces.push(next.trace);
        if next.end_ns > self.last.end_ns {
            self.last = next;
        }
        if self.best.rank() <= next.rank() { next } else { std::mem::replace(&mut self.best, next) }
    }
}

/// Those that count in another trace of their process; `process` has the first trace of each one's process.
pub(super) fn duplicates<I: Clone + Ord, K: Copy>(mut seen: Vec<Seen<I, K>>, process: &[usize]) -> Vec<Seen<I, K>> {
    let place = |of: &Seen<I, K>| (process[of.trace], of.start_ns, of.trace);
    seen.sort_by(|a, b| (&a.identity, place(a)).cmp(&(&b.identity, place(b))));
    let mut dropped = Vec::new();
    let is_of_one = |a: &Seen<I, K>, b: &Seen<I, K>| (process[a.trace], &a.identity) == (process[b.trace], &b.identity);
    for of_one in seen.chunk_by(is_of_one) {
        let mut open: Vec<Same<'_, I, K>> = Vec::new();
        for next in of_one {
            open.retain(|same| same.last.end_ns > next.start_ns);
            match open.iter_mut().find(|same| same.has(next)) {
                None => open.push(Same::of(next)),
                Some(same) => dropped.push(same.add(next).clone()),
            }
        }
    }
    dropped
}

/// A remark about requests that are in several snapshots of one process.
pub(crate) fn in_several_snapshots(n: usize) -> Option<Warning> {
    let message = match n {
        0 => return None,
        1 => "1 request is in two snapshots of one process, and is counted once".to_owned(),
        n => format!("{n} requests are in several snapshots of one process, and are counted once"),
    };
    Some(Warning::note("snapshots", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(trace: usize, goid: u64, span: (i64, i64), cut: &str) -> Seen<u64, WindowIdx> {
        let (cut_start, cut_end) = (cut.contains('<'), cut.contains('>'));
        let (start_ns, end_ns) = span;
        let key = WindowIdx(0);
        let (identity, is_named, is_inferred) = (goid, !cut.contains('?'), cut.contains('~'));
        Seen { trace, key, identity, start_ns, end_ns, cut_start, cut_end, is_inferred, is_named }
    }

    fn dropped(list: &[Seen<u64, WindowIdx>]) -> Vec<(usize, i64)> {
        let mut dropped: Vec<(usize, i64)> =
            duplicates(list.to_vec(), &[0, 0, 2, 0]).iter().map(|of| (of.trace, of.start_ns)).collect();
        dropped.sort_unstable();
        dropped
    }

    #[test]
    fn a_request_of_two_snapshots_counts_once() {
        let both = [seen(0, 7, (10, 20), ""), seen(1, 7, (10, 20), "")];
        assert_eq!(dropped(&both), [(1, 10)]);
        // Its twins: of another process, of another goroutine, at another time, of the same trace.
        assert_eq!(dropped(&[both[0], seen(2, 7, (10, 20), "")]), []);
        assert_eq!(dropped(&[both[0], seen(1, 8, (10, 20), "")]), []);
        assert_eq!(dropped(&[both[0], seen(1, 7, (20, 30), "")]), []);
        assert_eq!(dropped(&[both[0], seen(0, 7, (10, 20), "")]), []);
    }

    #[test]
    fn the_whole_one_counts_and_of_cut_ones_the_longer() {
        let cut = seen(0, 7, (10, 15), ">");
        assert_eq!(dropped(&[cut, seen(1, 7, (10, 20), "")]), [(0, 10)]);
        assert_eq!(dropped(&[cut, seen(1, 7, (12, 30), "<")]), [(0, 10)]);
        assert_eq!(dropped(&[cut, seen(1, 7, (12, 16), "<>")]), [(1, 12)]);
        assert_eq!(dropped(&[cut, seen(1, 7, (15, 16), "<")]), [], "they do not overlap");
        assert_eq!(dropped(&[cut, seen(1, 7, (12, 30), "<?")]), [(1, 12)], "nothing names the longer one");
    }

    #[test]
    fn one_that_goes_on_through_many_snapshots_counts_once() {
        let snapshots = [seen(0, 7, (10, 70), ">"), seen(1, 7, (60, 110), "<>"), seen(3, 7, (100, 155), "<")];
        assert_eq!(dropped(&snapshots), [(1, 60), (3, 100)]);
    }

    #[test]
    fn what_one_trace_cannot_tell_apart_another_can() {
        let apart = [seen(0, 7, (10, 20), ""), seen(0, 7, (20, 30), "")];
        assert_eq!(dropped(&[&apart[..], &[seen(1, 7, (12, 30), "~")]].concat()), [(1, 12)]);
        assert_eq!(dropped(&[seen(0, 7, (10, 20), "~"), seen(1, 7, (9, 20), "~")]), [(0, 10)]);
    }

    #[test]
    fn what_one_trace_decides_is_decided() {
        assert_eq!(dropped(&[seen(0, 7, (10, 30), "?>"), seen(1, 7, (20, 35), "<")]), [(0, 10)]);
        assert_eq!(dropped(&[seen(0, 7, (10, 30), "?"), seen(1, 7, (10, 30), "?")]), [(1, 10)]);
        assert_eq!(dropped(&[seen(0, 7, (10, 30), "?"), seen(1, 7, (30, 40), "")]), []);
    }

    #[test]
    fn tasks_of_one_goroutine_may_overlap() {
        let a = [seen(0, 7, (10, 20), ""), seen(0, 7, (15, 30), "")];
        let b = [seen(1, 7, (10, 20), ""), seen(1, 7, (15, 30), "")];
        assert_eq!(dropped(&[a[0], b[1]]), []);
        assert_eq!(dropped(&[a, b].concat()), [(1, 10), (1, 15)]);
        let cut = [
            seen(0, 7, (10, 50), ">"),
            seen(0, 7, (20, 50), ">"),
            seen(1, 7, (40, 60), "<"),
            seen(1, 7, (40, 70), "<"),
        ];
        assert_eq!(dropped(&cut).len(), 2);
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
