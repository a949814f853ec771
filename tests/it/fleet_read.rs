//! Tables of requests as inputs: the report of tables is that of their traces, and what is wrong with a table is said.

use crate::common::root;
use crate::fleet::run;
use crate::fleet_engines::{FLEET, ask, map, sorted};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

fn json_of(folder: &Path, args: &[&str]) -> Value {
    let output = run(folder, &[&["-q", "-f", "json", "-n", "0"], args].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{args:?}: {e} {output:?}"))
}

/// Time by state, detail, precision and stack: what a report and a table both have.
fn stacks(report: &Value) -> BTreeMap<String, u64> {
    let mut stacks = BTreeMap::new();
    for row in report["stacks"].as_array().expect("stacks") {
        let ns = row["latency_ns"].as_u64().expect("a number");
        let key = json!([row["state"], row["detail"], row["precision"], row["waited_in"], row["frames"]]).to_string();
        *stacks.entry(key).or_insert(0) += ns;
    }
    stacks.retain(|_, ns| *ns > 0);
    stacks
}

/// The first sentences of a report: where requests spend their time, and in which call.
fn sentence(folder: &Path, args: &[&str]) -> String {
    let output = run(folder, &[&["-q", "--summary", "--width", "1000"], args].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // What else is told of undecided requests differs: in a table without `--root` they may be of any.
    text.split(" counted").next().unwrap_or_default().to_owned()
}

fn states(report: &Value) -> BTreeMap<&str, u64> {
    let rows = report["states"].as_array().expect("states").iter();
    let rows = rows.map(|row| (row["state"].as_str().expect("a name"), row["latency_ns"].as_u64().expect("a number")));
    rows.filter(|(_, ns)| *ns > 0).collect()
}

/// The arguments of all traces, and those of all their tables.
fn inputs() -> (Vec<String>, Vec<String>) {
    let trace = |name: &str| root().join("testdata/traces").join(name).with_extension("trace").display().to_string();
    (FLEET.iter().map(|(name, ..)| trace(name)).collect(), (0..FLEET.len()).map(|i| format!("{i}.parquet")).collect())
}

fn with<'a>(first: &[&'a str], rest: &'a [String]) -> Vec<&'a str> {
    first.iter().copied().chain(rest.iter().map(String::as_str)).collect()
}

/// Handlers below `http.TimeoutHandler`.
fn is_timed(row: &Value) -> bool {
    ["main.TooSlow", "main.Timed"].iter().any(|name| row["function"] == *name)
}

/// Counts, quantiles, states and stacks of tables are those of their traces read together, for each endpoint; and the quantiles
/// are those of `docs/fleet.sql`.
#[test]
fn tables_give_the_report_of_their_traces() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let _ = map(folder);
    let (traces, tables) = inputs();
    let list = json_of(folder, &with(&[], &tables));
    let rows = list["handlers"].as_array().expect("rows");
    assert!(rows.len() > 10, "{rows:?}");
    let (mut quantiles, mut n_sentences) = (Vec::new(), 0);
    for row in rows {
        let name = format!("^{}$", regex::escape(row["function"].as_str().expect("a name")));
        let args = ["--root", &name, "--root-by", "stack"];
        let from_tables = json_of(folder, &with(&args[..2], &tables));
        let latency = &from_tables["latency"];
        if latency.is_null() {
            continue;
        }
        let mut line = json!({"root": row["function"], "requests": latency["count"]});
        for column in ["total_ns", "p50_ns", "p95_ns", "p99_ns", "max_ns"] {
            line[column] = latency[column].clone();
        }
        quantiles.push(line);
        let from_traces = json_of(folder, &with(&args, &traces));
        // A selection by name can have more requests than the row: `elsewhere` says where.
        // And below a time limit a selection by name has the handler's goroutine, the list what the client saw.
        if from_traces["latency"]["count"] != latency["count"] || is_timed(row) {
            continue;
        }
        assert_eq!(from_traces["latency"], *latency, "{name}");
        assert_eq!(states(&from_traces), states(&from_tables), "{name}");
        assert_eq!(stacks(&from_traces), stacks(&from_tables), "{name}");
        let sentences = [with(&args, &traces), with(&args[..2], &tables)].map(|args| sentence(folder, &args));
        // Which requests with inferred edges may be several calls is not in a table: any may. That is longer, and what has no
        // room then is left out.
        let start =
            |text: &String| text.split([',', '%']).next().and_then(|text| text.split(". ").next()).map(str::to_owned);
        if sentences[1].contains(", if each is one call.") {
            assert_ne!(row["inferred"], 0, "{name}");
            assert_eq!(start(&sentences[0]), start(&sentences[1]), "{name}");
        } else {
            assert_eq!(sentences[0], sentences[1], "{name}");
            n_sentences += 1;
        }
        assert_eq!(from_traces["requests_goroutine_ns"], from_tables["requests_goroutine_ns"], "{name}");
        assert!(from_tables["states"][0].get("goroutine_ns").is_none(), "a table has no goroutine time by state");
    }
    assert!(n_sentences > 5, "{n_sentences}");
    let Some(answers) = ask("duckdb", folder) else { return };
    let mut of_engine = Vec::new();
    for row in answers["endpoints"].as_array().expect("rows") {
        let known = quantiles.iter().find(|of| of["root"] == row["root"]).expect("the endpoint");
        // The engine has a row for each version.
        let both = answers["endpoints"].as_array().expect("rows").iter().filter(|of| of["root"] == row["root"]).count();
        if both == 1 {
            let mut row = row.clone();
            let _ = row.as_object_mut().expect("a row").remove("version");
            of_engine.push((row, known.clone()));
        }
    }
    let (engine, ours): (Vec<Value>, Vec<Value>) = of_engine.into_iter().unzip();
    assert!(engine.len() > 3, "{engine:?}");
    assert_eq!(sorted(&json!(engine)), sorted(&json!(ours)));
}

