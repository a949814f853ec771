//! The threads of one generation → events in causal order.
//!
//! In: a generation's batches, its clock and names, and which goroutine an id means ([`scheduler::Instances`]). Out:
//! its [`Event`](crate::trace::event::Event)s in causal order with strictly rising times, to a
//! [`Sink`](crate::trace::sink::Sink).
//!
//! Each thread's own events are in order. Between threads, times alone do not give the order: the clocks of two cores
//! differ a little, and an event's time is taken a little before or after what it is about. The scheduler's rules give
//! it. A goroutine can only be unblocked while it waits and only start while it is runnable, and the event carries the
//! goroutine's next sequence number. So the scheduler is simulated, and the event with the earliest time is held back
//! until the rules allow it. This is what Go's own reader does (`internal/trace/reader.go`, `ReadEvent`, and
//! `internal/trace/order.go`, `ordering.Advance`, Go 1.27).
//!
//! ```text
//!            events of each thread, by time ───►          frontier: the next event of each
//!                                                         thread, in a heap by time
//!  thread 3   ░░░░░░░░░░░░░░░░░░│ GoBlock        t=40  ──┐
//!  thread 5   ░░░░░░░░░░│ GoUnblock g=7 seq=3    t=38  ──┼─► earliest: GoUnblock at 38
//!  thread 9   ░░░░░░░░░░░░░│ GoStart g=7 seq=4   t=39  ──┘        │
//!                                                                 ▼
//!                                               scheduler: is g 7 waiting, with seq 2?
//!                                                   yes │                        │ no
//!                       g 7: runnable, seq 3; emit it ◄─┘                        ▼
//!                       threads that wait for "g 7 runnable,      thread 5 waits for "g 7 waiting,
//!                       next seq 4" go back to the heap           next seq 3", outside of the heap
//! ```
//!
//! # How a generation is ordered
//!
//! 1. Emit the sync event at the generation's lowest batch time, and read the first event of each thread.
//! 2. Take the thread with the earliest next event; of equal times the thread with the lower id.
//! 3. Emit the CPU samples before that event. They have times only.
//! 4. Try the event by the scheduler's rules ([`scheduler`], `goroutines`, `procs`):
//!    - *Advanced*: it happens. The scheduler's state changes. Emit it, at 1 ns after the event before it if its time
//!      is not later (`ReadEvent` does the same).
//!    - *Blocked*: it cannot happen before a sequence number or a state is reached. The thread waits for exactly that,
//!      outside of the heap, so that many waiting threads cost nothing ([`waiting`]).
//!    - *Broken*: it contradicts what is known. Go's reader gives up; this notes the broken rule, believes the event as
//!      far as possible, and goes on.
//! 5. Put threads whose wait has ended through the event back into the heap.
//! 6. Read the thread's next event; go to 2.
//! 7. If the heap is empty and threads still wait, something is missing or damaged. *Force* the earliest event of
//!    these: it happens whatever the rules say. Note it; go to 2. Where events are known to be missing already, by the
//!    bytes or by a rule that was broken, an event waits no longer than the clocks of two cores can differ (`PATIENCE`),
//!    so that one lost event does not hold up all threads one after the other.
//!
//! A goroutine that starts on a thread which executes another one shows that an event is missing. The state of the other one
//! is not known from there on, and its next event, by its sequence number, is allowed in any state and waits for nothing:
//! only its thread could have had what is missing. So is an event of a thread for which it would wait for itself.
//!
//! Damage inside a thread's batches is a gap. The thread's goroutine and proc are unknown from there on, which is
//! reported as a transition to `Undetermined`. When the events behind it happened is known from below only, so an event
//! that has to wait moves those behind it, too, up to the latest time that they can have
//! ([`resume`](super::resume)).
//!
//! # Why generations are ordered alone
//!
//! The runtime begins each generation with the statuses of all goroutines and procs that its events name
//! (`runtime/tracestatus.go`, Go 1.27), and restarts all sequence numbers. So a generation needs nothing of the one
//! before it but the time of its last event, and several can be ordered side by side. A goroutine's state before its
//! first status is not known here ([`GoState::Undetermined`](crate::trace::event::GoState)); `measure` knows it when it
//! puts the generations together.
//!
//! An order can also start in the middle of a generation, from an [`state::OrderState`], and stop at another one:
//! [`super::split`].
//!
//! # The fast path
//!
//! In a sound trace nearly all events are of few kinds, are allowed as soon as their time has come, and end no other
//! thread's wait. For these there is a second, shorter form of the same rules in `goroutines_fast`, and of the merge in
//! `frontier/merge_fast`: a loop over two threads that take turns, which is the common case, without the heap. An event
//! that is anything else is left to the general rules with nothing changed. Without the fast path the result is the
//! same; tests in both files compare the two. The bench `order` in `benches/pipeline.rs` measures the gain.
//!
//! # Files, in reading order
//!
//! 1. `steps`: what trying an event results in.
//! 2. [`scheduler`] (the state, and which rule an event has), `goroutines`, `procs` (the rules),
//!    `goroutine_table` (the goroutines' states).
//! 3. `threads`: the next event of each thread. [`waiting`]: threads that wait, and for what.
//! 4. [`translate`], `emitter`: from wire events to [`Event`](crate::trace::event::Event)s, and to the sink.
//! 5. [`frontier`]: the merge. `frontier/start_stop`: start and stop inside a generation ([`state`], `same_state`).
//! 6. `goroutines_fast`, `frontier/merge_fast`: the fast path.
//! 7. [`errors`]: what was broken or forced.

pub(crate) mod emitter;
pub(crate) mod errors;
pub(crate) mod frontier;
pub(crate) mod goroutine_table;
pub(crate) mod goroutines;
pub(crate) mod goroutines_fast;
pub(crate) mod proc_state;
pub(crate) mod procs;
mod same_state;
pub(crate) mod scheduler;
pub(crate) mod state;
pub(crate) mod steps;
pub(crate) mod threads;
pub(crate) mod translate;
pub(crate) mod waiting;
