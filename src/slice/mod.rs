//! Forest → slice: which goroutines, during which windows.

pub mod context;
mod marks;
pub mod own;
pub mod plumbing;
mod select;
mod selector;

pub use marks::{Mark, Marks};
pub use own::without_creator;
pub use select::{Counts, RootKind, RootWindow, Slice, Stay, select};
pub use selector::{PatternSyntax, Patterns, RootBy, Selector};
