//! What is certain, and what is likely, of windows with inferred borders.

use super::Windows;
use super::older_calls::OlderCalls;
use super::open_window::OpenWindow;
use crate::slice::WindowIdx;
use crate::survey::SeenPart;
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::time::{Time, Window};

impl Windows<'_> {
    /// A wait of a goroutine in an open window ended; `by` is the stack that ended it.
    #[inline]
    pub(in crate::measure) fn woken(&mut self, (g, window): (GIdx, WindowIdx), time: Time, by: StackIdx) {
        if self.has_older_calls && window.is_some() && by != StackIdx::EMPTY {
            self.woken_in_older_call((g, window), time, by);
        }
    }

    #[inline(never)]
    fn woken_in_older_call(&mut self, (g, window): (GIdx, WindowIdx), time: Time, by: StackIdx) {
        let windows = &self.slice.windows;
        let Some(seen) =
            windows.seen(window).filter(|_| windows.goroutine(window) == g && OlderCalls::is_one(self.slice, window))
        else {
            return;
        };
        if !self.position(g).after_last_stack {
            let seen_start = self.get(window).seen_start;
            let is_seen = seen_start != Time::MIN && seen_start <= time
                || seen.start.is_none_or(|start| self.part_start.is_before(start));
            self.older_calls.woken(window, (time, by), is_seen);
        }
    }

    /// How much of a span a window with inferred borders certainly lasted, in ns.
    pub(in crate::measure) fn seen_ns(&self, window: WindowIdx, span: Window) -> u64 {
        let mut open = self.get(window);
        let seen = self.slice.windows.seen(window);
        if seen.is_some_and(|seen| seen.start.is_none()) {
            open.seen_start = span.start;
        }
        open.seen_ns(span)
    }

    /// How much of a span it likely lasted, in ns, where the goroutine likely waited in the call when the trace began.
    pub(in crate::measure) fn likely_ns(&self, window: WindowIdx, span: Window) -> Option<u64> {
        let open = self.get(window);
        let likely = self.older_calls.likely_waited_in(window) && open.seen_start != Time::MIN;
        likely.then(|| OpenWindow { seen_start: span.start, ..open }.seen_ns(span))
    }

    /// Notes the borders of what is certain of an open window; says whether its last matching stack holds no more. Several
    /// events can be at one position: in old traces, one record can end a wait and say what comes then. The first counts.
    pub(super) fn cross_seen(&mut self, window: WindowIdx, seen: SeenPart, (pos, time): (u64, Time)) -> bool {
        let (begins, ends) = (seen.start == Some(pos), seen.end == Some(pos));
        if !begins && !ends {
            return false;
        }
        if !self.keeps_seen {
            return ends;
        }
        self.edit(window, |open| {
            if begins && open.seen_start == Time::MIN {
                open.seen_start = time;
            }
            if ends && open.seen_end == Time::MAX {
                open.seen_end = time;
            }
        });
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::spec::MeasureSpec;
    use crate::measure::windows::open_window::BLANK;
    use crate::measure::{MAX_PIECES, MIN_GROWTH};
    use crate::slice::spawn_chains::SpawnChainIdx;
    use crate::slice::{Membership, RootKind, RootWindow, Slice};
    use crate::survey::Forest;
    use crate::trace::ids::StringIdx;
    use crate::trace::symbols::Symbols;

    const G: GIdx = GIdx(0);
    const INFERRED: WindowIdx = WindowIdx(0);
    const SERVED: WindowIdx = WindowIdx(1);

    /// A call with inferred borders, and a request between those of a server, on one goroutine.
    fn slice() -> Slice {
        let mut slice = Slice::default();
        let whole = RootWindow { by: RootKind::Stack, ..RootWindow::of(G, SpawnChainIdx::FIRST, StringIdx::EMPTY) };
        let seen = SeenPart { start: Some(12), end: Some(20), may_be_several: false };
        slice.windows.push(RootWindow { stretch: Some((Some(10), Some(30))), seen: Some(seen), ..whole });
        slice.windows.push(RootWindow { stretch: Some((Some(40), Some(60))), ..whole });
        slice.memberships.insert(G, [INFERRED, SERVED].map(Membership::whole).to_vec());
        slice
    }

    /// The windows after events at all these positions, and which borders those crossed.
    fn crossed(slice: &Slice, latency: bool, check: impl Fn(&Windows<'_>)) -> Vec<String> {
        let (forest, symbols) = (Forest::default(), Symbols::default());
        let spec = MeasureSpec {
            slice,
            forest: &forest,
            symbols: &symbols,
            whole_life: false,
            looked_at: Window::ALL,
            trace_start: Time(0),
            latency,
            include_partial: true,
            request_stacks: false,
            exemplars: false,
            part_growth: MIN_GROWTH,
            max_pieces: MAX_PIECES,
        };
        let mut windows = Windows::new(spec);
        let events = [5, 10, 12, 15, 20, 25, 30, 40, 42, 50, 60].into_iter();
        let crossed = events.map(|pos| {
            let crossed = windows.cross(G, pos, Time(pos as i64 * 10));
            format!("{pos}: {crossed:?} {:?}", windows.position(G))
        });
        let crossed = crossed.collect();
        check(&windows);
        crossed
    }

    #[test]
    fn what_is_certain_is_kept_only_where_requests_are_wanted() {
        let slice = slice();
        let span = Window { start: Time(100), end: Time(300) };
        let known = OpenWindow { start: span.start, end: span.end, ..BLANK };
        let served = OpenWindow { start: Time(400), end: Time(600), ..BLANK };
        let kept = crossed(&slice, true, |windows| {
            assert_eq!(windows.get(INFERRED), OpenWindow { seen_start: Time(120), seen_end: Time(200), ..known });
            assert_eq!(windows.get(SERVED), served);
            assert_eq!(windows.seen_ns(INFERRED, span), 80);
        });
        let not_kept = crossed(&slice, false, |windows| {
            assert_eq!((windows.get(INFERRED), windows.get(SERVED)), (known, served));
        });
        // What goroutines did is told by the borders alone, and these are the same.
        assert_eq!(kept, not_kept);
        assert!(kept.iter().any(|crossed| crossed.contains("left_last_stack: true")));
    }
}
