//! Frames of a sample as exports write them.

use super::clean::clean;
use crate::profile::{NodeIdx, ProfileFrame, StackTree};

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
    ProfileFrame::of_state(state)
}

/// File of the state's pseudo frame.
pub(crate) const STATE_FILE: &str = ProfileFrame::STATE_FILE;

/// The functions of a stack, outermost first, with `;` between.
pub(super) fn stack_line(tree: &StackTree, leaf: NodeIdx) -> String {
    line_of(tree, leaf, CUT, |frame| frame.function.to_string())
}

/// The lines of a stack, `file:line`, outermost first, with `;` between.
pub(super) fn place_line(tree: &StackTree, leaf: NodeIdx) -> String {
    line_of(tree, leaf, CUT_FILE, |frame| format!("{}:{}", frame.file, frame.line))
}

fn line_of(tree: &StackTree, leaf: NodeIdx, cut_frame: &str, text: impl Fn(&ProfileFrame) -> String) -> String {
    let (indexes, cut) = leaf_first(tree, leaf);
    let all = tree.frames();
    let mut line = String::new();
    if cut {
        push_frame(&mut line, cut_frame);
    }
    for &i in indexes.iter().rev() {
        push_frame(&mut line, &text(&all[i as usize]));
    }
    line
}

/// `;` separates frames and a line is a stack, so neither may be part of a name.
fn push_frame(line: &mut String, frame: &str) {
    if !line.is_empty() {
        line.push(';');
    }
    line.push_str(&clean(&frame.replace([';', '\n', '\r'], ",")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_the_format() {
        let mut line = String::new();
        push_frame(&mut line, "a;b\nc\x1b");
        push_frame(&mut line, "d e");
        assert_eq!(line, "a,b,c\\x1B;d e");
    }
}
