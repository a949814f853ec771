//! Own stacks → stretches of a goroutine with a matching function on them.
//!
//! A trace has no event for a call or a return, only stacks. So a stretch lasts from the last moment before its first
//! matching stack that the call cannot have begun earlier than, to the first stack that shows that it is over:
//!
//! * It starts at the resume before its first matching stack, or at the last own stack that does not match if that is
//!   later. A call on a goroutine that is older than the trace, and was never seen outside, began before the trace.
//! * It ends at the first own stack that does not match, or that is of another call, or with the goroutine. That of another
//!   call begins the next stretch: where between the two stacks one call ended and the other began is not known, and a
//!   moment belongs to one of them.
//!
//! A stack recorded at a block, a stop or a system call holds until the goroutine runs again, any other for a moment. So
//! the call certainly lasted from the first matching stack to where the last one holds no more: the *seen* part. Where the
//! first is that of a goroutine that did not run since the trace began, the seen part begins with the trace.
//!
//! ```text
//!  events     resume  other  match  resume  match  resume  resume  other
//!                       │◄──────────── stretch ─────────────────────►│
//!                              │◄────── seen ───────►│
//! ```

use super::stack_class::CallSite;
use super::stack_evidence::{Match, StackHolds, StretchGap};
use crate::survey::stretch::SeenPart;
use crate::trace::ids::GIdx;
use rustc_hash::FxHashSet;
use std::hash::Hash;

/// Stacks on which a goroutine waited. Most calls are short: the first few need no memory of their own.
#[derive(Clone, Debug)]
struct Waits<S> {
    few: [Option<S>; 4],
    more: FxHashSet<S>,
}

impl<S> Default for Waits<S> {
    fn default() -> Self {
        Self { few: [const { None }; 4], more: FxHashSet::default() }
    }
}

impl<S: Copy + Eq + Hash> Waits<S> {
    /// Adds a stack; false if it was there.
    fn insert(&mut self, stack: S) -> bool {
        for place in &mut self.few {
            match place {
                Some(known) if *known == stack => return false,
                Some(_) => {}
                None => {
                    *place = Some(stack);
                    return true;
                }
            }
        }
        self.more.insert(stack)
    }
}

/// A stretch whose end is not known yet.
#[derive(Clone, Debug)]
struct OpenStretch<S> {
    start: Option<u64>,
    stack: S,
    call: CallSite,
    seen: SeenPart,
    /// The stacks on which the goroutine waited, until one comes twice.
    waits: Waits<S>,
    births: Vec<GIdx>,
}

impl<S: Copy + Eq + Hash> OpenStretch<S> {
    fn new(before: Before, Match { stack, call, first, holds, .. }: Match<S>) -> Self {
        let start = before.last_gap.filter(|_| before.was_outside);
        let since_start = before.is_new() && holds == StackHolds::SinceItRan;
        let seen = SeenPart { start: (!since_start).then_some(first), end: None, may_be_several: false };
        Self { start, stack, call, seen, waits: Waits::default(), births: Vec::new() }
    }

    fn matched(&mut self, Match { stack, call, last, holds, .. }: Match<S>) {
        self.call = self.call.or(call);
        self.seen.end = (holds == StackHolds::AMoment).then_some(last);
        if holds == StackHolds::WhileItWaits && !self.seen.may_be_several && !self.waits.insert(stack) {
            self.seen.may_be_several = true;
            self.waits = Waits::default();
        }
    }
}

/// A stretch from its start to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ClosedStretch<S> {
    /// File position of the event that starts it; none: it is older than the trace.
    pub(crate) start: Option<u64>,
    /// File position of the event that ends it; none: it outlasts the trace.
    pub(crate) end: Option<u64>,
    /// Its first matching stack.
    pub(crate) stack: S,
    /// What is certain of it.
    pub(crate) seen: SeenPart,
    /// Goroutines created inside.
    pub(crate) births: Vec<GIdx>,
}