/// Tables of `--root` have what the report of `--root` has, cut requests included; also where one table is made of several.
#[test]
fn a_selection_comes_back_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (traces, _) = inputs();
    let mut tables = Vec::new();
    for (i, trace) in traces.iter().enumerate() {
        let name = format!("{i}.parquet");
        if run(folder, &["-q", "-r", "Handler", "-o", &name, trace]).status.success() {
            tables.push((name, trace.clone()));
        }
    }
    assert!(tables.len() > 3, "{tables:?}");
    let (tables, traces): (Vec<String>, Vec<String>) = tables.into_iter().unzip();
    let joined = run(folder, &with(&["-q", "-o", "joined.parquet"], &tables));
    assert!(joined.status.success(), "{joined:?}");
    for choice in [&[][..], &["--slowest", "9"], &["--include-partial"]] {
        let args = [&["-r", "Handler"], choice].concat();
        let expected = json_of(folder, &with(&args, &traces));
        for tables in [&tables[..], &["joined.parquet".to_owned()]] {
            let found = json_of(folder, &with(&args, tables));
            assert_eq!(expected["latency"], found["latency"], "{args:?}");
            assert_eq!(stacks(&expected), stacks(&found), "{args:?}");
            assert_eq!(states(&expected), states(&found), "{args:?}");
            for field in ["roots", "roots_cut"] {
                assert_eq!(expected["selection"][field], found["selection"][field], "{args:?} {field}");
            }
            assert_eq!(expected["traces"][1]["duration_ns"], found["traces"][1]["duration_ns"]);
            assert!(found["wakeups"].as_array().is_none_or(Vec::is_empty), "a table has no wake-ups");
        }
    }
}

