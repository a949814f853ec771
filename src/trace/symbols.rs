//! Strings, frames and stacks, interned once for the whole trace.
//!
//! The file numbers strings and stacks anew in every generation, so only the indexes of this table outlive one.
//! Stacks form one tree, from the outermost frame at the root to the innermost at the leaves: stacks share their outer
//! frames, and the frames common to two stacks are their lowest common ancestor.

use super::ids::{FrameIdx, StackIdx, StringIdx};
use rustc_hash::FxHashMap;

/// One frame of a stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Frame {
    /// Function, with its package path, exactly as in the trace.
    pub function: StringIdx,
    /// Source file; [`StringIdx::EMPTY`] when unknown.
    pub file: StringIdx,
    /// Line in the file; 0 when unknown.
    pub line: u32,
}

/// A stack: its leaf, and the stack without it.
#[derive(Clone, Copy, Debug)]
struct Node {
    parent: StackIdx,
    frame: FrameIdx,
    /// Number of frames.
    depth: u32,
}

/// The tables. They begin with the empty string, [`StringIdx::EMPTY`], and the empty stack, [`StackIdx::EMPTY`].
#[derive(Debug)]
pub struct Symbols {
    /// The texts of all strings, one after the other.
    text: String,
    /// The end of each string in `text`.
    ends: Vec<usize>,
    by_text: FxHashMap<Box<str>, StringIdx>,
    frames: Vec<Frame>,
    by_frame: FxHashMap<Frame, FrameIdx>,
    /// The stacks; parents before their children.
    nodes: Vec<Node>,
    by_node: FxHashMap<(StackIdx, FrameIdx), StackIdx>,
}

impl Default for Symbols {
    fn default() -> Self {
        let mut symbols = Self {
            text: String::new(),
            ends: Vec::new(),
            by_text: FxHashMap::default(),
            frames: Vec::new(),
            by_frame: FxHashMap::default(),
            nodes: vec![Node { parent: StackIdx::NONE, frame: FrameIdx::NONE, depth: 0 }],
            by_node: FxHashMap::default(),
        };
        symbols.intern("");
        symbols
    }
}

impl Symbols {
    /// The index of a string, added if new.
    pub(crate) fn intern(&mut self, text: &str) -> StringIdx {
        if let Some(&idx) = self.by_text.get(text) {
            return idx;
        }
        let idx = StringIdx(self.ends.len() as u32);
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.by_text.insert(text.into(), idx);
        idx
    }

    /// The index of a string of the trace, added if new. Bytes that are not UTF-8 become the text `\xNN`.
    pub(crate) fn intern_bytes(&mut self, bytes: &[u8]) -> StringIdx {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.intern(text),
            Err(_) => self.intern(&escape_invalid(bytes)),
        }
    }

    /// The index of a frame, added if new.
    pub(crate) fn intern_frame(&mut self, frame: Frame) -> FrameIdx {
        *self.by_frame.entry(frame).or_insert_with(|| {
            self.frames.push(frame);
            FrameIdx(self.frames.len() as u32 - 1)
        })
    }

    /// The stack with `frame` called by the leaf of `parent`, added if new.
    pub(crate) fn push_frame(&mut self, parent: StackIdx, frame: FrameIdx) -> StackIdx {
        *self.by_node.entry((parent, frame)).or_insert_with(|| {
            let depth = self.nodes[parent.at()].depth + 1;
            self.nodes.push(Node { parent, frame, depth });
            StackIdx(self.nodes.len() as u32 - 1)
        })
    }

    /// The index of a stack given leaf first, as in the file; added if new.
    pub(crate) fn intern_stack(&mut self, leaf_first: &[FrameIdx]) -> StackIdx {
        leaf_first.iter().rev().fold(StackIdx::EMPTY, |stack, &frame| self.push_frame(stack, frame))
    }

    /// The text of a string; empty for [`StringIdx::NONE`].
    pub fn text(&self, idx: StringIdx) -> &str {
        if !idx.is_some() {
            return "";
        }
        let start = if idx == StringIdx::EMPTY { 0 } else { self.ends[idx.at() - 1] };
        &self.text[start..self.ends[idx.at()]]
    }

    /// A frame by its index.
    pub fn frame(&self, idx: FrameIdx) -> Frame {
        self.frames[idx.at()]
    }

    /// The function name of a frame.
    pub fn function(&self, idx: FrameIdx) -> &str {
        self.text(self.frame(idx).function)
    }

    /// The innermost frame of a stack; none for the empty stack.
    pub fn leaf(&self, stack: StackIdx) -> Option<FrameIdx> {
        let frame = self.nodes[stack.at()].frame;
        frame.is_some().then_some(frame)
    }

    /// The stack without its innermost frame; the empty stack stays empty.
    pub fn parent(&self, stack: StackIdx) -> StackIdx {
        let parent = self.nodes[stack.at()].parent;
        if parent.is_some() { parent } else { StackIdx::EMPTY }
    }

    /// Number of frames.
    pub fn depth(&self, stack: StackIdx) -> u32 {
        self.nodes[stack.at()].depth
    }

    /// The frames of a stack, from the innermost to the outermost.
    pub fn frames(&self, stack: StackIdx) -> impl Iterator<Item = FrameIdx> + '_ {
        let mut at = stack;
        std::iter::from_fn(move || {
            let node = self.nodes[at.at()];
            (node.depth > 0).then(|| {
                at = node.parent;
                node.frame
            })
        })
    }

    /// The frames that were certainly on the stack all the time from when it was `a` to when it was `b`: the outer frames
    /// that both share, and true. If the next frame of both is the same function at different lines, that function was
    /// there too: then the part of `a` up to it, and false, because its line is not known.
    pub(crate) fn bracket(&self, mut a: StackIdx, mut b: StackIdx) -> (StackIdx, bool) {
        let (mut below_a, mut below_b) = (StackIdx::EMPTY, StackIdx::EMPTY);
        while a != b {
            // Parents precede children, so the larger index cannot be an ancestor of the smaller.
            if a > b {
                below_a = a;
                a = self.nodes[a.at()].parent;
            } else {
                below_b = b;
                b = self.nodes[b.at()].parent;
            }
        }
        match (self.leaf(below_a), self.leaf(below_b)) {
            (Some(x), Some(y)) if self.frame(x).function == self.frame(y).function => (below_a, false),
            _ => (a, true),
        }
    }

    /// The part of a stack from its outermost frame inwards to the first frame of a function; [`StackIdx::NONE`] if the
    /// function is not on it.
    pub(crate) fn outermost(&self, stack: StackIdx, function: StringIdx) -> StackIdx {
        let (mut at, mut found) = (stack, StackIdx::NONE);
        while let Some(leaf) = self.leaf(at) {
            if self.frame(leaf).function == function {
                found = at;
            }
            at = self.parent(at);
        }
        found
    }

    /// The outermost frame of a stack as a stack of its own; the empty stack stays empty.
    pub(crate) fn root_frame(&self, stack: StackIdx) -> StackIdx {
        let mut at = stack;
        while self.nodes[at.at()].depth > 1 {
            at = self.nodes[at.at()].parent;
        }
        at
    }

    /// A value for every stack, by its index: `classify` gives a value for each distinct function name, and `enter` the
    /// value of a stack from that of its outer frames and that of its leaf's name. The empty stack has the default.
    /// `classify` gets the file of one of the function's frames too.
    pub(crate) fn fold_stacks<F: Copy, S: Copy + Default>(
        &self,
        mut classify: impl FnMut(&str, &str) -> F,
        mut enter: impl FnMut(S, F, u32) -> S,
    ) -> Vec<S> {
        let mut by_name: FxHashMap<StringIdx, F> = FxHashMap::default();
        let frames: Vec<F> = self
            .frames
            .iter()
            .map(|f| *by_name.entry(f.function).or_insert_with(|| classify(self.text(f.function), self.text(f.file))))
            .collect();
        let mut stacks = vec![S::default(); self.nodes.len()];
        // Parents precede children.
        for (i, node) in self.nodes.iter().enumerate().skip(1) {
            let frame = node.frame.at();
            stacks[i] = enter(stacks[node.parent.at()], frames[frame], self.frames[frame].line);
        }
        stacks
    }

    /// For every stack, by its index, whether the name of one of its functions satisfies `matches`, which is called once for
    /// each name.
    pub(crate) fn stacks_with(&self, mut matches: impl FnMut(&str) -> bool) -> Vec<bool> {
        self.fold_stacks(|name, _| matches(name), |outer: bool, frame, _| outer || frame)
    }
}

