//! How far the work has come.

use super::Input;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// Counts the bytes that are done, and tells the caller where it wants to know.
pub(crate) struct Ticker<'a> {
    done: AtomicU64,
    total: u64,
    hook: Option<ProgressHook<'a>>,
}

impl<'a> Ticker<'a> {
    /// For `passes` passes over all inputs.
    pub(super) fn new(inputs: &[Input<'_>], passes: u64, hook: Option<ProgressHook<'a>>) -> Self {
        let total = inputs.iter().map(|i| i.source.size()).sum::<u64>() * passes;
        Self { done: AtomicU64::new(0), total, hook }
    }

    /// `bytes` more are done.
    pub(crate) fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Some(hook) = self.hook {
            hook(Progress { done: done.min(self.total), total: self.total });
        }
    }
}
