//! Pass 1: who created whom, where matching functions were on goroutines' own stacks, and which user tasks and regions
//! match.
//!
//! *In:* a trace's events, either those of single threads as the wire has them (`v2/`, Go 1.22 and later), or all events
//! in causal order (`v1.rs`, older traces); and the selection, as functions that decide which names match.
//! *Out:* a [`Survey`]: the [`Forest`] of goroutines and creations with what can be a root, the symbols, what servers
//! served, and per generation what pass 2 needs.
//!
//! 1. Every stack is classified once: [`roots::classify`] says whether it matches, and where in a server it is.
//! 2. `v2/` or `v1.rs` goes through the events. What they say about a goroutine becomes evidence
//!    ([`roots::tracker`]) and annotation events ([`annotations::kind`]), in the goroutine's own order.
//! 3. `collect.rs` takes both. A tracker for each goroutine turns evidence into stretches and requests
//!    (`roots/`), the annotation sink turns annotation events into tasks and regions (`annotations/`).
//! 4. At the trace's end all of it is in the forest. [`candidates()`] and [`handlers()`] list what there is, for a caller
//!    without a selection.
//!
//! ```text
//!  v2/   threads of a generation ─ scans ─┐                ┌─ roots/ ──────── stretches, requests ─┐
//!                                         ├─► collect.rs ──┤                                       ├─► forest.rs
//!  v1.rs events in causal order ──────────┘                └─ annotations/ ── tasks, regions ──────┘
//! ```
//!
//! Only `v2/` and `v1.rs` know the wire's formats. Read `forest.rs` first, then `roots/`, `collect.rs`, `v1.rs`, `v2/`.

pub(crate) mod annotations;
mod candidates;
mod collect;
mod elsewhere;
mod endpoints;
mod first_calls;
pub(crate) mod forest;
mod handlers;
pub(crate) mod listed;
pub(crate) mod roots;
pub(crate) mod spans;
mod started;
pub(crate) mod stretch;
mod undecided;
pub(crate) mod v1;
pub(crate) mod v2;

pub(crate) use candidates::candidates;
pub(crate) use first_calls::FirstCalls;
pub(crate) use forest::{AnnotatedRoot, Annotation, Forest, Goroutine, Origin, Work};
pub(crate) use handlers::{endpoints, handlers, unknown_handler};
pub(crate) use spans::CutSpan;
#[cfg(test)]
pub(crate) use spans::ServedSpan;
pub(crate) use started::Started;
pub(crate) use stretch::{SeenPart, Stretch};
pub(crate) use undecided::{Among, Asked, SameServers, undecided};

use crate::profile::UndecidedRequest;
use crate::trace::ids::GIdx;
use crate::trace::symbols::Symbols;
use crate::trace::time::{Time, Window};
use crate::trace::warning_list::WarningList;
use annotations::list::ListedAnnotations;
use roots::served::{Served, ServerRequest};
use rustc_hash::FxHashSet;
use v2::collect::GenerationSurvey;

/// Decides whether the name of a function, a task or a region matches a selection.
pub(crate) type NameMatcher<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// All that pass 1 learns.
#[derive(Default, Debug)]
pub(crate) struct Survey {
    /// Who created whom.
    pub(crate) forest: Forest,
    /// Names of everything.
    pub(crate) symbols: Symbols,
    /// What servers served.
    pub(crate) served: Served,
    /// The user tasks and regions that there are; none with a selection.
    pub(crate) annotations: ListedAnnotations,
    /// Goroutines that a list does not count, as another snapshot of the process does.
    pub(crate) left_out: FxHashSet<GIdx>,
    /// Goroutines with a stack whose outer end was cut off.
    pub(crate) truncated: FxHashSet<GIdx>,
    /// What pass 2 needs to know of each generation; empty for a trace without generations.
    pub(crate) generations: Vec<GenerationSurvey>,
    /// Number of timed events.
    pub(crate) events: u64,
    /// The trace's first moment.
    pub(crate) start: Time,
    /// Latest time on a thread's own clock.
    pub(crate) end: Time,
    /// The last value of GOMAXPROCS; none when the trace does not have it.
    pub(crate) gomaxprocs: Option<u64>,
    /// What could not be read.
    pub(crate) warnings: WarningList,
}

/// A request of a server, as far as a part of a trace shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeenRequest {
    /// Its position among all that were served.
    pub(crate) position: u32,
    /// Id of its goroutine in the file.
    pub(crate) goid: u64,
    /// From when it was seen.
    pub(crate) start: Time,
    /// Until when.
    pub(crate) end: Time,
    /// Whether it began before that part.
    pub(crate) cut_start: bool,
    /// Whether it is not over at its end.
    pub(crate) cut_end: bool,
    /// Whether its edges are inferred.
    pub(crate) is_inferred: bool,
    /// Whether nothing says what it is.
    pub(crate) is_undecided: bool,
}

impl Survey {
    /// From the trace's first moment to its last.
    pub(crate) fn span(&self) -> Window {
        Window { start: self.start, end: self.end }
    }
}

impl Survey {
    /// A request of which nothing says whether it is of the roots; none when an edge cuts it. `trace` is the position of
    /// the trace.
    pub(crate) fn undecided_request(
        &self,
        request: &ServerRequest,
        trace: u32,
        is_likely: bool,
    ) -> Option<UndecidedRequest> {
        let (began, ended) = request.whole()?;
        Some(UndecidedRequest {
            trace,
            goid: self.forest.get(request.g).id.0,
            start_ns: began.since(self.start),
            dur_ns: ended.since(began),
            is_likely,
            connection: self.connection_of(request).filter(|g| g.is_some()).map(|g| self.forest.get(g).id.0),
        })
    }

    /// What a part of the trace shows of a request, by its position among all that were served; none where it shows nothing.
    pub(crate) fn seen_request(&self, position: u32, looked_at: Window, is_undecided: bool) -> Option<SeenRequest> {
        let request = self.served.requests.get(position as usize)?;
        let span = request.span.inside(looked_at)?;
        Some(SeenRequest {
            position,
            goid: self.forest.get(request.g).id.0,
            start: span.began.unwrap_or(self.start.max(looked_at.start)),
            end: span.ended.unwrap_or(self.end.min(looked_at.end)),
            cut_start: span.began.is_none(),
            cut_end: span.ended.is_none(),
            is_inferred: request.inferred.is_some(),
            is_undecided,
        })
    }

    /// The ids of goroutines, each once; 0 for one that nobody knows.
    pub(crate) fn goids(&self, goroutines: FxHashSet<GIdx>) -> Vec<u64> {
        goroutines.into_iter().map(|g| if g.is_some() { self.forest.get(g).id.0 } else { 0 }).collect()
    }

    /// The goroutine of the connection that a request came in on; none for calls of gRPC's stream workers.
    pub(crate) fn connection_of(&self, request: &ServerRequest) -> Option<GIdx> {
        let of_own = if request.protocol == "HTTP/1" { request.g } else { self.forest.get(request.g).parent };
        request.inferred.is_none().then_some(of_own)
    }
}
