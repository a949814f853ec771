//! Which goroutines of the slowest request are drawn, in which order, and what stands beside them.

use super::axis::returns;
use super::layout::View;
use crate::profile::{Exemplar, Lane, WakerKind};
use crate::render::names;
use crate::render::units::count;
use rustc_hash::{FxHashMap, FxHashSet};

/// Goroutines drawn unless `-n 0` asks for all.
const MAX_LANES: usize = 12;
/// Levels of the tree that are set in.
const MAX_DEPTH: usize = 6;

/// A lane that is drawn.
pub(super) struct DrawnLane {
    /// Its position in [`Exemplar::lanes`].
    pub(super) lane: usize,
    /// For each level of the tree, whether more lanes follow on it. The last one is its own.
    levels: Vec<bool>,
    /// How many lanes are alike and not drawn.
    alike: usize,
}

/// For each lane, the one that stands for it: the first of those with the same creator and the same function that are not on
/// the critical path and created nothing. A lane that is like no other stands for itself.
fn alike(slowest: &Exemplar) -> Vec<usize> {
    let creators: FxHashSet<usize> = slowest.lanes.iter().filter_map(|lane| lane.parent).collect();
    let mut first = FxHashMap::default();
    let lanes = slowest.lanes.iter().enumerate();
    lanes
        .map(|(i, lane)| {
            let is_plain = i > 0 && lane.path_ns == 0 && !creators.contains(&i);
            let key = (lane.parent, lane.kind, function(lane));
            if is_plain && !key.2.is_empty() { *first.entry(key).or_insert(i) } else { i }
        })
        .collect()
}

/// What a goroutine runs, as far as that is known.
fn function(lane: &Lane) -> &str {
    if lane.runs.is_empty() { &lane.entry } else { &lane.runs }
}

/// The lanes to draw, children after their creators. Those on the critical path come before others, and of those that are
/// alike the first stands for all.
pub(super) fn choose(slowest: &Exemplar, all: bool) -> Vec<DrawnLane> {
    let n = slowest.lanes.len();
    let stands_for: Vec<usize> = if all { (0..n).collect() } else { alike(slowest) };
    let mut wanted: Vec<usize> = (0..n).filter(|&i| stands_for[i] == i).collect();
    // Stable, so the request's own lane stays the first.
    wanted.sort_by_key(|&i| (i != 0, slowest.lanes[i].path_ns == 0));
    wanted.truncate(if all { n } else { MAX_LANES });
    let mut kept = vec![false; n];
    for &i in &wanted {
        kept[i] = true;
    }
    let parents: Vec<Option<usize>> = (0..n).map(|i| kept_parent(slowest, &kept, i)).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); n];
    let mut tops = Vec::new();
    for i in (0..n).filter(|&i| kept[i]) {
        match parents[i] {
            Some(parent) => children[parent].push(i),
            None => tops.push(i),
        }
    }
    let mut order = Vec::new();
    // With its own stack: a chain of goroutines may be long.
    let alike = |lane| stands_for.iter().filter(|&&of| of == lane).count() - 1;
    let top = |lane| DrawnLane { lane, levels: Vec::new(), alike: alike(lane) };
    let mut stack: Vec<DrawnLane> = tops.into_iter().rev().map(top).collect();
    while let Some(shown) = stack.pop() {
        for (i, &child) in children[shown.lane].iter().enumerate().rev() {
            let mut levels = shown.levels.clone();
            levels.push(i + 1 < children[shown.lane].len());
            if levels.len() > MAX_DEPTH {
                levels.remove(0);
            }
            stack.push(DrawnLane { lane: child, levels, alike: alike(child) });
        }
        order.push(shown);
    }
    order
}

/// The nearest creator that is drawn. A creator stands before what it created, so this ends.
fn kept_parent(slowest: &Exemplar, kept: &[bool], lane: usize) -> Option<usize> {
    let mut at = lane;
    loop {
        at = slowest.lanes[at].parent.filter(|&p| p < at)?;
        if kept[at] {
            return Some(at);
        }
    }
}

