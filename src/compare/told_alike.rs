//! Two sides whose stacks tell chains of waits by the same number of waits: that of the side that tells fewer.
//!
//! Each side tells its chains by as many waits as it had room for. Without this, one that both sides have would be new and gone:
//!
//! ```text
//!   new     A → [waiting for] → B → [waiting for] → C    ─►  A → [waiting for] → [more] → C
//!   base    A → [waiting for] → [more] → C                   the same
//! ```
//!
//! It is done before `--focus` and the like look at stacks, so that these find the same on both sides.

use crate::profile::{NodeIdx, Profile, ProfileFrame, Sample, StackTree, UnseenWaits, Weight};
use std::borrow::Cow;

/// Both sides for matching stacks. One that tells more waits than the other is made anew, with samples and what a filter leaves
/// of them alone.
pub(super) fn told_alike(sides: [&Profile; 2]) -> [Cow<'_, Profile>; 2] {
    let [Some(a), Some(b)] = sides.map(|side| side.waits.shown) else { return sides.map(Cow::Borrowed) };
    let fewest = a.and(b).fewest;
    [(a, sides[0]), (b, sides[1])]
        .map(|(shown, side)| if shown.most <= fewest { Cow::Borrowed(side) } else { Cow::Owned(told_by(side, fewest)) })
}

/// The samples of a profile, told by so many waits at most.
fn told_by(profile: &Profile, most: u8) -> Profile {
    let mut tree = profile.tree.clone();
    let mut samples = Vec::with_capacity(profile.samples.len());
    let mut unseen = profile.waits.unseen.clone();
    unseen.sort_by_key(|of| of.sample);
    let mut unseen = unseen.into_iter().peekable();
    for (i, sample) in (0..).zip(&profile.samples) {
        let mut seen_ns = sample.weight.latency_ns;
        while let Some(of) = unseen.next_if(|of| of.sample == i) {
            let weight = Weight { latency_ns: of.ns, ..Weight::default() };
            let stack = shortened(&mut tree, sample, Some(of), most);
            samples.push(Sample { stack, weight, ..sample.clone() });
            seen_ns = seen_ns.saturating_sub(of.ns);
        }
        let weight = Weight { latency_ns: seen_ns, ..sample.weight };
        if weight != Weight::default() {
            let stack = shortened(&mut tree, sample, None, most);
            samples.push(Sample { stack, weight, ..sample.clone() });
        }
    }
    let mut told = Profile { tree, samples, metric: profile.metric, ..Profile::default() };
    if let Some(filtered) = &profile.filtered {
        told.filter_stacks(&filtered.filter);
    }
    told
}

/// The stack of a sample, or of the part of its time whose chain has waits that the stack does not show, told by so many waits.
fn shortened(tree: &mut StackTree, sample: &Sample, unseen: Option<UnseenWaits>, most: u8) -> NodeIdx {
    let mut frames: Vec<u32> = tree.frame_indexes(sample.stack).collect();
    frames.reverse();
    let waits = |frame: u32| tree.frames()[frame as usize].waits();
    let all: usize = unseen.map_or_else(|| frames.iter().map(|frame| waits(*frame)).sum(), |of| of.waits.into());
    let Some(last) = frames.iter().rposition(|frame| waits(*frame) > 0) else { return sample.stack };
    if all <= usize::from(most) {
        return sample.stack;
    }
    let work = frames.split_off(last + 1);
    let is_more = |frame: &u32| tree.frames()[*frame as usize].function == ProfileFrame::MORE;
    let work = if work.first().is_some_and(is_more) { &work[1..] } else { &work[..] };
    // After the first wait there always is one, whether or not it has a stack.
    let shown = usize::from(unseen.map_or(most, |of| of.shown_of(most))).max(1);
    if most == 0 {
        frames.clear();
        if !sample.root.is_empty() {
            frames.push(tree.intern(&sample.root, "", 0));
        }
        frames.push(waiting_for(tree, 1));
    } else {
        keep_waits(tree, &mut frames, shown);
    }
    frames.push(tree.intern(ProfileFrame::MORE, ProfileFrame::FURTHER_GOROUTINES, 0));
    frames.iter().chain(work).fold(StackTree::ROOT, |at, frame| tree.push(at, *frame))
}

/// Cuts frames, outermost first, after so many waits.
fn keep_waits(tree: &mut StackTree, frames: &mut Vec<u32>, most: usize) {
    let mut before = 0;
    for i in 0..frames.len() {
        let waits = tree.frames()[frames[i] as usize].waits();
        if waits > 0 && before + waits >= most {
            frames.truncate(i);
            return frames.push(waiting_for(tree, most - before));
        }
        before += waits;
    }
}

