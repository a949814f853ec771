//! `--focus`, `--ignore`, `--hide`, `--show-from`: which stacks of a result are shown, and which of their frames. They mean
//! what pprof's options of the same names mean.
//!
//! ```text
//!   focus      keeps stacks with a frame that matches
//!   ignore     drops stacks with a frame that matches
//!   hide       drops frames that match
//!   show-from  drops frames outside of the outermost one that matches; and stacks without one
//! ```
//!
//! As in pprof, `focus` and `ignore` look at whole stacks, then frames are hidden, then `show-from` cuts. An expression is
//! looked for in a frame's function and in its file. The state is a frame too, the innermost one: `[sync]` in the file
//! `state`. It can be looked for, but not be hidden.
//!
//! The tree has parents before children, so one walk over its nodes decides all stacks.

use super::{
    Exemplar, Metric, NodeIdx, Profile, ProfileFrame, Requests, Sample, StackTree, StateTotal, Weight, sample_order,
    sums,
};
use regex::Regex;
use rustc_hash::FxHashMap;

/// Which stacks are shown, and which of their frames. Without expressions: all.
#[derive(Clone, Debug, Default)]
pub struct StackFilter {
    /// Stacks need a frame that matches.
    pub focus: Option<Regex>,
    /// Stacks must not have a frame that matches.
    pub ignore: Option<Regex>,
    /// Frames that are left out.
    pub hide: Option<Regex>,
    /// The outermost frame that matches is where stacks begin.
    pub show_from: Option<Regex>,
}

/// What a filter left of a profile.
#[derive(Clone, Debug)]
pub struct FilteredStacks {
    /// The options, each with its expression: `--focus`, `net/http`.
    pub options: Vec<(&'static str, String)>,
    /// Options whose expression is in no frame of any sample.
    pub unmatched: Vec<&'static str>,
    /// What was asked for.
    pub(crate) filter: StackFilter,
    samples: Vec<Sample>,
    /// Of each of the profile's samples, which of these it is in.
    positions: Vec<Option<usize>>,
    states: Vec<StateTotal>,
    total: Weight,
}

impl FilteredStacks {
    /// Of each of the profile's samples, the position of the one that is shown; none where it is left out.
    pub(super) fn positions(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        self.positions.iter().copied()
    }
}

/// The stacks that are shown: all, or what a filter left of them.
#[derive(Clone, Copy, Debug)]
pub struct ShownStacks<'a> {
    /// As [`Profile::samples`].
    pub samples: &'a [Sample],
    /// As [`Profile::states`].
    pub states: &'a [StateTotal],
    /// The sum of these samples.
    pub total: Weight,
}

impl StackFilter {
    /// The options that are given, with their expressions.
    pub fn options(&self) -> impl Iterator<Item = (&'static str, &Regex)> {
        let all = [
            ("--focus", &self.focus),
            ("--ignore", &self.ignore),
            ("--hide", &self.hide),
            ("--show-from", &self.show_from),
        ];
        all.into_iter().filter_map(|(name, regex)| Some((name, regex.as_ref()?)))
    }
}

impl Profile {
    /// Chooses among the stacks: what [`shown`](Self::shown) gives. In exemplars, what is left out has no stack. All else stays as it is. Call it once, on a finished profile.
    pub fn filter_stacks(&mut self, filter: &StackFilter) {
        if filter.options().next().is_none() {
            return;
        }
        let shown = ShownNodes::of(filter, &mut self.tree);
        let unmatched = filter.options().filter(|(_, regex)| !is_anywhere(regex, self)).map(|(name, _)| name).collect();
        let options = filter.options().map(|(name, regex)| (name, regex.as_str().to_owned())).collect();
        let (samples, positions) = sorted(joined(&self.samples, filter, &shown), self.metric);
        let (states, total) = sums(&samples, self.metric);
        if let Some(Requests { exemplars, state_names, .. }) = &mut self.requests {
            for exemplar in exemplars {
                filter_exemplar(exemplar, state_names, filter, &shown);
            }
        }
        self.filtered =
            Some(FilteredStacks { options, unmatched, filter: filter.clone(), samples, positions, states, total });
    }

    /// The stacks that are shown.
    pub fn shown(&self) -> ShownStacks<'_> {
        match &self.filtered {
            Some(FilteredStacks { samples, states, total, .. }) => ShownStacks { samples, states, total: *total },
            None => ShownStacks { samples: &self.samples, states: &self.states, total: self.total },
        }
    }
}

/// Whether a sample has a frame that matches.
fn is_anywhere(regex: &Regex, profile: &Profile) -> bool {
    let matching: Vec<bool> = profile.tree.frames().iter().map(|frame| matches(regex, frame)).collect();
    let mut on_stack = vec![false];
    for (parent, frame) in profile.tree.nodes() {
        on_stack.push(on_stack[parent.0 as usize] || matching[frame as usize]);
    }
    profile.samples.iter().any(|sample| on_stack[sample.stack.0 as usize] || matches_state(regex, &sample.state))
}

