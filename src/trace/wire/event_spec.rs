//! The events of Go 1.22 and later: one row per code.
//!
//! Source: `src/internal/trace/tracev2/events.go` of Go 1.27; Go 1.22 has the same codes up to `UserLog`.

/// Codes of the wire, by the names that Go gives them.
#[allow(missing_docs, reason = "the names are Go's own; EVENTS has their arguments")]
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

/// The layout of the events with one code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EventSpec {
    /// Go's name.
    pub name: &'static str,
    /// Whether it is an event in a thread's batch, with a time.
    pub timed: bool,
    /// Go's names of its arguments. A timed event has the time difference before them.
    pub args: &'static [&'static str],
    /// Number of arguments after the time.
    pub n_args: u8,
    /// Index in `args` of the stack of the goroutine that executes; [`NO_STACK`] if there is none.
    pub own_stack: u8,
}

/// [`EventSpec::own_stack`] of events without a stack of the goroutine that executes.
pub(crate) const NO_STACK: u8 = u8::MAX;

/// Largest number of arguments after the time (`MaxTimedEventArgs` - 1).
pub(crate) const MAX_ARGS: usize = 4;

type ArgNames = &'static [&'static str];

const fn timed(name: &'static str, args: ArgNames) -> EventSpec {
    EventSpec { name, timed: true, args, n_args: args.len() as u8, own_stack: NO_STACK }
}

/// An event whose last argument is the stack of the goroutine that executes.
const fn stacked(name: &'static str, args: ArgNames) -> EventSpec {
    EventSpec { own_stack: args.len() as u8 - 1, ..timed(name, args) }
}

const fn structural(name: &'static str, args: ArgNames) -> EventSpec {
    EventSpec { timed: false, ..timed(name, args) }
}

const UNKNOWN: EventSpec = structural("unknown", &[]);

const NAMED: [EventSpec; 53] = [
    structural("None", &[]),
    structural("EventBatch", &["gen", "m", "time", "size"]),
    structural("Stacks", &[]),
    structural("Stack", &["id", "nframes"]),
    structural("Strings", &[]),
    structural("String", &["id"]),
    structural("CPUSamples", &[]),
    structural("CPUSample", &["time", "m", "p", "g", "stack"]),
    structural("Frequency", &["freq"]),
    stacked("ProcsChange", &["procs_value", "stack"]),
    timed("ProcStart", &["p", "p_seq"]),
    timed("ProcStop", &[]),
    timed("ProcSteal", &["p", "p_seq", "m"]),
    timed("ProcStatus", &["p", "pstatus"]),
    stacked("GoCreate", &["new_g", "new_stack", "stack"]),
    timed("GoCreateSyscall", &["new_g"]),
    timed("GoStart", &["g", "g_seq"]),
    timed("GoDestroy", &[]),
    timed("GoDestroySyscall", &[]),
    stacked("GoStop", &["reason_string", "stack"]),
    stacked("GoBlock", &["reason_string", "stack"]),
    stacked("GoUnblock", &["g", "g_seq", "stack"]),
    stacked("GoSyscallBegin", &["p_seq", "stack"]),
    timed("GoSyscallEnd", &[]),
    timed("GoSyscallEndBlocked", &[]),
    timed("GoStatus", &["g", "m", "gstatus"]),
    stacked("STWBegin", &["kind_string", "stack"]),
    timed("STWEnd", &[]),
    timed("GCActive", &["gc_seq"]),
    stacked("GCBegin", &["gc_seq", "stack"]),
    timed("GCEnd", &["gc_seq"]),
    timed("GCSweepActive", &["p"]),
    stacked("GCSweepBegin", &["stack"]),
    timed("GCSweepEnd", &["swept_value", "reclaimed_value"]),
    timed("GCMarkAssistActive", &["g"]),
    stacked("GCMarkAssistBegin", &["stack"]),
    timed("GCMarkAssistEnd", &[]),
    timed("HeapAlloc", &["heapalloc_value"]),
    timed("HeapGoal", &["heapgoal_value"]),
    timed("GoLabel", &["label_string"]),
    stacked("UserTaskBegin", &["task", "parent_task", "name_string", "stack"]),
    stacked("UserTaskEnd", &["task", "stack"]),
    stacked("UserRegionBegin", &["task", "name_string", "stack"]),
    stacked("UserRegionEnd", &["task", "name_string", "stack"]),
    stacked("UserLog", &["task", "key_string", "value_string", "stack"]),
    timed("GoSwitch", &["g", "g_seq"]),
    timed("GoSwitchDestroy", &["g", "g_seq"]),
    stacked("GoCreateBlocked", &["new_g", "new_stack", "stack"]),
    // Its stack is that of the goroutine that it names, which need not be the one that executes.
    timed("GoStatusStack", &["g", "m", "gstatus", "stack"]),
    structural("ExperimentalBatch", &["exp", "gen", "m", "time"]),
    structural("Sync", &[]),
    structural("ClockSnapshot", &["dt", "mono", "sec", "nsec"]),
    structural("EndOfGeneration", &[]),
];

const EXPERIMENTAL: [EventSpec; 9] = [
    timed("Span", &["id", "npages_value", "kindclass"]),
    timed("SpanAlloc", &["id", "npages_value", "kindclass"]),
    timed("SpanFree", &["id"]),
    timed("HeapObject", &["id", "type"]),
    timed("HeapObjectAlloc", &["id", "type"]),
    timed("HeapObjectFree", &["id"]),
    timed("GoroutineStack", &["id", "order"]),
    timed("GoroutineStackAlloc", &["id", "order"]),
    timed("GoroutineStackFree", &["id"]),
];

/// All codes. One that no version has is untimed and has the name `unknown`.
pub(crate) static EVENTS: [EventSpec; 256] = {
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
            assert!(!spec.timed || spec.args.len() <= MAX_ARGS, "{}", spec.name);
            assert_eq!(spec.n_args as usize, spec.args.len(), "{}", spec.name);
            assert!(spec.own_stack == NO_STACK || spec.args[spec.own_stack as usize] == "stack", "{}", spec.name);
        }
    }

    #[test]
    fn codes_are_those_of_go() {
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
