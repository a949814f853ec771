//! The pool of threads, and when work is shared out to all of them.

use super::Options;
use crate::trace::error::{Error, ErrorKind, Result};

/// Most threads for each core: more only wait for each other, and thousands take minutes to start.
const MAX_THREADS_PER_CORE: usize = 4;
/// So many are allowed on any machine: a result that must not depend on their number can be tested on a small one.
const ALLOWED_THREADS: usize = 8;

/// How many threads a pool for so many has; 0 for one thread for each core.
fn limited(threads: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    threads.min((MAX_THREADS_PER_CORE * cores).max(ALLOWED_THREADS))
}

/// Runs `work` in a pool of `options.threads` threads, as far as that helps; `work` gets the options with their real
/// number.
pub(super) fn in_pool<T: Send>(options: Options, work: impl FnOnce(Options) -> Result<T> + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(limited(options.threads))
        .build()
        .map_err(|e| Error::new(ErrorKind::Io(std::io::Error::other(e))))?;
    pool.install(|| work(Options { threads: rayon::current_num_threads(), ..options }))
}

/// Whether so little follows a piece of this size that other threads will have nothing else to do.
pub(super) fn is_among_last(size: u64, left: u64) -> bool {
    2 * left < size
}
