//! Parts of a trace measured side by side, and absorbed into the whole in their order.
//!
//! ```text
//!                    independent_from: the part before is certainly over
//!  part          │┄┄┄┄┄┄┄┄┄│━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━│
//!  events of     left over │ goroutines created in the part: measured
//!                          │ older ones: ┄┄┄┄┄ left over ┄┄┄ first own stack ━━━ measured ━━━
//! ```
//!
//! A part starts without knowing what came before it. Two things are missing: the time of the last event before it, since
//! no two events have the same time and its first ones may have to move by some nanoseconds; and of a goroutine that is
//! older than the part, its open interval and its last own stack. So [`part`] measures what it can, and leaves two kinds
//! of events over ([`left_over`]): *early* ones, up to the moment from which the part is independent, and those of each
//! older goroutine up to its first own stack.
//!
//! [`whole`] absorbs a part in four steps:
//!
//! 1. It checks that the part was measured from the right time on, and that the windows are as the part concluded from
//!    file positions alone. If not, the part is measured again, in order.
//! 2. It takes the events that were left over: the early ones at their final times.
//! 3. It takes over the windows, the goroutines that are alive, and those that ended.
//! 4. It adds the sums and what the part's own walks found, and appends the part's interval log.
//!
//! With critical paths, a part walks those of its own requests from time to time ([`part_walks`]).
//!
//! Sums are integers and commute, so the result is the same for any number of threads.
//!
//! What a part assumes: a goroutine that shows its own stack runs. Ordered events of Go 1.22 and later keep to that. An
//! old trace in which pass 1 finds an exception is measured as one part.

mod left_over;
pub(super) mod part;
pub(super) mod part_fast;
pub(super) mod part_walks;
pub(super) mod whole;
