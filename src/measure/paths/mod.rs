//! Critical paths of requests: what each request's latency was spent on.
//!
//! In goes the interval log of all goroutines (`intervals/log`), and when requests begin and end (`windows`). Out comes,
//! for each request, its time by state along its path; for each sum of the aggregate, how much of it is latency; and who
//! ended the waits ([`measured`]).
//!
//! # What a critical path is
//!
//! A request's latency is cut into pieces that belong to exactly one goroutine and state. They are those of the request's
//! own goroutine, except that a wait which another goroutine ended is replaced by what that goroutine did meanwhile, and
//! so on (Felix Geisendörfer's rule, go.dev/issue/57175: into another goroutine only while the own one waits). A goroutine
//! that did not exist yet is replaced by its creator.
//!
//! Below, g1 has a request. It waits for a lock that g2 holds; g2 waits for a channel that g3 sends to. The path is drawn
//! double:
//!
//! ```text
//!      t0          t1          t2              t3          t4          t5
//!      │           │           │               │           │           │
//! g1   ═ running ══────────────── sync.Mutex ──────────────═ running ══
//!      request                                             ▲           request
//!      starts                                              │ wakes g1  ends
//! g2   ─ running ──═ running ══─ chan receive ─═ running ══─ running ──
//!                                              ▲
//!                                              │ wakes g2
//! g3   ─────── running ────────═══ running ════─────── running ────────
//! ```
//!
//! Walked back from t5: g1 runs; until t4 it waited for g2, which ran; until t3 that waited for g3, which ran. Before t2, g2
//! did not wait yet: what kept g1 waiting is that g2 ran. Before t1, g1 ran itself. So the path is 24 columns of g1, 24 of
//! g2 and 16 of g3, together the 64 of the request.
//!
//! # Why it is walked back, and for all requests at once
//!
//! Who did the work that a request waited for is known only when the wait ends. So a walk goes back, from the latest
//! interval to the earliest. Which goroutine works at a moment does not depend on where a request began: one that is in a wait
//! *waits for* its waker, from the end of the wait back to its start. So one walk serves all requests. At any moment the
//! goroutines on paths form a forest, the *wait-for graph*:
//!
//! ```text
//!   from t2 to t3                 from t1 to t2, t3 to t4      from t0 to t1, t4 to t5
//!
//!        g3  running                   g2  running                  g1  running
//!        │                             │                                request
//!        g2  chan receive              g1  sync.Mutex
//!        │                                 request
//!        g1  sync.Mutex
//!            request
//! ```
//!
//! What the goroutine at the root does counts for all requests in its tree. Ten thousand requests that wait for one lock
//! cost ten thousand links, and not ten thousand copies of what its holder did. A request's own time is the difference of
//! what its node was credited at its end and at its start ([`wait_for`]; the steps of
//! the walk are in [`critical_path`]).
//!
//! # When
//!
//! A part walks the paths of requests that begin and end in it while it is measured, each time what open requests need of
//! its log has grown threefold ([`in_part`]); so threads walk side by side. What parts leave, the whole walks at the end of a
//! generation, if enough was logged, and at the end of the trace ([`requests`]). When little is left to measure, the other
//! threads would be idle: then the requests are shared out ([`parallel`]), into as many shares however many threads there are.
//! Where each request's stacks, or more than the slowest one's goroutines, are asked for, the whole walks all.
//!
//! # User tasks
//!
//! A request is a window of time on one goroutine, but a user task can begin on one goroutine and end on another. Its path
//! then has two segments ([`segment`]): on the goroutine that ended it, back to when that took it over, and before that on
//! the one that began it. Several tasks can be on one goroutine; its waits count once then, so one thread walks all.
//!
//! # Reading order
//!
//! * [`segment`], [`measured`]: what is walked, and what comes out.
//! * [`wait_for`]: the wait-for graph at one moment.
//! * [`wait_chains`]: what a request waited in while another goroutine worked.
//! * [`wakers`], [`wakeups`]: which goroutine a wait-for link leads to, and the sums of waits by who ended them.
//! * [`work_borders`]: from when to when goroutines work for a request.
//! * [`walk_results`], [`critical_path`]: one walk.
//! * [`parallel`]: a walk by several threads.
//! * [`request_stacks`], [`packed_times`], [`request_waits`]: each request's time by stack, and who ended its waits, where that is asked for.
//! * [`exemplar`], [`exemplars`]: the goroutines of the slowest request, and of others where they are asked for.
//! * [`times_elsewhere`]: what was waited for, of all walks.
//! * [`requests`]: when to walk, and what to keep; [`group_walks`], [`requests_end`]; [`known_before`], [`served_borders`]: what is known of
//!   the whole trace before.
//! * [`in_part`], [`absorbing`], [`our_sums`]: walks of parts, and what they found.
//!
//! The log is written by the measurer (`core`).

mod absorbing;
pub(crate) mod critical_path;
pub(crate) mod exemplar;
mod exemplars;
mod group_walks;
pub(crate) mod in_part;
mod key_table;
pub(crate) mod known_before;
pub(crate) mod measured;
mod our_sums;
pub(crate) mod packed_times;
pub(crate) mod parallel;
pub(crate) mod request_stacks;
pub(crate) mod request_waits;
pub(crate) mod requests;
mod requests_end;
pub(crate) mod runtime_ranges;
pub(crate) mod segment;
mod served_borders;
pub(crate) mod stack_time;
mod times_elsewhere;
pub(crate) mod wait_chains;
pub(crate) mod wait_for;
pub(crate) mod wakers;
pub(crate) mod wakeups;
pub(crate) mod walk_results;
pub(crate) mod work_borders;
