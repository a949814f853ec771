//! The table of requests: a row for each one that counts, and a column for each state.

use super::super::Options;
use super::Table;
use crate::profile::{Profile, Request, Requests};
use std::io::{self, Write};

/// States with a column of their own, at most: what is in others is added up.
const STATE_COLUMNS: usize = 64;
/// The column of all other states, where there are any.
const OTHER: &str = "[other states]";

/// Writes the requests that count, in the order of traces and of their starts.
pub(in crate::render) fn write(profile: &Profile, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(out);
    let none = Requests::default();
    let requests = profile.requests.as_ref().unwrap_or(&none);
    let columns = StateColumns::of(profile, requests);
    let fixed = ["trace", "goid", "start_ns", "dur_ns", "at_least_ns", "partial", "may_be_several", "root"];
    table.row(fixed.map(str::to_owned).into_iter().chain(columns.names()))?;
    for request in &requests.list {
        let fixed = [
            profile.traces.get(request.trace as usize).map_or(String::new(), |trace| trace.name.clone()),
            request.goid.to_string(),
            request.start_ns.to_string(),
            request.dur_ns.to_string(),
            request.at_least_ns.map_or(String::new(), |ns| ns.to_string()),
            request.partial.to_string(),
            request.may_be_several.to_string(),
            requests.roots.get(request.root as usize).cloned().unwrap_or_default(),
        ];
        table.row(fixed.into_iter().chain(columns.values(request)))?;
    }
    table.finish()
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

    /// The time of a request by column, in ns.
    fn values(&self, request: &Request) -> impl Iterator<Item = String> + use<> {
        let mut sums = vec![0_u64; self.names.len()];
        for (state, ns) in &request.states {
            let sum = &mut sums[self.column[usize::from(*state)]];
            *sum = sum.saturating_add(*ns);
        }
        sums.into_iter().map(|ns| ns.to_string())
    }
}
