//! The pool of threads, and when work is shared out to all of them.

use super::Options;
use crate::measure::Crew;
use crate::trace::error::{Error, ErrorKind, Result};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

/// Runs `work` in a pool of `options.threads` threads; `work` gets the options with their real number.
pub(super) fn in_pool<T: Send>(options: Options, work: impl FnOnce(Options) -> Result<T> + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(|e| Error::new(ErrorKind::Io(std::io::Error::other(e))))?;
    pool.install(|| work(Options { threads: rayon::current_num_threads(), ..options }))
}

/// Who walks when a piece of this size was taken: while others measure further ones, nobody else; all threads, when
/// little is left to measure. The size decides and not who happens to be free, so that every run does the same.
pub(super) fn crew_after(size: u64, left: u64) -> Crew<'static> {
    if is_among_last(size, left) { crew() } else { Crew::ALONE }
}

/// Whether so little is left behind a piece of this size that other threads will have nothing else to do.
pub(super) fn is_among_last(size: u64, left: u64) -> bool {
    2 * left < size
}

/// All threads.
pub(super) fn crew() -> Crew<'static> {
    Crew { size: rayon::current_num_threads(), each: &|n, work| (0..n).into_par_iter().for_each(work) }
}
