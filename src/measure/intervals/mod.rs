//! A goroutine's events → its intervals, each with a state and the stack it belongs to, and their sums.
//!
//! * [`states`]: the names of states, and what the leaf of a stack adds to them.
//! * [`aggregate`]: sums by chain, stack and state.
//! * [`timeline`]: one state machine for each goroutine.
//! * [`attribution`]: which stack an interval belongs to.
//!
//! Running time has no stack of its own. What was on the goroutine's stack before and after it is certain, so the
//! interval belongs to what both have in common:
//!
//! ```text
//!  own stack before    main.Handler → main.parse
//!  running             main.Handler              the bracket: certain, though not the leaf
//!  own stack after     main.Handler → main.store
//! ```

pub(crate) mod aggregate;
pub(crate) mod attribution;
pub(crate) mod cpu_evidence;
pub(crate) mod log;
pub(crate) mod states;
pub(crate) mod timeline;
