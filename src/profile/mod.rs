//! The result: a [`Profile`] of what was selected, or [`Candidates`] when nothing was.
//!
//! In: samples, requests and facts that `measure` and `pipeline` fill in. [`Profile::finish`] sorts them and computes
//! all totals and statistics, once. Out: a self-contained result with its own frames and names; renderers take it and
//! nothing else.
//!
//! To read: this file (profile, selection, samples), `stack_tree`, `requests` (requests, latency, wake-ups, the slowest
//! one), then what [`Profile::finish`] derives: `own_code`, `latency`,
//! `answer`, `findings`. `only` chooses requests, `stack_filter` stacks (`left_out`: what it leaves out); `candidates` and
//! `duration_list` are the answer to a trace without `--root`.

mod answer;
mod candidates;
mod carriers;
mod cpu_time;
mod cut;
mod duration_list;
mod exemplar;
mod exemplars;
mod findings;
mod finish;
mod latency;
mod left_out;
mod matched;
mod name_groups;
mod only;
mod optional_ns;
mod overlap;
mod own_code;
mod packages;
mod pooled_candidates;
mod request_stacks;
mod request_waits;
mod requests;
mod same_seen;
mod sample;
mod shared_text;
mod stack_filter;
mod stack_tree;
mod state_times;
mod told_waits;
mod undecided;
mod waits;
mod with_undecided;

pub use answer::{Answer, Cause, CodePlace, WaitsFor};
pub use candidates::{AnnotationCandidate, AnnotationGroup, Candidate, Candidates, Elsewhere, Handler};
pub use carriers::Carrier;
pub use cpu_time::{CpuTime, SAMPLE_NS};
pub(crate) use cut::choose_cut;
pub use cut::{CutCount, CutCounts, CutRequest, LongestSeen, longest_cut};
pub use duration_list::{DurationList, InferredDuration};
pub use exemplar::{Exemplar, HandOver, Lane, LanePiece, PathPiece};
pub use exemplars::SLOWEST_EXEMPLARS;
pub(crate) use exemplars::{EXEMPLARS_OF_ALL, exemplar_rank};
pub use latency::TAIL_MIN_REQUESTS;
pub use left_out::WholeTime;
pub use matched::{MatchedFunction, SelectAlone};
pub use only::{Edge, Only};
pub use optional_ns::OptionalNs;
pub use overlap::{HeapGoals, Overlap};
pub use own_code::OwnCode;
pub(crate) use own_code::is_fetched;
pub use packages::{is_std, only_parks, package, split_package};
pub use pooled_candidates::PooledCandidates;
pub use request_stacks::{MoreStacks, RequestStacks, RequestTotals};
pub(crate) use request_waits::MAX_REQUEST_WAITS;
pub use request_waits::{RequestWait, RequestWaits};
pub use requests::{
    Finding, FindingEvidence, Latency, Metric, Request, Requests, RuntimeSpan, RuntimeSpans, TailRow, WakerKind, Wakeup,
};
pub(crate) use same_seen::{SeenSpan, counted_elsewhere, in_several_snapshots};
pub use sample::{Precision, Sample, StateTotal, Weight};
pub use shared_text::{SharedText, SharedTexts};
pub use stack_filter::{FilteredStacks, ShownStacks, StackFilter};
pub use stack_tree::{FrameSet, NodeIdx, ProfileFrame, StackTree};
pub use state_times::StateTimes;
pub(crate) use told_waits::UnseenWaits;
pub use told_waits::{ShownWaits, ToldWaits};
pub use undecided::{Leaning, LeansToward, OTHERWISE_PER_CENT, Undecided, UndecidedRequest, WithLikely};
pub use waits::LibraryPool;
pub(crate) use waits::{is_for_collector, is_message, is_of_collector, lock_kind};
pub(crate) use with_undecided::quantile_bounds;
pub use with_undecided::{ChosenFrom, QuantileBounds, WithUndecided};

