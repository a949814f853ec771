//! Pieces of work side by side, their results taken in order.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What the threads share: how far the work has come.
struct WorkState<T> {
    /// Whether a thread gives a result to the taker.
    taking: bool,
    /// Results that were not taken yet, from `taken` on.
    ready: VecDeque<Option<T>>,
    /// Pieces whose result was taken.
    taken: usize,
    /// Pieces that were begun.
    begun: usize,
    /// Whether a thread panicked.
    stopped: bool,
}

/// The shared state, and the signal that it has changed.
type Shared<T> = (Mutex<WorkState<T>>, Condvar);

/// Works on pieces `0..n` on some threads, each with scratch memory of its own, and hands the results to `take` one by one
/// and in order, as soon as they are there: one thread takes while others work. At most `threads + 1` results wait.
/// Returns the taker.
pub(super) fn in_order<S: Send, T: Send, B>(
    n: usize,
    threads: usize,
    taker: S,
    scratch: impl Fn() -> B + Sync,
    work: impl Fn(usize, &mut B) -> T + Sync,
    take: impl Fn(&mut S, usize, T, &mut B) + Sync,
) -> S {
    let threads = threads.clamp(1, n.max(1));
    let state = WorkState { taking: false, ready: VecDeque::new(), taken: 0, begun: 0, stopped: false };
    let shared = (Mutex::new(state), Condvar::new());
    let taker = Mutex::new(taker);
    let run = || {
        let mut stop = ReleaseOnPanic { shared: &shared, done: false };
        let mut scratch = scratch();
        while let Some(step) = next_step(&shared, n, threads) {
            match step {
                Step::Work(piece) => {
                    let result = work(piece, &mut scratch);
                    let mut at = lock(&shared.0);
                    let position = piece - at.taken;
                    at.ready[position] = Some(result);
                }
                Step::Take(piece, result) => {
                    take(&mut lock(&taker), piece, result, &mut scratch);
                    let mut at = lock(&shared.0);
                    at.taking = false;
                    at.taken += 1;
                    at.ready.pop_front();
                }
            }
            shared.1.notify_all();
        }
        stop.done = true;
    };
    if threads == 1 {
        // Others may work on other traces, so that this thread must not wait for them.
        run();
        return taker.into_inner().unwrap_or_else(PoisonError::into_inner);
    }
    // One task for each thread, which no other thread can steal: a thread that waits inside of another task would take one of
    // these up, and not get back to its own before everything here is done.
    rayon::scope(|scope| {
        scope.spawn_broadcast(|_, thread| {
            if thread.index() < threads {
                run();
            }
        });
    });
    taker.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What a thread does next.
enum Step<T> {
    Work(usize),
    Take(usize, T),
}

/// Waits for something to do; none when others do all that is left.
fn next_step<T>(shared: &Shared<T>, n: usize, threads: usize) -> Option<Step<T>> {
    let mut at = lock(&shared.0);
    loop {
        if at.taken == n || at.stopped {
            return None;
        }
        if !at.taking
            && let Some(result) = at.ready.front_mut().and_then(Option::take)
        {
            at.taking = true;
            return Some(Step::Take(at.taken, result));
        }
        if at.begun < n && at.begun <= at.taken + threads {
            at.begun += 1;
            at.ready.push_back(None);
            return Some(Step::Work(at.begun - 1));
        }
        // Whoever takes a result, or works on the next one to take, comes back and takes the others too; this thread
        // can help with them meanwhile.
        if at.begun == n {
            return None;
        }
        at = shared.1.wait(at).unwrap_or_else(PoisonError::into_inner);
    }
}

/// The state that a mutex guards, also where a thread panicked while it held the lock.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Frees memory while the others go on: a thread that has nothing to do does it, where there are several for this trace.
pub(super) fn free(value: impl Send + 'static, threads: usize) {
    if threads > 1 {
        rayon::spawn(move || drop(value));
    }
}

/// Wakes the other threads if this one panics, so that none waits for it for ever.
struct ReleaseOnPanic<'a, T> {
    shared: &'a Shared<T>,
    done: bool,
}

impl<T> Drop for ReleaseOnPanic<'_, T> {
    fn drop(&mut self) {
        if !self.done {
            lock(&self.shared.0).stopped = true;
            self.shared.1.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_from_any_number_of_threads() {
        for threads in [1, 2, 3, 8] {
            for n in [0, 1, 2, 100] {
                let work = |i: usize, worked: &mut usize| {
                    *worked += 1;
                    // The first pieces take longest.
                    std::thread::sleep(std::time::Duration::from_micros(200 / (i as u64 + 1)));
                    i * i
                };
                let take = |taken: &mut Vec<(usize, usize)>, i, square, _: &mut usize| taken.push((i, square));
                let taken = in_order(n, threads, Vec::new(), || 0, work, take);
                assert_eq!(taken, (0..n).map(|i| (i, i * i)).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_panic_is_no_deadlock() {
        let work = |i: usize, (): &mut ()| assert!(i != 5, "piece 5");
        let take = |(): &mut (), _, (), (): &mut ()| {};
        let result = std::panic::catch_unwind(|| in_order(100, 3, (), || (), work, take));
        assert!(result.is_err());
    }
}