fn escape_invalid(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(symbols: &mut Symbols, names: &[&str]) -> StackIdx {
        names.iter().fold(StackIdx::EMPTY, |at, name| {
            let function = symbols.intern(name);
            let frame = symbols.intern_frame(Frame { function, file: StringIdx::EMPTY, line: 1 });
            symbols.push_frame(at, frame)
        })
    }

    #[test]
    fn equal_content_is_one_entry() {
        let mut s = Symbols::default();
        let a = stack(&mut s, &["main.main", "main.f"]);
        let b = stack(&mut s, &["main.main", "main.f"]);
        assert_eq!(a, b);
        assert_eq!(s.depth(a), 2);
        assert_eq!(s.function(s.leaf(a).unwrap()), "main.f");
    }

    #[test]
    fn common_frames_count_from_the_root() {
        let mut s = Symbols::default();
        let a = stack(&mut s, &["main", "f", "g", "h"]);
        let b = stack(&mut s, &["main", "f", "x"]);
        let f = stack(&mut s, &["main", "f"]);
        assert_eq!(s.bracket(a, b), (f, true));
        assert_eq!(s.bracket(a, f), (f, true));
        assert_eq!(s.bracket(a, a), (a, true));
        let other = stack(&mut s, &["other"]);
        assert_eq!(s.bracket(a, other), (StackIdx::EMPTY, true));
        assert_eq!(s.root_frame(a), stack(&mut s, &["main"]));
    }

    #[test]
    fn a_function_at_two_lines_was_there_all_along() {
        let mut s = Symbols::default();
        let main = stack(&mut s, &["main"]);
        let mut at_line = |line| {
            let function = s.intern("f");
            let frame = s.intern_frame(Frame { function, file: StringIdx::EMPTY, line });
            s.push_frame(main, frame)
        };
        let (early, late) = (at_line(10), at_line(12));
        assert_eq!(s.bracket(early, late), (early, false));
    }

    #[test]
    fn a_stack_matches_when_any_frame_does() {
        let mut s = Symbols::default();
        let a = stack(&mut s, &["main", "handler", "read"]);
        let b = stack(&mut s, &["main", "other"]);
        let hits = s.stacks_with(|name| name == "handler");
        assert!(hits[a.at()] && !hits[b.at()] && !hits[0]);
    }

    #[test]
    fn bytes_that_are_no_text_stay_visible() {
        let mut s = Symbols::default();
        let idx = s.intern_bytes(b"a\xff\xfeb");
        assert_eq!(s.text(idx), "a\\xFF\\xFEb");
        assert_eq!(s.text(StringIdx::NONE), "");
    }
}
