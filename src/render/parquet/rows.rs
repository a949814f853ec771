//! Which rows the table has.

use crate::profile::{NodeIdx, Precision, Profile, Sample};

/// Whose row it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Owner {
    /// A request of the list, by its position.
    Request(usize),
    /// An undecided one, by its position.
    Undecided(usize),
}

/// What its time was spent in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Spent {
    /// A sample of the profile, by its position.
    Sample(usize),
    /// A state, of which the stacks were not kept: its position among the names of states.
    More(u16),
    /// That is not known.
    Unknown,
}

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Row {
    pub(super) owner: Owner,
    pub(super) spent: Spent,
    /// How long, in ns; none where that is not known.
    pub(super) ns: Option<u64>,
    /// Whether it is the first row of its request.
    pub(super) is_first: bool,
}

/// All rows: those of the list first, then the undecided requests.
pub(super) fn rows(profile: &Profile) -> impl Iterator<Item = Row> + '_ {
    let stacks = profile.requests.as_ref().and_then(|requests| requests.stacks.as_ref());
    let of_list = stacks.into_iter().flat_map(move |stacks| {
        (0..stacks.len()).flat_map(move |request| {
            let mut times: Vec<(Spent, u64)> = joined(profile, stacks.of(request).collect());
            times.extend(stacks.more_of(request).iter().map(|more| (Spent::More(more.state), more.ns)));
            let owner = Owner::Request(request);
            times.into_iter().enumerate().map(move |(i, (spent, ns))| Row {
                owner,
                spent,
                ns: Some(ns),
                is_first: i == 0,
            })
        })
    });
    let undecided = (0..profile.selection.undecided.list.len()).map(Owner::Undecided);
    of_list.chain(undecided.map(|owner| Row { owner, spent: Spent::Unknown, ns: None, is_first: true }))
}

/// The samples of a request; those that differ in nothing that the table has are one.
fn joined(profile: &Profile, times: Vec<(usize, u64)>) -> Vec<(Spent, u64)> {
    let mut joined: Vec<(usize, u64)> = Vec::with_capacity(times.len());
    for (sample, ns) in times {
        let of = |sample: usize| key(&profile.samples[sample]);
        match joined.iter_mut().find(|(known, _)| of(*known) == of(sample)) {
            Some((_, sum)) => *sum = sum.saturating_add(ns),
            None => joined.push((sample, ns)),
        }
    }
    joined.into_iter().map(|(sample, ns)| (Spent::Sample(sample), ns)).collect()
}

fn key(sample: &Sample) -> (NodeIdx, &str, &str, Precision, &str) {
    (sample.stack, &sample.state, sample.detail, sample.precision, &sample.waited_in)
}
