//! What `docs/record.md` and `docs/pull-request.md` tell people to do, done: their Go code compiles, the flight recorder's
//! file has the slow request whole, and the steps of the workflow pass and fail as they say.

use crate::go;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// A folder that is a Go module, without dependencies.
fn module(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("go.mod"), format!("module {name}\n\ngo 1.25\n")).expect("go.mod");
    dir
}

/// A document, and its code blocks of one language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(document);
    let text = fs::read_to_string(path).expect("the document");
    let fence = format!("\n```{language}\n");
    let parts = text.split(&fence).skip(1);
    parts.map(|part| part.split("\n```").next().expect("a block").to_owned() + "\n").collect()
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&output.stdout));
    output
}

fn report(trace: &Path, arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let output = run(command.args(["-q", "-f", "json"]).args(arguments).arg(trace));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn the_code_of_the_document_compiles() {
    let Some(goroot) = go::toolchain(go::NEWEST) else { return };
    let all = blocks("record.md", "go");
    assert!(all.len() >= 6, "{} blocks", all.len());
    for code in all {
        let dir = module("example.org/record");
        let name = if code.contains("testing.B") { "code_test.go" } else { "code.go" };
        fs::write(dir.path().join(name), &code).expect("the code");
        run(go::go(&goroot).current_dir(dir.path()).args(["vet", "."]));
        let formatted = run(Command::new(goroot.join("bin/gofmt")).arg("-l").arg(dir.path()));
        assert!(formatted.stdout.is_empty(), "gofmt changes:\n{code}");
    }
}

/// A server of the document's recorder, and one slow request among fast ones.
const SERVER: &str = r#"package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"example.org/record/slow"
)

func Handler(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/slow" {
		time.Sleep(300 * time.Millisecond)
	}
	time.Sleep(time.Millisecond)
}

func main() {
	recorder, err := slow.New(os.Args[1], 100*time.Millisecond)
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(recorder.Wrap(http.HandlerFunc(Handler)))
	for i := 0; i < 20; i++ {
		path := "/"
		if i == 12 {
			path = "/slow"
		}
		response, err := http.Get(server.URL + path)
		if err != nil {
			panic(err)
		}
		response.Body.Close()
	}
	// A file that has a name may still be written: no request of it is slow after this one.
	for i := 0; i < 100; i++ {
		if files, _ := filepath.Glob(os.Args[1] + "/slow-*.trace"); len(files) > 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond)
}
"#;

#[test]
fn the_flight_recorder_of_the_document_has_the_slow_request_whole() {
    let code = blocks("record.md", "go").into_iter().find(|code| code.starts_with("// Package slow")).expect("it");
    for version in ["1.25", "1.26", "1.27"] {
        let Some(goroot) = go::toolchain(version) else { continue };
        let dir = module("example.org/record");
        fs::create_dir(dir.path().join("slow")).expect("a folder");
        fs::write(dir.path().join("slow/slow.go"), &code).expect("the code");
        fs::write(dir.path().join("main.go"), SERVER).expect("the server");
        run(go::go(&goroot).current_dir(dir.path()).args(["build", "-o", "server", "."]));
        run(Command::new(dir.path().join("server")).arg(dir.path()));
        let trace = dir.path().join("slow-1.trace");
        let report = report(&trace, &["--root", r"^main\.Handler$"]);
        let longest = report["latency"]["max_ns"].as_u64().expect("ns");
        assert!(longest >= 300_000_000, "Go {version}: {longest}");
        assert!(!dir.path().join("slow-2.trace").exists(), "Go {version}: one request was slow");
    }
}

/// A step of the workflow that runs something here.
struct Step {
    name: String,
    script: String,
    /// Variables, with values that the workflow fills in as they stand there.
    env: Vec<(String, String)>,
}

