//! Requests: occurrences of roots, how long they took and what they waited for.

use super::{
    Answer, ChosenFrom, CpuTime, CutRequest, Exemplar, NodeIdx, OptionalNs, Overlap, RequestStacks, RequestWaits,
    StateTimes, WithLikely, WithUndecided,
};

/// What the numbers of a report are about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Metric {
    /// Time along the critical path of each request: adds up to how long the requests took.
    #[default]
    Latency,
    /// Time of all goroutines of the slice.
    Goroutine,
    /// Number of intervals.
    Events,
}

impl Metric {
    /// Its name on the command line and in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Goroutine => "goroutine",
            Self::Events => "events",
        }
    }
}

/// One occurrence of a root.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Request {
    /// Position of its trace in [`Profile::traces`](super::Profile::traces).
    pub trace: u32,
    /// Id of its goroutine in the file.
    pub goid: u64,
    /// When it started, in ns from the trace's start.
    pub start_ns: u64,
    /// How long it took, in ns. Of a partial one, the part that was seen. Where its edges are inferred, at most this long.
    pub dur_ns: u64,
    /// What it is called: position in [`Requests::roots`].
    pub root: u32,
    /// Time along its critical path by state: positions in [`Requests::state_names`], ascending, and ns. Adds up to
    /// `dur_ns`.
    pub states: StateTimes,
    /// Whether an edge of the trace, or of `--time`, cuts it.
    pub partial: bool,
    /// Where its edges are inferred from stacks: how long it took at least, in ns; all calls together where it may be
    /// several. Else none, and `dur_ns` is exact.
    pub at_least_ns: OptionalNs,
    /// Whether it may be several calls in a row: its edges are inferred, and a stack on which it waited came twice.
    pub may_be_several: bool,
}

impl Request {
    /// Whether its edges are inferred from stacks.
    pub fn is_inferred(&self) -> bool {
        self.at_least_ns.get().is_some()
    }
}

const _: () = assert!(size_of::<Request>() == 72, "there can be millions");

/// All requests of a profile.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    /// The requests that count, in order of trace and start. Without `--include-partial` all are whole.
    pub list: Vec<Request>,
    /// The names that [`Request::states`] refers to.
    pub state_names: Vec<String>,
    /// The names that [`Request::root`] refers to.
    pub roots: Vec<String>,
    /// How the latency of each one divides over [`Profile::samples`](super::Profile::samples); none where that was not
    /// asked for.
    pub stacks: Option<RequestStacks>,
    /// Who ended each one's waits, by position in [`wakeups`](Self::wakeups); none where that was not asked for, or is too much.
    pub waits: Option<RequestWaits>,
    /// Requests cut by an edge of the trace or of `--time`, in order of trace and start: they are left out of the list
    /// unless asked for. With `--only`, all of those that there were before.
    pub cut: Vec<CutRequest>,
    /// How many these are.
    pub partial: u64,
    /// The least that the distribution can be: with the cut requests that would count, as if they had ended when they were
    /// last seen. None where that is [`latency`](Self::latency). [`Requests::finish`] computes it.
    pub at_least: Option<Latency>,
    /// The same if those of them that may be several calls each were one call each; none without such ones.
    /// [`Requests::finish`] computes it.
    pub at_least_if_single: Option<Latency>,
    /// Whether cut requests are in the list nevertheless (`--include-partial`).
    pub include_partial: bool,
    /// What `--only`, `--slowest` restricted the requests to, as given; none when all count.
    pub only: Option<String>,
    /// How many there were before that.
    pub before_only: u64,
    /// What they were chosen from; none when all count.
    pub chosen_from: Option<ChosenFrom>,
    /// Requests whose critical paths were cut because too many intervals had to be kept at once: before the cut, the
    /// path stays in the wait it is in.
    pub capped: u64,
    /// Requests of the list whose edges are inferred; [`Requests::finish`] counts them.
    pub inferred: u64,
    /// Of these, the ones that no edge of the trace or of `--time` cuts; [`Requests::finish`] counts them.
    pub inferred_whole: u64,
    /// Requests of the list that an edge of the trace or of `--time` cuts; [`Requests::finish`] counts them.
    pub listed_partial: u64,
    /// The least that the median of the list can be, in ns (nearest rank): each as long as it certainly took; 0 for one that
    /// may be several calls.
    pub inferred_at_least_p50_ns: u64,
    /// Requests of the list that may be several calls in a row; [`Requests::finish`] counts them.
    pub may_be_several: u64,
    /// Time of all goroutines of the requests that count, in ns; none when it is not known.
    pub goroutine_ns: Option<u64>,
    /// How long they took; none when no request counts.
    pub latency: Option<Latency>,
    /// The same with undecided requests that likely are of the roots; none without such ones. Never merged with
    /// the above.
    pub with_likely: Option<WithLikely>,
    /// The same with all undecided requests, and how far any of them can move it; none without such ones.
    pub with_undecided: Option<WithUndecided>,
    /// State by state, all against the slowest; sorted by the time of all, longest first.
    pub tail: Vec<TailRow>,
    /// Who ended the waits on critical paths; sorted by time, longest first.
    pub wakeups: Vec<Wakeup>,
    /// The slowest request, as lanes.
    pub slowest: Option<Exemplar>,
    /// Requests as lanes, the slowest first: the [`SLOWEST_EXEMPLARS`](super::SLOWEST_EXEMPLARS) slowest, and some of all;
    /// empty where they were not asked for.
    pub exemplars: Vec<Exemplar>,
    /// When the collector marked, and when the world was stopped; empty where that was not asked for.
    pub runtime_spans: RuntimeSpans,
    /// What the collector and stopped worlds did while requests ran.
    pub overlap: Overlap,
    /// Whether what ran had a CPU of the operating system.
    pub cpu: CpuTime,
    /// What stands out; at most five.
    pub findings: Vec<Finding>,
    /// What decides how long requests take; none where no request counts.
    pub answer: Option<Answer>,
}

