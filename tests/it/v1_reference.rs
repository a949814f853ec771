//! Old traces agree with Go's own readers, to the nanosecond.
//!
//! `GOTRACE_SLICE_DUMP=FILE GOTRACE_SLICE_DUMP_TO=OUT` writes what is compared, for one file;
//! `GOTRACE_SLICE_DUMP_MODE=events` every event instead of sums.

#![expect(clippy::print_stderr, reason = "a test that skips says so")]

use crate::v1;
use std::path::Path;

#[test]
fn dump() {
    let Some(file) = std::env::var_os("GOTRACE_SLICE_DUMP") else { return };
    let trace = v1::open(&std::fs::read(file).unwrap()).unwrap();
    let what = std::env::var("GOTRACE_SLICE_DUMP_MODE").unwrap_or_default();
    let text = if what == "events" { v1::events(&trace) } else { v1::states(&trace, false) };
    std::fs::write(std::env::var_os("GOTRACE_SLICE_DUMP_TO").unwrap(), text).unwrap();
    for warning in &trace.warnings {
        eprintln!("{warning:?}");
    }
}

/// Every recording of ours that has the reference's sums beside it.
#[test]
fn recordings_agree_per_goroutine_and_state() {
    let mut n = 0;
    for path in v1::old_traces(Path::new("testdata/traces")) {
        let Ok(expected) = std::fs::read_to_string(path.with_extension("states.tsv")) else { continue };
        let trace = v1::open(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(trace.warnings, [], "{}", path.display());
        let rows =
            |text: &str| -> Vec<String> { text.lines().filter(|l| !l.starts_with('#')).map(str::to_owned).collect() };
        assert_eq!(rows(&v1::states(&trace, true)), rows(&expected), "{}", path.display());
        let number = |key: &str| expected.lines().find_map(|l| l.strip_prefix(key)?.trim().parse::<i64>().ok());
        assert_eq!(Some(trace.start.0), number("#start"), "{}", path.display());
        assert_eq!(Some(trace.end.0), number("#end"), "{}", path.display());
        n += 1;
    }
    assert!(n >= 18, "only {n} recordings");
}

/// What Go's readers count in foreign traces.
#[test]
fn foreign_traces_have_what_go_counts() {
    let Some(corpus) = v1::corpus() else {
        eprintln!("skipped: no corpus of foreign traces (GOTRACE_SLICE_CORPUS)");
        return;
    };
    let table = std::fs::read_to_string(corpus.join("expected.tsv")).unwrap();
    let mut lines = table.lines();
    let columns: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let mut n = 0;
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |name: &str| cells[columns.iter().position(|c| *c == name).unwrap()];
        let bytes = std::fs::read(corpus.join(format!("{}.trace", cell("name")))).unwrap();
        if v1::version(&bytes).is_none() || cell("go_result") != "ok" || cell("category").starts_with("fuzz") {
            continue;
        }
        let trace = v1::open(&bytes).unwrap();
        assert!(trace.complete, "{}: {:?}", cell("name"), trace.warnings);
        let counts = v1::counts(&trace);
        assert_eq!(counts.goroutines.to_string(), cell("goroutines"), "{}", cell("name"));
        // Of older traces the table has another reader's count, which takes announcements for creations.
        if !["1.5", "1.7", "1.8", "1.9", "1.10"].contains(&cell("wire")) {
            assert_eq!((counts.events + 2).to_string(), cell("events"), "{}", cell("name"));
            assert_eq!(counts.created.to_string(), cell("created"), "{}", cell("name"));
            assert_eq!(counts.tasks.to_string(), cell("tasks"), "{}", cell("name"));
            assert_eq!(counts.samples.to_string(), cell("cpu_samples"), "{}", cell("name"));
        }
        n += 1;
    }
    assert!(n >= 40, "only {n} files");
}
