//! The table of requests: a row for each one, and a column for each state. Those that do not count, since an edge cuts them or
//! as nothing decides whose they are, have no states; of cut ones only the least that they took is known.

use super::super::Options;
use super::Table;
use crate::profile::{CutRequest, Profile, Request, Requests, UndecidedRequest};
use std::io::{self, Write};

/// States with a column of their own, at most: what is in others is added up.
const STATE_COLUMNS: usize = 64;
/// The column of all other states, where there are any.
const OTHER: &str = "[other states]";

/// Writes the requests that count, in the order of traces and of their starts; then those that are cut, then undecided ones.
pub(in crate::render) fn write(profile: &Profile, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(out);
    let none = Requests::default();
    let requests = profile.requests.as_ref().unwrap_or(&none);
    let columns = StateColumns::of(profile, requests);
    let fixed =
        ["trace", "goid", "start_ns", "dur_ns", "at_least_ns", "partial", "may_be_several", "undecided", "root"];
    table.row(fixed.map(str::to_owned).into_iter().chain(columns.names()))?;
    for request in &requests.list {
        let root = requests.roots.get(request.root as usize).map_or("", String::as_str);
        table.row(FixedColumns::of(request, root).write(profile).into_iter().chain(columns.values(request)))?;
    }
    // With `--include-partial` they are in the list.
    let cut = if requests.include_partial { &[][..] } else { &requests.cut };
    let undecided = profile.selection.undecided.list.iter().map(FixedColumns::of_undecided);
    for request in cut.iter().map(FixedColumns::of_cut).chain(undecided) {
        table.row(request.write(profile).into_iter().chain(columns.none()))?;
    }
    table.finish()
}

/// The columns that each table has.
struct FixedColumns<'a> {
    trace: u32,
    goid: u64,
    start_ns: u64,
    dur_ns: Option<u64>,
    at_least_ns: Option<u64>,
    partial: bool,
    may_be_several: bool,
    undecided: bool,
    root: &'a str,
}

impl<'a> FixedColumns<'a> {
    fn of(request: &Request, root: &'a str) -> Self {
        let &Request { trace, goid, start_ns, dur_ns, at_least_ns, partial, may_be_several, .. } = request;
        let dur_ns = Some(dur_ns);
        let at_least_ns = at_least_ns.get();
        Self { trace, goid, start_ns, dur_ns, at_least_ns, partial, may_be_several, undecided: false, root }
    }

    fn of_cut(request: &'a CutRequest) -> Self {
        let &CutRequest { trace, goid, start_ns, at_least_ns, may_be_several, ref root, .. } = request;
        let (dur_ns, at_least_ns) = (None, Some(at_least_ns));
        Self { trace, goid, start_ns, dur_ns, at_least_ns, partial: true, may_be_several, undecided: false, root }
    }

    fn of_undecided(request: &UndecidedRequest) -> Self {
        let &UndecidedRequest { trace, goid, start_ns, dur_ns, .. } = request;
        Self {
            trace,
            goid,
            start_ns,
            dur_ns: Some(dur_ns),
            at_least_ns: None,
            partial: false,
            may_be_several: false,
            undecided: true,
            root: "",
        }
    }

    fn write(&self, profile: &Profile) -> [String; 9] {
        let number = |ns: Option<u64>| ns.map_or(String::new(), |ns| ns.to_string());
        [
            profile.traces.get(self.trace as usize).map_or(String::new(), |trace| trace.name.to_string()),
            self.goid.to_string(),
            self.start_ns.to_string(),
            number(self.dur_ns),
            number(self.at_least_ns),
            self.partial.to_string(),
            self.may_be_several.to_string(),
            self.undecided.to_string(),
            self.root.to_owned(),
        ]
    }
}

/// Which states have which column.
struct StateColumns {
    names: Vec<String>,
    /// By position of the state in [`Requests::state_names`].
    column: Vec<usize>,
}

impl StateColumns {
    /// Columns in the order of the profile's states.
    fn of(profile: &Profile, requests: &Requests) -> Self {
        let is_used = |state: &str| requests.state_names.iter().any(|name| name == state);
        let ordered = profile.states.iter().map(|total| total.state.clone()).take(STATE_COLUMNS).filter(|s| is_used(s));
        let mut names: Vec<String> = ordered.collect();
        let column =
            requests.state_names.iter().map(|name| names.iter().position(|n| n == name).unwrap_or(names.len()));
        let column: Vec<usize> = column.collect();
        let has_others = column.contains(&names.len());
        names = names.iter().map(|name| format!("[{name}]")).chain(has_others.then(|| OTHER.to_owned())).collect();
        Self { names, column }
    }

    fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.names.iter().cloned()
    }

    /// Nothing in each column.
    fn none(&self) -> impl Iterator<Item = String> + use<> {
        std::iter::repeat_n(String::new(), self.names.len())
    }

    /// The time of a request by column, in ns.
    fn values(&self, request: &Request) -> impl Iterator<Item = String> + use<> {
        let mut sums = vec![0_u64; self.names.len()];
        for (state, ns) in request.states.iter() {
            let sum = &mut sums[self.column[usize::from(state)]];
            *sum = sum.saturating_add(ns);
        }
        sums.into_iter().map(|ns| ns.to_string())
    }
}
