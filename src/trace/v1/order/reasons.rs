//! Why goroutines block and why the world stops, in the words of new traces. Old ones have numbers.
//!
//! Source: `src/internal/trace/tracev1.go` of Go 1.27, which converts old traces.

use crate::trace::ids::StringIdx;
use crate::trace::symbols::Symbols;
use crate::trace::v1::Kind;
use crate::trace::version::WorldStops;

/// Why a goroutine blocks or stops, by the kind of its event.
const REASONS: &[(Kind, &str)] = &[
    (Kind::GoStop, "forever"),
    (Kind::GoSched, "runtime.Gosched"),
    (Kind::GoPreempt, "preempted"),
    (Kind::GoSleep, "sleep"),
    (Kind::GoBlockSend, "chan send"),
    (Kind::GoBlockRecv, "chan receive"),
    (Kind::GoBlockSelect, "select"),
    (Kind::GoBlockSync, "sync"),
    (Kind::GoBlockCond, "sync.(*Cond).Wait"),
    (Kind::GoBlockNet, "network"),
    (Kind::GoBlockGc, "GC mark assist wait for work"),
];

/// Why the world is stopped, by the number that Go 1.21 writes (`stwReasonStrings` in its `runtime/proc.go`).
const STOPS: &[&str] = &[
    "",
    "GC mark termination",
    "GC sweep termination",
    "write heap dump",
    "goroutine profile",
    "goroutine profile cleanup",
    "all goroutine stack trace",
    "read mem stats",
    "AllThreadsSyscall",
    "GOMAXPROCS",
    "start trace",
    "stop trace",
    "CountPagesInUse (test)",
    "ReadMetricsSlow (test)",
    "ReadMemStatsSlow (test)",
    "PageCachePagesLeaked (test)",
    "ResetDebugLog (test)",
];

/// The reasons, interned.
#[derive(Debug)]
pub(crate) struct Reasons {
    /// By the code of the event's kind.
    reasons: [StringIdx; 64],
    /// By the number in the event.
    stops: Vec<StringIdx>,
}

impl Reasons {
    pub(crate) fn new(stops: WorldStops, symbols: &mut Symbols) -> Self {
        let mut reasons = [StringIdx::NONE; 64];
        for &(kind, text) in REASONS {
            reasons[kind as usize] = symbols.intern(text);
        }
        let known: &[&str] = match stops {
            WorldStops::None => &[],
            WorldStops::Phases => &STOPS[1..3],
            WorldStops::Reasons => STOPS,
        };
        let intern = |text: &&str| if text.is_empty() { StringIdx::NONE } else { symbols.intern(text) };
        Self { reasons, stops: known.iter().map(intern).collect() }
    }

    /// Why a goroutine blocks or stops, by the kind of its event; none where the kind does not tell.
    #[inline]
    pub(crate) fn reason(&self, kind: Kind) -> StringIdx {
        self.reasons[kind as usize]
    }

    /// Why the world is stopped, by the number in the event; none for numbers that the version does not have.
    pub(crate) fn stop(&self, number: u64) -> StringIdx {
        usize::try_from(number).ok().and_then(|n| self.stops.get(n)).copied().unwrap_or(StringIdx::NONE)
    }
}
