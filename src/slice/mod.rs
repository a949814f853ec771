//! Which goroutines, during which windows: what pass 2 measures.
//!
//! In: the [`Forest`](crate::survey::Forest) of pass 1 (all goroutines, who created whom, and what can be a root), the
//! names, and a [`Selector`] (what the user asked for). Out: a [`Slice`].
//!
//! ```text
//!        forest                                slice
//!
//!   1  main.main                          1  –
//!   ├─ 2  (*Server).Serve                 ├─ 2  –
//!   │  ├─ 7  (*conn).serve                │  ├─ 7  two requests on one connection: windows 0 and 1,
//!   │  │  │  ├──H──┤   ├──H──┤            │  │  │  each as long as the handler H is on its stack
//!   │  │  ├─ 9  fetch (in the first H)    │  │  ├─ 9  belongs to window 0
//!   │  │  │  └─ 11 retry                  │  │  │  └─ 11 belongs to window 0, like its creator
//!   │  │  └─ 10 backgroundRead            │  │  └─ 10 left out: it serves the connection
//!   └─ 3  worker, matches by its entry    └─ 3  window 2: all of its life
//! ```
//!
//! 1. *Roots.* User tasks are roots before any goroutine is looked at, since they may end on any of them.
//! 2. *Closure.* All goroutines are visited, creators first (a depth-first walk of petgraph's). One that was created
//!    inside a window, by a goroutine of it, belongs to it for life, unless it is kept out: by `--exclude`, or because
//!    it is the runtime's, the recording's, or shared by many requests. What a goroutine that is kept out creates
//!    is kept out too.
//! 3. A goroutine that belongs to no window is a root itself where a pattern matches: for its whole life by the stack
//!    of its `go` statement or its entry function, else for as long as a matching function is on its own stack, or for
//!    its regions. Whoever it creates inside such a window is visited later, so step 2 finds the window.
//! 4. *Windows.* A task that began on a goroutine of another root is a part of that root: its window is dropped.
//!
//! A window has borders in the file and not in time: pass 1 knows where an event stands, pass 2 at which time.
//!
//! To read: `selector` (what is asked), `window`, `root_windows` and `membership` (the result), `builder` (what both steps share), `select`
//! (the steps), `roots`, `closure`, `other_roots` (what is set apart, and what selects it alone); then what they look up:
//! `keep_out`, `shared`, `no_creator`, `labels`, `spawn_chains`, `task_boundaries`.

mod builder;
mod closure;
mod keep_out;
mod labels;
mod membership;
mod no_creator;
mod other_roots;
mod root_windows;
mod roots;
mod select;
mod selector;
mod set_apart;
pub(crate) mod shared;
pub(crate) mod spawn_chains;
mod task_boundaries;
mod time_range;
mod window;

pub(crate) use membership::{Counts, Membership, MembershipPart, Slice};
pub(crate) use no_creator::without_creator;
pub(crate) use select::select;
pub use selector::{PatternSyntax, Patterns, RootBy, Selector, SelectorBuilder};
pub(crate) use set_apart::Narrowed;
pub(crate) use task_boundaries::TaskBoundary;
pub use time_range::TimeRange;
pub use window::RootKind;
pub(crate) use window::{RootWindow, WindowIdx};
