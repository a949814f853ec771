//! The versions of the format: one row each. No other file has version numbers; other code checks a capability of the row,
//! such as [`V2::sync_batch`].

/// The two layouts of traces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// Go 1.5 – 1.21: one stream of records, batches per proc.
    V1(V1),
    /// Go 1.22 and later: generations of batches per thread.
    V2(V2),
}

/// The capabilities of a version before Go 1.22.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct V1 {
    /// The first event code that this version does not have (`EvCount` of its `runtime/trace.go`).
    pub n_events: u8,
    /// Whether one sequence number over the whole trace orders the events (Go 1.5 and 1.6). Later versions
    /// number the starts and wake-ups of each goroutine, and leave the rest to time.
    pub total_sequence: bool,
    /// Whether stacks carry function, file and line (Go 1.7 on); before, only addresses.
    pub symbols: bool,
    /// Whether the event at the end of a sweep has the amounts swept and reclaimed (Go 1.9 on).
    pub sweep_amounts: bool,
    /// What an event about a stop of the world has.
    pub stops: WorldStops,
}

/// What a version before Go 1.22 has about a stop of the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorldStops {
    /// Nothing: the event code had another meaning, a proc's share of scanning stacks (before Go 1.10).
    None,
    /// Which of the garbage collector's two phases it is.
    Phases,
    /// The reason, by its number (Go 1.21).
    Reasons,
}

/// The capabilities of a version from Go 1.22 on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct V2 {
    /// Last event code that is not experimental (`internal/trace/version/version.go`).
    pub last_event: u8,
    /// Whether a batch of its own carries frequency and clock snapshot (Go 1.25 on); before, frequency alone.
    pub sync_batch: bool,
    /// Whether a byte of its own ends a generation (Go 1.26 on); before, the next generation's first batch does.
    pub explicit_end: bool,
}

/// One row of [`VERSIONS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version {
    /// As in the header: `1.26`.
    pub name: &'static str,
    /// The releases of Go that write it.
    pub written_by: &'static str,
    /// Its layout and capabilities.
    pub dialect: Dialect,
}

/// Code of `GoStatusStack`.
const GO_STATUS_STACK: u8 = 48;

impl Version {
    /// Whether a system call that keeps its proc has no end in the trace, so that its time is running time
    /// (`src/runtime/trace.go` of Go 1.21: `GoSysCall` alone, `GoSysBlock` and `GoSysExit` only if it blocked).
    pub(crate) fn hides_short_calls(self) -> bool {
        matches!(self.dialect, Dialect::V1(_))
    }

    /// Whether a goroutine that waits all through the trace has no stack (`GoStatusStack` came with Go 1.23:
    /// `src/internal/trace/tracev2/events.go`).
    pub(crate) fn hides_waiting_stacks(self) -> bool {
        match self.dialect {
            Dialect::V1(_) => true,
            Dialect::V2(V2 { last_event, .. }) => last_event < GO_STATUS_STACK,
        }
    }
}

const fn v1(name: &'static str, written_by: &'static str, n_events: u8, row: V1) -> Version {
    Version { name, written_by, dialect: Dialect::V1(V1 { n_events, ..row }) }
}

const fn v2(
    name: &'static str,
    written_by: &'static str,
    last_event: u8,
    sync_batch: bool,
    explicit_end: bool,
) -> Version {
    Version { name, written_by, dialect: Dialect::V2(V2 { last_event, sync_batch, explicit_end }) }
}

const GO15: V1 =
    V1 { n_events: 0, total_sequence: true, symbols: false, sweep_amounts: false, stops: WorldStops::None };
const GO17: V1 = V1 { total_sequence: false, symbols: true, ..GO15 };
const GO19: V1 = V1 { sweep_amounts: true, ..GO17 };
const GO110: V1 = V1 { stops: WorldStops::Phases, ..GO19 };
const GO121: V1 = V1 { stops: WorldStops::Reasons, ..GO110 };

/// All versions, oldest first. Sources: `src/internal/trace/parser.go` of Go 1.21 for the old ones,
/// `src/internal/trace/version/version.go` of Go 1.27 for the others.
pub(crate) const VERSIONS: &[Version] = &[
    v1("1.5", "Go 1.5 and 1.6", 37, GO15),
    v1("1.7", "Go 1.7", 41, GO17),
    v1("1.8", "Go 1.8", 43, GO17),
    v1("1.9", "Go 1.9", 45, GO19),
    v1("1.10", "Go 1.10", 45, GO110),
    v1("1.11", "Go 1.11 to 1.18", 49, GO110),
    v1("1.19", "Go 1.19 and 1.20", 50, GO110),
    v1("1.21", "Go 1.21, and 1.22 with GOEXPERIMENT=noexectracer2", 50, GO121),
    v2("1.22", "Go 1.22", 44, false, false),
    v2("1.23", "Go 1.23 and 1.24", 49, false, false),
    v2("1.25", "Go 1.25", 51, true, false),
    v2("1.26", "Go 1.26 and 1.27", 52, true, true),
];

/// Size of the header in bytes.
pub const HEADER_SIZE: usize = 16;

/// What the first bytes of an input are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Header {
    /// A header of a version in [`VERSIONS`].
    Known(&'static Version),
    /// A header of another version: `1.N`, as in the header.
    Unknown(String),
    /// Not a header of a Go trace.
    NotATrace,
}

/// Reads `go 1.N trace\0\0\0`. Writers pad the text with zeros to 16 bytes (`runtime/trace.go`, Go 1.5 and later).
pub fn read_header(first_bytes: &[u8]) -> Header {
    let Some(text) = first_bytes.get(..HEADER_SIZE).and_then(|h| std::str::from_utf8(h).ok()) else {
        return Header::NotATrace;
    };
    let Some(name) = text.trim_end_matches('\0').strip_prefix("go ").and_then(|t| t.strip_suffix(" trace")) else {
        return Header::NotATrace;
    };
    let digits = name.strip_prefix("1.").unwrap_or("");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Header::NotATrace;
    }
    VERSIONS.iter().find(|v| v.name == name).map_or_else(|| Header::Unknown(name.to_owned()), Header::Known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_reads_its_own_header() {
        for version in VERSIONS {
            let mut header = format!("go {} trace", version.name).into_bytes();
            header.resize(HEADER_SIZE, 0);
            assert_eq!(read_header(&header), Header::Known(version));
        }
    }

    #[test]
    fn others_are_named_or_refused() {
        assert_eq!(read_header(b"go 1.99 trace\0\0\0"), Header::Unknown("1.99".into()));
        assert_eq!(read_header(b"go 1.x trace\0\0\0\0"), Header::NotATrace);
        assert_eq!(read_header(b"\x1f\x8b"), Header::NotATrace);
        assert_eq!(read_header(b""), Header::NotATrace);
    }
}
