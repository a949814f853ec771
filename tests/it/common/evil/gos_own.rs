//! Goroutines of Go's own beside those of the program.

use super::{Trace, code};

/// Goroutines that run one after the other, each longer than the one before: of the program, with a function that is called like the
/// runtime's; one of the runtime; one that the recording created.
pub fn gos_own() -> Vec<u8> {
    let mut trace = Trace::new();
    let entries = [("main.runtime_worker", "main.main"), ("runtime.bgsweep", "runtime.gcenable")];
    let created: Vec<[u64; 3]> = entries
        .into_iter()
        .chain([("main.export", "net/http/pprof.Trace")])
        .zip(2..)
        .map(|((entry, creation), g)| [g, trace.names.stack(&[entry]), trace.names.stack(&[creation])])
        .collect();
    let starts: Vec<[u64; 2]> = created.iter().map(|[g, ..]| [*g, 1]).collect();
    let mut creator: Vec<(u64, u8, &[u64])> = vec![(1, code::GO_STATUS, &[1, 1, 2])];
    let mut others: Vec<(u64, u8, &[u64])> = Vec::new();
    let mut at = 10;
    for (created, start) in created.iter().zip(&starts) {
        creator.push((at, code::GO_CREATE, created));
        others.push((at + 1, code::GO_START, start));
        others.push((2 * at, code::GO_DESTROY, &[]));
        at = 2 * at + 10;
    }
    trace.thread(1, 1, &creator);
    trace.thread(1, 2, &others);
    trace.finish()
}