/// Samples that are shown, and which of them each of the profile's is in.
type JoinedSamples = (Vec<Sample>, Vec<Option<usize>>);

/// The samples that are shown; those that are alike now are one.
fn joined(samples: &[Sample], filter: &StackFilter, shown: &ShownNodes) -> JoinedSamples {
    let (mut joined, mut positions): JoinedSamples = (Vec::new(), Vec::with_capacity(samples.len()));
    let mut by_names = FxHashMap::default();
    for sample in samples {
        let Some(stack) = shown.stack(filter, sample.stack, &sample.state) else {
            positions.push(None);
            continue;
        };
        let names = (stack, &sample.state, sample.detail, sample.precision, &sample.root, &sample.waited_in);
        let at = *by_names.entry(names).or_insert(joined.len());
        positions.push(Some(at));
        match joined.get_mut(at) {
            Some(same) => same.weight += sample.weight,
            None => joined.push(Sample { stack, ..sample.clone() }),
        }
    }
    (joined, positions)
}

/// The same in the order of a profile.
fn sorted((samples, positions): JoinedSamples, metric: Metric) -> JoinedSamples {
    let mut numbered: Vec<(usize, Sample)> = samples.into_iter().enumerate().collect();
    let order = sample_order(metric);
    numbered.sort_by(|(_, a), (_, b)| order(a, b));
    let mut moved = vec![0; numbered.len()];
    numbered.iter().enumerate().for_each(|(to, (from, _))| moved[*from] = to);
    let positions = positions.into_iter().map(|at| at.map(|at| moved[at])).collect();
    (numbered.into_iter().map(|(_, sample)| sample).collect(), positions)
}

/// Pieces of the path and of goroutines keep their time and their state.
fn filter_exemplar(exemplar: &mut Exemplar, state_names: &[String], filter: &StackFilter, shown: &ShownNodes) {
    let stack = |stack: NodeIdx, state: &str| shown.stack(filter, stack, state).unwrap_or(StackTree::ROOT);
    for piece in &mut exemplar.path {
        piece.stack = stack(piece.stack, &piece.state);
    }
    for over in &mut exemplar.hand_overs {
        over.stack = stack(over.stack, &over.state);
    }
    for piece in exemplar.lanes.iter_mut().flat_map(|lane| &mut lane.pieces) {
        let state = state_names.get(usize::from(piece.state)).map_or("", String::as_str);
        piece.stack = stack(piece.stack, state);
    }
}

fn matches(regex: &Regex, frame: &ProfileFrame) -> bool {
    regex.is_match(&frame.function) || regex.is_match(&frame.file)
}

fn matches_state(regex: &Regex, state: &str) -> bool {
    regex.is_match(&ProfileFrame::of_state(state)) || regex.is_match(ProfileFrame::STATE_FILE)
}

/// What is known of the frames from the outermost one down to a node.
#[derive(Clone, Copy)]
struct ShownNode {
    is_focused: bool,
    is_ignored: bool,
    /// The node of the frames that are shown; none where `show-from` was not reached.
    shown: Option<NodeIdx>,
}

/// By node of the tree, what is shown of its stack.
struct ShownNodes {
    nodes: Vec<ShownNode>,
}

impl ShownNodes {
    /// Decides all nodes, and adds those to the tree that only shown frames lead to.
    fn of(filter: &StackFilter, tree: &mut StackTree) -> Self {
        let by_frame = |regex: &Option<Regex>| -> Vec<bool> {
            let matches = |frame| regex.as_ref().is_some_and(|regex| matches(regex, frame));
            tree.frames().iter().map(matches).collect()
        };
        let [focus, ignore, hide, from] =
            [&filter.focus, &filter.ignore, &filter.hide, &filter.show_from].map(by_frame);
        let start = filter.show_from.is_none().then_some(StackTree::ROOT);
        let mut nodes = vec![ShownNode { is_focused: filter.focus.is_none(), is_ignored: false, shown: start }];
        let all: Vec<(NodeIdx, u32)> = tree.nodes().collect();
        for (parent, frame) in all {
            let (above, at) = (nodes[parent.0 as usize], frame as usize);
            let begins = above.shown.or(from[at].then_some(StackTree::ROOT));
            let shown = if hide[at] { above.shown } else { begins.map(|parent| tree.push(parent, frame)) };
            let (is_focused, is_ignored) = (above.is_focused || focus[at], above.is_ignored || ignore[at]);
            nodes.push(ShownNode { is_focused, is_ignored, shown });
        }
        Self { nodes }
    }