/// A table of cut requests alone says nothing of time that it does not tell.
#[test]
fn a_table_of_cut_requests_says_no_zeros() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let trace = root().join("testdata/traces/go1.26/held-a.trace").display().to_string();
    let report = |input: &str| {
        let output = run(folder, &["-q", "-r", "LongHandler", input]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(run(folder, &["-q", "-o", "x.parquet", &trace]).status.success());
    let (of_table, of_trace) = (report("x.parquet"), report(&trace));
    assert!(of_table.contains("0 whole") && !of_table.contains("subtree"), "{of_table}");
    assert!(of_trace.contains(" goroutine time\n"), "the twin: {of_trace}");
}

/// All outputs, comparisons and limits work on tables.
#[test]
fn tables_are_compared_and_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let trace = |version: &str| root().join(format!("testdata/traces/{version}/server.trace")).display().to_string();
    let traces = [trace("go1.25"), trace("go1.26")];
    for (i, trace) in traces.iter().enumerate() {
        assert!(run(folder, &["-q", "-o", &format!("{i}.parquet"), trace]).status.success());
    }
    let compare = |base: &str, new: &str| json_of(folder, &["-r", "FanOut", "--vs", base, new]);
    let of_traces = compare(&traces[0], &traces[1]);
    for of_tables in [compare("0.parquet", "1.parquet"), compare(&traces[0], "1.parquet")] {
        assert_eq!(of_traces["latency"], of_tables["latency"]);
        assert_eq!(of_traces["states"], of_tables["states"]);
    }
    let args = ["-q", "-r", "FanOut", "-o", "x.html", "-o", "x.svg", "-o", "x.pb.gz", "-o", "x.md", "-o", "x.folded"];
    let all = run(folder, &[&args[..], &["1.parquet"]].concat());
    assert!(all.status.success(), "{all:?}");
    let text = run(folder, &["-r", "FanOut", "1.parquet"]);
    let (out, said) = (String::from_utf8_lossy(&text.stdout), String::from_utf8_lossy(&text.stderr));
    assert!(out.contains("from a table of requests") && out.contains("LATENCY of 8 requests"), "{out}");
    assert!(said.contains("who ended waits") && out.contains("1.parquet"), "{said}{out}");
    let limit = |rule: &str| run(folder, &["-q", "-r", "FanOut", "--fail-if", rule, "1.parquet"]).status.code();
    assert_ne!(limit("max>1us"), Some(0));
    assert_eq!(limit("max>1000s"), Some(0));
    assert_eq!(
        limit("max>1us"),
        run(folder, &["-q", "-r", "FanOut", "--fail-if", "max>1us", &traces[1]]).status.code()
    );
}

fn fails(output: &Output, part: &str) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code().is_some_and(|code| code == 1 || code == 2) && said.contains(part), "{part}: {said}");
}

#[test]
fn what_a_table_cannot_answer_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let trace = root().join("testdata/traces/go1.26/server.trace").display().to_string();
    assert!(run(folder, &["-q", "-o", "x.parquet", &trace]).status.success());
    let ask = |args: &[&str]| run(folder, &[&["-r", "FanOut"], args, &["x.parquet"]].concat());
    fails(&ask(&["--time", "0s-1s"]), "--time needs a trace");
    fails(&ask(&["--metric", "goroutine"]), "--metric goroutine needs a trace");
    fails(&ask(&["--exclude", "x"]), "--exclude needs a trace");
    fails(&ask(&["--stacks", "own"]), "--stacks own needs a trace");
    fails(&ask(&[&trace]), "are not pooled");
    fails(&run(folder, &["-r", "NoSuchThing", "x.parquet"]), "nothing matches 'NoSuchThing'");
}

/// A table that is cut off anywhere, or of which a byte is another, gives a message or the requests that are sound.
#[test]
fn damaged_tables_do_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let trace = root().join("testdata/traces/go1.26/server.trace").display().to_string();
    assert!(run(folder, &["-q", "-o", "x.parquet", &trace]).status.success());
    let bytes = std::fs::read(folder.join("x.parquet")).expect("a table");
    let read = |bytes: Vec<u8>| {
        let source: std::sync::Arc<dyn gotrace_slice::trace::source::Source + Send + Sync> = std::sync::Arc::new(bytes);
        let input = gotrace_slice::table::Input { name: "x".to_owned(), source };
        gotrace_slice::table::all(&[input], gotrace_slice::Options::default())
    };
    let sound = read(bytes.clone()).expect("a sound table");
    let total = |profile: &gotrace_slice::Profile| profile.total.latency_ns;
    for n in (0..bytes.len()).step_by(297) {
        assert!(read(bytes[..n].to_vec()).is_err(), "cut at {n}");
    }
    let mut n_damaged = 0;
    for at in (0..bytes.len()).step_by(61) {
        for bit in [0, 3, 7] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            // The command says it too, and ends as it does for any file that it cannot read.
            if at % 20 == 1 && bit == 0 {
                std::fs::write(folder.join("d.parquet"), &damaged).expect("a file");
                let code = run(folder, &["-q", "d.parquet"]).status.code();
                assert!(matches!(code, Some(0 | 2)), "byte {at}: {code:?}");
            }
            if let Ok(profile) = read(damaged) {
                n_damaged += usize::from(total(&profile) != total(&sound) || !profile.warnings.is_empty());
            }
        }
    }
    assert!(n_damaged > 0);
}