/// Distribution of the requests' latencies, in ns. A quantile is one of the values (nearest rank).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Latency {
    /// How many.
    pub count: u64,
    /// Shortest.
    pub min_ns: u64,
    /// Half took at most this long.
    pub p50_ns: u64,
    /// 90 % took at most this long.
    pub p90_ns: u64,
    /// 95 % took at most this long.
    pub p95_ns: u64,
    /// 99 % took at most this long.
    pub p99_ns: u64,
    /// Longest.
    pub max_ns: u64,
    /// Arithmetic mean, rounded to the nearest ns.
    pub mean_ns: u64,
    /// Sum.
    pub total_ns: u64,
    /// Counts of equal steps of the logarithm from the shortest to the longest.
    pub histogram: Vec<u64>,
    /// Most requests at work at once.
    pub max_in_flight: u64,
    /// How long at least one was under way, in ns.
    pub busy_ns: u64,
    /// Requests at work on average over the part of the trace looked at, in thousandths.
    pub mean_in_flight_milli: u64,
    /// How many are the slowest 5 %, at least one.
    pub slow_count: u64,
    /// The shortest of these.
    pub slow_from_ns: u64,
    /// Their sum.
    pub slow_total_ns: u64,
}

/// One state in all requests and in the slowest 5 %.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TailRow {
    /// The state's name.
    pub state: String,
    /// Critical path time in all requests, in ns.
    pub all_ns: u64,
    /// Critical path time in the slowest, in ns.
    pub slow_ns: u64,
    /// Whether it takes much more of the slowest than of all. Never of few requests.
    pub stands_out: bool,
}

/// Who ended waits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum WakerKind {
    /// A goroutine of the same request.
    Inside,
    /// A goroutine of another request of the slice.
    Sibling,
    /// A goroutine outside the slice.
    Outside,
    /// A goroutine of the runtime itself.
    Runtime,
    /// The network poller: the other side is outside the process.
    Network,
    /// A timer.
    Timer,
    /// The trace does not say.
    #[default]
    Unknown,
}

