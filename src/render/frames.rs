//! Frames of a sample as exports write them.

use crate::profile::{NodeIdx, StackTree};

/// Frames written per stack at most; Go records 128 for one goroutine, joined stacks can be any length.
/// The outermost are left out, so that an export stays linear in the trace's size.
pub(crate) const MAX_FRAMES: usize = 1024;

/// Stands for the frames left out.
pub(crate) const CUT: &str = "[cut]";

/// File of the frame that stands for the frames left out.
pub(crate) const CUT_FILE: &str = "frames left out";

/// The frames of a stack, innermost first, as indexes of the tree's frames; and whether frames were left out.
pub(crate) fn leaf_first(tree: &StackTree, leaf: NodeIdx) -> (Vec<u32>, bool) {
    let mut frames: Vec<u32> = tree.frame_indexes(leaf).take(MAX_FRAMES + 1).collect();
    let cut = frames.len() > MAX_FRAMES;
    frames.truncate(MAX_FRAMES);
    (frames, cut)
}

/// The pseudo frame that ends every exported stack: Go's word for the state in Go's brackets.
pub(crate) fn state_frame(state: &str) -> String {
    format!("[{state}]")
}

/// File of the state's pseudo frame; pprof's own `-tagleaf` keeps the key there.
pub(crate) const STATE_FILE: &str = "state";
