//! The straight line: source → generations → forest → slice → profile. Threads and the progress hook live here
//! alone.

use crate::error::{Error, ErrorKind, Result};
use crate::profile::{Candidates, Profile};
use crate::slice::Selector;
use crate::source::Source;

/// One trace to read.
pub struct Input<'a> {
    /// Its name in reports.
    pub name: String,
    /// Its bytes, decompressed.
    pub source: &'a dyn Source,
}

/// How stacks of child goroutines are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stacks {
    /// Under the stack of the `go` statement that created the goroutine.
    #[default]
    Joined,
    /// Alone.
    Own,
}

/// How to work.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How stacks of child goroutines are shown.
    pub stacks: Stacks,
    /// Number of threads; 0 means as many as there are cores.
    pub threads: usize,
}

/// How far the work has come: `done` of `total` bytes, both passes counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Bytes done.
    pub done: u64,
    /// Bytes to do.
    pub total: u64,
}

/// Called from time to time, from any thread.
pub type ProgressHook<'a> = &'a (dyn Fn(Progress) + Sync);

/// What came of a selection.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Something matched.
    Profile(Box<Profile>),
    /// Nothing matched; here is what could have.
    NoMatch(Box<Candidates>),
}

/// Slices the traces and adds the slices up.
pub fn profile(
    inputs: &[Input<'_>],
    selector: &Selector,
    options: Options,
    progress: ProgressHook<'_>,
) -> Result<Answer> {
    let _ = (inputs, selector, options, progress);
    Err(Error::new(ErrorKind::NothingUsable("not built yet".into())))
}

/// Lists what could be selected.
pub fn candidates(inputs: &[Input<'_>], options: Options, progress: ProgressHook<'_>) -> Result<Candidates> {
    let _ = (inputs, options, progress);
    Err(Error::new(ErrorKind::NothingUsable("not built yet".into())))
}
