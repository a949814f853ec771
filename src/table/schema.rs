//! What a table of requests is called, its columns, and what the file says of the traces beside its rows. Who writes tables
//! and who reads them share this.

use crate::profile::TraceInfo;
use serde::{Deserialize, Serialize};

/// The name of the table's form, in the file's key-value metadata under [`SCHEMA_KEY`].
pub(crate) const SCHEMA: &str = "gotrace-slice/requests/1";
/// The key of the form's name.
pub(crate) const SCHEMA_KEY: &str = "schema";
/// The key of what is said of each trace: a list of [`TraceFacts`] as JSON. Engines that write tables leave it out.
pub(crate) const TRACES_KEY: &str = "traces";

/// Signed integers of nanoseconds and no timestamps: what engines make of these differs.
pub(crate) const MESSAGE: &str = "message requests {
    required binary trace (STRING);
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
    pub(crate) fn of(trace: &TraceInfo) -> Self {
        Self {
            name: trace.name.clone(),
            go: trace.version.clone(),
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

    /// The trace, as a profile has it.
    pub(super) fn trace(self) -> TraceInfo {
        TraceInfo {
            name: self.name,
            version: self.go,
            duration_ns: self.duration_ns,
            window_ns: self.window_ns,
            events: self.events,
            goroutines: self.goroutines,
            generations: self.generations,
            gomaxprocs: self.gomaxprocs,
            complete: self.complete,
            hides_short_calls: self.hides_short_calls,
            ..TraceInfo::default()
        }
    }
}
