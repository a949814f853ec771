//! One request's path, noted step by step while all paths are walked.

use super::WalkPosition;
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::intervals::log::LogReader;
use crate::measure::paths::wait_for::NodeId;
use crate::measure::paths::walk_results::{MAX_STEPS, WalkHandOver, WalkStep};
use crate::slice::WindowIdx;
use crate::trace::ids::GIdx;
use crate::trace::time::{Time, Window};

/// Notes the path of one request of a walk.
pub(super) struct PathLog<'t> {
    /// Which one.
    pub(super) request: WindowIdx,
    /// The node that it is attached to, or was.
    pub(super) node: NodeId,
    /// The root of that node's tree; [`NodeId::NONE`] when that may have changed.
    pub(super) root: NodeId,
    /// Whether the walk is between the request's end and its start.
    pub(super) is_open: bool,
    pub(super) path: LoggedPath<'t>,
}

/// One request's path.
#[derive(Default)]
pub(crate) struct LoggedPath<'t> {
    /// The latest first.
    pub(crate) steps: Vec<WalkStep>,
    /// The latest first.
    pub(crate) hand_overs: Vec<WalkHandOver>,
    /// Steps at the path's end that are not kept.
    pub(crate) n_dropped: u64,
    /// Where the request ends: the interval ends before that, and what every goroutine does then. None without a request.
    pub(crate) end: Option<(LogReader<'t>, WalkPosition)>,
}

impl PathLog<'_> {
    /// Nothing noted yet.
    pub(super) fn new(request: WindowIdx) -> Self {
        Self { request, node: NodeId::NONE, root: NodeId::NONE, is_open: false, path: LoggedPath::default() }
    }

    /// The request spends a while in goroutine `g`, in an interval that is counted in `sum`.
    pub(super) fn note(&mut self, g: GIdx, sum: SumIdx, span: Window) {
        let steps = &mut self.path.steps;
        match steps.last_mut() {
            Some(last) if last.g == g && last.sum == sum && last.span.start == span.end => {
                last.span.start = span.start;
            }
            _ => steps.push(WalkStep { span, g, sum }),
        }
        if steps.len() >= 2 * MAX_STEPS {
            steps.drain(..MAX_STEPS);
            self.path.n_dropped += MAX_STEPS as u64;
        }
    }

    /// The request begins: a wait that ended just then was no part of it.
    pub(super) fn begin(&mut self, time: Time) {
        let hand_overs = &mut self.path.hand_overs;
        while hand_overs.pop_if(|last| last.time <= time).is_some() {}
    }

    /// Before a moment, the request waits for another goroutine. Of very many hand-overs the earliest are kept, as of steps.
    pub(super) fn note_hand_over(&mut self, hand_over: WalkHandOver) {
        let hand_overs = &mut self.path.hand_overs;
        hand_overs.push(hand_over);
        if hand_overs.len() >= 2 * MAX_STEPS {
            hand_overs.drain(..MAX_STEPS);
        }
    }
}
