//! Scans a generation's threads, which several of our threads can share out among them.
//!
//! ```text
//!  threads of the generation   0   1   2 │ 3 │ 4   5   6        groups of about as many bytes
//!  scans                         scan   ──► join ──► join       put together in the order of the threads
//! ```

use super::evidence_pieces::LogBase;
use super::evidence_store::{EvidenceMemory, EvidenceStore};
use super::scan::{Scan, ScanInput};
use super::thread_scan::ThreadScan;
use super::verdicts::StackVerdicts;
use crate::trace::error::Result;
use crate::trace::v2::batch::GenerationIndex;
use crate::trace::v2::generation::ThreadBatches;
use crate::trace::v2::split::ScanObserver;
use std::ops::Range;

/// Divides a generation's threads into at most `n` groups that follow each other, with about as many bytes each.
pub(crate) fn thread_groups(index: &GenerationIndex, batches: &ThreadBatches, n: usize) -> Vec<Range<usize>> {
    let of_threads: Vec<u64> = (0..index.threads.len()).map(|thread| bytes(index, batches, thread)).collect();
    let all: u64 = of_threads.iter().sum();
    let (mut groups, mut start, mut so_far) = (Vec::new(), 0, 0);
    for (thread, bytes) in of_threads.iter().enumerate() {
        so_far += bytes;
        // A group ends where that is nearest to its share.
        let next = of_threads.get(thread + 1).unwrap_or(&0);
        let full = groups.len() + 1 < n && (2 * so_far + next) * n as u64 >= 2 * all * (groups.len() as u64 + 1);
        if full || thread + 1 == of_threads.len() {
            groups.push(start..thread + 1);
            start = thread + 1;
        }
    }
    groups
}

/// Bytes of a thread's batches.
fn bytes(index: &GenerationIndex, batches: &ThreadBatches, thread: usize) -> u64 {
    batches.of(thread).iter().map(|b| u64::from(index.batches[*b as usize].size)).sum()
}

/// Scans some threads of a generation.
#[inline(never)]
pub(crate) fn scan_threads(
    input: &ScanInput<'_>,
    threads: Range<usize>,
    memory: EvidenceMemory,
    observer: &mut impl ScanObserver,
) -> Result<Scan> {
    let index = input.generation.index;
    let size = threads.clone().map(|thread| bytes(index, input.batches, thread)).sum();
    let memory = if input.classes.is_some() { memory.for_bytes(size) } else { memory };
    let start = LogBase { pos: index.start, ticks: index.min_time };
    let evidence = EvidenceStore::new(start, memory, (!input.keeps_all).then_some(size));
    let mut scan = Scan { evidence, ..Scan::default() };
    let mut bytes = Vec::new();
    let verdicts = input.classes.map(StackVerdicts::new);
    for thread in threads {
        let before = scan.births.len();
        observer.begin_thread(thread);
        ThreadScan::new(input, verdicts.as_ref(), thread, &mut scan).run(&mut bytes, observer)?;
        observer.end_thread();
        scan.births_per_thread.push((scan.births.len() - before) as u32);
    }
    Ok(scan)
}
