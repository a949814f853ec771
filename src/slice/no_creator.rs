//! Goroutines that belong to no request: those of the recording, and the runtime's own.

pub(crate) use crate::survey::roots::servers::RECORDING_HANDLER;

use crate::survey::{Forest, Origin};
use crate::trace::symbols::Symbols;

/// The number of goroutines in the trace that no goroutine created, without the runtime's own: timers start them
/// (`time.AfterFunc`).
pub(crate) fn without_creator(forest: &Forest, symbols: &Symbols) -> u64 {
    let orphans = forest.goroutines.iter().filter(|g| g.origin == Origin::Created && !g.parent.is_some());
    let entry = |stack| symbols.leaf(stack).map_or("", |frame| symbols.function(frame));
    orphans.filter(|g| !is_runtime_entry(entry(g.entry)) && !is_recording_entry(entry(g.entry))).count() as u64
}

/// Whether an entry function is the tracer's: the goroutines that `runtime/trace.Start` creates.
pub(crate) fn is_recording_entry(entry: &str) -> bool {
    entry.starts_with("runtime/trace.")
}

/// Whether an entry function is the runtime's (`IsSystemGoroutine`, `internal/trace/gc.go` and `summary.go`, Go 1.27).
pub(crate) fn is_runtime_entry(entry: &str) -> bool {
    entry.starts_with("runtime.") && entry != "runtime.main"
}
