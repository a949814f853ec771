//! What a table of requests is called, its columns, and what the file says of the traces beside its rows. Who writes tables
//! and who reads them share this.

use crate::profile::{Profile, ShownWaits, TraceInfo};
use serde::{Deserialize, Serialize};

/// The name of the table's form, in the file's key-value metadata under [`SCHEMA_KEY`].
pub(crate) const SCHEMA: &str = "gotrace-slice/requests/1";
/// The key of the form's name.
pub(crate) const SCHEMA_KEY: &str = "schema";
/// The key of what is said of each trace: a list of [`TraceFacts`] as JSON. Engines that write tables leave it out.
pub(crate) const TRACES_KEY: &str = "traces";

/// The key of how many waits stacks show: [`WaitsFacts`] as JSON.
pub(crate) const WAITS_KEY: &str = "waits";

/// Signed integers of nanoseconds and no timestamps: what engines make of these differs.
pub(crate) const MESSAGE: &str = "message requests {
    required binary trace (STRING);
    required binary recording (STRING);
    required binary go (STRING);
    required binary service (STRING);
    required binary host (STRING);
    required binary version (STRING);
    required group labels (MAP) {
        repeated group key_value { required binary key (STRING); required binary value (STRING); }
    }
    required binary root (STRING);
    required int64 request;
    required int64 goid;
    required int64 start_ns;
    required int64 clock_ns;
    optional int64 wall_ns;
    optional int64 dur_ns;
    optional int64 goroutine_ns;
    optional int64 gc_ns;
    optional int64 stw_ns;
    required boolean partial;
    required boolean inferred;
    required boolean undecided;
    required binary state (STRING);
    required binary detail (STRING);
    required binary precision (STRING);
    required binary waited_in (STRING);
    required binary stack (STRING);
    required binary lines (STRING);
    optional int64 ns;
}";

/// Labels that have columns of their own.
pub(crate) const LABEL_COLUMNS: [&str; 3] = ["service", "host", "version"];

/// What is known of a trace that its rows do not tell. Times in ns.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TraceFacts {
    name: String,
    /// What the column `recording` has.
    recording: String,
    go: String,
    duration_ns: u64,
    window_ns: Option<u64>,
    events: u64,
    goroutines: u64,
    generations: u64,
    gomaxprocs: Option<u64>,
    complete: bool,
    hides_short_calls: bool,
}

impl TraceFacts {
    /// Of a trace that was read.
    pub(crate) fn of(trace: &TraceInfo, recording: &str) -> Self {
        Self {
            name: trace.name.to_string(),
            recording: recording.to_owned(),
            go: trace.version.clone().into_owned(),
            duration_ns: trace.duration_ns,
            window_ns: trace.window_ns,
            events: trace.events,
            goroutines: trace.goroutines,
            generations: trace.generations,
            gomaxprocs: trace.gomaxprocs,
            complete: trace.complete,
            hides_short_calls: trace.hides_short_calls,
        }
    }

    /// The trace, as a profile has it, and what the column `recording` has.
    pub(super) fn trace(self) -> (TraceInfo, String) {
        let trace = TraceInfo {
            name: self.name.into(),
            version: self.go.into(),
            duration_ns: self.duration_ns,
            window_ns: self.window_ns,
            events: self.events,
            goroutines: self.goroutines,
            generations: self.generations,
            gomaxprocs: self.gomaxprocs,
            complete: self.complete,
            hides_short_calls: self.hides_short_calls,
            ..TraceInfo::default()
        };
        (trace, self.recording)
    }
}

/// How many waits stacks show at most before `[more]`: of one command, or the fewest and the most of several whose tables became
/// this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct WaitsFacts {
    fewest: u8,
    most: u8,
}

impl WaitsFacts {
    /// Of a profile's stacks; none where it is not known.
    pub(crate) fn of(profile: &Profile) -> Option<Self> {
        profile.waits.shown.map(|ShownWaits { fewest, most }| Self { fewest, most })
    }

    /// The same for a profile; none where it cannot be.
    pub(super) fn shown(self) -> Option<ShownWaits> {
        let Self { fewest, most } = self;
        (fewest <= most).then_some(ShownWaits { fewest, most })
    }
}

/// Of each trace, what the column `recording` has: it tells the trace, as this table has it, from those of all other tables,
/// whatever they are called, and sorts by when traces began. The same input gives the same.
pub(crate) fn recordings(profile: &Profile) -> Vec<String> {
    let mut all = Fnv::default();
    for trace in &profile.traces {
        let labels = trace.labels.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
        for text in [trace.name.as_str(), &*trace.version].into_iter().chain(labels) {
            all.text(text);
        }
        all.number(trace.labels.len() as u64);
        all.number(trace.wall_start_ns.unwrap_or(0).cast_unsigned());
        for number in [trace.duration_ns, trace.events, trace.goroutines, trace.generations] {
            all.number(number);
        }
        all.number(trace.clock_start_ns.cast_unsigned());
    }
    // Tables of other requests of the same traces are other tables.
    let requests = profile.requests.as_ref();
    all.number(requests.map_or(0, |requests| requests.list.len() as u64));
    requests.iter().flat_map(|requests| &requests.roots).for_each(|root| all.text(root));
    all.number(profile.selection.undecided.list.len() as u64);
    let id = |(trace, at): (&TraceInfo, u64)| {
        let mut one = Fnv(all.0);
        one.number(at);
        format!("{:019}-{:016x}", trace.clock_start_ns.max(0), one.0)
    };
    profile.traces.iter().zip(0..).map(id).collect()
}

/// FNV-1a: the same on all machines and in all releases.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }
}
