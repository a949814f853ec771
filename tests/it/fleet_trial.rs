//! The fleet as a whole: distinct recordings of many hosts, one of which is bad, and of two versions, one of which is bad. The
//! answers of `docs/fleet.sql` name both, and are those of one command that reads all recordings.
//!
//! Spark does all of it: two worker processes make the tables (`testdata/gen/fleet_spark.py`), and answer from them.
//!
//! `GOTRACE_SLICE_FLEET` is how many recordings there are (50). The long run:
//! `GOTRACE_SLICE_FLEET=500 cargo test --test it -- fleet_trial`.

use crate::fleet::run;
use crate::fleet_engines::{ask, script};
use crate::go;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const BAD_HOST: &str = "host-2";
const BAD_VERSION: &str = "v2";

fn n_recordings() -> usize {
    std::env::var("GOTRACE_SLICE_FLEET").ok().and_then(|n| n.parse().ok()).unwrap_or(50)
}

/// Records `n` traces below `folder/traces/HOST/VERSION`, and gives their paths below `folder`.
fn record(goroot: &Path, folder: &Path, n: usize) -> Vec<String> {
    let source = crate::common::root().join("testdata/gen/fleet/main.go");
    let program = folder.join("program");
    let _ = go::run(go::go(goroot).args(["build", "-trimpath", "-o"]).arg(&program).arg(source));
    let one = |i: usize| {
        let hosts = (n / 6).max(3);
        let version = if (i / hosts).is_multiple_of(2) { "v1" } else { BAD_VERSION };
        let host = format!("host-{}", i % hosts);
        let place = PathBuf::from("traces").join(&host).join(version);
        std::fs::create_dir_all(folder.join(&place)).expect("a folder");
        let path = place.join(format!("{i}.trace"));
        let mut command = Command::new(&program);
        command.args(["-seed", &(i + 1).to_string(), "-o"]).arg(folder.join(&path));
        command.args((host == BAD_HOST).then_some("-bad-host"));
        command.args((version == BAD_VERSION).then_some("-bad-version"));
        let _ = go::run(&mut command);
        path.display().to_string()
    };
    // They wait for most of the time.
    let all: Vec<usize> = (0..n).collect();
    std::thread::scope(|scope| {
        let some = |part: &[usize]| part.iter().map(|i| one(*i)).collect::<Vec<_>>();
        let threads: Vec<_> = all.chunks(n.div_ceil(2)).map(|part| scope.spawn(move || some(part))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("recorded")).collect()
    })
}

/// A table of each recording, by the command of the documents.
fn map(folder: &Path, traces: &[String]) {
    std::fs::create_dir_all(folder.join("out")).expect("a folder");
    for (i, trace) in traces.iter().enumerate() {
        let pattern = "(?<host>[^/]+)/(?<version>[^/]+)/[^/]+$";
        let args = ["-q", "-j1", "--label-from-path", pattern, "-o", &format!("out/{i}.parquet"), trace];
        let made = run(folder, &args);
        assert!(made.status.success(), "{made:?}");
    }
}

fn rows<'a>(answers: &'a Value, question: &str) -> &'a [Value] {
    answers[question].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn the_bad_host_and_the_bad_version_are_found() {
    let Some(goroot) = go::toolchain(go::NEWEST) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let traces = record(&goroot, folder.path(), n_recordings());
    map(folder.path(), &traces);
    let alone = OneCommand::of(folder.path(), &traces);
    for engine in ["duckdb", "datafusion", "a cluster"] {
        let answers = match engine {
            "a cluster" => cluster(folder.path(), traces.len()),
            engine => ask(engine, &folder.path().join("out")),
        };
        let Some(answers) = answers else { continue };
        check_hosts(folder.path(), &answers);
        check_change(&answers);
        alone.check(&answers);
    }
}

/// The bad host is the first, far before the second; the command that is named beside it shows the lock, and who holds it.
fn check_hosts(folder: &Path, answers: &Value) {
    let hosts = rows(answers, "hosts");
    assert_eq!(hosts[0]["host"], BAD_HOST, "{hosts:?}");
    let share = |i: usize| hosts[i]["slow_share"].as_f64().expect("a number");
    assert!(share(0) > 2.0 * share(1), "{hosts:?}");
    let command = hosts[0]["worst"].as_str().expect("a command");
    let args: Vec<&str> = command.split(' ').skip(1).map(|arg| arg.trim_matches('\'')).collect();
    let shown = run(folder, &args);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains("(*prices).refresh") && text.contains("for a lock"), "{command}\n{text}");
}