fn steps() -> Vec<Step> {
    let workflow = blocks("pull-request.md", "yaml").remove(0);
    let mut steps = Vec::new();
    for step in workflow.split("      - name: ").skip(1) {
        let (name, rest) = step.split_once('\n').expect("a name");
        let (_, script) = rest.split_once("run: ").expect("a script");
        let lines = script.lines().skip_while(|line| *line == "|");
        let lines: Vec<&str> =
            lines.take_while(|line| !line.starts_with("        env:")).map(str::trim_start).collect();
        let env = script.split_once("        env:\n").map_or("", |(_, env)| env);
        let env = env.lines().filter_map(|line| line.trim().split_once(": "));
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        steps.push(Step { name: name.to_owned(), script: lines.join("\n"), env });
    }
    steps
}

/// A repository with the file of options, and with a benchmark whose calls take so long in the first commit, and so long in the
/// second.
fn repository(dir: &Path, base: Duration, change: Duration, limit: &str) -> String {
    let options = blocks("pull-request.md", "text").remove(0);
    assert!(options.contains(LIMIT), "{options}");
    fs::create_dir(dir.join(".github")).expect("a folder");
    fs::write(dir.join(".github/latency.options"), options.replace(LIMIT, limit)).expect("the options");
    let bench = blocks("record.md", "go").into_iter().find(|code| code.contains("testing.B")).expect("it");
    let bench = bench.replace("\"testing\"\n", "\"testing\"\n\t\"time\"\n");
    let git = |arguments: &[&str]| {
        let names = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"];
        String::from_utf8(run(Command::new("git").current_dir(dir).args(names).args(arguments)).stdout).expect("text")
    };
    git(&["init", "-q"]);
    let commit = |took: Duration| {
        let body = format!("func Checkout() {{ time.Sleep({}) }}", took.as_nanos());
        fs::write(dir.join("shop_test.go"), bench.replace("func Checkout() {}", &body)).expect("the benchmark");
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "x"]);
        git(&["rev-parse", "HEAD"]).trim().to_owned()
    };
    let base = commit(base);
    commit(change);
    base
}

/// The limit of the document.
const LIMIT: &str = "--fail-if=p50>+20%";

/// The exit code of the first step that fails, with its name; none if all pass.
fn gate(goroot: &Path, base: Duration, change: Duration, limit: &str) -> Option<(String, i32)> {
    let dir = module("example.org/shop");
    let temp = tempfile::tempdir().expect("a folder");
    let base = repository(dir.path(), base, change, limit);
    let bin = PathBuf::from(env!("CARGO_BIN_EXE_gotrace-slice"));
    let path = std::env::var("PATH").expect("PATH");
    let folders =
        [bin.parent().expect("a folder").display().to_string(), goroot.join("bin").display().to_string(), path];
    for Step { name, script, env } in steps().into_iter().filter(|step| step.name != "Install") {
        let mut shell = Command::new("bash");
        shell.args(["-e", "-c", &script]).current_dir(dir.path());
        for (name, value) in &env {
            shell.env(name, if value == "${{ github.event.pull_request.base.sha }}" { &base } else { value });
        }
        shell.env("RUNNER_TEMP", temp.path()).env("PATH", folders.join(":"));
        shell.env("GOROOT", goroot).env("GOTOOLCHAIN", "local").env("GOFLAGS", "").env("GOPROXY", "off");
        let output = shell.output().expect("bash");
        if !output.status.success() {
            return Some((name, output.status.code().unwrap_or(-1)));
        }
    }
    None
}

#[test]
fn the_workflow_fails_a_change_that_is_slower_and_passes_one_that_is_not() {
    let Some(goroot) = go::toolchain(go::NEWEST) else { return };
    let names: Vec<String> = steps().into_iter().map(|step| step.name).collect();
    assert_eq!(names, ["Install", "Record the base", "Record the change", "Compare"]);
    let [short, long] = [3, 9].map(Duration::from_millis);
    assert_eq!(gate(&goroot, short, long, LIMIT), Some(("Compare".to_owned(), 3)));
    assert_eq!(gate(&goroot, long, short, LIMIT), None);
    // It is the file that decides.
    assert_eq!(gate(&goroot, short, long, "--fail-if=p50>+900%"), None);
}
