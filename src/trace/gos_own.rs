//! Go's own goroutines, by the names of their functions: those of the runtime, and those of a recording.

/// The caller of `main.main`, with which the program's first goroutine begins.
pub(crate) const RUNTIME_MAIN: &str = "runtime.main";

/// The handler of `net/http/pprof` that records a trace: what runs under it is the recording.
pub(crate) const RECORDING_HANDLER: &str = "net/http/pprof.Trace";

/// Whether the goroutine or stack that begins with a function is the runtime's own (`IsSystemGoroutine`,
/// `internal/trace/gc.go` and `summary.go`, Go 1.27).
pub(crate) fn is_of_runtime(outermost: &str) -> bool {
    outermost.starts_with("runtime.") && outermost != RUNTIME_MAIN
}

/// Whether a goroutine that begins with a function is the tracer's: one of those that `runtime/trace.Start` creates.
pub(crate) fn is_of_tracer(entry: &str) -> bool {
    entry.starts_with("runtime/trace.")
}

/// Whether a goroutine with this entry function, or created by this one, is Go's own and not the program's.
pub(crate) fn is_gos_own(entry: &str, creation_site: &str) -> bool {
    let records = |name: &str| is_of_tracer(name) || name.starts_with(RECORDING_HANDLER);
    is_of_runtime(entry) || records(entry) || records(creation_site)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gos_own_is_known_by_name() {
        for entry in
            ["runtime.bgsweep", "runtime.gcBgMarkWorker", "runtime/trace.Start.func1", "net/http/pprof.Trace.func1"]
        {
            assert!(is_gos_own(entry, "main.main"), "{entry}");
        }
        assert!(is_gos_own("main.work", "net/http/pprof.Trace"));
        // The program's first goroutine, and functions of the program that are called like the runtime's.
        for entry in ["runtime.main", "main.main", "main.runtime_worker", "runtimes.Run", "net/http/pprof.Index", ""] {
            assert!(!is_gos_own(entry, "runtime.main"), "{entry}");
        }
    }
}
