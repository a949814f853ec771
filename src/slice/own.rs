//! Goroutines that are nobody's request: the recording itself, and the runtime's own.

/// The handler of `net/http/pprof` that records a trace: what runs under it is the recording.
pub const RECORDING_HANDLER: &str = "net/http/pprof.Trace";

/// Whether an entry function is the tracer's: the goroutines that `runtime/trace.Start` creates.
pub fn is_recording_entry(entry: &str) -> bool {
    entry.starts_with("runtime/trace.")
}

/// Whether an entry function is the runtime's (`IsSystemGoroutine`, `internal/trace/gc.go` and `summary.go`, Go 1.27).
pub fn is_runtime_entry(entry: &str) -> bool {
    entry.starts_with("runtime.") && entry != "runtime.main"
}