/// A Parquet file of one row: its texts are empty, its flags false, its numbers 7 but for those of `numbers`.
fn one_row(schema: &str, numbers: &[(&str, i64)]) -> Vec<u8> {
    let schema = std::sync::Arc::new(parse_message_type(schema).expect("a schema"));
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, std::sync::Arc::default()).expect("memory");
    let mut group = writer.next_row_group().expect("a group");
    while let Some(mut column) = group.next_column().expect("a column") {
        match column.untyped() {
            ColumnWriter::Int64ColumnWriter(of) => {
                let name = of.get_descriptor().name().to_owned();
                let value = numbers.iter().find(|(of, _)| *of == name).map_or(7, |(_, value)| *value);
                let _ = of.write_batch(&[value], Some(&[1]), Some(&[0])).expect("a value");
            }
            ColumnWriter::BoolColumnWriter(of) => {
                let _ = of.write_batch(&[false], Some(&[1]), Some(&[0])).expect("a value");
            }
            ColumnWriter::ByteArrayColumnWriter(of) => {
                let _ = of.write_batch(&[ByteArray::from("")], Some(&[1]), Some(&[0])).expect("a value");
            }
            _ => panic!("no such column"),
        }
        column.close().expect("a column");
    }
    let _ = group.close().expect("a group");
    writer.into_inner().expect("a file")
}

/// What is no table of requests is told by what is wrong with it; requests that cannot be are left out and counted.
#[test]
fn other_tables_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let read = |bytes: &[u8]| {
        std::fs::write(folder.path().join("x.parquet"), bytes).expect("a file");
        run(folder.path(), &["x.parquet"])
    };
    fails(&read(b"PAR1"), "no whole Parquet file");
    fails(&read(&one_row("message m { required int64 a; }", &[])), "its column 'trace' is missing");
    let texts = ["trace", "go", "service", "host", "version", "root", "state", "detail", "precision", "stack", "lines"];
    let numbers = "request goid start_ns clock_ns wall_ns dur_ns goroutine_ns gc_ns stw_ns ns";
    let schema = |kind: &str| {
        let texts = texts.map(|name| format!("required binary {name} (STRING);")).concat();
        let numbers: Vec<String> = numbers.split(' ').map(|name| format!("optional {kind} {name};")).collect();
        let numbers = numbers.concat();
        let flags = "required boolean partial; required boolean inferred; required boolean undecided;";
        format!("message m {{ {texts} {numbers} {flags} }}")
    };
    let requests = |numbers: &[(&str, i64)]| {
        let output = read(&one_row(&schema("int64"), numbers));
        let all = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&all).into_owned()
    };
    let sound = requests(&[]);
    assert!(sound.contains("1 whole request") && !sound.contains("left out"), "{sound}");
    for wrong in [&[("ns", -7)][..], &[("dur_ns", -7)], &[("ns", 8)], &[("start_ns", -1)], &[("gc_ns", i64::MIN)]] {
        let said = requests(wrong);
        assert!(said.contains("1 request was left out"), "{wrong:?}: {said}");
    }
    let large = requests(&[("start_ns", i64::MAX), ("dur_ns", i64::MAX), ("ns", i64::MAX), ("clock_ns", i64::MIN)]);
    assert!(large.contains("1 whole request"), "{large}");
    let wrong = one_row(&schema("int64").replace("optional int64 goid", "optional boolean goid"), &[]);
    fails(&read(&wrong), "its column 'goid' has the type BOOLEAN, not INT64");
}