impl WakerKind {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Sibling => "sibling",
            Self::Outside => "outside",
            Self::Runtime => "runtime",
            Self::Network => "network",
            Self::Timer => "timer",
            Self::Unknown => "unknown",
        }
    }
}

/// Waits of requests on one stack, ended from one stack.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wakeup {
    /// Stack of the wait, in the profile's tree.
    pub waiting: NodeIdx,
    /// State of the wait, in Go's words.
    pub state: String,
    /// Something finer: `mutex`, `wait group`, …; empty when there is nothing to add.
    pub detail: &'static str,
    /// Who ended it.
    pub waker: WakerKind,
    /// The waker's own stack when it did; the root node when unknown.
    pub waker_stack: NodeIdx,
    /// The waker's goroutine when it was always the same one.
    pub waker_goid: Option<u64>,
    /// The waker's entry function; empty when unknown or not always the same.
    pub waker_entry: String,
    /// How many waits.
    pub count: u64,
    /// Time of these waits inside the requests, in ns.
    pub wait_ns: u64,
    /// The longest of them, in ns.
    pub max_ns: u64,
}

impl Wakeup {
    /// Whether the waits are for a lock.
    pub fn is_lock(&self) -> bool {
        super::waits::is_lock(self.detail)
    }
}

/// What the runtime did to all goroutines, and when.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RuntimeSpans {
    /// The collector marked; in order of trace and time.
    pub collector: Vec<RuntimeSpan>,
    /// The world was stopped; in order of trace and time.
    pub stopped: Vec<RuntimeSpan>,
}

/// A stretch of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RuntimeSpan {
    /// Position of its trace in [`Profile::traces`](super::Profile::traces).
    pub trace: u32,
    /// Start from the trace's start, in ns.
    pub start_ns: u64,
    /// Length in ns.
    pub dur_ns: u64,
}

/// Something that stands out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Its stable id.
    pub id: &'static str,
    /// Whether it says why requests are slow (`!` in the report) or is worth knowing (`i`).
    pub important: bool,
    /// The facts. Renderers make a sentence of them.
    pub evidence: FindingEvidence,
}

/// What a finding rests on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FindingEvidence {
    /// A state takes much more of the slowest requests than of all.
    Tail {
        /// Position in [`Requests::tail`].
        row: usize,
        /// Who ended the longest waits for others: position in [`Requests::wakeups`]. None where even these are
        /// short beside the slowest requests.
        blocker: Option<usize>,
    },
    /// One row of [`Requests::wakeups`] is a large part of all time.
    Wakeup {
        /// Its position.
        row: usize,
        /// What the goroutine did that requests waited for longest meanwhile: a stack in the profile's tree, and how long
        /// they waited for goroutines in that function, in ns. None where no goroutine was followed.
        worked: Option<(NodeIdx, u64)>,
    },
    /// A part of all time is large.
    Part {
        /// That part, in ns.
        ns: u64,
    },
    /// Waits in one function are a large part of all time.
    Waits {
        /// The stack on which most of them are, in the profile's tree.
        stack: NodeIdx,
        /// How many.
        count: u64,
        /// How long together, in ns.
        ns: u64,
        /// The longest, in ns.
        max_ns: u64,
        /// What the goroutines that were waited for did meanwhile, most of it: a stack in the profile's tree, and how much of
        /// the waits it is, in ns; none where no goroutine was followed.
        worked: Option<(NodeIdx, u64)>,
    },
    /// Much of the running time had no CPU, as CPU samples say.
    CpuSamples {
        /// Running time of the slice, in ns.
        running_ns: u64,
    },
    /// Much of the running time is in stretches too long to have had a CPU all the time.
    LongRuns {
        /// Running time of the slice, in ns.
        running_ns: u64,
    },
    /// One of several calls takes a large part of all time.
    Call {
        /// A stack of it, in the profile's tree.
        stack: NodeIdx,
        /// How many own frames of that, from the innermost one on, tell it from the others.
        n_frames: usize,
        /// How long requests waited for it, in ns.
        ns: u64,
    },
}
