//! The event codes of Go 1.5 – 1.21, and what follows each on the wire.

/// Defines [`Kind`] by a table: name, code, number of arguments after the time (without the stack), and whether a stack
/// comes last.
macro_rules! kinds {
    ($($name:ident = $code:literal, $args:literal, $stack:literal;)*) => {
        /// What a record is; the number is its code in the file (`Ev…` in `src/internal/trace/parser.go` of Go 1.21).
        /// Versions only ever added codes at the end, so each version knows the first ones up to some code.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub(crate) enum Kind {
            $($name = $code,)*
        }

        /// Every kind, at its code minus one.
        const KINDS: &[Kind] = &[$(Kind::$name,)*];

        /// The number of arguments of every kind, at its code minus one.
        const N_ARGS: &[u8] = &[$($args,)*];

        /// Whether a stack comes last in every kind, at its code minus one.
        const HAS_STACK: &[bool] = &[$($stack,)*];
    };
}

// The layout of the newest version (`EventDescriptions` in `src/internal/trace/parser.go` of Go 1.21);
// `record::n_values` knows what older ones lack.
kinds! {
    Batch = 1, 0, false;
    Frequency = 2, 0, false;
    Stack = 3, 0, false;
    Gomaxprocs = 4, 1, true;
    ProcStart = 5, 1, false;
    ProcStop = 6, 0, false;
    GcStart = 7, 1, true;
    GcDone = 8, 0, false;
    StwStart = 9, 1, false;
    StwDone = 10, 0, false;
    GcSweepStart = 11, 0, true;
    GcSweepDone = 12, 2, false;
    GoCreate = 13, 2, true;
    GoStart = 14, 2, false;
    GoEnd = 15, 0, false;
    GoStop = 16, 0, true;
    GoSched = 17, 0, true;
    GoPreempt = 18, 0, true;
    GoSleep = 19, 0, true;
    GoBlock = 20, 0, true;
    GoUnblock = 21, 2, true;
    GoBlockSend = 22, 0, true;
    GoBlockRecv = 23, 0, true;
    GoBlockSelect = 24, 0, true;
    GoBlockSync = 25, 0, true;
    GoBlockCond = 26, 0, true;
    GoBlockNet = 27, 0, true;
    GoSysCall = 28, 0, true;
    GoSysExit = 29, 3, false;
    GoSysBlock = 30, 0, false;
    GoWaiting = 31, 1, false;
    GoInSyscall = 32, 1, false;
    HeapAlloc = 33, 1, false;
    HeapGoal = 34, 1, false;
    TimerGoroutine = 35, 0, false;
    FutileWakeup = 36, 0, false;
    String = 37, 0, false;
    GoStartLocal = 38, 1, false;
    GoUnblockLocal = 39, 1, true;
    GoSysExitLocal = 40, 2, false;
    GoStartLabel = 41, 3, false;
    GoBlockGc = 42, 0, true;
    GcMarkAssistStart = 43, 0, true;
    GcMarkAssistDone = 44, 0, false;
    UserTaskCreate = 45, 3, true;
    UserTaskEnd = 46, 1, true;
    UserRegion = 47, 3, true;
    UserLog = 48, 2, true;
    CpuSample = 49, 3, true;
}

/// What a `const fn` says of each kind, by the kinds' codes: a table, because no processor can predict the kind of the next
/// event, so branches would cost more. A code that is no kind has the entry of [`Kind::Batch`], which is no event.
macro_rules! table_by_code {
    ($of:ident) => {{
        let mut table = [$of(Kind::Batch); 64];
        let mut code = 1;
        while code < 64 {
            if let Some(kind) = Kind::from_code(code) {
                table[code as usize] = $of(kind);
            }
            code += 1;
        }
        table
    }};
}
pub(crate) use table_by_code;

impl Kind {
    /// The kind with this code; none if no version has it.
    #[inline]
    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        if code == 0 || code as usize > KINDS.len() { None } else { Some(KINDS[code as usize - 1]) }
    }

    /// Whether its last value is a stack.
    #[inline]
    pub(crate) fn has_stack(self) -> bool {
        HAS_STACK[self as usize - 1]
    }

    /// Number of arguments after the time, without the stack, in the newest version.
    #[inline]
    pub(crate) fn n_args(self) -> u8 {
        N_ARGS[self as usize - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_the_codes() {
        for code in 1..50 {
            assert_eq!(Kind::from_code(code).unwrap() as u8, code);
        }
        assert_eq!(Kind::from_code(0), None);
        assert_eq!(Kind::from_code(50), None);
        assert_eq!(Kind::CpuSample as u8, 49);
    }
}
