//! What intervals are counted under: Go's own words for the states of a goroutine.

use crate::profile::{is_for_collector, lock_kind};
use crate::trace::ids::StringIdx;
use crate::trace::symbols::Symbols;

/// A state as a key: one of five fixed ones, or a reason for waiting.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct StateKey(u32);

impl StateKey {
    /// Executing.
    pub(crate) const RUNNING: Self = Self(0);
    /// Ready, without a proc.
    pub(crate) const RUNNABLE: Self = Self(1);
    /// In a system call or a cgo call.
    pub(crate) const SYSCALL: Self = Self(2);
    /// Not known.
    pub(crate) const UNKNOWN: Self = Self(3);
    /// Waiting in the network poller for a file: a pipe, the output of a child process, a terminal. The runtime says
    /// `network` of these too.
    pub(crate) const PIPE: Self = Self(4);
    const FIRST_REASON: u32 = 5;
    /// The name of [`StateKey::UNKNOWN`].
    pub(crate) const UNKNOWN_NAME: &'static str = "unknown";

    /// Waiting for a reason in the runtime's words; a wait without one is unknown.
    #[inline]
    pub(crate) fn waiting(reason: StringIdx) -> Self {
        // String 0 is the empty one.
        if reason.is_some() && reason.0 != 0 { Self(reason.0 + Self::FIRST_REASON) } else { Self::UNKNOWN }
    }

    /// Whether it is a wait: for a reason, or for one that the trace does not name.
    #[inline]
    pub(crate) fn is_wait(self) -> bool {
        self.0 >= Self::UNKNOWN.0
    }

    /// The key as a number.
    #[inline]
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// Its name: the runtime's words are kept as they are, unknown ones too.
    pub(crate) fn name(self, symbols: &Symbols) -> &str {
        match self {
            Self::RUNNING => "running",
            Self::RUNNABLE => "runnable",
            Self::SYSCALL => "syscall",
            Self::UNKNOWN => Self::UNKNOWN_NAME,
            Self::PIPE => "pipe",
            Self(reason) => symbols.text(StringIdx(reason - Self::FIRST_REASON)),
        }
    }
}

/// Functions that only park a goroutine. A stack taken from outside (GoStatusStack) has them at its leaf, one
/// taken at the block does not (`traceBlockReason` callers skip them; Go 1.23, `runtime/traceruntime.go`).
const PARKING: &[&str] = &[
    "runtime.gopark",
    "runtime.goparkunlock",
    "runtime.chanrecv",
    "runtime.chansend",
    "runtime.semacquire1",
    "runtime.netpollblock",
    "runtime.notetsleepg",
    "runtime.timeSleep",
    "internal/poll.runtime_pollWait",
    "internal/poll.(*pollDesc).wait",
    "internal/poll.(*pollDesc).waitRead",
    "internal/poll.(*pollDesc).waitWrite",
    "internal/sync.runtime_SemacquireMutex",
    "internal/sync.(*Mutex).lockSlow",
    // `sync.(*Mutex).Lock` calls it since Go 1.24.
    "internal/sync.(*Mutex).Lock",
    "sync.runtime_Semacquire",
    "sync.runtime_SemacquireMutex",
    "sync.runtime_SemacquireRWMutex",
    "sync.runtime_SemacquireRWMutexR",
    "sync.runtime_SemacquireWaitGroup",
    "sync.runtime_notifyListWait",
    "sync.(*Mutex).lockSlow",
];

/// Whether a function only parks its goroutine.
pub(crate) fn is_parking(function: &str) -> bool {
    PARKING.contains(&function)
}

/// What a call of C goes through.
const CGO_CALL: &str = "runtime.cgocall";

/// Functions that callers wait in, outside the runtime's parking frames, and that do nothing else worth the name
/// (Go 1.19 – 1.27).
const BLOCKING: &[&str] = &[
    "runtime.block",
    CGO_CALL,
    "runtime.chanrecv1",
    "runtime.chanrecv2",
    "runtime.chansend1",
    "runtime.selectgo",
    "time.Sleep",
    "sync.(*Mutex).Lock",
    "sync.(*RWMutex).Lock",
    "sync.(*RWMutex).RLock",
    "sync.(*WaitGroup).Wait",
    "sync.(*Cond).Wait",
    "net.(*conn).Read",
    "net.(*conn).Write",
    "os.(*File).Read",
    "os.(*File).Write",
    "os.(*File).read",
    "os.(*File).write",
];

/// Packages, and types, of which the same is true of all functions.
const BLOCKING_PREFIXES: &[&str] = &[
    "internal/poll.(*FD).",
    "internal/poll.ignoringEINTRIO",
    "internal/runtime/syscall.",
    "net.(*netFD).",
    "runtime/internal/syscall.",
    "syscall.",
];

