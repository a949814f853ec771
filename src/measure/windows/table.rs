//! What is known of each window while a trace, or a part of it, is measured. A part knows of few windows: those of which it knows
//! nothing take no memory. On the hot path.
//!
//! ```text
//!  window   0 ─────── 31   32 ────── 63   64 ────── 95
//!  page     │ ■ ■ ■ … │    none            │ ■ ■ ■ … │      windows of one goroutine are neighbours
//! ```

use super::open_window::{BLANK, OpenWindow};
use crate::slice::{Membership, WindowIdx};
use crate::trace::ids::GIdx;
use crate::trace::time::{Time, Window};
use rustc_hash::FxHashMap;

/// Windows of a page.
const PAGE: usize = 32;

/// What is known of each window of a page. What few of them have is in boxes of its own.
#[derive(Clone)]
struct Page {
    /// From [`Time::MIN`] while no start is known, up to [`Time::MAX`] while no end is.
    spans: [Window; PAGE],
    ns: [u64; PAGE],
    has_time: [bool; PAGE],
    /// A bit for each window: whether anything is known of it.
    known: u32,
    cut_start: u32,
    cut_end: u32,
    /// What is certain of those with inferred borders; none while nothing is of any.
    seen: Option<Box<[Window; PAGE]>>,
    /// When tasks were handed over; none while no task was.
    handed_over: Option<Box<[Time; PAGE]>>,
}

const NO_SPAN: Window = Window { start: BLANK.start, end: BLANK.end };
const NOT_SEEN: Window = Window { start: BLANK.seen_start, end: BLANK.seen_end };

const BLANK_PAGE: Page = Page {
    spans: [NO_SPAN; PAGE],
    ns: [0; PAGE],
    has_time: [false; PAGE],
    known: 0,
    cut_start: 0,
    cut_end: 0,
    seen: None,
    handed_over: None,
};

impl Page {
    fn get(&self, at: usize) -> OpenWindow {
        let (span, seen) = (self.spans[at], self.seen.as_ref().map_or(NOT_SEEN, |seen| seen[at]));
        let is_set = |bits: u32| bits >> at & 1 != 0;
        OpenWindow {
            start: span.start,
            end: span.end,
            handed_over: self.handed_over.as_ref().map_or(BLANK.handed_over, |times| times[at]),
            seen_start: seen.start,
            seen_end: seen.end,
            ns: self.ns[at],
            has_time: self.has_time[at],
            cut_start: is_set(self.cut_start),
            cut_end: is_set(self.cut_end),
        }
    }

    fn set(&mut self, at: usize, open: OpenWindow) {
        self.spans[at] = Window { start: open.start, end: open.end };
        self.ns[at] = open.ns;
        let set = |bits: &mut u32, is_set: bool| *bits = *bits & !(1 << at) | u32::from(is_set) << at;
        set(&mut self.known, true);
        self.has_time[at] = open.has_time;
        set(&mut self.cut_start, open.cut_start);
        set(&mut self.cut_end, open.cut_end);
        let seen = Window { start: open.seen_start, end: open.seen_end };
        if seen != NOT_SEEN || self.seen.is_some() {
            self.seen.get_or_insert_with(|| Box::new([NOT_SEEN; PAGE]))[at] = seen;
        }
        if open.handed_over != BLANK.handed_over || self.handed_over.is_some() {
            self.handed_over.get_or_insert_with(|| Box::new([BLANK.handed_over; PAGE]))[at] = open.handed_over;
        }
    }
}

/// All windows.
pub(in crate::measure) struct WindowTable {
    pages: Vec<Option<Box<Page>>>,
    len: usize,
    looked_at: Window,
    /// Of a part: how many memberships of a goroutine were over before it, and whether the next one was open there.
    over_before: FxHashMap<GIdx, (u32, bool)>,
}

impl WindowTable {
    /// So many windows, of which nothing is known. Time counts that lies in `looked_at`.
    pub(super) fn new(len: usize, looked_at: Window) -> Self {
        Self { pages: vec![None; len.div_ceil(PAGE)], len, looked_at, over_before: FxHashMap::default() }
    }

    /// The part of the trace in which time counts.
    pub(super) fn looked_at(&self) -> Window {
        self.looked_at
    }

    /// Forgets what was before a part: another one begins.
    pub(super) fn begin_part(&mut self) {
        self.over_before.clear();
    }

    /// So many memberships of a goroutine were over before the part; and whether the next one was open where that begins.
    pub(super) fn note_over_before(&mut self, g: GIdx, n: usize, is_open: bool) {
        if n > 0 || is_open {
            self.over_before.insert(g, (n as u32, is_open));
        }
    }

