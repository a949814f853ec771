//! The boxes of a flame graph before it is drawn: how many there are decides which are too narrow. Those are dropped
//! here, so that what draws sees no more of them than their room.

use super::clamped;
use crate::render::folded_stacks::{FoldedNode, FoldedStacks, Sides};
use std::fmt::Write as _;

/// Boxes drawn at most: a browser stays quick, and the file below a few megabytes.
const MAX_BOXES: usize = 10_000;

/// The script of the SVG counts in floats, which are exact up to here.
const MAX_WIDTH: u128 = 1 << 53;

/// Stands for narrow boxes at the top, in which there is nothing.
const GAP: &str = "-";

/// A box that is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FlameBox {
    pub(super) node: FoldedNode,
    /// How wide, of [`Boxes::width`].
    pub(super) width: u64,
    /// What its stacks count on each side.
    pub(super) sides: [u64; 2],
}

/// The boxes that are drawn, and how.
#[derive(Default)]
pub(super) struct Boxes {
    pub(super) list: Vec<FlameBox>,
    /// The box of everything.
    pub(super) width: u64,
    pub(super) sides: [u64; 2],
    /// Folded stacks of these boxes, each by its position in the list, in their order and with their own width.
    pub(super) lines: Vec<String>,
    pub(super) narrow: NarrowBoxes,
}

/// Boxes that are not drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct NarrowBoxes {
    /// How many.
    pub(super) boxes: usize,
    /// Those narrower than this are not drawn.
    pub(super) below: u64,
}

impl Boxes {
    /// The boxes of stacks; a stack is as wide as both of its sides together.
    pub(super) fn of(stacks: &FoldedStacks) -> Self {
        let nodes = stacks.nodes();
        let per = stacks.total().div_ceil(MAX_WIDTH).max(1);
        let widths = widths(stacks, per);
        let narrow = narrow_boxes(widths.iter().copied().filter(|&width| width > 0).collect());
        let mut drawing = Drawing::default();
        for (node, &width) in nodes.iter().zip(&widths) {
            drawing.close(node.depth as usize);
            if width >= narrow.below.max(1) {
                drawing.open(node, width);
            }
            let sides = stacks.sides(node);
            drawing.add(sides, own_width(sides, per));
        }
        drawing.finish(narrow)
    }
}

/// How wide a stack is that ends here. What is not drawn to scale has the least width.
fn own_width(sides: Option<Sides>, per: u128) -> u64 {
    let both = sides.map_or(0, |[base, new]| base.saturating_add(new));
    if both == 0 { 0 } else { clamped((u128::from(both) / per).max(1)) }
}

/// For each frame, how wide it is with all that is below it.
fn widths(stacks: &FoldedStacks, per: u128) -> Vec<u64> {
    let nodes = stacks.nodes();
    let mut widths = vec![0; nodes.len()];
    let mut open: Vec<(usize, u64)> = Vec::new();
    let mut at_end: u64 = 0;
    for (at, node) in nodes.iter().chain([&FoldedNode::ROOT]).enumerate() {
        for (closed, start) in open.drain((node.depth as usize).min(open.len())..) {
            widths[closed] = at_end - start;
        }
        open.push((at, at_end));
        at_end = at_end.saturating_add(own_width(stacks.sides(node), per));
    }
    widths
}

/// What to leave out so that no more than [`MAX_BOXES`] are left: the narrowest.
fn narrow_boxes(mut all: Vec<u64>) -> NarrowBoxes {
    if all.len() <= MAX_BOXES {
        return NarrowBoxes::default();
    }
    let (_, &mut too_narrow, _) = all.select_nth_unstable_by(MAX_BOXES, |a, b| b.cmp(a));
    let below = too_narrow.saturating_add(1);
    NarrowBoxes { boxes: all.iter().filter(|&&w| w < below).count(), below }
}

