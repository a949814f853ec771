//! The calls from bytes to a result, in their order. Threads are started here alone.
//!
//! ```text
//!             open_trace        slicing                                listing
//! Input ────> OpenTrace ──┬──> survey ─> select ─> measure ─> fold ──> Profile
//!             (v1 or v2)  └──> survey ─────────────────────> check ──> Candidates
//! ```
//!
//! `check` orders the events only to find what is wrong with their order. `open_trace` alone asks which dialect of the
//! format a trace has: [`v1`] (Go 1.5 – 1.21) and [`v2`] (Go 1.22 and later) have the passes of one trace. `each_trace`
//! calls them for all traces, small files side by side. `threads` decides when work is shared out, `in_order` takes the
//! results of work that is done side by side in a fixed order, so that the result is the same for any number of threads.
//! `progress` counts the bytes that are done.

mod anonymize;
mod chosen;
mod each_trace;
mod elsewhere;
mod endpoint_selectors;
mod events;
mod in_order;
mod listing;
mod looked_at;
mod matched;
mod open_trace;
mod progress;
mod selection;
mod slicing;
mod snapshots;
#[cfg(test)]
mod testing;
mod threads;
mod v1;
mod v2;
mod wanted;

pub use anonymize::{Renamer, anonymize};
pub use events::events;
pub use listing::candidates;
pub use progress::{Progress, ProgressHook};
pub(crate) use selection::selection_of;
pub use slicing::{endpoints, profile};

use crate::profile::{Candidates, Metric, Only, Profile, SharedText};
use crate::trace::binary::Resolver;
use crate::trace::source::Source;

/// One trace to read.
pub struct Input<'a> {
    /// Its name in reports.
    pub name: SharedText,
    /// Its bytes, decompressed.
    pub source: &'a dyn Source,
    /// Names addresses, for traces without names (`--binary`).
    pub resolver: Option<&'a (dyn Resolver + Sync)>,
}

impl<'a> Input<'a> {
    /// A trace whose bytes are at hand, or can be read at positions.
    pub fn new(name: impl Into<SharedText>, source: &'a dyn Source) -> Self {
        Self { name: name.into(), source, resolver: None }
    }
}

/// How stacks of child goroutines are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stacks {
    /// Under the stack of the `go` statement that created the goroutine.
    #[default]
    Joined,
    /// Alone.
    Own,
}

/// How to work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How stacks of child goroutines are shown.
    pub stacks: Stacks,
    /// Number of threads; 0 means as many as there are cores.
    pub threads: usize,
    /// What is counted. Critical paths are walked for latency alone.
    pub metric: Metric,
    /// Which requests count; none for all.
    pub only: Option<Only>,
    /// Whether requests count that an edge of the trace, or of the part looked at, cuts.
    pub include_partial: bool,
    /// Whether each request's time by stack is wanted ([`Requests::stacks`](crate::profile::Requests::stacks)).
    pub request_stacks: bool,
    /// Whether the list of undecided requests is wanted ([`Undecided::list`](crate::profile::Undecided::list)).
    pub undecided: bool,
    /// Whether more requests than the slowest are wanted with their goroutines
    /// ([`Requests::exemplars`](crate::profile::Requests::exemplars)), and when the collector worked.
    pub exemplars: bool,
}

/// What came of a selection.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Something matched.
    Profile(Box<Profile>),
    /// Nothing matched; here is what could have.
    NoMatch(Box<Candidates>),
}