/// What a mean request of the bad version takes longer for, most of it, is the call that only that version has.
fn check_change(answers: &Value) {
    let change = rows(answers, "change");
    let first = change.first().expect("a difference");
    assert_eq!((first["root"].as_str(), first["before_ns"].as_u64()), (Some("main.Orders"), Some(0)), "{first}");
    assert!(first["stack"].as_str().expect("a stack").contains(";main.discount;time.Sleep"), "{first}");
    assert!(first["change_ns"].as_f64().expect("a number") > 2e6, "{first}");
}

/// The answers of a Spark cluster of two worker processes, which makes the tables itself; none where it is not installed.
fn cluster(folder: &Path, n: usize) -> Option<Value> {
    let program = Path::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let mut answer = script("fleet_spark.py", &[program, folder])?;
    assert_eq!((answer["tables"].as_u64(), answer["workers"].as_u64()), (Some(n as u64), Some(2)));
    Some(answer["answers"].take())
}

const ROOTS: [&str; 2] = ["main.Orders", "main.Items"];
const VERSIONS: [&str; 2] = ["v1", BAD_VERSION];

/// What one command says that reads all recordings of a version: for each root, the reports of both versions.
struct OneCommand(Vec<(&'static str, [Value; 2])>);

impl OneCommand {
    fn of(folder: &Path, traces: &[String]) -> Self {
        let report = |root: &str, version: &str| -> Value {
            let (pattern, part) = (format!("^{}$", root.replace('.', "\\.")), format!("/{version}/"));
            let of_version = traces.iter().map(String::as_str).filter(|path| path.contains(&part));
            let args: Vec<&str> =
                ["-q", "-n", "0", "-f", "json", "--root", &pattern].into_iter().chain(of_version).collect();
            serde_json::from_slice(&run(folder, &args).stdout).expect("JSON")
        };
        Self(ROOTS.map(|root| (root, VERSIONS.map(|version| report(root, version)))).to_vec())
    }

    /// Counts, quantiles and sums by endpoint and version are those of the engine; so are states and stacks.
    fn check(&self, answers: &Value) {
        for (root, sides) in &self.0 {
            for (version, json) in VERSIONS.iter().zip(sides) {
                let row =
                    rows(answers, "endpoints").iter().find(|row| row["root"] == *root && row["version"] == *version);
                let (row, latency) = (row.expect("a row"), &json["latency"]);
                assert_eq!(row["requests"], latency["count"]);
                for column in ["total_ns", "p50_ns", "p95_ns", "p99_ns", "max_ns"] {
                    assert_eq!(row[column], latency[column], "{root} {version} {column}");
                }
            }
            let of_root = |question| rows(answers, question).iter().filter(|row| row["root"] == *root);
            let name = |row: &Value| row["state"].as_str().expect("a state").to_owned();
            let states = of_root("states").map(|row| (name(row), ns(&row["ns"]))).collect();
            assert_eq!(sums(sides, "states", |row| name(row)), states, "{root}");
            let stack = |row: &Value| format!("{} {}", name(row), row["stack"].as_str().expect("a stack"));
            for (side, column) in sides.iter().zip(["before_ns", "after_ns"]) {
                let of_side = of_root("change").map(|row| (stack(row), ns(&row[column]))).filter(|(_, ns)| *ns > 0);
                let one = std::slice::from_ref(side);
                assert_eq!(
                    sums(one, "stacks", |row| format!("{} {}", name(row), line(row))),
                    of_side.collect(),
                    "{root}"
                );
            }
        }
    }
}

fn ns(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

/// The frames of a stack as a table has them, outermost first.
fn line(row: &Value) -> String {
    let frames = row["frames"].as_array().expect("frames").iter().rev();
    frames.map(|frame| frame["function"].as_str().expect("a name").replace(';', ",")).collect::<Vec<_>>().join(";")
}

/// Latency of reports by what `key` makes of a row of a list.
fn sums(reports: &[Value], list: &str, key: impl Fn(&Value) -> String) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for row in reports.iter().flat_map(|json| json[list].as_array().expect("rows")) {
        *sums.entry(key(row)).or_insert(0) += ns(&row["latency_ns"]);
    }
    sums.retain(|_, ns| *ns > 0);
    sums
}