/// `├ 48118 main.fetchUser`.
pub(super) fn label(view: &View<'_>, slowest: &Exemplar, shown: &DrawnLane) -> String {
    let lane = &slowest.lanes[shown.lane];
    let (more, last, down) = if view.options.unicode { ("├ ", "└ ", "│ ") } else { ("+ ", "+ ", "| ") };
    let mut text = String::new();
    if let Some((&own, above)) = shown.levels.split_last() {
        text.extend(above.iter().map(|&follows| if follows { down } else { "  " }));
        text.push_str(if own { more } else { last });
    }
    let entry = names::function(function(lane), false);
    // Without the package: the number identifies the goroutine, and names are long.
    let entry = entry.split_once('.').map_or(&*entry, |(_, name)| name);
    format!("{text}{} {entry}", lane.goid).trim_end().to_owned()
}

/// Where a goroutine outside the request's subtree belongs, which goroutine it waited for longest, and how many others are
/// alike.
pub(super) fn note(slowest: &Exemplar, shown: &DrawnLane) -> String {
    let lane = shown.lane;
    let outside = match slowest.lanes[lane].kind {
        WakerKind::Sibling => "another request",
        WakerKind::Outside => "outside",
        WakerKind::Runtime => "the runtime",
        WakerKind::Inside | WakerKind::Network | WakerKind::Timer | WakerKind::Unknown => "",
    };
    let returns = returns(lane, &slowest.path);
    let waits = slowest.lanes[lane].pieces.iter();
    let waits = waits.filter_map(|piece| {
        let end_ns = piece.start_ns.saturating_add(piece.dur_ns);
        returns.get(&end_ns).map(|goid| (piece.dur_ns, goid))
    });
    let longest = waits.max().map(|(_, goid)| format!("waits for {goid}"));
    let alike = (shown.alike > 0).then(|| format!("and {} alike", count(shown.alike as u64)));
    [Some(outside.to_owned()).filter(|s| !s.is_empty()), longest, alike]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Options;

    fn slowest(parents: &[Option<usize>]) -> Exemplar {
        let lane = |(goid, &parent)| Lane { goid, parent, entry: "main.f".into(), ..Lane::default() };
        Exemplar { lanes: (1..).zip(parents).map(lane).collect(), ..Exemplar::default() }
    }

    fn labels(slowest: &Exemplar, all: bool) -> Vec<String> {
        let options = Options::default();
        let view = View::new(&options);
        choose(slowest, all).iter().map(|s| label(&view, slowest, s)).collect()
    }

    #[test]
    fn children_stand_below_their_creator() {
        let tree = slowest(&[None, Some(0), None, Some(0), Some(1), Some(4)]);
        assert_eq!(labels(&tree, false), ["1 f", "├ 2 f", "│ └ 5 f", "│   └ 6 f", "└ 4 f", "3 f"]);
    }

    #[test]
    fn the_first_of_lanes_that_are_alike_stands_for_all() {
        let mut tree = slowest(&[None, Some(0), Some(0), Some(0), Some(0), Some(4), Some(0)]);
        tree.lanes[2].path_ns = 1;
        tree.lanes[6].runs = "main.g".into();
        // Not the third, which is on the path, nor the fifth, which created one, nor the last, which runs something else.
        assert_eq!(labels(&tree, false), ["1 f", "├ 2 f", "├ 3 f", "├ 5 f", "│ └ 6 f", "└ 7 g"]);
        let notes: Vec<String> = choose(&tree, false).iter().map(|shown| note(&tree, shown)).collect();
        assert_eq!(notes, ["", "and 1 alike", "", "", "", ""]);
        assert_eq!(labels(&tree, true).len(), 7);
    }

    #[test]
    fn parents_that_make_no_sense_are_ignored() {
        assert_eq!(labels(&slowest(&[Some(1), Some(1), Some(7)]), false), ["1 f", "2 f", "3 f"]);
        assert!(labels(&slowest(&[]), false).is_empty());
    }

    #[test]
    fn lanes_of_the_path_are_drawn_first_and_a_long_chain_is_no_recursion() {
        let mut many = slowest(&(0..100_usize).map(|i| i.checked_sub(1)).collect::<Vec<_>>());
        many.lanes[99].path_ns = 1;
        let shown = labels(&many, false);
        assert_eq!((shown.len(), shown[0].as_str()), (MAX_LANES, "1 f"));
        assert!(shown.iter().any(|l| l.ends_with("100 f")));
        assert_eq!(labels(&many, true).len(), 100);
    }
}
