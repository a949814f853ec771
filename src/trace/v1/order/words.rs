//! The words that a new trace would have for what an old one says with codes.
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

/// The words, interned.
#[derive(Debug)]
pub(crate) struct Words {
    reasons: [StringIdx; 64],
    stops: Vec<StringIdx>,
}

impl Words {
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

    /// Why a goroutine blocks or stops; none when its event does not say.
    #[inline]
    pub(crate) fn reason(&self, kind: Kind) -> StringIdx {
        self.reasons[kind as usize]
    }

    /// Why the world is stopped.
    pub(crate) fn stop(&self, number: u64) -> StringIdx {
        usize::try_from(number).ok().and_then(|n| self.stops.get(n)).copied().unwrap_or(StringIdx::NONE)
    }
}