use crate::trace::error::Warning;
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What a slice of one or several traces spent its time on.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// The traces it was made from, in the order given.
    pub traces: Vec<TraceInfo>,
    /// What was asked for and what it selected.
    pub selection: Selection,
    /// All stacks, joined as asked, as one tree.
    pub tree: StackTree,
    /// Which functions on them are the program's own.
    pub own_code: OwnCode,
    /// What is sorted by, and shown first.
    pub metric: Metric,
    /// The requests; none when `latency` was not computed.
    pub requests: Option<Requests>,
    /// Time by stack and state: sorted by the metric descending, unique in its other fields.
    pub samples: Vec<Sample>,
    /// By how many waits their stacks tell what other goroutines did.
    pub waits: ToldWaits,
    /// Time by state over all samples, sorted by the metric descending.
    pub states: Vec<StateTotal>,
    /// The sum of all samples.
    pub total: Weight,
    /// The stacks that are shown, where these are not all; see [`shown`](Self::shown).
    pub filtered: Option<FilteredStacks>,
    /// What the reader of the result must know.
    pub warnings: Vec<Warning>,
}

/// What became of the bytes of a trace. Each counts once; where a file holds several traces, in one of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ByteCount {
    /// All: the sum of the others.
    pub total: u64,
    /// Headers, events and tables that were read.
    pub used: u64,
    /// Bytes that are damaged, no part of a trace, or of a trace of which nothing can be used: the warnings list them.
    pub skipped: u64,
    /// Bytes whose meaning is not known, which Go's own reader hands on as they are: batches of experiments.
    pub unknown: u64,
}

/// One trace that was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TraceInfo {
    /// File name as given; `-` for standard input.
    pub name: SharedText,
    /// The wire header's version, `1.26`.
    pub version: Cow<'static, str>,
    /// Its bytes, decompressed.
    pub bytes: ByteCount,
    /// From the first event to the last, in ns.
    pub duration_ns: u64,
    /// Length of the part looked at, in ns; none when that is all of it.
    pub window_ns: Option<u64>,
    /// The first moment on the trace's own clock, in ns: of the clock that its ticks count, not of the trace.
    pub clock_start_ns: i64,
    /// What the caller says of the trace: `service`, `host`, `version`, …
    pub labels: BTreeMap<SharedText, SharedText>,
    /// Wall clock of the first event, ns since the Unix epoch; only Go 1.25 and later record it.
    pub wall_start_ns: Option<i64>,
    /// Timed events in the file (CPU samples and what the reader adds not counted).
    pub events: u64,
    /// Goroutines seen, counted by instance.
    pub goroutines: u64,
    /// Generations found.
    pub generations: u64,
    /// The last value of GOMAXPROCS that the trace mentions.
    pub gomaxprocs: Option<u64>,
    /// Whether all of the trace was used and it was stopped properly.
    pub complete: bool,
    /// Whether system calls that did not block have no length in this version's traces: their time is in `running`.
    pub hides_short_calls: bool,
    /// Whether goroutines that wait all through this version's traces have no stack.
    pub hides_waiting_stacks: bool,
    /// The table of its requests that was read, and not the trace, as given: what that does not say is 0 here.
    pub table: Option<String>,
}

impl TraceInfo {
    /// The file that was read, as given.
    pub fn file(&self) -> &str {
        self.table.as_deref().unwrap_or(&self.name)
    }
}

