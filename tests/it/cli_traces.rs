//! The command line on a recorded trace: outputs, their agreement, and what standard output carries.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn trace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/traces/go1.26/server.trace")
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LC_ALL", "LC_CTYPE"] {
        command.env_remove(variable);
    }
    command.env("LANG", "C.UTF-8").current_dir(dir).args(args);
    command
}

/// A directory with the trace in it, as `t`.
fn with_trace() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(trace(), dir.path().join("t")).unwrap();
    dir
}

fn run(dir: &Path, args: &[&str], code: i32) -> Output {
    let output = command(dir, args).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn stdout(dir: &Path, args: &[&str]) -> String {
    String::from_utf8(run(dir, args, 0).stdout).unwrap()
}

fn piped(dir: &Path, args: &[&str], input: &[u8]) -> String {
    let mut child = command(dir, args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_report_has_its_sections() {
    let dir = with_trace();
    let text = stdout(dir.path(), &["-r", "FanOutHandler", "t"]);
    for part in
        ["t           format 1.26", "roots       8 of 'FanOutHandler'", "WHERE THE TIME WENT", "TOP STACKS", "main.go:"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.lines().all(|l| l.chars().count() <= 100) && !text.contains("read in"), "{text}");
}

#[test]
fn a_summary_is_the_answer_alone() {
    let dir = with_trace();
    let whole = stdout(dir.path(), &["-r", "FanOutHandler", "t"]);
    let answer = stdout(dir.path(), &["-r", "FanOutHandler", "--summary", "t"]);
    assert!(whole.starts_with(&answer) && answer.contains("main.FanOutHandler: p50 "), "{answer}");
    assert!(answer.lines().count() <= 5 && !answer.contains("LATENCY"), "{answer}");
    let verdict = stdout(dir.path(), &["-r", "HashAndWrite", "--vs-root", "WriteNoHash", "--summary", "t"]);
    assert!(verdict.starts_with("Slower: the mean by ") && !verdict.contains("LATENCY"), "{verdict}");
    for other in [&["-f", "json"][..], &["--metric", "goroutine"]] {
        let args = [&["-r", "FanOutHandler", "--summary"], other, &["t"]].concat();
        run(dir.path(), &args, 2);
    }
}

#[test]
fn without_a_root_there_are_candidates_and_commands_that_work() {
    let dir = with_trace();
    let text = stdout(dir.path(), &["t"]);
    let command = text.lines().find_map(|l| l.strip_prefix("  gotrace-slice ")).unwrap();
    let args: Vec<String> = command.split(' ').map(|a| a.trim_matches('\'').to_owned()).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    assert!(stdout(dir.path(), &args).contains("WHERE THE TIME WENT"), "{command}");
}

/// A report without the next command: standard input cannot be asked again.
fn without_next(report: &str) -> serde_json::Value {
    let mut json: serde_json::Value = serde_json::from_str(report).expect("JSON");
    json["answer"]["next"].take();
    json
}

#[test]
fn file_pipe_and_packed_file_give_the_same() {
    let dir = with_trace();
    let raw = fs::read(trace()).unwrap();
    fs::write(dir.path().join("packed"), gzip(&raw)).unwrap();
    let expected = stdout(dir.path(), &["-r", "Handler", "-f", "json", "t"]);
    assert_eq!(stdout(dir.path(), &["-r", "Handler", "-f", "json", "-j", "1", "t"]), expected);
    let packed = stdout(dir.path(), &["-r", "Handler", "-f", "json", "packed"]);
    assert_eq!(packed.replace("\"packed\"", "\"t\"").replace(" packed\"", " t\""), expected);
    for input in [raw.clone(), gzip(&raw)] {
        let text = piped(dir.path(), &["-r", "Handler", "-f", "json", "-"], &input);
        assert_eq!(without_next(&text.replace("\"name\":\"-\"", "\"name\":\"t\"")), without_next(&expected));
    }
}

/// What goes into a temporary file when there can be one, stays in memory when there cannot.
#[test]
fn a_pipe_needs_no_temporary_file_below_64_mb() {
    let dir = with_trace();
    let mut long = fs::read(trace()).unwrap();
    long.resize(9 << 20, 0);
    let outputs = [dir.path(), &dir.path().join("nowhere")].map(|temporary| {
        let mut command = command(dir.path(), &["-r", "FanOutHandler", "-"]);
        command.env("TMPDIR", temporary).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(&long).unwrap();
        child.wait_with_output().unwrap()
    });
    assert!(String::from_utf8_lossy(&outputs[0].stdout).contains("WHERE THE TIME WENT"), "{outputs:?}");
    assert_eq!(outputs[0], outputs[1]);
}

/// More than that needs one. What is missing is the folder for it, and not the input.
#[cfg(unix)]
#[test]
fn a_missing_folder_for_temporary_files_is_named() {
    let dir = with_trace();
    let mut long = fs::read(trace()).unwrap();
    long.resize(65 << 20, 0);
    fs::write(dir.path().join("packed"), gzip(&long)).unwrap();
    let run = |input: &str, temporary: &Path| {
        let mut command = command(dir.path(), &["-r", "FanOutHandler", input]);
        command.env("TMPDIR", temporary).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may have ended before it took all.
        let _ = child.stdin.take().unwrap().write_all(if input == "-" { &long } else { &[] });
        child.wait_with_output().unwrap()
    };
    let missing = dir.path().join("nowhere");
    for input in ["-", "packed"] {
        let output = run(input, &missing);
        let said = String::from_utf8(output.stderr).unwrap();
        let expected = format!(
            "error: {input}: no copy of it can be made in the folder for temporary files, {}: no such file or directory",
            missing.display()
        );
        assert!(output.status.code() == Some(2) && said.starts_with(&expected) && said.contains("TMPDIR"), "{said}");
        // The twin: with a folder it is read.
        let read = run(input, dir.path());
        assert!(String::from_utf8_lossy(&read.stdout).contains("WHERE THE TIME WENT"), "{read:?}");
    }
}

/// Block devices and tapes pad files with zeros: behind gzip they are no damage. Anything else is.
#[test]
fn zeros_behind_packed_data_are_no_damage() {
    let dir = with_trace();
    let packed = gzip(&fs::read(trace()).unwrap());
    fs::write(dir.path().join("padded"), [&packed[..], &[0; 1000]].concat()).unwrap();
    fs::write(dir.path().join("wrong"), [&packed[..], &[0; 1000], b"x"].concat()).unwrap();
    let json = |file: &str| -> serde_json::Value {
        serde_json::from_slice(&run(dir.path(), &["-q", "-f", "json", file], 0).stdout).unwrap()
    };
    let padded = json("padded");
    assert!(padded["complete"] == true && padded["warnings"] == serde_json::json!([]), "{}", padded["warnings"]);
    run(dir.path(), &["--strict", "padded"], 0);
    let wrong = json("wrong");
    assert!(wrong["complete"] == false && wrong["warnings"][0]["id"] == "packing-damaged", "{}", wrong["warnings"]);
}

#[test]
fn one_reading_writes_all_outputs() {
    let dir = with_trace();
    let args = ["-r", "Handler", "-o", "a.json", "-o", "a.pb.gz", "-o", "a.folded", "-o", "a.svg", "-o", "a.md", "t"];
    let text = stdout(dir.path(), &args);
    assert!(text.contains("WHERE THE TIME WENT"));
    assert_eq!(
        fs::read_to_string(dir.path().join("a.json")).unwrap(),
        stdout(dir.path(), &["-r", "Handler", "-f", "json", "t"])
    );
    assert_eq!(
        fs::read(dir.path().join("a.pb.gz")).unwrap(),
        run(dir.path(), &["-r", "Handler", "-f", "pprof", "t"], 0).stdout
    );
    for format in ["svg", "md"] {
        assert_eq!(
            fs::read_to_string(dir.path().join(format!("a.{format}"))).unwrap(),
            stdout(dir.path(), &["-r", "Handler", "-f", format, "t"])
        );
    }
    assert_eq!(stdout(dir.path(), &[&["-q"][..], &args].concat()), "");
    assert_eq!(
        stdout(dir.path(), &[&["-q", "-o", "-"][..], &args].concat()),
        stdout(dir.path(), &["-q", "-r", "Handler", "t"])
    );
    // Nothing is left beside the results.
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 6);
}

#[test]
fn no_match_finds_functions_on_stacks_in_another_case() {
    let dir = with_trace();
    let stderr = |pattern: &str| String::from_utf8(run(dir.path(), &["-r", pattern, "t"], 1).stderr).unwrap();
    let near = stderr("hashandwrite");
    assert!(near.contains("main.HashAndWriteHandler") && near.contains("-i ignores"), "{near}");
    // The twin: nothing is near.
    let far = stderr("zzzzzzzzzz");
    assert!(!far.contains("near it are") && !far.contains("-i ignores") && !far.contains("-F takes"), "{far}");
}

#[test]
fn no_match_names_what_is_near_and_writes_nothing() {
    let dir = with_trace();
    let output = run(dir.path(), &["-r", "fanouthandler", "-o", "a.json", "t"], 1);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: nothing matches 'fanouthandler' ("), "{stderr}");
    assert!(stderr.contains("main.FanOutHandler") && stderr.contains("-i ignores"), "{stderr}");
    assert!(!dir.path().join("a.json").exists());
    let narrowed = run(dir.path(), &["-r", "HashAndWrite", "--root-by", "creation", "t"], 1);
    assert!(String::from_utf8(narrowed.stderr).unwrap().contains("--root-by stack"));
    assert!(stdout(dir.path(), &["-i", "-r", "fanouthandler", "t"]).contains("TOP STACKS"));
}

#[test]
fn a_cut_packed_trace_is_used_and_strict_refuses_it() {
    let dir = with_trace();
    let packed = gzip(&fs::read(trace()).unwrap());
    fs::write(dir.path().join("cut"), &packed[..packed.len() * 9 / 10]).unwrap();
    let output = run(dir.path(), &["-f", "json", "cut"], 0);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["complete"], false);
    assert!(json["warnings"].as_array().unwrap().iter().any(|w| w["id"] == "packing-damaged"));
    assert!(String::from_utf8(output.stderr).unwrap().contains("warning: cut: the gzip data is damaged or cut off"));
    run(dir.path(), &["--strict", "cut"], 2);
    run(dir.path(), &["--strict", "t"], 0);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let dir = with_trace();
    let mut child = command(dir.path(), &["-r", ".", "-f", "json", "t"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_part_of_the_trace() {
    let dir = with_trace();
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&stdout(dir.path(), &[&["-f", "json", "-r", ".", "t"][..], args].concat())).unwrap()
    };
    let part = json(&["--time", "10ms+20ms"]);
    assert_eq!(part["trace"]["window_ns"], 20_000_000);
    assert_eq!(part["selection"]["time"], "10ms+20ms");
    assert!(part["total"]["goroutine_ns"].as_u64() < json(&[])["total"]["goroutine_ns"].as_u64());
}

#[test]
fn a_goroutine_alone_is_a_root() {
    let dir = with_trace();
    let json: serde_json::Value =
        serde_json::from_str(&stdout(dir.path(), &["-f", "json", "--goid", "1", "t"])).unwrap();
    assert_eq!(json["selection"]["roots"], 1);
    assert_eq!(json["selection"]["goids"][0], 1);
    assert!(json["selection"]["patterns"].as_array().unwrap().is_empty());
    run(dir.path(), &["--goid", "999999", "t"], 1);
}

/// More files than the process may have open, read side by side.
#[cfg(unix)]
#[test]
fn many_files_take_few_handles_and_give_one_result() {
    let dir = with_trace();
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/traces/go1.26/keepalive.trace");
    let names: Vec<String> = (0..100).map(|i| format!("many-{i:02}")).collect();
    for (i, name) in names.iter().enumerate() {
        fs::copy(if i % 2 == 0 { trace() } else { other.clone() }, dir.path().join(name)).unwrap();
    }
    let limited = |options: &str| {
        let line = format!("ulimit -n 90; exec \"$0\" {options} \"$@\"");
        let output = Command::new("sh")
            .current_dir(dir.path())
            .args(["-c", &line, env!("CARGO_BIN_EXE_gotrace-slice")])
            .args(&names)
            .output()
            .unwrap();
        assert!(output.status.success(), "{options}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let (one, three) = (limited("-j 1 -f json --root Handler"), limited("-j 3 -f json --root Handler"));
    assert!(one == three && one.contains("\"many-99\""), "{one}");
    assert_eq!(limited("-j 1"), limited("-j 3"));
}
