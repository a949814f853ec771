//! One request's path, step by step, while all are walked.

use super::super::delegations::NodeId;
use super::super::tape::Backward;
use super::super::walked::{MAX_STEPS, Step};
use super::Nodes;
use crate::ids::{GIdx, WindowIdx};
use crate::time::Window;

/// Follows one request of a walk step by step.
pub(super) struct Log<'t> {
    /// Which one.
    pub(super) request: WindowIdx,
    /// The node that it rides on, or rode on.
    pub(super) node: NodeId,
    /// The one at work for it; [`NOBODY`] when that has to be found out again.
    pub(super) root: NodeId,
    pub(super) logged: Logged<'t>,
}

/// One request's path.
#[derive(Default)]
pub(in crate::measure) struct Logged<'t> {
    /// The latest first.
    pub(in crate::measure) steps: Vec<Step>,
    /// Steps at the path's end that are not kept.
    pub(in crate::measure) more: u64,
    /// Where the request ends: the turns before, and what every goroutine does there.
    pub(in crate::measure) end: Option<(Backward<'t>, Nodes)>,
}

impl Log<'_> {
    /// The request spends a while in a goroutine, at a place.
    pub(super) fn note(&mut self, g: GIdx, place: u32, span: Window) {
        let steps = &mut self.logged.steps;
        match steps.last_mut() {
            Some(last) if last.g == g && last.place == place && last.span.start == span.end => {
                last.span.start = span.start;
            }
            _ => steps.push(Step { span, g, place }),
        }
        if steps.len() >= 2 * MAX_STEPS {
            steps.drain(..MAX_STEPS);
            self.logged.more += MAX_STEPS as u64;
        }
    }
}
