//! The boxes of a flame graph before it is drawn: how many there are decides which are too narrow.

use super::model::WeightedStack;

/// Boxes drawn at most: a browser stays quick, and the file below a few megabytes.
const MAX_BOXES: usize = 10_000;

/// Boxes that are not drawn.
pub(super) struct NarrowBoxes {
    /// How many.
    pub(super) boxes: usize,
    /// Those narrower than this are not drawn.
    pub(super) below: u64,
}

/// What to leave out so that no more than [`MAX_BOXES`] are left: the narrowest. `widths` are those of the lines.
pub(super) fn narrow_boxes(lines: &[WeightedStack<'_>], widths: &[u64]) -> NarrowBoxes {
    let mut all = box_widths(lines, widths);
    if all.len() <= MAX_BOXES {
        return NarrowBoxes { boxes: 0, below: 0 };
    }
    let (_, &mut too_narrow, _) = all.select_nth_unstable_by(MAX_BOXES, |a, b| b.cmp(a));
    let below = too_narrow.saturating_add(1);
    NarrowBoxes { boxes: all.iter().filter(|&&w| w < below).count(), below }
}

/// The widths of all boxes: lines next to each other share the boxes that they begin with.
fn box_widths(lines: &[WeightedStack<'_>], widths: &[u64]) -> Vec<u64> {
    let mut done = Vec::new();
    let mut open: Vec<(&str, u64)> = Vec::new();
    let mut at = 0;
    for (line, width) in lines.iter().zip(widths) {
        let frames = line.stack.split(';');
        let shared = frames.clone().zip(&open).take_while(|(frame, open)| *frame == open.0).count();
        done.extend(open.drain(shared..).map(|(_, start)| at - start));
        open.extend(frames.skip(shared).map(|frame| (frame, at)));
        at += width;
    }
    done.extend(open.into_iter().map(|(_, start)| at - start));
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_share_their_beginnings() {
        let lines = ["a;b", "a;c;d", "a;c;e"].map(|stack| WeightedStack { stack, ns: 0 });
        let mut widths = box_widths(&lines, &[1, 2, 4]);
        widths.sort_unstable();
        assert_eq!(widths, [1, 2, 4, 6, 7]);
        assert_eq!(narrow_boxes(&lines, &[1, 2, 4]).boxes, 0);
    }

    #[test]
    fn the_narrowest_are_cut() {
        let stacks: Vec<String> = (0..MAX_BOXES + 100).map(|i| format!("f{i:06}")).collect();
        let lines: Vec<WeightedStack<'_>> = stacks.iter().map(|stack| WeightedStack { stack, ns: 0 }).collect();
        let widths: Vec<u64> = (1..=stacks.len() as u64).collect();
        let narrow = narrow_boxes(&lines, &widths);
        assert_eq!((narrow.boxes, narrow.below), (100, 101));
    }
}
