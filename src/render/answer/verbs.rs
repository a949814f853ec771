//! What goroutines do and wait for, in words.

use crate::profile::{LibraryPool, is_for_collector};
use crate::render::clean::clean;

/// What is waited for at a pool.
pub(super) fn free(pool: LibraryPool) -> &'static str {
    match pool {
        LibraryPool::Database => " for a free connection of the database's pool",
        LibraryPool::Host => " for a connection to the host",
        LibraryPool::Semaphore => " for a semaphore",
        LibraryPool::Puddle => " for something free of the pool",
    }
}

/// What a wait is for: ` for a lock`, ` for a channel`.
pub(super) fn object(state: &str, detail: &str) -> String {
    let what = match (state, detail) {
        ("network", _) => "for the network",
        ("sync", "mutex" | "rwmutex") => "for a lock",
        ("sync", "wait group") => "for a wait group",
        ("sync", "once") => "for a sync.Once",
        ("sync", "runtime") => "for a lock of the runtime",
        ("sync.(*Cond).Wait", _) => "for a condition variable",
        ("chan receive", _) => "to receive from a channel",
        ("chan send", _) => "to send to a channel",
        ("forever", _) => "forever",
        _ if state.starts_with("select") => "in a select",
        _ if is_for_collector(state) => "for the garbage collector",
        _ => return format!(" in [{}]", clean(state)),
    };
    format!(" {what}")
}

/// What a goroutine does: `sleeps`.
pub(super) fn does(state: &str, detail: &str) -> String {
    match state {
        "running" if detail == "sweep" => "sweeps for the garbage collector".to_owned(),
        "running" if detail == "mark assist" => "helps the garbage collector to mark".to_owned(),
        "running" => "computes".to_owned(),
        "runnable" => "waits for a processor".to_owned(),
        "syscall" => "is in system calls".to_owned(),
        "sleep" => "sleeps".to_owned(),
        _ => format!("waits{}", object(state, detail)),
    }
}

/// What a goroutine did: `slept`.
pub(super) fn did(state: &str, detail: &str) -> String {
    match state {
        "running" if detail == "sweep" => "swept for the garbage collector".to_owned(),
        "running" if detail == "mark assist" => "helped the garbage collector to mark".to_owned(),
        "running" => "computed".to_owned(),
        "runnable" => "waited for a processor".to_owned(),
        "syscall" => "was in system calls".to_owned(),
        "sleep" => "slept".to_owned(),
        _ => format!("waited{}", object(state, detail)),
    }
}