    /// The memberships of a goroutine that were not over before the part, and whether the first one was open there.
    #[inline]
    pub(in crate::measure) fn since_part_start<'m>(
        &self,
        g: GIdx,
        memberships: &'m [Membership],
    ) -> (&'m [Membership], bool) {
        if self.over_before.is_empty() {
            return (memberships, false);
        }
        let (n, is_open) = self.over_before.get(&g).copied().unwrap_or_default();
        (memberships.get(n as usize..).unwrap_or_default(), is_open)
    }

    #[inline]
    fn page(&self, window: WindowIdx) -> Option<&Page> {
        self.pages.get(window.at() / PAGE)?.as_deref()
    }

    /// What is known of a window.
    #[inline]
    pub(in crate::measure) fn get(&self, window: WindowIdx) -> OpenWindow {
        self.page(window).map_or(BLANK, |page| page.get(window.at() % PAGE))
    }

    /// Whether all of an interval lies in a window that has time already, and where time counts.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "for each interval, in the one inner loop")]
    pub(super) fn has_all_of(&self, window: WindowIdx, interval: Window) -> bool {
        // No closures: they were not inlined, and took a tenth of all instructions.
        let (Some(page), at) = (self.page(window), window.at() % PAGE) else { return false };
        let (Window { start: from, end: to }, Window { start, end }) = (self.looked_at, page.spans[at]);
        page.has_time[at] && start.max(from) <= interval.start && interval.end <= end.min(to)
    }

    /// Adds time to a window that has some.
    #[inline]
    pub(super) fn add(&mut self, window: WindowIdx, ns: u64) {
        if let Some(Some(page)) = self.pages.get_mut(window.at() / PAGE) {
            let sum = &mut page.ns[window.at() % PAGE];
            *sum = sum.saturating_add(ns);
        }
    }

    /// What is known of a window from now on.
    pub(super) fn set(&mut self, window: WindowIdx, open: OpenWindow) {
        self.page_of(window).set(window.at() % PAGE, open);
    }

    /// Sets when a window starts.
    pub(super) fn set_start(&mut self, window: WindowIdx, time: Time) {
        self.page_of(window).spans[window.at() % PAGE].start = time;
    }

    /// Sets when it ends.
    pub(super) fn set_end(&mut self, window: WindowIdx, time: Time) {
        self.page_of(window).spans[window.at() % PAGE].end = time;
    }

    /// Something is known of a window from now on; says whether nothing was.
    pub(super) fn note_known(&mut self, window: WindowIdx) -> bool {
        let (page, bit) = (self.page_of(window), 1 << (window.at() % PAGE));
        let was_known = page.known & bit != 0;
        page.known |= bit;
        !was_known
    }

    fn page_of(&mut self, window: WindowIdx) -> &mut Page {
        self.pages[window.at() / PAGE].get_or_insert_with(|| Box::new(BLANK_PAGE))
    }

    /// Forgets what is known of a window and its neighbours.
    pub(super) fn forget(&mut self, window: WindowIdx) {
        self.pages[window.at() / PAGE] = None;
    }

    /// All windows in their order.
    pub(in crate::measure) fn iter(&self) -> impl Iterator<Item = OpenWindow> {
        (0..self.len).map(|i| self.get(WindowIdx(i as u32)))
    }
}

#[cfg(test)]
impl WindowTable {
    /// The table of some windows.
    pub(in crate::measure) fn of(list: &[OpenWindow]) -> Self {
        let mut table = Self::new(list.len(), Window { start: Time::MIN, end: Time::MAX });
        for (i, open) in (0..).zip(list) {
            table.set(WindowIdx(i), *open);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_known_from_their_first_change_until_they_are_forgotten() {
        let looked_at = Window { start: Time(40), end: Time(90) };
        let mut table = WindowTable::new(70, looked_at);
        let known = [3, 31, 32, 69].map(WindowIdx);
        let open_of = |i: u32| OpenWindow {
            start: Time(i64::from(i)),
            end: if i == 32 { Time::MAX } else { Time(80) },
            handed_over: if i == 31 { Time(5) } else { Time::MIN },
            seen_start: if i == 3 { Time(7) } else { Time::MIN },
            seen_end: if i == 69 { Time(8) } else { Time::MAX },
            ns: u64::from(i) + 1,
            has_time: i != 3,
            cut_start: i == 31,
            cut_end: i == 32,
        };
        table.add(known[0], 5);
        for window in known {
            assert_eq!((table.get(window), table.note_known(window), table.note_known(window)), (BLANK, true, false));
            table.set(window, OpenWindow { has_time: true, ns: 9, seen_end: Time(1), cut_end: true, ..BLANK });
            table.set(window, OpenWindow { start: Time(1), end: Time(2), ..open_of(window.0) });
            table.set_start(window, open_of(window.0).start);
            table.set_end(window, open_of(window.0).end);
            table.add(window, 7);
        }
        for (i, open) in (0..).map(WindowIdx).zip(table.iter()) {
            assert_eq!(open, table.get(i));
            let expected = OpenWindow { ns: u64::from(i.0) + 8, ..open_of(i.0) };
            assert_eq!(open, if known.contains(&i) { expected } else { BLANK });
        }
        // Without time; outside of the window or the part looked at; inside of both.
        let has = |window: u32, (start, end)| {
            table.has_all_of(WindowIdx(window), Window { start: Time(start), end: Time(end) })
        };
        assert!(!has(3, (50, 60)) && !has(0, (50, 60)) && !has(WindowIdx::NONE.0, (50, 60)));
        assert!(!has(31, (50, 81)) && !has(32, (50, 91)) && !has(31, (39, 60)) && !has(69, (68, 80)));
        assert!(has(31, (40, 80)) && has(32, (40, 90)) && has(69, (69, 80)));
        assert_eq!(table.iter().count(), 70);
        table.forget(WindowIdx(3));
        assert_eq!(table.get(WindowIdx(31)), BLANK);
        assert_ne!(table.get(WindowIdx(32)), BLANK);
    }
}
