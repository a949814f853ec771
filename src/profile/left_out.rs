//! A filtered profile whose time is all there: for a page, which adds up the time of single requests.
//!
//! ```text
//!   samples   those that the filter left, as they are shown │ one for each state: what was filtered out, without a stack
//!   requests  their pieces are of these samples, and still add up to how long each took
//! ```

use super::{NodeIdx, Precision, Profile, RequestStacks, Sample, StackTree, Weight};
use rustc_hash::FxHashMap;
use std::borrow::Cow;

/// All time of a profile, with the stacks that are shown.
#[derive(Clone, Debug)]
pub struct WholeTime<'a> {
    /// As [`Profile::samples`].
    pub samples: Cow<'a, [Sample]>,
    /// From this position on, samples are what a filter left out, by state.
    pub left_out: usize,
    /// Of each request; none where it was not asked for.
    pub stacks: Option<Cow<'a, RequestStacks>>,
}

impl Profile {
    /// All time, with the stacks that are shown.
    pub fn whole_time(&self) -> WholeTime<'_> {
        let stacks = self.requests.as_ref().and_then(|requests| requests.stacks.as_ref());
        let Some(filtered) = &self.filtered else {
            let stacks = stacks.map(Cow::Borrowed);
            return WholeTime { samples: Cow::Borrowed(&self.samples), left_out: self.samples.len(), stacks };
        };
        let mut samples = self.shown().samples.to_vec();
        let left_out = samples.len();
        let mut by_state: FxHashMap<&str, usize> = FxHashMap::default();
        let mut positions = Vec::with_capacity(self.samples.len());
        for (sample, shown) in self.samples.iter().zip(filtered.positions()) {
            let position = shown.unwrap_or_else(|| {
                *by_state.entry(&sample.state).or_insert_with(|| {
                    samples.push(without_stack(sample));
                    samples.len() - 1
                })
            });
            if shown.is_none() {
                samples[position].weight += sample.weight;
            }
            positions.push(position as u32);
        }
        let stacks = stacks.map(|stacks| {
            let mut stacks = stacks.clone();
            stacks.renumber(|sample| positions[sample as usize]);
            Cow::Owned(stacks)
        });
        WholeTime { samples: Cow::Owned(samples), left_out, stacks }
    }
}

fn without_stack(sample: &Sample) -> Sample {
    const NONE: NodeIdx = StackTree::ROOT;
    let nothing = || "".into();
    Sample {
        stack: NONE,
        state: sample.state.clone(),
        detail: "",
        precision: Precision::Exact,
        root: nothing(),
        waited_in: nothing(),
        weight: Weight::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ProfileFrame, Request, RequestTotals, Requests, StackFilter};
    use super::*;
    use regex::Regex;

    /// Samples of 1, 10 and 100 ns; a request of the first two, and one of the last two.
    fn profile() -> Profile {
        let mut profile = Profile::default();
        for (name, state, ns) in [("main.a", "running", 1), ("main.b", "sync", 10), ("main.c", "sync", 100)] {
            let frame = profile.tree.intern_frame(ProfileFrame { function: name.into(), file: "m.go".into(), line: 1 });
            let stack = profile.tree.push(StackTree::ROOT, frame);
            let weight = Weight { latency_ns: ns, ..Weight::default() };
            profile.samples.push(Sample { stack, state: state.into(), weight, ..without_stack_of_nothing() });
        }
        let mut stacks = RequestStacks::default();
        stacks.push(RequestTotals::default(), [(0, 1), (1, 4)], []);
        stacks.push(RequestTotals::default(), [(1, 6), (2, 100)], []);
        let list = [5, 106].map(|dur_ns| Request { dur_ns, ..Request::default() }).to_vec();
        profile.requests = Some(Requests { list, stacks: Some(stacks), ..Requests::default() });
        profile
    }

    fn without_stack_of_nothing() -> Sample {
        without_stack(&Sample::default())
    }

    /// Samples as `state ns`, those left out in brackets; and the pieces of both requests.
    fn whole(focus: Option<&str>) -> (Vec<String>, Vec<Vec<(usize, u64)>>) {
        let mut profile = profile();
        let focus = focus.map(|focus| Regex::new(focus).unwrap());
        profile.filter_stacks(&StackFilter { focus, ..StackFilter::default() });
        let whole = profile.whole_time();
        let row = |(i, sample): (usize, &Sample)| {
            let text = format!("{} {}", sample.state, sample.weight.latency_ns);
            if i < whole.left_out { text } else { format!("[{text}]") }
        };
        let stacks = whole.stacks.as_ref().unwrap();
        (whole.samples.iter().enumerate().map(row).collect(), [0, 1].map(|i| stacks.of(i).collect()).to_vec())
    }

    #[test]
    fn what_is_filtered_out_keeps_its_time_and_its_state() {
        let (samples, pieces) = whole(Some("main.c"));
        assert_eq!(samples, ["sync 100", "[running 1]", "[sync 10]"]);
        assert_eq!(pieces, [vec![(1, 1), (2, 4)], vec![(0, 100), (2, 6)]]);
        let (samples, pieces) = whole(Some("main.[bc]"));
        assert_eq!(samples.last().unwrap(), "[running 1]");
        assert_eq!(pieces.concat().iter().map(|(_, ns)| ns).sum::<u64>(), 111);
    }

    #[test]
    fn without_a_filter_nothing_is_left_out() {
        assert_eq!(whole(None).0, ["running 1", "sync 10", "sync 100"]);
        assert_eq!(whole(Some("main")).0.iter().filter(|sample| sample.starts_with('[')).count(), 0);
    }
}
