//! Tables that engines wrote, tables beside tables of the same traces, tables on a pipe, and the map of `docs/fleet.md`.
//!
//! `testdata/tables` is of DuckDB: `COPY (SELECT * FROM read_parquet('[0-9].parquet')) TO 'snappy.parquet'`, of the tables that
//! `map_one_path` writes; and twenty rows of the first of them with `(COMPRESSION zstd)`.

use crate::common::root;
use crate::fleet::run;
use crate::fleet_engines::{ONE_PATH, map_one_path};
use flate2::write::GzEncoder;
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn of_engine(name: &str) -> String {
    root().join("testdata/tables").join(name).display().to_string()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

fn report(folder: &Path, tables: &[&str]) -> Value {
    let output = run(folder, &[&["-q", "-r", ".", "-f", "json"], tables].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e} {output:?}"))
}

/// A folder with the tables of [`ONE_PATH`], and their names.
fn folder() -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    map_one_path(folder.path());
    (folder, (0..ONE_PATH.len()).map(|i| format!("{i}.parquet")).collect())
}

/// A table that an engine made of many, whose traces have one path, has what these have; what it does not say of its traces is not
/// said to be 0.
#[test]
fn the_table_of_an_engine_says_no_zeros() {
    let (folder, parts) = folder();
    let (folder, parts) = (folder.path(), parts.iter().map(String::as_str).collect::<Vec<_>>());
    let joined = of_engine("snappy.parquet");
    let (of_parts, of_joined) = (report(folder, &parts), report(folder, &[&joined]));
    for number in ["count", "total_ns", "p50_ns", "p99_ns", "max_in_flight", "slow_total_ns"] {
        assert_eq!(of_parts["latency"][number], of_joined["latency"][number], "{number}");
    }
    assert_eq!(of_parts["states"], of_joined["states"]);
    let zeros = ["0 ns in all", "All of the trace", "mean 0.00", "mean 0,", "0 events"];
    let said = text(&run(folder, &["-r", ".", &joined]));
    assert!(said.contains("6 traces") && said.contains("in flight: max"), "{said}");
    let head = |said: &str| said.lines().find(|line| line.starts_with("6 traces")).map(str::to_owned).expect("a line");
    assert!(!head(&said).contains("in all"), "{said}");
    assert!(zeros.iter().all(|zero| !said.contains(zero)), "{said}");
    let said = text(&run(folder, &[&["-r", "."], &parts[..]].concat()));
    assert!(
        said.contains("in flight: mean") && head(&said).contains(" in all") && said.contains("All of the trace"),
        "{said}"
    );
}

/// What stands in a table and in its parts counts once, traces too; the list says so as the report does.
#[test]
fn a_table_beside_its_parts_counts_once() {
    let (folder, mut tables) = folder();
    let folder = folder.path();
    let parts: Vec<&str> = tables.iter().map(String::as_str).collect();
    assert!(run(folder, &[&["-q", "-o", "day.parquet"], &parts[..]].concat()).status.success());
    let of_parts = report(folder, &parts);
    let said_of_parts = text(&run(folder, &parts));
    for day in ["day.parquet".to_owned(), of_engine("snappy.parquet")] {
        tables.truncate(ONE_PATH.len());
        tables.push(day);
        let all: Vec<&str> = tables.iter().map(String::as_str).collect();
        let of_all = report(folder, &all);
        assert_eq!(of_parts["latency"], of_all["latency"]);
        assert_eq!(of_all["traces"].as_array().map(Vec::len), Some(ONE_PATH.len()));
        let list = text(&run(folder, &all));
        assert!(list.contains("several snapshots of one process, and are counted once"), "{list}");
        assert!(list.contains("6 traces") && said_of_parts.contains("6 traces"), "{list}");
    }
}

#[test]
fn a_table_that_is_packed_otherwise_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let zstd = of_engine("zstd.parquet");
    for args in [&["-r", "main", &zstd][..], &[&zstd]] {
        let refused = run(folder.path(), args);
        let said = text(&refused);
        assert!(refused.status.code() == Some(2) && said.contains("compressed with ZSTD, which is not read"), "{said}");
        assert!(!said.contains("nothing matches") && !said.contains("cut"), "{said}");
    }
    let none = run(folder.path(), &["-r", "NoSuchThing", &of_engine("snappy.parquet")]);
    let said = text(&none);
    assert!(none.status.code() == Some(1) && said.contains(" requests looked at)"), "{said}");
}