/// What is known of a goroutine before its evidence is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Before {
    /// File position where its last gap ended; none when it had none.
    pub(crate) last_gap: Option<u64>,
    /// Whether it was outside all calls at some moment: it was created in the trace, or had a stack that does not match.
    pub(crate) was_outside: bool,
    /// Whether the trace has an event of it before.
    pub(crate) was_seen: bool,
}

impl Before {
    /// Whether the goroutine did not run since the trace began, as far as that shows.
    pub(crate) fn is_new(self) -> bool {
        self.last_gap.is_none() && !self.was_outside && !self.was_seen
    }
}

/// Puts the stretches of one goroutine together from its evidence in order. `S` is a stack.
#[derive(Clone, Debug)]
pub(crate) struct Stretches<S> {
    before: Before,
    open: Option<OpenStretch<S>>,
    /// Goroutines created after the last gap: inside the next stretch if a matching stack follows before a gap does.
    pending: Vec<GIdx>,
}

impl<S: Copy + Eq + Hash> Stretches<S> {
    /// Of a goroutine of which this is known.
    pub(crate) fn continued_from(before: Before) -> Self {
        Self { before, open: None, pending: Vec::new() }
    }

    /// Whether a stretch is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether the goroutine was outside all calls at some moment.
    pub(crate) fn was_outside(&self) -> bool {
        self.before.was_outside
    }

    /// Matching stacks. Returns the stretch that they end, if they are of another call than the open one.
    pub(crate) fn matched(&mut self, matching: Match<S>) -> Option<ClosedStretch<S>> {
        let ended = self.end_other_call(matching);
        let before = self.before;
        let open = self.open.get_or_insert_with(|| OpenStretch::new(before, matching));
        self.before.was_seen = true;
        open.matched(matching);
        open.births.append(&mut self.pending);
        ended
    }

    /// Ends the open stretch if the next stack is of another call: the goroutine was outside at some moment before it.
    fn end_other_call(&mut self, next: Match<S>) -> Option<ClosedStretch<S>> {
        let open = self.open.as_mut().filter(|open| open.call.is_other_than(next.call))?;
        open.seen.end.get_or_insert(next.first);
        self.before.was_outside = true;
        self.before.last_gap = Some(next.first);
        self.close(Some(next.first))
    }

    /// A time without a matching stack. Returns the stretch that it ends, if it ends one.
    pub(crate) fn gap(&mut self, gap: StretchGap) -> Option<ClosedStretch<S>> {
        self.before.last_gap = Some(gap.last);
        self.before.was_outside |= gap.first_other.is_some();
        let Some(open) = &mut self.open else {
            self.pending.clear();
            return None;
        };
        open.seen.end.get_or_insert(gap.first);
        if gap.first_other.is_some() { self.close(gap.first_other) } else { None }
    }

    /// The goroutine created another.
    pub(crate) fn created(&mut self, child: GIdx) {
        match &mut self.open {
            Some(open) => open.births.push(child),
            None => self.pending.push(child),
        }
    }

    /// The goroutine ends at a file position, or the trace does (`None`). Returns the open stretch, if there is one.
    pub(crate) fn end(&mut self, pos: Option<u64>) -> Option<ClosedStretch<S>> {
        self.close(pos)
    }