/// What was asked for, and what it selected.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selection {
    /// The patterns as given; several mean any of them.
    pub patterns: Vec<String>,
    /// Whether the patterns are plain text (`-F`).
    pub fixed_strings: bool,
    /// Whether upper and lower case are the same (`-i`).
    pub ignore_case: bool,
    /// The evidence looked at: `creation`, `entry`, `stack`.
    pub root_by: Vec<String>,
    /// Patterns of children that were not followed, as given.
    pub exclude: Vec<String>,
    /// Goroutines that roots had to be on; empty for any.
    pub goids: Vec<u64>,
    /// Occurrences of roots: goroutines that matched by creation or entry, and stretches that matched by stack.
    pub roots: u64,
    /// Of these, goroutines that match by the stack of the `go` statement that created them.
    pub roots_by_creation: u64,
    /// Of these, goroutines that match by their entry function alone.
    pub roots_by_entry: u64,
    /// Of these, stretches of a goroutine with a matching function on its own stack.
    pub roots_by_stack: u64,
    /// Of these, user tasks.
    pub roots_by_task: u64,
    /// Of these, user regions.
    pub roots_by_region: u64,
    /// Regions that match inside others of the same task: they are parts of these.
    pub regions_inside: u64,
    /// Roots whose beginning or end is outside the trace.
    pub roots_cut: u64,
    /// What matched, with how many requests that count; most first.
    pub matched: Vec<MatchedFunction>,
    /// What matches but is no root, since requests on a server match too and only those are roots. With how many roots
    /// there would be; most first.
    pub others: Vec<MatchedFunction>,
    /// What selects those of them that are goroutines, in the last trace.
    pub goroutines_alone: SelectAlone,
    /// What selects those of them that are stretches, in the last trace.
    pub stretches_alone: SelectAlone,
    /// Goroutines in the slice, roots included, each counted once.
    pub goroutines: u64,
    /// Longest chain of creations below a root; 0 when roots have no children.
    pub max_depth: u32,
    /// Children that `--exclude` kept out, with all that they created.
    pub excluded: u64,
    /// Goroutines that many requests share (connections of a pool, background readers), that a goroutine of the slice
    /// happened to create, and that were kept out.
    pub shared: u64,
    /// Roots and children whose stack was cut at its outer end, where a match would stand.
    pub cut_stacks: u64,
    /// Goroutines of the trace that a timer started (`time.AfterFunc`): they have no creator, and are in no subtree.
    pub no_creator: u64,
    /// Requests that may be roots by stack too: nothing in the trace decides it.
    pub undecided: Undecided,
    /// All requests of the servers on which matching or undecided ones came in, whatever their handler: the whole ones
    /// with how long they took, on their threads' own clocks.
    pub same_servers: DurationList,
    /// Goroutines of the recording itself (`net/http/pprof.Trace`, the tracer's own) that were kept out.
    pub recording: u64,
    /// Goroutines of the runtime that a slice's goroutine happened to create and that were kept out.
    pub runtime: u64,
    /// Descendants still alive when their root's window ended; what they did later is not counted.
    pub outlived: u64,
    /// Whether descendants were followed until they ended (`--whole-life`).
    pub whole_life: bool,
    /// The part of the trace looked at, `--time` as given; none for all of it.
    pub time: Option<String>,
}

impl Profile {
    /// Puts samples and states in their documented order and computes the totals from the samples, and what is said
    /// about all requests from these. The traces must be there.
    pub fn finish(&mut self) {
        self.sum_up();
        if let Some(requests) = self.requests.as_ref().filter(|requests| !requests.include_partial) {
            let chosen = requests.cut.iter().filter(|cut| cut.is_chosen);
            MatchedFunction::add_cut(&mut self.selection.matched, chosen);
        }
        self.selection.matched = MatchedFunction::grouped(std::mem::take(&mut self.selection.matched));
        self.selection.matched.sort_by(MatchedFunction::most_first);
        self.selection.others.sort_by(MatchedFunction::most_first);
        if let Some(requests) = &mut self.requests {
            requests.finish(&self.traces);
            let counted = requests.list.iter().map(|r| r.dur_ns);
            // With `--include-partial` they are in the list.
            let apart: &[CutRequest] = if requests.include_partial { &[] } else { &requests.cut };
            let cut = cut::counting(apart).map(|c| c.at_least_ns);
            // With `--only`, the others of the roots are missing too.
            let all_count = requests.before_only <= requests.list.len() as u64;
            let with_likely = WithLikely::new(counted.clone(), &self.selection.undecided.likely);
            let with_undecided = WithUndecided::new(counted, cut, &self.selection.undecided.took);
            requests.with_likely = with_likely.filter(|_| all_count);
            let of_chosen = |from| WithUndecided::of_chosen(from, &self.selection.undecided.took);
            requests.with_undecided = match &requests.chosen_from {
                Some(from) => of_chosen(from),
                None => with_undecided.filter(|_| all_count),
            };
        }
        self.own_code = OwnCode::of(&self.tree, self.samples.iter().map(|sample| sample.root.as_str()));
        let (answer, findings) = (Answer::of(self), findings::find(self));
        if let Some(requests) = &mut self.requests {
            (requests.answer, requests.findings) = (answer, findings);
        }
    }

