//! The traces of all inputs: small ones side by side, others one after the other; what came of them in order.
//!
//! ```text
//! files       a (large)    b    c    d    e (small)    f (large)
//!
//! thread 1    part of a    b         d    e            part of f
//! thread 2    part of a         c                      part of f
//! taken       a            b    c    d    e            f
//! ```
//!
//! A small trace has little in it that threads could share; and of a large one, two at once would take twice the memory.

use super::in_order::in_order;
use super::open_trace::{OpenTrace, for_each_trace};
use super::{Input, Options};
use crate::trace::error::{Result, Warning};
use std::sync::atomic::{AtomicBool, Ordering};

/// Most bytes of a file that one thread reads by itself while others read other files.
const SMALL: u64 = 2 << 20;

/// Where a trace is: its input, and where it starts in that.
pub(super) type Place = (usize, u64);

/// What comes of an input.
pub(super) enum Done<T> {
    /// One of its traces was worked on.
    Trace(T),
    /// Its last trace was; of others, nothing can be used.
    Input(Vec<Warning>),
}

/// Calls `work` for each trace of the inputs, several at the same time where these are small: the options that it gets say how
/// many threads it may use. What comes of that is given to `take` in the order of the inputs, by one thread at a time.
/// Returns what `take` made of `nothing`; an error of the first input that has one.
pub(super) fn each_trace<S: Send, T: Send>(
    inputs: &[Input<'_>],
    options: Options,
    nothing: S,
    work: impl Fn(Place, &mut OpenTrace<'_>, Options) -> Result<T> + Sync,
    take: impl Fn(&mut S, Done<T>) + Sync,
) -> Result<S> {
    let is_small = |input: &Input<'_>| input.source.size() <= SMALL;
    let mut so_far = nothing;
    let mut first = 0;
    for alike in inputs.chunk_by(|a, b| is_small(a) && is_small(b)) {
        if options.threads > 1 && alike.len() >= options.threads && is_small(&alike[0]) {
            so_far = side_by_side((first, alike), options, so_far, &work, &take)?;
        } else {
            for (i, input) in (first..).zip(alike) {
                let done = |done| take(&mut so_far, done);
                each_of((i, input), options, &work, done)?;
            }
        }
        first += alike.len();
    }
    Ok(so_far)
}

/// Works on the traces of one input.
fn each_of<T>(
    (i, input): (usize, &Input<'_>),
    options: Options,
    work: impl Fn(Place, &mut OpenTrace<'_>, Options) -> Result<T>,
    mut done: impl FnMut(Done<T>),
) -> Result<()> {
    let unusable = for_each_trace(input, &mut |trace| {
        done(Done::Trace(work((i, trace.start), trace, options)?));
        Ok(())
    });
    done(Done::Input(unusable.map_err(|e| e.in_input(&input.name))?));
    Ok(())
}

/// Works on inputs of which the first has the position `first`, each on one thread.
fn side_by_side<S: Send, T: Send>(
    (first, inputs): (usize, &[Input<'_>]),
    options: Options,
    so_far: S,
    work: impl Fn(Place, &mut OpenTrace<'_>, Options) -> Result<T> + Sync,
    take: impl Fn(&mut S, Done<T>) + Sync,
) -> Result<S> {
    let alone = Options { threads: 1, ..options };
    let failed = AtomicBool::new(false);
    let read = |i: usize, (): &mut ()| {
        let mut of_input = Vec::new();
        // What is after an error is not looked at.
        if !failed.load(Ordering::Relaxed) {
            each_of((first + i, &inputs[i]), alone, &work, |done| of_input.push(done))?;
        }
        Ok(of_input)
    };
    in_order(
        inputs.len(),
        options.threads,
        Ok(so_far),
        || (),
        read,
        |so_far: &mut Result<S>, _, of_input: Result<Vec<Done<T>>>, (): &mut ()| match (&mut *so_far, of_input) {
            (Ok(so_far), Ok(of_input)) => of_input.into_iter().for_each(|done| take(so_far, done)),
            (Ok(_), Err(error)) => {
                failed.store(true, Ordering::Relaxed);
                *so_far = Err(error);
            }
            (Err(_), _) => {}
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::testing::trace;
    use crate::pipeline::threads::in_pool;
    use crate::trace::error::{Error, ErrorKind};
    use std::sync::Mutex;

    /// What becomes of files of these bytes: of each trace its place, its number of threads and what `work` says; `-` at the
    /// end of a file.
    fn read(
        files: &[Vec<u8>],
        threads: usize,
        work: impl Fn(Place) -> Result<()> + Sync,
    ) -> Result<(Vec<String>, Vec<usize>)> {
        let inputs: Vec<Input<'_>> = files.iter().map(|bytes| Input::new("file", bytes)).collect();
        let used = Mutex::new(Vec::new());
        let list = in_pool(&inputs, Options { threads, ..Options::default() }, |options| {
            let work = |place: Place, _: &mut OpenTrace<'_>, options: Options| {
                used.lock().unwrap().push(options.threads);
                work(place).map(|()| place)
            };
            each_trace(&inputs, options, Vec::new(), work, |list, done| match done {
                Done::Trace((i, start)) => list.push(format!("{i}@{start}")),
                Done::Input(unusable) => list.push(format!("-{}", unusable.len())),
            })
        });
        list.map(|list| (list, used.into_inner().unwrap()))
    }

    /// Small files around a large one; the first has two traces.
    fn files() -> Vec<Vec<u8>> {
        let small = trace("go1.26/trees");
        let mut large = small.clone();
        large.resize(SMALL as usize + 1, 0xff);
        let mut files = vec![small.clone(); 20];
        files[0] = [small.as_slice(), small.as_slice()].concat();
        files.insert(10, large);
        files
    }

    #[test]
    fn traces_are_taken_in_order_by_any_number_of_threads() {
        let files = files();
        let second = files[1].len();
        let expected = (0..files.len()).map(|i| format!("{i}@0 -0"));
        let expected = expected.collect::<Vec<_>>().join(" ").replacen("-0", &format!("0@{second} -0"), 1);
        for threads in [1, 2, 3, 8] {
            let wait = |(i, _): Place| {
                // The first take longest.
                std::thread::sleep(std::time::Duration::from_micros(500 / (i as u64 % 10 + 1)));
                Ok(())
            };
            let (list, used) = read(&files, threads, wait).unwrap();
            assert_eq!(list.join(" "), expected, "{threads} threads");
            // Small files have a thread each, the large one has all.
            let with_all = used.iter().filter(|n| **n == threads).count();
            assert_eq!(with_all, if threads == 1 { 22 } else { 1 }, "{threads} threads: {used:?}");
        }
        // Where there are fewer files than threads, they share each one.
        let (_, used) = read(&files[1..3], 4, |_| Ok(())).unwrap();
        assert_eq!(used, [4, 4]);
    }

    #[test]
    fn the_first_error_counts() {
        let fails = |(i, _): Place| match i {
            3.. => Err(Error::new(ErrorKind::NotATrace(format!("file {i}")))),
            _ => Ok(()),
        };
        for threads in [1, 2, 8] {
            let error = read(&files(), threads, fails).unwrap_err();
            assert!(error.to_string().contains("file 3"), "{threads} threads: {error}");
        }
    }
}