    fn close(&mut self, end: Option<u64>) -> Option<ClosedStretch<S>> {
        self.pending.clear();
        let OpenStretch { start, stack, mut seen, births, .. } = self.open.take()?;
        seen.end = seen.end.filter(|seen| end != Some(*seen));
        Some(ClosedStretch { start, end, stack, seen, births })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A goroutine created in the trace: R resume, N other stack, C create, E end; matching stacks: M at a system call,
    /// I for a moment, S in a status, any other letter at a wait. A digit and a letter: a wait of that call. Each letter's
    /// index is its file position.
    fn closed(text: &str, was_outside: bool) -> Vec<ClosedStretch<char>> {
        let mut s = Stretches::continued_from(Before { last_gap: None, was_outside, was_seen: false });
        let mut found = Vec::new();
        let mut call = CallSite::UNKNOWN;
        for (i, c) in text.chars().enumerate() {
            let pos = i as u64;
            let holds = match c {
                '0'..='9' => {
                    call = CallSite::of(u64::from(c) << 33);
                    continue;
                }
                'R' => {
                    found.extend(s.gap(StretchGap::at_resume(pos)));
                    continue;
                }
                'N' => {
                    found.extend(s.gap(StretchGap::at_other_stack(pos)));
                    continue;
                }
                'C' => {
                    s.created(GIdx(i as u32));
                    continue;
                }
                'E' => {
                    found.extend(s.end(Some(pos)));
                    continue;
                }
                'I' => StackHolds::AMoment,
                'S' => StackHolds::SinceItRan,
                'M' => StackHolds::UntilItRuns,
                _ => StackHolds::WhileItWaits,
            };
            let call = std::mem::replace(&mut call, CallSite::UNKNOWN);
            found.extend(s.matched(Match { stack: c, call, first: pos, last: pos, holds }));
        }
        found.extend(s.end(None));
        found
    }

    fn stretches(text: &str) -> Vec<(Option<u64>, Option<u64>, Vec<u32>)> {
        let births = |f: &ClosedStretch<char>| f.births.iter().map(|child| child.0).collect();
        closed(text, true).iter().map(|f| (f.start, f.end, births(f))).collect()
    }

    fn seen(text: &str) -> Vec<(u64, Option<u64>)> {
        closed(text, true).iter().map(|f| (f.seen.start.unwrap_or(u64::MAX), f.seen.end)).collect()
    }

    #[test]
    fn from_the_resume_to_the_next_other_stack() {
        assert_eq!(stretches("RMRN"), [(Some(0), Some(3), vec![])]);
        assert_eq!(stretches("RMRRN"), [(Some(0), Some(4), vec![])]);
        assert_eq!(stretches("RMRNN"), [(Some(0), Some(3), vec![])]);
    }

    #[test]
    fn from_the_last_other_stack_if_later() {
        assert_eq!(stretches("RNMRN"), [(Some(1), Some(4), vec![])]);
    }

    #[test]
    fn an_other_stack_in_the_same_run_ends_it() {
        assert_eq!(stretches("RINRN"), [(Some(0), Some(2), vec![])]);
    }

    #[test]
    fn matches_in_a_row_are_one_stretch() {
        assert_eq!(stretches("RMRMRRMRN"), [(Some(0), Some(8), vec![])]);
        assert_eq!(stretches("RMRNRMRN").len(), 2);
    }

    #[test]
    fn the_seen_part_is_from_the_first_matching_stack_to_the_resume_after_the_last() {
        assert_eq!(seen("RMRN"), [(1, Some(2))]);
        assert_eq!(seen("RMRMRRN"), [(1, Some(4))]);
        assert_eq!(seen("RIIN"), [(1, Some(2))]);
        assert_eq!(seen("RIRN"), [(1, Some(1))]);
        assert_eq!(seen("RMRIN"), [(1, Some(3))]);
        assert_eq!(seen("RM"), [(1, None)], "it holds to the end of the trace");
        assert_eq!(seen("RI"), [(1, Some(1))]);
        assert_eq!(seen("RME"), [(1, None)]);
        assert_eq!(seen("RMN"), [(1, None)], "only damage leaves out the resume");
    }

    #[test]
    fn edges_of_the_trace_and_of_the_goroutine() {
        assert_eq!(stretches("MRN"), [(None, Some(2), vec![])]);
        assert_eq!(stretches("RM"), [(Some(0), None, vec![])]);
        assert_eq!(stretches("RMR"), [(Some(0), None, vec![])], "nothing shows that it is over");
        assert_eq!(stretches("RME"), [(Some(0), Some(2), vec![])]);
        assert_eq!(stretches("RMRE"), [(Some(0), Some(3), vec![])]);
        assert!(stretches("RNRN").is_empty());
    }

    #[test]
    fn a_goroutine_older_than_the_trace_was_in_the_call_unless_it_was_seen_outside() {
        let starts = |text| closed(text, false).iter().map(|f| f.start).collect::<Vec<_>>();
        assert_eq!(starts("RMRN"), [None]);
        assert_eq!(starts("RRMRMRNRMRN"), [None, Some(7)]);
        assert_eq!(starts("RNRMRN"), [Some(2)]);
        assert_eq!(starts("NRMRN"), [Some(1)]);
    }

    #[test]
    fn a_goroutine_that_did_not_run_was_where_its_status_says() {
        let start = |text: &str, was_outside| closed(text, was_outside)[0].seen.start;
        assert_eq!(start("SRN", false), None);
        assert_eq!(start("wRN", false), Some(0), "it ran up to there, and may have made the call in the trace");
        assert_eq!(start("RSRN", false), Some(1), "it ran");
        assert_eq!(start("SRN", true), Some(0), "it was created in the trace");
    }

    #[test]
    fn a_wait_that_comes_twice_may_be_that_of_another_call() {
        let several = |text| closed(text, true).iter().map(|f| f.seen.may_be_several).collect::<Vec<_>>();
        assert_eq!(several("RwRwRN"), [true]);
        assert_eq!(several("RwRvRwRN"), [true]);
        assert_eq!(several("RwRvRN"), [false], "two waits of one call");
        assert_eq!(several("RwRNRwRN"), [false, false], "a stack outside is between");
        assert_eq!(several("RMRMRIIMRN"), [false], "system calls and moments do not count");
    }

    #[test]
    fn a_stack_of_another_call_ends_a_stretch_and_begins_the_next() {
        assert_eq!(stretches("R1wR2vRN"), [(Some(0), Some(5), vec![]), (Some(5), Some(7), vec![])]);
        assert_eq!(seen("R1wR2vRN"), [(2, Some(3)), (5, Some(6))]);
        assert_eq!(stretches("R1wR1vRN"), [(Some(0), Some(7), vec![])], "two places of one call");
        assert_eq!(stretches("R1I2IRN"), [(Some(0), Some(4), vec![]), (Some(4), Some(6), vec![])]);
        assert_eq!(stretches("R1wRIR2vRN"), [(Some(0), Some(7), vec![]), (Some(7), Some(9), vec![])]);
        assert_eq!(stretches("RwR1wR2wRN"), [(Some(0), Some(7), vec![]), (Some(7), Some(9), vec![])]);
        assert_eq!(stretches("R1wRC2vRCN"), [(Some(0), Some(6), vec![4]), (Some(6), Some(9), vec![8])]);
        let several = closed("R1wR2wR1wRN", true);
        assert_eq!(several.len(), 3);
        assert!(several.iter().all(|f| !f.seen.may_be_several), "each waits once");
        let older = closed("1wR2vRN", false);
        assert_eq!(older.iter().map(|f| f.start).collect::<Vec<_>>(), [None, Some(4)]);
    }

    #[test]
    fn creations_belong_to_the_stretch_around_them() {
        assert_eq!(stretches("RMCRN"), [(Some(0), Some(4), vec![2])]);
        assert_eq!(stretches("RMRCMRN"), [(Some(0), Some(6), vec![3])]);
        assert_eq!(stretches("RMRCN"), [(Some(0), Some(4), vec![3])]);
        assert_eq!(stretches("RMRNC"), [(Some(0), Some(3), vec![])]);
        assert_eq!(stretches("RCMRN"), [(Some(0), Some(4), vec![1])]);
    }
}