    /// What is shown of a stack that ends in a state; none when it is left out.
    fn stack(&self, filter: &StackFilter, stack: NodeIdx, state: &str) -> Option<NodeIdx> {
        let is_state = |regex: &Option<Regex>| regex.as_ref().is_some_and(|regex| matches_state(regex, state));
        let node = self.nodes[stack.0 as usize];
        let is_focused = node.is_focused || is_state(&filter.focus);
        let is_ignored = node.is_ignored || is_state(&filter.ignore);
        let shown = node.shown.or_else(|| is_state(&filter.show_from).then_some(StackTree::ROOT));
        shown.filter(|_| is_focused && !is_ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of 1, 10 and 100 ns on three stacks.
    fn profile() -> Profile {
        let mut profile = Profile::default();
        for (names, state, ns) in [("a b c", "running", 1), ("a b d", "sync", 10), ("e b", "running", 100)] {
            let mut stack = StackTree::ROOT;
            for name in names.split(' ') {
                let frame = ProfileFrame {
                    function: format!("main.{name}").into(),
                    file: format!("{name}.go").into(),
                    line: 1,
                };
                let frame = profile.tree.intern_frame(frame);
                stack = profile.tree.push(stack, frame);
            }
            profile
                .samples
                .push(Sample { weight: Weight { events: 1, goroutine_ns: ns, latency_ns: 0 }, ..sample(stack, state) });
        }
        profile.finish();
        profile
    }

    fn sample(stack: NodeIdx, state: &str) -> Sample {
        Sample {
            stack,
            state: state.into(),
            detail: "",
            precision: super::super::Precision::Exact,
            root: "".into(),
            waited_in: "".into(),
            weight: Weight::default(),
        }
    }

    /// Stacks as `a b [state] ns`, sorted.
    fn shown(focus: &str, ignore: &str, hide: &str, show_from: &str) -> Vec<String> {
        let mut profile = profile();
        let regex = |text: &str| (!text.is_empty()).then(|| Regex::new(text).unwrap());
        let filter =
            StackFilter { focus: regex(focus), ignore: regex(ignore), hide: regex(hide), show_from: regex(show_from) };
        profile.filter_stacks(&filter);
        let shown = profile.shown();
        let sum: u64 = shown.samples.iter().map(|s| s.weight.goroutine_ns).sum();
        assert_eq!((shown.total.goroutine_ns, profile.total.goroutine_ns), (sum, 111));
        assert_eq!(shown.states.iter().map(|s| s.weight.goroutine_ns).sum::<u64>(), sum);
        let line = |sample: &Sample| {
            let mut names: Vec<&str> = profile.tree.stack(sample.stack).map(|f| &f.function["main.".len()..]).collect();
            names.reverse();
            format!("{} [{}] {}", names.join(" "), sample.state, sample.weight.goroutine_ns)
        };
        let mut lines: Vec<String> = profile.shown().samples.iter().map(line).collect();
        lines.sort();
        lines
    }

    #[test]
    fn nothing_given_shows_all() {
        assert_eq!(shown("", "", "", ""), ["a b c [running] 1", "a b d [sync] 10", "e b [running] 100"]);
    }

    #[test]
    fn focus_and_ignore_choose_stacks() {
        assert_eq!(shown("main.a", "", "", ""), ["a b c [running] 1", "a b d [sync] 10"]);
        assert_eq!(shown("", "main.a", "", ""), ["e b [running] 100"]);
        assert_eq!(shown("main.b", "d.go", "", ""), ["a b c [running] 1", "e b [running] 100"]);
        assert_eq!(shown(r"\[sync\]", "", "", ""), ["a b d [sync] 10"]);
        assert_eq!(shown("nowhere", "", "", ""), [""; 0]);
    }

    #[test]
    fn hidden_frames_are_looked_for_too_and_stacks_that_become_alike_are_one() {
        assert_eq!(shown("main.a", "", "main.[ac]", ""), ["b [running] 1", "b d [sync] 10"]);
        assert_eq!(shown("", "", "main.[ace]", ""), ["b [running] 101", "b d [sync] 10"]);
        assert_eq!(shown("", "", "main|state", ""), [" [running] 101", " [sync] 10"]);
    }

    #[test]
    fn stacks_begin_at_the_outermost_frame_that_matches() {
        assert_eq!(shown("", "", "", "main.[bc]"), ["b [running] 100", "b c [running] 1", "b d [sync] 10"]);
        assert_eq!(shown("", "", "", "main.c"), ["c [running] 1"]);
        assert_eq!(shown("", "", "", "sync"), [" [sync] 10"]);
        // What is hidden is no beginning.
        assert_eq!(shown("", "", "main.b", "main.[bc]"), ["c [running] 1"]);
    }

    #[test]
    fn an_expression_that_matches_nothing_is_told() {
        let mut profile = profile();
        let regex = |text: &str| Some(Regex::new(text).unwrap());
        profile.filter_stacks(&StackFilter {
            focus: regex("main.a"),
            hide: regex("nowhere"),
            ..StackFilter::default()
        });
        let filtered = profile.filtered.unwrap();
        assert_eq!(filtered.unmatched, ["--hide"]);
        assert_eq!((filtered.total.goroutine_ns, filtered.options.len()), (11, 2));
    }
}
