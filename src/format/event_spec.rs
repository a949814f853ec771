//! The events of Go 1.22 and later: one row per code.
//!
//! Source: `src/internal/trace/tracev2/events.go` of Go 1.27; Go 1.22 has the same codes up to `UserLog`.

/// Codes of the wire, by the names that Go gives them.
#[allow(missing_docs, reason = "the names are Go's own, and EVENTS says what each carries")]
pub mod code {
    pub const EVENT_BATCH: u8 = 1;
    pub const STACKS: u8 = 2;
    pub const STACK: u8 = 3;
    pub const STRINGS: u8 = 4;
    pub const STRING: u8 = 5;
    pub const CPU_SAMPLES: u8 = 6;
    pub const CPU_SAMPLE: u8 = 7;
    pub const FREQUENCY: u8 = 8;
    pub const PROCS_CHANGE: u8 = 9;
    pub const PROC_START: u8 = 10;
    pub const PROC_STOP: u8 = 11;
    pub const PROC_STEAL: u8 = 12;
    pub const PROC_STATUS: u8 = 13;
    pub const GO_CREATE: u8 = 14;
    pub const GO_CREATE_SYSCALL: u8 = 15;
    pub const GO_START: u8 = 16;
    pub const GO_DESTROY: u8 = 17;
    pub const GO_DESTROY_SYSCALL: u8 = 18;
    pub const GO_STOP: u8 = 19;
    pub const GO_BLOCK: u8 = 20;
    pub const GO_UNBLOCK: u8 = 21;
    pub const GO_SYSCALL_BEGIN: u8 = 22;
    pub const GO_SYSCALL_END: u8 = 23;
    pub const GO_SYSCALL_END_BLOCKED: u8 = 24;
    pub const GO_STATUS: u8 = 25;
    pub const STW_BEGIN: u8 = 26;
    pub const STW_END: u8 = 27;
    pub const GC_ACTIVE: u8 = 28;
    pub const GC_BEGIN: u8 = 29;
    pub const GC_END: u8 = 30;
    pub const GC_SWEEP_ACTIVE: u8 = 31;
    pub const GC_SWEEP_BEGIN: u8 = 32;
    pub const GC_SWEEP_END: u8 = 33;
    pub const GC_MARK_ASSIST_ACTIVE: u8 = 34;
    pub const GC_MARK_ASSIST_BEGIN: u8 = 35;
    pub const GC_MARK_ASSIST_END: u8 = 36;
    pub const HEAP_ALLOC: u8 = 37;
    pub const HEAP_GOAL: u8 = 38;
    pub const GO_LABEL: u8 = 39;
    pub const USER_TASK_BEGIN: u8 = 40;
    pub const USER_TASK_END: u8 = 41;
    pub const USER_REGION_BEGIN: u8 = 42;
    pub const USER_REGION_END: u8 = 43;
    pub const USER_LOG: u8 = 44;
    pub const GO_SWITCH: u8 = 45;
    pub const GO_SWITCH_DESTROY: u8 = 46;
    pub const GO_CREATE_BLOCKED: u8 = 47;
    pub const GO_STATUS_STACK: u8 = 48;
    pub const EXPERIMENTAL_BATCH: u8 = 49;
    pub const SYNC: u8 = 50;
    pub const CLOCK_SNAPSHOT: u8 = 51;
    pub const END_OF_GENERATION: u8 = 52;
    /// First code of the experimental events (`EvSpan`).
    pub const FIRST_EXPERIMENTAL: u8 = 128;
    /// Last code of the experimental events (`EvGoroutineStackFree`).
    pub const LAST_EXPERIMENTAL: u8 = 136;
}

/// What one code carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventSpec {
    /// Go's name.
    pub name: &'static str,
    /// Whether it stands in a thread's batch, with a time.
    pub timed: bool,
    /// Number of arguments behind the time.
    pub n_args: u8,
    /// Position among these of the stack of the goroutine that executes; [`NO_STACK`] when there is none.
    pub own_stack: u8,
}

/// No argument is a stack of the executing goroutine.
pub const NO_STACK: u8 = u8::MAX;

/// Largest number of arguments behind the time (`MaxTimedEventArgs` - 1).
pub const MAX_ARGS: usize = 4;

const fn timed(name: &'static str, n_args: u8) -> EventSpec {
    EventSpec { name, timed: true, n_args, own_stack: NO_STACK }
}

const fn stacked(name: &'static str, n_args: u8, own_stack: u8) -> EventSpec {
    EventSpec { name, timed: true, n_args, own_stack }
}