/// Tables are read from a pipe, packed or not, also where one reading does not take all of it.
#[test]
fn tables_are_read_from_a_pipe() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let traces: Vec<String> = ["1.22", "1.23", "1.24", "1.25", "1.26"]
        .iter()
        .flat_map(|version| crate::common::files(&root().join(format!("testdata/traces/go{version}")), "trace"))
        .map(|path| path.display().to_string())
        .collect();
    let traces: Vec<&str> = traces.iter().map(String::as_str).collect();
    assert!(run(folder, &[&["-q", "-o", "x.parquet"], &traces[..]].concat()).status.success());
    let table = std::fs::read(folder.join("x.parquet")).expect("a table");
    assert!(table.len() > 200_000, "{}", table.len());
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&table).expect("memory");
    let expected = report(folder, &["x.parquet"]);
    for bytes in [table, packed.finish().expect("memory")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
        command.args(["-q", "-r", ".", "-f", "json", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        let mut input = child.stdin.take().expect("a pipe");
        let writer = std::thread::spawn(move || input.write_all(&bytes));
        let output = child.wait_with_output().expect("an answer");
        let _ = writer.join().expect("written");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e} {output:?}"));
        assert_eq!(found["latency"], expected["latency"]);
    }
}

/// The command of the documents, in a real shell, on names that shells and xargs read otherwise; twice, and a cut recording.
#[cfg(unix)]
#[test]
fn the_map_of_the_documents_takes_any_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let document = std::fs::read_to_string(root().join("docs/fleet.md")).expect("the document");
    let map = document.split("```sh\n").find(|block| block.starts_with("find")).expect("a command");
    let map = map.split("```").next().expect("a command");
    let trace = std::fs::read(root().join("testdata/traces/go1.26/server.trace")).expect("a trace");
    let names = ["it's a \"host\"/v1/a b.trace", "back\\slash/v1/$HOME.trace", "h/v 2/new\nline.trace"];
    for name in names {
        let path = folder.join("traces").join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, &trace).expect("a trace");
    }
    let program = Path::new(env!("CARGO_BIN_EXE_gotrace-slice")).parent().expect("a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let make = || {
        let mut shell = Command::new("/bin/sh");
        shell.current_dir(folder).env("PATH", &path).args(["-c", map]).output().expect("a shell")
    };
    let tables =
        || names.map(|name| std::fs::read(folder.join(format!("out/traces/{name}.parquet"))).expect("a table"));
    let made = make();
    assert!(made.status.success(), "{made:?}");
    let first = tables();
    assert!(make().status.success());
    assert!(first == tables());
    // One that cannot be read: the others are made, and the code says that one was not.
    std::fs::write(folder.join("traces/h/v 2/broken.trace"), "no trace").expect("a file");
    let made = make();
    assert_eq!(made.status.code(), Some(123), "{made:?}");
    // Those that are cut are found by what their tables say of them.
    std::fs::write(folder.join("traces/h/v 2/cut.trace"), &trace[..5000]).expect("a file");
    let _ = make();
    let asked = document.split("```sh\nduckdb -c \"").nth(1).and_then(|block| block.split("\"\n```").next());
    let sql = asked.expect("a question").replace("\\\"", "\"");
    let python = std::env::var("GOTRACE_SLICE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = "import duckdb, sys; print([row[0] for row in duckdb.sql(sys.argv[1]).fetchall()])";
    let cut = Command::new(python).current_dir(folder).args(["-c", script, &sql]).output();
    match cut {
        Ok(cut) if cut.status.success() => {
            assert_eq!(text(&cut).trim(), "['out/traces/h/v 2/cut.trace.parquet']", "{sql}");
        }
        other => assert!(std::env::var_os("GOTRACE_SLICE_REQUIRE_ENGINES").is_none(), "{other:?}"),
    }
    assert!(text(&made).contains("broken.trace: this is text") && first == tables(), "{made:?}");
}
