//! Tasks as tracing libraries make them, one for each span (`testdata/gen/spans`): names that hold ids, and tasks that are
//! older than the recording.

use crate::common::{recordings, root_by, selector};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::{Candidates, Profile};
use serde_json::Value;
use std::path::PathBuf;

/// A recording, and what its program said.
struct Spans {
    trace: Vec<u8>,
    said: Value,
}

impl Spans {
    /// All recordings of this name.
    fn all(name: &str) -> Vec<Self> {
        let read = |path: &PathBuf| {
            let said = std::fs::read_to_string(path.with_extension("json")).expect("what the program said");
            Self { trace: std::fs::read(path).expect("a trace"), said: serde_json::from_str(&said).expect("JSON") }
        };
        recordings(name).iter().map(read).collect()
    }

    fn inputs(&self) -> [Input<'_>; 1] {
        [Input { name: "test".into(), source: &self.trace, resolver: None }]
    }

    fn candidates(&self) -> Candidates {
        pipeline::candidates(&self.inputs(), None, Options { threads: 1, ..Options::default() }, None)
            .expect("a sound trace")
    }

    fn tasks(&self, pattern: &str) -> Profile {
        let options = Options { threads: 1, ..Options::default() };
        match pipeline::profile(&self.inputs(), &selector(pattern, root_by("task")), options, None) {
            Ok(Answer::Profile(profile)) => *profile,
            other => panic!("{pattern}: {other:?}"),
        }
    }

    /// What the command says of a pattern that matches nothing.
    fn no_match(&self, pattern: &str, by: &str) -> String {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &self.trace).expect("a file");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
        let output = command.args(["--root", pattern, "--root-by", by]).arg(file.path()).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{pattern}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

/// Names that differ in nothing but ids are one row, with a pattern that selects all of them and nothing else.
#[test]
fn names_with_ids_are_one_row() {
    for spans in Spans::all("spans") {
        let list = spans.candidates().annotations;
        for name in ["GET /users/…", "GET /users/…/orders", "PUT /blobs/…", "job …"] {
            let row = list.iter().find(|row| (row.kind, row.name.as_str()) == ("task", name)).expect(name);
            let group = row.group.as_ref().expect("several names");
            assert_eq!((row.took.count(), group.names), (4, 4), "{row:?}");
            let selected = spans.tasks(&group.pattern);
            let took: u64 = selected.requests.expect("requests").list.iter().map(|r| r.dur_ns).sum();
            assert_eq!(selected.selection.roots_by_task, 4, "{row:?}");
            let matched: Vec<_> =
                selected.selection.matched.iter().map(|m| (m.function.as_str(), m.requests)).collect();
            assert_eq!(matched, [(name, 4)]);
            // The list goes by threads' own clocks.
            assert!(took.abs_diff(row.took.total_ns()) <= 4, "{took} {row:?}");
        }
        let regions = list.iter().find(|row| (row.kind, row.name.as_str()) == ("region", "load user=…"));
        assert_eq!(regions.map(|row| row.took.count()), Some(4));
    }
}

#[test]
fn names_that_differ_in_a_word_or_a_version_are_rows_of_their_own() {
    for spans in Spans::all("spans") {
        let list = spans.candidates().annotations;
        let told = spans.said["tasks"].as_object().expect("tasks");
        for name in ["GET /v1/ping", "GET /v2/ping", "GET /users/add", "GET /users/sum", "phase 1", "phase 2", "SELECT"]
        {
            let row = list.iter().find(|row| row.name == name).expect(name);
            assert_eq!((Some(row.took.count()), &row.group), (told[name].as_u64(), &None), "{name}");
        }
        assert_eq!(list.len(), 13, "{list:?}");
    }
}

/// A task that is older than the trace has no name: a pattern that matches no task may mean it.
#[test]
fn tasks_older_than_the_trace_are_said() {
    for spans in Spans::all("spans").iter().chain(&Spans::all("spans-young")) {
        let older = spans.said["older_tasks"].as_u64().expect("a count");
        assert_eq!(spans.candidates().older_tasks, older);
        let by_task = spans.no_match("ends inside", "task");
        assert_eq!(by_task.contains("2 tasks are older than the trace"), older == 2, "{by_task}");
        let by_region = spans.no_match("ends inside", "region");
        assert!(!by_region.contains("are older than the trace"), "{by_region}");
    }
}
