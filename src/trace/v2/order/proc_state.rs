//! What is known of a proc, and which one a thread holds.

use crate::trace::ids::GIdx;

/// The index of no proc.
pub(crate) const NO_PROC: u32 = u32::MAX;
/// The index of a proc that is not known, or none: where events of a thread are missing.
pub(crate) const UNKNOWN_PROC: u32 = u32::MAX - 1;

/// A proc's state (`tracev2.ProcStatus`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ProcState {
    Undetermined,
    Running,
    Idle,
    Syscall,
    /// In a system call of a thread that is not known. It is about to be stolen.
    SyscallAbandoned,
}

/// What is known of a proc.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Proc {
    /// Its last sequence number.
    pub(crate) seq: u64,
    /// The thread that took it last; `u32::MAX` for none.
    pub(crate) holder: u32,
    pub(crate) state: ProcState,
    /// Number of threads that wait for it.
    pub(crate) waiters: u32,
    /// Whether it swept when the generation began, and the goroutine that executes on it is not known yet.
    pub(crate) sweeps: bool,
}

/// What a thread executes, and the proc that it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ThreadBinding {
    /// [`GIdx::NONE`] for no goroutine.
    pub(crate) g: GIdx,
    /// [`NO_PROC`] for no proc, [`UNKNOWN_PROC`] if that is not known.
    pub(crate) p: u32,
}

impl ThreadBinding {
    /// Executes nothing and holds no proc.
    pub(crate) const UNBOUND: Self = Self { g: GIdx::NONE, p: NO_PROC };
    /// Nothing is known of it.
    pub(crate) const UNKNOWN: Self = Self { g: GIdx::NONE, p: UNKNOWN_PROC };
}