    /// Sorts the samples, and computes states and total from them.
    fn sum_up(&mut self) {
        let stacks = self.requests.as_mut().and_then(|requests| requests.stacks.as_mut());
        if stacks.is_some() || !self.waits.unseen.is_empty() {
            let order = sample_order(self.metric);
            let mut old: Vec<u32> = (0..self.samples.len() as u32).collect();
            old.sort_by(|&a, &b| order(&self.samples[a as usize], &self.samples[b as usize]));
            let mut position = vec![0; old.len()];
            for (new, old) in (0..).zip(old) {
                position[old as usize] = new;
            }
            self.waits.renumber(|sample| position[sample as usize]);
            if let Some(stacks) = stacks {
                stacks.renumber(|sample| position[sample as usize]);
            }
        }
        sort_samples(&mut self.samples, self.metric);
        (self.states, self.total) = sums(&self.samples, self.metric);
    }

    /// Whether there may be more calls of the roots than are counted: nothing stands around them but their own stacks, as on
    /// gRPC's stream workers or on no server, so that one without a stack is not seen.
    pub fn calls_without_stack_are_unknown(&self) -> bool {
        self.selection.roots_by_stack > 0 && self.requests.as_ref().is_some_and(|requests| requests.inferred > 0)
    }

    /// Whether it was made from tables of requests: then goroutine time by stack, and intervals, are not known.
    pub fn is_from_tables(&self) -> bool {
        self.traces.iter().any(|trace| trace.table.is_some())
    }

    /// Whether every trace was read whole.
    pub fn complete(&self) -> bool {
        self.traces.iter().all(|t| t.complete)
    }
}

/// The order of samples: most of the metric first, then by name.
fn sample_order(metric: Metric) -> impl Fn(&Sample, &Sample) -> Ordering {
    move |a, b| {
        let names = |s: &Sample| (s.stack, s.detail, s.precision);
        b.weight
            .rank(metric)
            .cmp(&a.weight.rank(metric))
            .then_with(|| a.state.cmp(&b.state))
            .then_with(|| names(a).cmp(&names(b)))
            .then_with(|| (&a.root, &a.waited_in).cmp(&(&b.root, &b.waited_in)))
    }
}

fn sort_samples(samples: &mut [Sample], metric: Metric) {
    samples.sort_by(sample_order(metric));
}

/// Time by state, most of the metric first, and the sum of all.
fn sums(samples: &[Sample], metric: Metric) -> (Vec<StateTotal>, Weight) {
    let mut total = Weight::default();
    let mut by_state: FxHashMap<&str, Weight> = FxHashMap::default();
    for sample in samples {
        total += sample.weight;
        *by_state.entry(&sample.state).or_default() += sample.weight;
    }
    let by_state = by_state.into_iter();
    let mut states: Vec<StateTotal> =
        by_state.map(|(state, weight)| StateTotal { state: state.to_owned(), weight }).collect();
    states.sort_by(|a, b| b.weight.of(metric).cmp(&a.weight.of(metric)).then_with(|| a.state.cmp(&b.state)));
    (states, total)
}
