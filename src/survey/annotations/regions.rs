//! The regions of one goroutine: when each began, and when it was over.
//!
//! An end names a task and a type, and is that of the latest open region that has both. A region that no event ends is
//! over at the latest when a region around it ends, or its goroutine does:
//!
//! ```text
//!  events     req {   query {      }          req {   query {      }           goroutine ends
//!  req        ├────────────────────┤          ├────────────────────┤
//!  query              ├────────────┤ at most          ├────────────┤ at most
//! ```
//!
//! Regions of two tasks, of which neither is part of the other, can overlap on purpose: the end of one says nothing about
//! the other. So may those of one task: one that was over by this rule, and has an end of its own later, ends there.

use crate::survey::roots::connections::Moment;
use crate::trace::ids::StringIdx;
use rustc_hash::FxHashMap;

/// Open regions that are looked at when another one ends, and have nothing to do with it.
const MAX_UNRELATED: usize = 64;
/// Tasks in each other that are looked at.
const MAX_TASK_DEPTH: usize = 64;

/// A region of a goroutine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegionSpan {
    /// Its task; 0 for the background task.
    pub(crate) task: u64,
    /// Its type.
    pub(crate) name: StringIdx,
    /// Number of the goroutine's event that begins it; 0: it is older than the trace.
    pub(crate) from: u32,
    /// Number of the event at which it is over; [`RegionSpan::OPEN`] when there is none.
    pub(crate) to: u32,
    /// When it began; none: before the trace.
    pub(crate) began: Option<Moment>,
    /// When it was over, at the latest where `is_bound`; none: after the trace.
    pub(crate) ended: Option<Moment>,
    /// Whether no event of its own ends it: a region around it did, or its goroutine.
    pub(crate) is_bound: bool,
}

impl RegionSpan {
    /// `to` of a region that is open.
    pub(crate) const OPEN: u32 = u32::MAX;

    fn end(&mut self, (now, at): (u32, Moment), is_bound: bool) {
        (self.to, self.ended, self.is_bound) = (now, Some(at), is_bound);
    }
}

/// Which tasks are parts of others.
#[derive(Default, Debug)]
pub(crate) struct TaskParents(FxHashMap<u64, u64>);

impl TaskParents {
    /// A task begins that is part of another; 0 for none.
    pub(crate) fn add(&mut self, task: u64, parent: u64) {
        if task != 0 && parent != 0 {
            self.0.entry(task).or_insert(parent);
        }
    }

    /// Whether the end of a region of one task ends one of another task that began inside.
    fn is_around(&self, outer: u64, inner: u64) -> bool {
        // What belongs to no task belongs to whatever it is inside of.
        let mut tasks = std::iter::successors(Some(inner), |task| self.0.get(task).copied());
        outer == 0 || inner == 0 || tasks.by_ref().take(MAX_TASK_DEPTH).any(|task| task == outer)
    }
}

/// Regions of one task and type that have not met an end: open ones, and those that are over without one.
#[derive(Default, Debug)]
struct Unended {
    open: Vec<usize>,
    over: Vec<usize>,
}

/// The regions of one goroutine, from its events in order. Events have numbers that grow.
#[derive(Default, Debug)]
pub(crate) struct Regions {
    spans: Vec<RegionSpan>,
    unended: FxHashMap<(u64, StringIdx), Unended>,
    /// Those that may be open, in the order in which they began.
    open: Vec<usize>,
}

impl Regions {
    /// A region begins.
    pub(crate) fn begin(&mut self, (task, name): (u64, StringIdx), (now, at): (u32, Moment)) {
        let i = self.spans.len();
        self.unended.entry((task, name)).or_default().open.push(i);
        self.open.push(i);
        let to = RegionSpan::OPEN;
        self.spans.push(RegionSpan { task, name, from: now, to, began: Some(at), ended: None, is_bound: false });
    }

    /// A region ends. Without a beginning it is older than the trace, if its goroutine is (`is_older`) and had none of the
    /// task and type before; else the program made a mistake, and nothing ends.
    pub(crate) fn end(&mut self, key: (u64, StringIdx), now: (u32, Moment), is_older: bool, parents: &TaskParents) {
        let Some(unended) = self.unended.get_mut(&key) else {
            if is_older {
                self.unended.insert(key, Unended::default());
                self.end_inner(0, key.0, now, parents);
                let (task, name) = key;
                let (to, ended) = (now.0, Some(now.1));
                self.spans.push(RegionSpan { task, name, from: 0, to, began: None, ended, is_bound: false });
            }
            return;
        };
        if let Some(i) = unended.open.pop() {
            self.spans[i].end(now, false);
            self.end_inner(i + 1, key.0, now, parents);
        } else if let Some(i) = unended.over.pop() {
            self.spans[i].end(now, false);
        }
    }

    /// A region of a task ends; those that began inside, from `first` on, are over.
    fn end_inner(&mut self, first: usize, task: u64, now: (u32, Moment), parents: &TaskParents) {
        let mut unrelated = Vec::new();
        while unrelated.len() < MAX_UNRELATED
            && let Some(i) = self.open.pop_if(|i| *i >= first)
        {
            let span = &mut self.spans[i];
            if span.to != RegionSpan::OPEN {
                continue;
            }
            if !parents.is_around(task, span.task) {
                unrelated.push(i);
                continue;
            }
            span.end(now, true);
            if let Some(unended) = self.unended.get_mut(&(span.task, span.name)) {
                unended.open.pop();
                unended.over.push(i);
            }
        }
        self.open.extend(unrelated.into_iter().rev());
    }

