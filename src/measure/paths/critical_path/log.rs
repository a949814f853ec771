//! One request's path, step by step, while all are walked.

use super::Nodes;
use crate::measure::paths::interval_log::Backward;
use crate::measure::paths::wait_for::NodeId;
use crate::measure::paths::walk_results::{MAX_STEPS, PathStep};
use crate::slice::WindowIdx;
use crate::trace::ids::GIdx;
use crate::trace::time::Window;

/// Follows one request of a walk step by step.
pub(crate) struct Log<'t> {
    /// Which one.
    pub(crate) request: WindowIdx,
    /// The node that it rides on, or rode on.
    pub(crate) node: NodeId,
    /// The one at work for it; [`NOBODY`] when that has to be found out again.
    pub(crate) root: NodeId,
    pub(crate) logged: Logged<'t>,
}

/// One request's path.
#[derive(Default)]
pub(crate) struct Logged<'t> {
    /// The latest first.
    pub(crate) steps: Vec<PathStep>,
    /// Steps at the path's end that are not kept.
    pub(crate) more: u64,
    /// Where the request ends: the turns before, and what every goroutine does there.
    pub(crate) end: Option<(Backward<'t>, Nodes)>,
}

impl Log<'_> {
    /// The request spends a while in a goroutine, at a place.
    pub(crate) fn note(&mut self, g: GIdx, place: u32, span: Window) {
        let steps = &mut self.logged.steps;
        match steps.last_mut() {
            Some(last) if last.g == g && last.place == place && last.span.start == span.end => {
                last.span.start = span.start;
            }
            _ => steps.push(PathStep { span, g, place }),
        }
        if steps.len() >= 2 * MAX_STEPS {
            steps.drain(..MAX_STEPS);
            self.logged.more += MAX_STEPS as u64;
        }
    }
}