const fn structural(name: &'static str) -> EventSpec {
    EventSpec { name, timed: false, n_args: 0, own_stack: NO_STACK }
}

const UNKNOWN: EventSpec = structural("unknown");

const NAMED: [EventSpec; 53] = [
    structural("None"),
    structural("EventBatch"),
    structural("Stacks"),
    structural("Stack"),
    structural("Strings"),
    structural("String"),
    structural("CPUSamples"),
    structural("CPUSample"),
    structural("Frequency"),
    stacked("ProcsChange", 2, 1),
    timed("ProcStart", 2),
    timed("ProcStop", 0),
    timed("ProcSteal", 3),
    timed("ProcStatus", 2),
    stacked("GoCreate", 3, 2),
    timed("GoCreateSyscall", 1),
    timed("GoStart", 2),
    timed("GoDestroy", 0),
    timed("GoDestroySyscall", 0),
    stacked("GoStop", 2, 1),
    stacked("GoBlock", 2, 1),
    stacked("GoUnblock", 3, 2),
    stacked("GoSyscallBegin", 2, 1),
    timed("GoSyscallEnd", 0),
    timed("GoSyscallEndBlocked", 0),
    timed("GoStatus", 3),
    stacked("STWBegin", 2, 1),
    timed("STWEnd", 0),
    timed("GCActive", 1),
    stacked("GCBegin", 2, 1),
    timed("GCEnd", 1),
    timed("GCSweepActive", 1),
    stacked("GCSweepBegin", 1, 0),
    timed("GCSweepEnd", 2),
    timed("GCMarkAssistActive", 1),
    stacked("GCMarkAssistBegin", 1, 0),
    timed("GCMarkAssistEnd", 0),
    timed("HeapAlloc", 1),
    timed("HeapGoal", 1),
    timed("GoLabel", 1),
    stacked("UserTaskBegin", 4, 3),
    stacked("UserTaskEnd", 2, 1),
    stacked("UserRegionBegin", 3, 2),
    stacked("UserRegionEnd", 3, 2),
    stacked("UserLog", 4, 3),
    timed("GoSwitch", 2),
    timed("GoSwitchDestroy", 2),
    stacked("GoCreateBlocked", 3, 2),
    // Its stack is the named goroutine's, which need not be the one that executes.
    timed("GoStatusStack", 4),
    structural("ExperimentalBatch"),
    structural("Sync"),
    structural("ClockSnapshot"),
    structural("EndOfGeneration"),
];

const EXPERIMENTAL: [EventSpec; 9] = [
    timed("Span", 3),
    timed("SpanAlloc", 3),
    timed("SpanFree", 1),
    timed("HeapObject", 2),
    timed("HeapObjectAlloc", 2),
    timed("HeapObjectFree", 1),
    timed("GoroutineStack", 2),
    timed("GoroutineStackAlloc", 2),
    timed("GoroutineStackFree", 1),
];

/// All codes; one that no version has is untimed and called `unknown`.
pub static EVENTS: [EventSpec; 256] = {
    let mut events = [UNKNOWN; 256];
    let mut i = 0;
    while i < NAMED.len() {
        events[i] = NAMED[i];
        i += 1;
    }
    i = 0;
    while i < EXPERIMENTAL.len() {
        events[code::FIRST_EXPERIMENTAL as usize + i] = EXPERIMENTAL[i];
        i += 1;
    }
    events
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_consistent() {
        for spec in &EVENTS {
            assert!(spec.n_args as usize <= MAX_ARGS, "{}", spec.name);
            assert!(spec.own_stack == NO_STACK || spec.own_stack < spec.n_args, "{}", spec.name);
        }
    }

    #[test]
    fn codes_stand_where_go_has_them() {
        for (code, name) in [
            (code::FREQUENCY, "Frequency"),
            (code::GO_CREATE, "GoCreate"),
            (code::GO_STATUS, "GoStatus"),
            (code::GC_SWEEP_BEGIN, "GCSweepBegin"),
            (code::USER_LOG, "UserLog"),
            (code::GO_STATUS_STACK, "GoStatusStack"),
            (code::END_OF_GENERATION, "EndOfGeneration"),
            (code::FIRST_EXPERIMENTAL, "Span"),
            (code::LAST_EXPERIMENTAL, "GoroutineStackFree"),
        ] {
            assert_eq!(EVENTS[code as usize].name, name);
        }
    }
}