/// Whether a function only blocks: running time is spent in its callers, before and after it.
pub(crate) fn only_blocks(function: &str) -> bool {
    is_parking(function)
        || BLOCKING.contains(&function)
        || BLOCKING_PREFIXES.iter().any(|prefix| function.starts_with(prefix))
}

/// What the end of a wait says about who caused it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WaitClass {
    /// The scheduler and a stopped world hand out what the network poller and timers made ready, and whoever runs then
    /// looks like the waker (`injectglist`, `startTheWorldWithSema`; Go 1.27, `runtime/proc.go`).
    HandedOut,
    /// The collector's, whoever ends it.
    Collector,
    /// A wait for a channel, which a timer can end without a goroutine (`time.After`, a ticker).
    Channel,
    /// A lock, which may be the runtime's own: its stack tells.
    Lock,
    /// Who ends it caused that.
    Other,
}

impl WaitClass {
    /// That of a wait with this reason.
    pub(crate) fn of(reason: &str) -> Self {
        match reason {
            "network" | "sleep" | "forever" | "wait for debug call" | "system goroutine wait" => Self::HandedOut,
            "preempted" => Self::Collector,
            "chan receive" | "select" => Self::Channel,
            "sync" => Self::Lock,
            _ if is_for_collector(reason) => Self::Collector,
            _ => Self::Other,
        }
    }
}

/// Functions of the network poller that end waits of other goroutines: a deadline is set, or the descriptor is closed
/// (`internal/poll/fd_poll_runtime.go`, Go 1.19 – 1.27).
const ENDS_NETWORK_WAITS: &[&str] = &[
    "internal/poll.runtime_pollSetDeadline",
    "internal/poll.runtime_pollUnblock",
    "internal/poll.setDeadlineImpl",
    "internal/poll.(*pollDesc).evict",
];

/// Whether a waker's stack, innermost frame first, shows that it ended waits for the network itself.
pub(crate) fn ends_network_waits<'a>(mut frames: impl Iterator<Item = &'a str>) -> bool {
    frames.any(|frame| ENDS_NETWORK_WAITS.contains(&frame))
}

/// Whether a wait in the network poller with these frames, innermost first, is for a file and not for the network (Go
/// 1.19 – 1.27, `os/file_posix.go`).
pub(crate) fn polls_file<'a>(mut frames: impl Iterator<Item = &'a str>) -> bool {
    let caller = frames.find(|frame| !frame.starts_with("internal/poll.") && !frame.starts_with("runtime."));
    caller.is_some_and(|function| function.starts_with("os.(*File)."))
}

/// What can be said beyond the state, from the frames of the interval's stack, innermost first.
pub(crate) fn detail<'a>(state: StateKey, name: &str, mut frames: impl Iterator<Item = &'a str>) -> &'static str {
    if state == StateKey::SYSCALL {
        // The runtime counts a cgo call as a system call (go.dev/issue/64865).
        return if frames.next() == Some(CGO_CALL) { "cgo" } else { "" };
    }
    if name == "sync" { lock_kind(frames) } else { "" }
}

/// Whether a wait for a lock with these frames, innermost first, is for one of the runtime's own: nobody's.
pub(crate) fn is_runtime_lock<'a>(frames: impl Iterator<Item = &'a str>) -> bool {
    lock_kind(frames) == "runtime"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_the_network_poller_are_no_network() {
        let polls_file = |frames: &[&'static str]| super::polls_file(frames.iter().copied());
        assert!(polls_file(&["internal/poll.(*FD).Read", "os.(*File).read", "os.(*File).Read", "main.f"]));
        assert!(!polls_file(&["internal/poll.(*FD).Read", "net.(*netFD).Read", "net.(*conn).Read", "os.(*File).f"]));
        assert!(!polls_file(&["internal/poll.(*FD).Read"]));
    }

    #[test]
    fn what_a_status_has_and_a_block_has_not_is_parking() {
        let cut = ["runtime.gopark", "internal/sync.(*Mutex).lockSlow", "internal/sync.(*Mutex).Lock"];
        assert!(cut.iter().all(|function| is_parking(function)));
        // The stack of the block has these.
        assert!(
            !["runtime.block", "runtime.selectgo", "sync.(*Mutex).Lock"].iter().any(|function| is_parking(function))
        );
    }

    #[test]
    fn reasons_keep_their_words() {
        let mut symbols = Symbols::default();
        let reason = symbols.intern("chan receive");
        assert_eq!(StateKey::waiting(reason).name(&symbols), "chan receive");
        let strange = symbols.intern("waiting for the moon");
        assert_eq!(StateKey::waiting(strange).name(&symbols), "waiting for the moon");
        assert_eq!(StateKey::waiting(StringIdx::NONE), StateKey::UNKNOWN);
        assert_eq!(StateKey::waiting(symbols.intern("")), StateKey::UNKNOWN);
    }
}
