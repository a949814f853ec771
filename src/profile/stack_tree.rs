//! The stacks of a profile as one tree: parents before children, root frame first.

use super::{SharedText, SharedTexts};
use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};

/// Distinct frames, by index.
pub type FrameSet = IndexSet<ProfileFrame, FxBuildHasher>;

/// A node of a [`StackTree`]. Node 0 is the root of the tree and has no frame.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct NodeIdx(pub u32);

/// One frame as a profile shows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProfileFrame {
    /// Function with its package path, exactly as in the trace; or the name of a pseudo frame, such as `[go]`.
    pub function: SharedText,
    /// Source file; for a pseudo frame, what it stands for: `go statement` for `[go]`.
    pub file: SharedText,
    /// Line; 0 when unknown.
    pub line: u32,
}

impl ProfileFrame {
    /// The pseudo frame between a `go` statement's stack and the goroutine that it created.
    pub const GO: &'static str = "[go]";
    /// The pseudo frame between the stack that a goroutine waited on and what another one did meanwhile, for which it
    /// waited. `[waiting for] ×3` stands for three waits on one stack, each for the next goroutine.
    pub const WAITING_FOR: &'static str = "[waiting for]";
    /// The file of [`Self::WAITING_FOR`].
    pub const OTHER_GOROUTINE: &'static str = "other goroutine";
    /// The pseudo frame that stands for further waits, after eight or fewer ([`ToldWaits`](super::ToldWaits)).
    pub const MORE: &'static str = "[more]";
    /// The file of [`Self::MORE`].
    pub const FURTHER_GOROUTINES: &'static str = "further goroutines";
    /// The pseudo frame below what a request's goroutine did after its last stack in the root, when it may have returned
    /// already: its file is `root may be over`.
    pub const AFTER_LAST_STACK: &'static str = "[after the last stack]";
    /// Stands for the roots where two sides are compared whose roots have different names. Renderers show it like a
    /// function of the program, the outermost one.
    pub const ROOT: &'static str = "(root)";

    /// The file of the frame that stands for a state; pprof's own `-tagleaf` keeps the key there.
    pub const STATE_FILE: &'static str = "state";

    /// The name of the frame that stands for a state, below all others: Go's word for it, in Go's brackets.
    pub fn of_state(state: &str) -> String {
        format!("[{state}]")
    }

    /// The name of the frame that stands for so many waits on one stack.
    pub(crate) fn of_waits(n: usize) -> String {
        let times = if n == 1 { String::new() } else { format!(" ×{n}") };
        Self::WAITING_FOR.to_owned() + &times
    }

    /// For how many waits the frame stands; 0 for frames that stand for none.
    pub(crate) fn waits(&self) -> usize {
        let times = self.function.strip_prefix(Self::WAITING_FOR);
        times.map_or(0, |times| times.strip_prefix(" ×").and_then(|n| n.parse::<u8>().ok()).unwrap_or(1).into())
    }

    /// Whether another goroutine's stack is below the frame.
    pub fn is_waiting_for(&self) -> bool {
        self.function.starts_with(Self::WAITING_FOR)
    }

    /// Whether this tool added the frame: the program has no such function.
    pub fn is_pseudo(&self) -> bool {
        self.function.starts_with('[')
    }
}

/// Stacks as a tree: those with the same outermost frames share their nodes.
#[derive(Clone, Debug)]
pub struct StackTree {
    frames: FrameSet,
    /// The names in them.
    names: SharedTexts,
    /// Per node: parent and frame. Node 0 is its own parent.
    nodes: Vec<(NodeIdx, u32)>,
    by_node: FxHashMap<(NodeIdx, u32), NodeIdx>,
}

impl Default for StackTree {
    fn default() -> Self {
        Self {
            frames: FrameSet::default(),
            names: SharedTexts::default(),
            nodes: vec![(NodeIdx(0), u32::MAX)],
            by_node: FxHashMap::default(),
        }
    }
}

impl StackTree {
    /// The node of the empty stack.
    pub const ROOT: NodeIdx = NodeIdx(0);

    /// The index of a frame among [`frames`](Self::frames), added if new.
    pub fn intern_frame(&mut self, frame: ProfileFrame) -> u32 {
        self.frames.insert_full(frame).0 as u32
    }

    /// A name as the frames have it: one text for all that are equal.
    pub fn share(&mut self, name: &str) -> SharedText {
        self.names.share(name)
    }

    /// The same for a frame of these names.
    pub fn intern(&mut self, function: &str, file: &str, line: u32) -> u32 {
        let frame = ProfileFrame { function: self.names.share(function), file: self.names.share(file), line };
        self.intern_frame(frame)
    }

    /// The node for `frame` (an index of [`intern_frame`](Self::intern_frame)) called by `parent`, added if new.
    pub fn push(&mut self, parent: NodeIdx, frame: u32) -> NodeIdx {
        *self.by_node.entry((parent, frame)).or_insert_with(|| {
            self.nodes.push((parent, frame));
            NodeIdx(self.nodes.len() as u32 - 1)
        })
    }

    /// All distinct frames.
    pub fn frames(&self) -> &FrameSet {
        &self.frames
    }

    /// The frames of a stack, innermost first, as indexes of [`frames`](Self::frames).
    pub fn frame_indexes(&self, leaf: NodeIdx) -> impl Iterator<Item = u32> + '_ {
        let mut at = leaf;
        std::iter::from_fn(move || {
            (at != Self::ROOT).then(|| {
                let (parent, frame) = self.nodes[at.0 as usize];
                at = parent;
                frame
            })
        })
    }

    /// The frames of a stack, innermost first.
    pub fn stack(&self, leaf: NodeIdx) -> impl Iterator<Item = &ProfileFrame> + '_ {
        self.frame_indexes(leaf).map(|i| &self.frames[i as usize])
    }

    /// The frames of the goroutine that a stack is about, innermost first: without its creator's and those of the goroutines
    /// that waited for it.
    pub fn goroutine(&self, leaf: NodeIdx) -> impl Iterator<Item = &ProfileFrame> + '_ {
        let stack = self.stack(leaf).skip_while(|frame| frame.function == ProfileFrame::AFTER_LAST_STACK);
        stack.take_while(|frame| !frame.is_pseudo())
    }

    /// The frames of the request's own goroutine, innermost first: of a stack that others waited for, those that waited
    /// first.
    pub fn own_goroutine(&self, leaf: NodeIdx) -> impl Iterator<Item = &ProfileFrame> + '_ {
        let waits = self.stack(leaf).enumerate().filter(|(_, frame)| frame.is_waiting_for());
        let start = waits.last().map_or(0, |(at, _)| at + 1);
        let stack = self.stack(leaf).skip(start);
        let stack = stack.skip_while(|frame| frame.function == ProfileFrame::AFTER_LAST_STACK);
        stack.take_while(|frame| !frame.is_pseudo())
    }

    /// Whether a stack has all frames of another one, and more below these.
    pub fn is_below(&self, leaf: NodeIdx, above: NodeIdx) -> bool {
        let mut at = leaf;
        while at != Self::ROOT {
            at = self.nodes[at.0 as usize].0;
            if at == above {
                return above != Self::ROOT;
            }
        }
        false
    }

    /// The parent and the frame's index of each node but the root, in the order of nodes: parents come first.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeIdx, u32)> + '_ {
        self.nodes.iter().skip(1).copied()
    }

    /// Number of nodes, the root included.
    pub fn n_nodes(&self) -> usize {
        self.nodes.len()
    }
}