/// Goes through all frames in their order, and keeps what is drawn.
#[derive(Default)]
struct Drawing {
    boxes: Boxes,
    /// Of the drawn boxes around what comes next: where `line` has it, and what stacks counted before it.
    open: Vec<(usize, [u128; 2])>,
    /// Their numbers, folded.
    line: String,
    /// Of these boxes, the positions in the list.
    numbers: Vec<usize>,
    /// Room in the innermost of them that no line has yet.
    room: u64,
    /// What the stacks so far count.
    counted: [u128; 2],
}

impl Drawing {
    /// Ends the boxes that are as deep as this, or deeper.
    fn close(&mut self, depth: usize) {
        if depth >= self.open.len() {
            return;
        }
        self.flush();
        self.line.truncate(self.open[depth].0);
        for ((_, before), number) in self.open.drain(depth..).zip(self.numbers.drain(depth..)) {
            self.boxes.list[number].sides = [0, 1].map(|side: usize| clamped(self.counted[side] - before[side]));
        }
    }

    fn open(&mut self, node: &FoldedNode, width: u64) {
        self.flush();
        self.open.push((self.line.len(), self.counted));
        let number = self.boxes.list.len();
        self.numbers.push(number);
        let _ = write!(self.line, "{}{number}", if node.depth > 0 { ";" } else { "" });
        self.boxes.list.push(FlameBox { node: *node, width, sides: [0, 0] });
    }

    fn add(&mut self, sides: Option<Sides>, width: u64) {
        self.room = self.room.saturating_add(width);
        let sides = sides.unwrap_or_default();
        self.counted = [0, 1].map(|side: usize| self.counted[side] + u128::from(sides[side]));
    }

    /// Writes the line of the room.
    fn flush(&mut self) {
        let room = std::mem::take(&mut self.room);
        if room > 0 {
            let line = if self.line.is_empty() { GAP } else { &self.line };
            self.boxes.lines.push(format!("{line} {room}"));
            self.boxes.width = self.boxes.width.saturating_add(room);
        }
    }

    fn finish(mut self, narrow: NarrowBoxes) -> Boxes {
        self.close(0);
        self.flush();
        Boxes { narrow, sides: self.counted.map(clamped), ..self.boxes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::folded_stacks::FoldedBuilder;

    fn stacks(lines: &[(&str, u64)]) -> FoldedStacks {
        let mut builder = FoldedBuilder::default();
        for &(line, ns) in lines {
            builder.add_stack(line.split(';'), "x", [ns, 0]);
        }
        builder.finish()
    }

    #[test]
    fn lines_share_their_beginnings() {
        let boxes = Boxes::of(&stacks(&[("a;b", 1), ("a;c;d", 2), ("a;c;e", 4), ("z", 0)]));
        let widths: Vec<u64> = boxes.list.iter().map(|of| of.width).collect();
        assert_eq!(widths, [7, 1, 1, 6, 2, 2, 4, 4]);
        assert_eq!(boxes.lines, ["0;1;2 1", "0;3;4;5 2", "0;3;6;7 4"]);
        assert_eq!((boxes.narrow, boxes.width, boxes.sides), (NarrowBoxes::default(), 7, [7, 0]));
    }

    #[test]
    fn the_narrowest_are_cut_and_leave_their_room() {
        let names: Vec<String> =
            (0..MAX_BOXES).map(|i| format!("{}f{i:06}", if i % 2 == 0 { "" } else { "a;" })).collect();
        let lines: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(1..).collect();
        let boxes = Boxes::of(&stacks(&lines));
        // Each has a frame and a state, and half of them have one around them all.
        assert_eq!((boxes.narrow.boxes, boxes.narrow.below), (MAX_BOXES + 2, (MAX_BOXES / 2 + 2) as u64));
        assert_eq!(boxes.list.len(), 2 * MAX_BOXES + 1 - boxes.narrow.boxes);
        let width = |line: &String| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap();
        assert_eq!(boxes.lines.iter().map(width).sum::<u64>(), boxes.width);
        assert!(boxes.lines.iter().any(|line| line.starts_with("- ")));
        assert!(boxes.lines.iter().any(|line| line.starts_with("0 ")));
    }
}
