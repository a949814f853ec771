//! Pass 1 of traces of Go 1.22 and later: each thread of a generation is scanned by itself, and nothing is ordered.
//!
//! *In:* a generation's batches and tables, and what to look for ([`scan::ScanInput`]). *Out:* a [`scan::Scan`] for each
//! generation, which [`collect::ScanCollector`] adds to the survey, in the order of the generations.
//!
//! # Why no order is needed
//!
//! A creation is in the batches of the thread that executes it, after the event that put the creator on that thread:
//! GoStart, GoSwitch, GoCreateSyscall, or a Running or Syscall status of that very thread. So who created whom is known
//! from each thread alone, at decoding speed. What a goroutine did is spread over the threads that it ran on. It is noted
//! by *run*, a goroutine's time on a thread. The event that begins a run carries the goroutine's sequence number, which
//! grows with each start, so sorting by it puts the runs in order:
//!
//! ```text
//!  thread 1   ──┤ G5 seq 1 ├────┤ G9 seq 4 ├───────┤ G5 seq 3 ├──►
//!  thread 2   ───────┤ G7 seq 2 ├────┤ G5 seq 2 ├─────────────────►     time
//!
//!  evidence, sorted by goroutine, sequence number, order within the run:
//!    G5  seq 1 [resume, other stack]  seq 2 [resume, match]  seq 3 [resume, other stack]
//! ```
//!
//! Ids of cgo callbacks repeat, so what a scan finds names goroutines by [`evidence::GoroutineRef`]: an id, and the
//! number of the birth where the id is ambiguous.
//!
//! # What leaving out and packing win
//!
//! Without paths (`--metric goroutine --root main.Handler -j 1`), measured by switching each off: instructions on recordings
//! of 5 MB (`long` 17 MB) of `testdata/gen/load`, peak memory on 200 MB.
//!
//! ```text
//!                                  stack     entry      http      long     short
//!  skipped runs (skipped.rs)      8% 26%    9% 38%    5%  1%   11% 42%    0%  1%     instructions, memory
//!  compact runs (compact_run.rs)  2% 11%    2% 27%    3%  2%    1%  1%    2%  0%
//! ```
//!
//! Compact runs in 8 bytes instead of 12 won 0.3 % of the instructions and 1.7 % of the memory at most.
//!
//! # Steps
//!
//! 1. `classes.rs` classifies the generation's stacks, one look at each function name. A stack is *skippable* if no stack
//!    of the generation with the same outermost function matches or is a server's: a goroutine has the same outermost
//!    function on all its stacks. `verdicts.rs` has the two bits of each class that the fast path needs.
//! 2. `thread_groups.rs` scans the threads, where several of our threads share a generation in groups of about as many
//!    bytes; the scans are joined in the order of the groups (`scan_concat.rs`). Generations share out our threads; the
//!    pipeline decides how (`pipeline/v2/scanning.rs`). `thread_scan.rs` is the rule for one thread, `scan_fast.rs` its
//!    fast path for runs without a match. Where a scan did not look up stacks and one has too high an id, `undefined.rs`
//!    looks for events whose stack no table defines.
//! 3. `run_evidence.rs` collects what one run says; at its end that goes to the `evidence_store.rs`, into a log of few
//!    bytes (`evidence_log.rs`, `evidence_pieces.rs`). Most runs say only that no stack matched, and are kept in 12 bytes (`compact_run.rs`). A
//!    run with a skippable stack is not kept at all, only that its goroutine had one (`skipped.rs`). Tasks and regions are
//!    noted by run too (`notes.rs`).
//! 4. As soon as a generation is scanned, `relevant.rs` selects the evidence about goroutines with a matching or a
//!    server's stack (`relevant_runs.rs`). Of a goroutine born in the generation no other evidence is ever needed; of an older one it may be, if
//!    something of it is open, and is kept. The memory of everything else serves the next scan.
//! 5. If a run was left out that is needed after all, because its goroutine matches by other stacks or has something open
//!    since an earlier generation, the generation is scanned once more, and all is kept.
//! 6. `collect.rs` resolves ids, births and names (`names.rs`), and hands everything to the shared collector, one
//!    generation after the other, while other threads scan further ones.

pub(crate) mod classes;
pub(crate) mod collect;
pub(crate) mod collections;
pub(crate) mod compact_run;
pub(crate) mod evidence;
pub(crate) mod evidence_log;
pub(crate) mod evidence_pieces;
pub(crate) mod evidence_store;
pub(crate) mod id_range;
pub(crate) mod names;
pub(crate) mod notes;
pub(crate) mod relevant;
pub(crate) mod relevant_runs;
pub(crate) mod run_evidence;
pub(crate) mod scan;
pub(crate) mod scan_concat;
pub(crate) mod scan_fast;
pub(crate) mod skipped;
pub(crate) mod thread_groups;
pub(crate) mod thread_scan;
pub(crate) mod undefined;
pub(crate) mod verdicts;
