//! Forest → slice: which goroutines, during which windows.

mod selector;

pub use selector::{PatternSyntax, Patterns, RootBy, Selector};