    /// The goroutine ends, and its regions with it.
    pub(crate) fn died(&mut self, now: (u32, Moment)) {
        for i in self.open.drain(..) {
            if self.spans[i].to == RegionSpan::OPEN {
                self.spans[i].end(now, true);
            }
        }
        self.unended.clear();
    }

    /// All of them, in the order in which they began.
    pub(crate) fn take(&mut self) -> Vec<RegionSpan> {
        let mut spans = std::mem::take(&mut self.spans);
        spans.sort_by_key(|span| (span.from, std::cmp::Reverse(span.to)));
        spans
    }
}

/// Leaves those that are in no other one of the same key. Returns those that were inside others.
pub(crate) fn keep_outermost<K: Eq + std::hash::Hash>(
    spans: &mut Vec<RegionSpan>,
    key: impl Fn(&RegionSpan) -> K,
) -> Vec<RegionSpan> {
    let mut last_end: FxHashMap<K, u32> = FxHashMap::default();
    let is_inner = |span: &mut RegionSpan| {
        let end = last_end.entry(key(span)).or_insert(0);
        let is_inner = span.from < *end;
        if !is_inner {
            *end = span.to;
        }
        is_inner
    };
    spans.extract_if(.., is_inner).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::time::Time;

    /// A lower-case letter begins a region of that type, the same in upper case ends it. A digit before it is its task.
    /// `.` is the goroutine's end. Each region is its type, from, to, and whether its end is only the latest possible.
    fn regions(text: &str, is_older: bool) -> Vec<(char, u32, u32, bool)> {
        let mut regions = Regions::default();
        let mut parents = TaskParents::default();
        parents.add(2, 1);
        let (mut task, mut now) = (0, 0);
        for c in text.chars() {
            if let Some(digit) = c.to_digit(10) {
                task = u64::from(digit);
                continue;
            }
            now += 1;
            let moment = (now, Moment { pos: u64::from(now), time: Some(Time(i64::from(now))) });
            let key = (std::mem::take(&mut task), StringIdx(u32::from(c.to_ascii_lowercase())));
            match c {
                '.' => regions.died(moment),
                'a'..='z' => regions.begin(key, moment),
                _ => regions.end(key, moment, is_older, &parents),
            }
        }
        let letter = |name: StringIdx| char::from_u32(name.0).expect("a letter");
        regions.take().iter().map(|s| (letter(s.name), s.from, s.to, s.is_bound)).collect()
    }

    const OPEN: u32 = RegionSpan::OPEN;

    #[test]
    fn what_never_ends_is_over_with_what_is_around_it() {
        assert_eq!(
            regions("rqRrqRq", false),
            [('r', 1, 3, false), ('q', 2, 3, true), ('r', 4, 6, false), ('q', 5, 6, true), ('q', 7, OPEN, false)]
        );
        assert_eq!(regions("rqQR", false), [('r', 1, 4, false), ('q', 2, 3, false)], "its twin, which ends");
        assert_eq!(regions("qr.", false), [('q', 1, 3, true), ('r', 2, 3, true)]);
    }

    #[test]
    fn an_end_is_that_of_the_latest_that_is_open() {
        assert_eq!(regions("rqRqQ", false)[1..], [('q', 2, 3, true), ('q', 4, 5, false)]);
        assert_eq!(
            regions("abAB", false),
            [('a', 1, 3, false), ('b', 2, 4, false)],
            "it ends after what was around it"
        );
        assert_eq!(regions("qqQQ", false), [('q', 1, 4, false), ('q', 2, 3, false)]);
        assert_eq!(regions("lLL", false), [('l', 1, 2, false)], "it is ended twice");
    }

    #[test]
    fn regions_of_other_tasks_go_on() {
        assert_eq!(regions("1a3b1A", false), [('a', 1, 3, false), ('b', 2, OPEN, false)]);
        assert_eq!(regions("1a1b1A", false)[1], ('b', 2, 3, true), "the same task");
        assert_eq!(regions("1a2b1A", false)[1], ('b', 2, 3, true), "a part of it");
        assert_eq!(regions("2a1b2A", false)[1], ('b', 2, OPEN, false), "what it is part of");
        assert_eq!(regions("1ab1A", false)[1], ('b', 2, 3, true), "no task");
        assert_eq!(regions("a1bA", false)[1], ('b', 2, 3, true), "inside of no task");
    }

    #[test]
    fn regions_that_are_older_than_the_trace() {
        assert_eq!(regions("qRLR", true), [('l', 0, 3, false), ('r', 0, 2, false), ('q', 1, 2, true)]);
        assert_eq!(regions("R", false), []);
        assert_eq!(regions("lLL", true), [('l', 1, 2, false)], "it was in the trace, and is ended twice");
    }

    #[test]
    fn many_that_never_end_take_little_time() {
        let mut regions = Regions::default();
        let at = Moment { pos: 0, time: None };
        for now in 0..300_000 {
            regions.begin((u64::from(now % 7), StringIdx(1)), (2 * now + 1, at));
            regions.end((u64::from(now % 5), StringIdx(2)), (2 * now + 2, at), true, &TaskParents::default());
        }
        assert_eq!(regions.take().len(), 300_005);
    }
}
