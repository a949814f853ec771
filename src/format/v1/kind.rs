//! The event codes of Go 1.5 – 1.21.

/// What a record is. The number is its code on the wire (`Ev…` in `src/internal/trace/parser.go` of Go 1.21).
/// Later versions only added codes, so a version knows a prefix of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[expect(missing_docs, reason = "the runtime's own names; the table of their arguments is `Kind::shape`")]
pub enum Kind {
    Batch = 1,
    Frequency,
    Stack,
    Gomaxprocs,
    ProcStart,
    ProcStop,
    GcStart,
    GcDone,
    StwStart,
    StwDone,
    GcSweepStart,
    GcSweepDone,
    GoCreate,
    GoStart,
    GoEnd,
    GoStop,
    GoSched,
    GoPreempt,
    GoSleep,
    GoBlock,
    GoUnblock,
    GoBlockSend,
    GoBlockRecv,
    GoBlockSelect,
    GoBlockSync,
    GoBlockCond,
    GoBlockNet,
    GoSysCall,
    GoSysExit,
    GoSysBlock,
    GoWaiting,
    GoInSyscall,
    HeapAlloc,
    HeapGoal,
    TimerGoroutine,
    FutileWakeup,
    String,
    GoStartLocal,
    GoUnblockLocal,
    GoSysExitLocal,
    GoStartLabel,
    GoBlockGc,
    GcMarkAssistStart,
    GcMarkAssistDone,
    UserTaskCreate,
    UserTaskEnd,
    UserRegion,
    UserLog,
    CpuSample,
}

/// Every kind, at its code minus one.
const KINDS: [Kind; 49] = {
    use Kind::{
        Batch, CpuSample, Frequency, FutileWakeup, GcDone, GcMarkAssistDone, GcMarkAssistStart, GcStart, GcSweepDone,
        GcSweepStart, GoBlock, GoBlockCond, GoBlockGc, GoBlockNet, GoBlockRecv, GoBlockSelect, GoBlockSend,
        GoBlockSync, GoCreate, GoEnd, GoInSyscall, GoPreempt, GoSched, GoSleep, GoStart, GoStartLabel, GoStartLocal,
        GoStop, GoSysBlock, GoSysCall, GoSysExit, GoSysExitLocal, GoUnblock, GoUnblockLocal, GoWaiting, Gomaxprocs,
        HeapAlloc, HeapGoal, ProcStart, ProcStop, Stack, String, StwDone, StwStart, TimerGoroutine, UserLog,
        UserRegion, UserTaskCreate, UserTaskEnd,
    };
    [
        Batch,
        Frequency,
        Stack,
        Gomaxprocs,
        ProcStart,
        ProcStop,
        GcStart,
        GcDone,
        StwStart,
        StwDone,
        GcSweepStart,
        GcSweepDone,
        GoCreate,
        GoStart,
        GoEnd,
        GoStop,
        GoSched,
        GoPreempt,
        GoSleep,
        GoBlock,
        GoUnblock,
        GoBlockSend,
        GoBlockRecv,
        GoBlockSelect,
        GoBlockSync,
        GoBlockCond,
        GoBlockNet,
        GoSysCall,
        GoSysExit,
        GoSysBlock,
        GoWaiting,
        GoInSyscall,
        HeapAlloc,
        HeapGoal,
        TimerGoroutine,
        FutileWakeup,
        String,
        GoStartLocal,
        GoUnblockLocal,
        GoSysExitLocal,
        GoStartLabel,
        GoBlockGc,
        GcMarkAssistStart,
        GcMarkAssistDone,
        UserTaskCreate,
        UserTaskEnd,
        UserRegion,
        UserLog,
        CpuSample,
    ]
};

impl Kind {
    /// The kind with this code, if any version has it.
    #[inline]
    pub fn of(code: u8) -> Option<Self> {
        KINDS.get(usize::from(code).wrapping_sub(1)).copied()
    }

    /// Number of arguments behind the time, the stack not counted, and whether a stack comes last: as in the newest
    /// version (`EventDescriptions` in `src/internal/trace/parser.go` of Go 1.21).
    pub(super) fn shape(self) -> (u8, bool) {
        match self {
            Self::Gomaxprocs | Self::GcStart | Self::GoUnblockLocal | Self::UserTaskEnd => (1, true),
            Self::GoCreate | Self::GoUnblock | Self::UserLog => (2, true),
            Self::UserTaskCreate | Self::UserRegion | Self::CpuSample => (3, true),
            Self::GcSweepStart
            | Self::GoStop
            | Self::GoSched
            | Self::GoPreempt
            | Self::GoSleep
            | Self::GoBlock
            | Self::GoBlockSend
            | Self::GoBlockRecv
            | Self::GoBlockSelect
            | Self::GoBlockSync
            | Self::GoBlockCond
            | Self::GoBlockNet
            | Self::GoSysCall
            | Self::GoBlockGc
            | Self::GcMarkAssistStart => (0, true),
            Self::ProcStart
            | Self::StwStart
            | Self::GoWaiting
            | Self::GoInSyscall
            | Self::HeapAlloc
            | Self::HeapGoal
            | Self::GoStartLocal => (1, false),
            Self::GcSweepDone | Self::GoStart | Self::GoSysExitLocal => (2, false),
            Self::GoSysExit | Self::GoStartLabel => (3, false),
            Self::Batch
            | Self::Frequency
            | Self::Stack
            | Self::TimerGoroutine
            | Self::String
            | Self::ProcStop
            | Self::GcDone
            | Self::StwDone
            | Self::GoEnd
            | Self::GoSysBlock
            | Self::FutileWakeup
            | Self::GcMarkAssistDone => (0, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_the_codes() {
        for code in 1..50 {
            assert_eq!(Kind::of(code).unwrap() as u8, code);
        }
        assert_eq!(Kind::of(0), None);
        assert_eq!(Kind::of(50), None);
        assert_eq!(Kind::CpuSample as u8, 49);
    }
}