fn waiting_for(tree: &mut StackTree, n: usize) -> u32 {
    tree.intern(&ProfileFrame::of_waits(n), ProfileFrame::OTHER_GOROUTINE, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{ShownWaits, StackFilter, ToldWaits};
    use regex::Regex;

    /// A profile of these stacks, outermost first, each with its time.
    fn profile(most: Option<u8>, stacks: &[(&str, u64)]) -> Profile {
        let mut profile = Profile {
            waits: ToldWaits { shown: most.map(ShownWaits::by_one), unseen: Vec::new() },
            ..Profile::default()
        };
        for (stack, latency_ns) in stacks {
            let leaf = stack.split(';').fold(StackTree::ROOT, |at, function| {
                let file = match function {
                    waits if waits.starts_with("[w") => ProfileFrame::OTHER_GOROUTINE,
                    ProfileFrame::MORE => ProfileFrame::FURTHER_GOROUTINES,
                    _ => "",
                };
                let frame = profile.tree.intern(function, file, 0);
                profile.tree.push(at, frame)
            });
            let weight = Weight { latency_ns: *latency_ns, ..Weight::default() };
            profile.samples.push(Sample { stack: leaf, root: "root".into(), weight, ..Sample::default() });
        }
        profile
    }

    fn stacks(profile: &Profile, samples: &[Sample]) -> Vec<(String, u64)> {
        let name = |sample: &Sample| {
            let mut names: Vec<&str> = profile.tree.stack(sample.stack).map(|f| f.function.as_str()).collect();
            names.reverse();
            names.join(";")
        };
        samples.iter().map(|sample| (name(sample), sample.weight.latency_ns)).collect()
    }

    /// The stacks of a profile and their time, beside a side that tells so many waits.
    fn told(profile: &Profile, most: u8) -> Vec<(String, u64)> {
        let other = self::profile(Some(most), &[]);
        let [a, b] = told_alike([profile, &other]);
        assert!(matches!(b, Cow::Borrowed(_)), "the one that tells fewer stays");
        stacks(&a, &a.samples)
    }

    fn one(stack: &str) -> Vec<(String, u64)> {
        vec![(stack.to_owned(), 9)]
    }

    #[test]
    fn waits_are_cut_after_as_many_as_the_other_side_tells() {
        let all = "root;A;[waiting for] ×2;B;b;[waiting for];[more];C;c";
        let of = |most| told(&profile(Some(8), &[(all, 9)]), most);
        assert_eq!(of(3), one(all));
        assert_eq!(of(2), one("root;A;[waiting for] ×2;[more];C;c"));
        assert_eq!(of(1), one("root;A;[waiting for];[more];C;c"));
        assert_eq!(of(0), one("root;[waiting for];[more];C;c"));
        let unknown_stack = "root;A;[waiting for];[waiting for] ×2;C";
        assert_eq!(
            told(&profile(Some(8), &[(unknown_stack, 9)]), 2),
            one("root;A;[waiting for];[waiting for];[more];C")
        );
        // Those of the request's own goroutine have no waits.
        assert_eq!(told(&profile(Some(8), &[("root;A", 9)]), 0), one("root;A"));
    }

    #[test]
    fn nothing_is_cut_where_both_tell_as_many_or_that_is_not_known() {
        let deep = |most| profile(most, &[("root;A;[waiting for];B;[waiting for];C", 9)]);
        for sides in [[Some(8), Some(8)], [Some(1), None], [None, Some(1)], [None, None]] {
            let [a, b] = sides.map(deep);
            assert!(told_alike([&a, &b]).iter().all(|side| matches!(side, Cow::Borrowed(_))), "{sides:?}");
        }
    }

    #[test]
    fn what_several_commands_told_is_told_alike() {
        let mixed = [("root;A;[waiting for];B;[waiting for];C", 4), ("root;A;[waiting for];[more];C", 5)];
        let side = |fewest, most| {
            let mut side = profile(None, &mixed);
            side.waits.shown = Some(ShownWaits { fewest, most });
            side
        };
        let cut = ("root;A;[waiting for];[more];C".to_owned(), 4);
        for (shown, is_cut) in [((1, 8), true), ((8, 8), false)] {
            let (a, b) = (side(shown.0, shown.1), profile(Some(8), &[("root;A;[waiting for];B;[waiting for];C", 9)]));
            let [a, b] = told_alike([&a, &b]).map(Cow::into_owned);
            assert_eq!(stacks(&a, &a.samples).contains(&cut), is_cut, "{shown:?}");
            assert_eq!(stacks(&b, &b.samples) == one("root;A;[waiting for];[more];C"), is_cut, "{shown:?}");
        }
    }

    #[test]
    fn waits_without_a_stack_count() {
        let mut side = profile(Some(8), &[("root;A;[waiting for];B;[waiting for];C", 9), ("root;[waiting for];D", 5)]);
        // Of 9 ns, 4 were waited for in A, in a goroutine that did not exist yet, and in B; 5 in one and in another alone.
        side.waits.unseen = vec![
            UnseenWaits { sample: 1, waits: 1, unseen: 0b1, ns: 5 },
            UnseenWaits { sample: 0, waits: 3, unseen: 0b10, ns: 4 },
        ];
        let of = |most| told(&side, most).into_iter().map(|(stack, ns)| format!("{stack} {ns}")).collect::<Vec<_>>();
        let all = |ns| format!("root;A;[waiting for];B;[waiting for];C {ns}");
        let (first, any) = ("root;A;[waiting for];[more];C", "root;[waiting for];[more]");
        let alone = "root;[waiting for];D 5".to_owned();
        assert_eq!(of(3), [all(4), all(5), alone.clone()]);
        assert_eq!(of(2), [format!("{first} 4"), all(5), alone.clone()]);
        assert_eq!(of(1), [format!("{first} 4"), format!("{first} 5"), alone]);
        assert_eq!(of(0), [format!("{any};C 4"), format!("{any};C 5"), format!("{any};D 5")]);
    }

    #[test]
    fn filters_look_at_stacks_that_are_cut() {
        let filtered = |show_from: &str, most| {
            let mut side = profile(Some(8), &[("root;A;[waiting for];B;[waiting for];C", 9)]);
            let regex = Regex::new(show_from).unwrap();
            side.filter_stacks(&StackFilter { show_from: Some(regex), ..StackFilter::default() });
            let other = profile(Some(most), &[]);
            let [side, _] = told_alike([&side, &other]);
            stacks(&side, side.shown().samples)
        };
        assert_eq!(filtered("B", 8), one("B;[waiting for];C"));
        assert_eq!(filtered("B", 1), []);
        assert_eq!(filtered("A", 1), one("A;[waiting for];[more];C"));
    }
}
