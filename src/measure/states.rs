//! What intervals are counted under: Go's own words for the states of a goroutine.

use crate::ids::StringIdx;
use crate::symbols::Symbols;

/// A state as a key: one of four fixed ones, or a reason for waiting.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StateKey(u32);

impl StateKey {
    /// Executing.
    pub const RUNNING: Self = Self(0);
    /// Ready, without a proc.
    pub const RUNNABLE: Self = Self(1);
    /// In a system call or a cgo call.
    pub const SYSCALL: Self = Self(2);
    /// Not known.
    pub const UNKNOWN: Self = Self(3);
    const FIRST_REASON: u32 = 4;

    /// Waiting for a reason in the runtime's words; a wait without one is unknown.
    #[inline]
    pub fn waiting(reason: StringIdx) -> Self {
        // String 0 is the empty one.
        if reason.is_some() && reason.0 != 0 { Self(reason.0 + Self::FIRST_REASON) } else { Self::UNKNOWN }
    }

    /// The key as a number.
    #[inline]
    pub fn number(self) -> u32 {
        self.0
    }

    /// Its name: the runtime's words are kept as they are, unknown ones too.
    pub fn name(self, symbols: &Symbols) -> &str {
        match self {
            Self::RUNNING => "running",
            Self::RUNNABLE => "runnable",
            Self::SYSCALL => "syscall",
            Self::UNKNOWN => "unknown",
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
    "runtime.block",
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
    "sync.runtime_Semacquire",
    "sync.runtime_SemacquireMutex",
    "sync.runtime_SemacquireRWMutex",
    "sync.runtime_SemacquireRWMutexR",
    "sync.runtime_SemacquireWaitGroup",
    "sync.runtime_notifyListWait",
    "sync.(*Mutex).lockSlow",
];

/// Whether a function only parks its goroutine.
pub(super) fn is_parking(function: &str) -> bool {
    PARKING.contains(&function)
}

/// What can be said beyond the state: from the leaf of the interval's stack.
pub fn detail(state: StateKey, leaf: &str) -> &'static str {
    match leaf {
        // The runtime counts a cgo call as a system call (go.dev/issue/64865).
        "runtime.cgocall" if state == StateKey::SYSCALL => "cgo",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
