//! Own stacks → stretches of a goroutine with a matching function on them.
//!
//! A stack recorded at a block, a stop or a system call holds until the goroutine runs again. So a stretch starts at
//! the resume before its first matching stack, or at the last own stack that does not match if that is later. It ends
//! when the goroutine runs again after the last matching stack, or at a stack that does not match if that comes first.
//!
//! ```text
//!  events     resume  other  match  resume  match  resume  resume  other
//!                       │◄──────────── stretch ──────►│
//! ```

use crate::trace::ids::GIdx;

/// A time without a matching stack: resumes, and stacks that do not match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Gap {
    /// File position of the first of them.
    pub(crate) first: u64,
    /// File position of the last of them.
    pub(crate) last: u64,
    /// Whether a stack that does not match is among them; resumes alone do not end a stretch.
    pub(crate) other: bool,
}

impl Gap {
    /// One stack that does not match.
    pub(crate) fn at_other_stack(pos: u64) -> Self {
        Self { first: pos, last: pos, other: true }
    }
}

/// A stretch whose end is not known yet.
#[derive(Clone, Debug)]
struct OpenStretch<S> {
    start: Option<u64>,
    stack: S,
    /// File position where it ends if no matching stack follows.
    tentative_end: Option<u64>,
    births: Vec<GIdx>,
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
    /// Goroutines created inside.
    pub(crate) births: Vec<GIdx>,
}

/// Puts the stretches of one goroutine together from its evidence in order. `S` is a stack.
#[derive(Clone, Debug)]
pub(crate) struct Stretches<S> {
    open: Option<OpenStretch<S>>,
    /// File position of the end of the last gap.
    last_gap: Option<u64>,
    /// Goroutines created after the last gap: inside the next stretch if a matching stack follows before a gap does.
    pending: Vec<GIdx>,
}

impl<S> Default for Stretches<S> {
    fn default() -> Self {
        Self { open: None, last_gap: None, pending: Vec::new() }
    }
}

impl<S> Stretches<S> {
    /// Of a goroutine whose last gap so far ended at this file position; none when it had none.
    pub(crate) fn continued_from(last_gap: Option<u64>) -> Self {
        Self { last_gap, ..Self::default() }
    }

    /// Whether a stretch is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// A matching stack.
    pub(crate) fn matched(&mut self, stack: S) {
        let start = self.last_gap;
        let open =
            self.open.get_or_insert_with(|| OpenStretch { start, stack, tentative_end: None, births: Vec::new() });
        open.tentative_end = None;
        open.births.append(&mut self.pending);
    }

    /// A time without a matching stack. Returns the stretch that it ends, if it ends one.
    pub(crate) fn gap(&mut self, gap: Gap) -> Option<ClosedStretch<S>> {
        self.last_gap = Some(gap.last);
        let Some(open) = &mut self.open else {
            self.pending.clear();
            return None;
        };
        let end = *open.tentative_end.get_or_insert(gap.first);
        if gap.other { self.close(Some(end)) } else { None }
    }

    /// The goroutine created another.
    pub(crate) fn created(&mut self, child: GIdx) {
        match &mut self.open {
            Some(open) if open.tentative_end.is_none() => open.births.push(child),
            _ => self.pending.push(child),
        }
    }

    /// The goroutine ends at a file position, or the trace does (`None`). Returns the open stretch, if there is one.
    pub(crate) fn end(&mut self, pos: Option<u64>) -> Option<ClosedStretch<S>> {
        let tentative = self.open.as_ref()?.tentative_end;
        self.close(tentative.or(pos))
    }

    fn close(&mut self, end: Option<u64>) -> Option<ClosedStretch<S>> {
        self.pending.clear();
        let open = self.open.take()?;
        Some(ClosedStretch { start: open.start, end, stack: open.stack, births: open.births })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R resume, N other stack, M match, C create, E end; each letter's index is its file position.
    fn stretches(text: &str) -> Vec<(Option<u64>, Option<u64>, Vec<u32>)> {
        let mut s = Stretches::default();
        let mut found = Vec::new();
        for (i, c) in text.chars().enumerate() {
            let pos = i as u64;
            let gap = |other| Gap { first: pos, last: pos, other };
            match c {
                'R' => found.extend(s.gap(gap(false))),
                'N' => found.extend(s.gap(gap(true))),
                'M' => s.matched(()),
                'C' => s.created(GIdx(i as u32)),
                'E' => found.extend(s.end(Some(pos))),
                _ => {}
            }
        }
        found.extend(s.end(None));
        found.into_iter().map(|f| (f.start, f.end, f.births.iter().map(|child| child.0).collect())).collect()
    }

    #[test]
    fn from_the_resume_to_the_next_resume() {
        assert_eq!(stretches("RMRN"), [(Some(0), Some(2), vec![])]);
        assert_eq!(stretches("RMRRN"), [(Some(0), Some(2), vec![])]);
    }

    #[test]
    fn from_the_last_other_stack_if_later() {
        assert_eq!(stretches("RNMRN"), [(Some(1), Some(3), vec![])]);
    }

    #[test]
    fn an_other_stack_in_the_same_run_ends_it() {
        assert_eq!(stretches("RMNRN"), [(Some(0), Some(2), vec![])]);
    }

    #[test]
    fn matches_in_a_row_are_one_stretch() {
        assert_eq!(stretches("RMRMRRMRN"), [(Some(0), Some(7), vec![])]);
        assert_eq!(stretches("RMRNRMRN").len(), 2);
    }

    #[test]
    fn edges_of_the_trace_and_of_the_goroutine() {
        assert_eq!(stretches("MRN"), [(None, Some(1), vec![])]);
        assert_eq!(stretches("RM"), [(Some(0), None, vec![])]);
        assert_eq!(stretches("RMR"), [(Some(0), Some(2), vec![])]);
        assert_eq!(stretches("RME"), [(Some(0), Some(2), vec![])]);
        assert_eq!(stretches("RMRE"), [(Some(0), Some(2), vec![])]);
        assert!(stretches("RNRN").is_empty());
    }

    #[test]
    fn creations_belong_to_the_stretch_around_them() {
        assert_eq!(stretches("RMCRN"), [(Some(0), Some(3), vec![2])]);
        assert_eq!(stretches("RMRCMRN"), [(Some(0), Some(5), vec![3])]);
        assert_eq!(stretches("RMRCN"), [(Some(0), Some(2), vec![])]);
        assert_eq!(stretches("RCMRN"), [(Some(0), Some(3), vec![1])]);
    }
}
