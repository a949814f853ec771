//! From when to when something lasted, on its threads' own clocks.

use crate::profile::DurationList;
use crate::trace::ids::GIdx;
use crate::trace::time::{Time, Window};

/// When a goroutine lived, on its threads' own clocks: exact to a few ns, enough for a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Life {
    /// Its creation, or the trace's start.
    pub(crate) born: Time,
    /// Its end; [`Time::MAX`] when it outlived the trace.
    died: Time,
}

impl Life {
    /// Of one that was created then, and is alive.
    pub(crate) const fn since(born: Time) -> Self {
        Self { born, died: Time::MAX }
    }

    /// It ends.
    pub(crate) fn end(&mut self, at: Time) {
        self.died = at;
    }

    /// Its end; none when it outlived the trace.
    pub(crate) fn died(&self) -> Option<Time> {
        (self.died != Time::MAX).then_some(self.died)
    }

    /// What of it lies in a part of the trace; none when nothing does.
    pub(crate) fn inside(self, part: Window) -> Option<CutSpan> {
        CutSpan { began: Some(self.born), ended: self.died() }.inside(part)
    }
}

/// What is known of a time that an edge of the trace may cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CutSpan {
    /// When it began; none: before the trace.
    pub(crate) began: Option<Time>,
    /// When it ended; none: after the trace.
    pub(crate) ended: Option<Time>,
}

impl CutSpan {
    /// What of it lies in a part of the trace; none when nothing does.
    pub(crate) fn inside(self, part: Window) -> Option<Self> {
        let overlaps = self.began.is_none_or(|at| at < part.end) && self.ended.is_none_or(|at| at > part.start);
        let whole_span =
            Self { began: self.began.filter(|at| *at >= part.start), ended: self.ended.filter(|at| *at <= part.end) };
        (overlaps || whole_span.is_whole()).then_some(whole_span)
    }

    /// Whether it began and ended in the trace.
    pub(crate) fn is_whole(self) -> bool {
        self.began.is_some() && self.ended.is_some()
    }

    /// Adds it to a list, as far as a trace of this length shows it.
    pub(crate) fn add_to(self, took: &mut DurationList, trace: Window) {
        let Self { began, ended } = self;
        match began.zip(ended) {
            Some((began, ended)) => took.add(Some(ended.since(began))),
            None => took.add_cut(ended.unwrap_or(trace.end).since(began.unwrap_or(trace.start)), ended.is_none()),
        }
    }
}

/// When a goroutine served a request, on its threads' own clocks. There can be millions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ServedSpan {
    /// The goroutine.
    pub(crate) g: GIdx,
    /// From when to when: from [`Time::MIN`] where it began before the trace, up to [`Time::MAX`] where it is not over.
    pub(crate) span: Window,
}
