//! The pool of threads, and when work is shared out to all of them.

use super::{Input, Options};
use crate::trace::error::{Error, ErrorKind, Result};

/// Most threads for each core: more only wait for each other, and thousands take minutes to start.
const MAX_THREADS_PER_CORE: usize = 4;
/// So many are allowed on any machine: a result that must not depend on their number can be tested on a small one.
const ALLOWED_THREADS: usize = 8;

/// Bytes of a trace that are work for a thread: a few batches.
const BYTES_OF_A_PIECE: u64 = 256 << 10;

/// How many threads a pool for so many has, given the pieces of work and the machine's cores; 0 stands for one for each core.
fn limited(threads: usize, pieces: usize, cores: usize) -> usize {
    let wanted = if threads == 0 { cores } else { threads };
    wanted.min((MAX_THREADS_PER_CORE * cores).max(ALLOWED_THREADS)).min(pieces.max(ALLOWED_THREADS))
}

/// How many threads have something to do.
fn pieces(inputs: &[Input<'_>]) -> usize {
    let of_one = |input: &Input<'_>| (input.source.size() / BYTES_OF_A_PIECE + 1) as usize;
    inputs.iter().map(of_one).fold(0, usize::saturating_add)
}

/// Runs `work` on the traces in a pool of `options.threads` threads, as far as that helps; `work` gets the options with their
/// real number.
pub(super) fn in_pool<T: Send>(
    inputs: &[Input<'_>],
    options: Options,
    work: impl FnOnce(Options) -> Result<T> + Send,
) -> Result<T> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(limited(options.threads, pieces(inputs), cores))
        .build()
        .map_err(|e| Error::new(ErrorKind::Io(std::io::Error::other(e))))?;
    pool.install(|| work(Options { threads: rayon::current_num_threads(), ..options }))
}

/// Whether so little follows a piece of this size that other threads will have nothing else to do.
pub(super) fn is_among_last(size: u64, left: u64) -> bool {
    2 * left < size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_threads_than_cores_and_work_can_use() {
        assert_eq!(limited(0, 1000, 2), 2);
        assert_eq!(limited(100_000, 1000, 64), 256);
        // A small trace on a large machine, and a small machine.
        assert_eq!(limited(0, 1, 64), 8);
        assert_eq!(limited(0, 20, 64), 20);
        assert_eq!(limited(3, 1, 2), 3);
        assert_eq!(limited(100_000, 1, 2), 8);
    }

    #[test]
    fn each_trace_is_work_and_a_large_one_is_more() {
        let (small, large) = (vec![0; 10], vec![0; 1 << 20]);
        assert_eq!(pieces(&[Input::new("a", &small), Input::new("b", &large)]), 6);
    }
}
