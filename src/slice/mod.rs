//! Forest → slice: which goroutines, during which windows.

pub mod context;
pub mod own;
pub mod plumbing;
mod select;
mod selector;

pub use own::without_creator;
pub use select::{Counts, RootKind, RootWindow, Slice, select};
pub use selector::{PatternSyntax, Patterns, RootBy, Selector};
