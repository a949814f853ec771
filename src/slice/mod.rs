//! Forest → slice: which goroutines, during which windows.

mod select;
mod selector;
pub mod shared;
pub mod spawn_chains;
pub mod system;
mod task_boundaries;
mod time_range;
mod window;

pub use select::{Counts, Membership, RootKind, RootWindow, Slice, select};
pub use selector::{PatternSyntax, Patterns, RootBy, Selector};
pub use system::without_creator;
pub use task_boundaries::{TaskBoundaries, TaskBoundary};
pub use time_range::TimeRange;
pub use window::WindowIdx;
