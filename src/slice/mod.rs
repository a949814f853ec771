//! Forest → slice: which goroutines, during which windows.

pub mod context;
pub mod own;
mod select;
mod selector;

pub use select::{Counts, RootKind, RootWindow, Slice, select};
pub use selector::{PatternSyntax, Patterns, RootBy, Selector};
