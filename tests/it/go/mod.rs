//! Go toolchains for tests that need one: those in the cache of `testdata/gen/toolchains.sh`.
//!
//! A test without the toolchain that it needs says so and is skipped. With `GOTRACE_SLICE_REQUIRE_GO=1`, as in
//! CI, it is fetched, and failing to get it fails the test.
#![allow(unreachable_pub, reason = "nothing is reachable from outside a test binary")]
#![allow(clippy::print_stdout, reason = "tests say what they skip")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// All versions that write generations, oldest first.
pub const VERSIONS: &[&str] = &["1.22", "1.23", "1.24", "1.25", "1.26", "1.27"];

/// The newest version: its reader and tools are the reference.
pub const NEWEST: &str = "1.27";

/// Whether a test without Go fails.
pub fn required() -> bool {
    std::env::var_os("GOTRACE_SLICE_REQUIRE_GO").is_some_and(|value| !value.is_empty() && value != "0")
}

fn gen_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/gen")
}

/// A script of `testdata/gen`.
pub fn script(name: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg(gen_dir().join(name));
    if !required() {
        command.env("GOTRACE_SLICE_OFFLINE", "1");
    }
    command
}

/// The GOROOT of a version; none when it is not there and need not be.
pub fn toolchain(version: &str) -> Option<PathBuf> {
    let output = match script("toolchains.sh").arg(version).output() {
        Ok(output) => output,
        Err(error) if required() => panic!("toolchains.sh: {error}"),
        Err(error) => {
            println!("skipped: no sh to look for Go {version}: {error}");
            return None;
        }
    };
    if output.status.success() {
        return Some(PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim_end()));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!required(), "Go {version} is required and not there: {said}");
    println!("skipped: no Go {version}. {}", said.trim_end());
    None
}

/// The `go` command of a toolchain, deaf to the settings of this machine.
pub fn go(goroot: &Path) -> Command {
    let mut go = Command::new(goroot.join("bin/go"));
    go.current_dir(goroot.join("src/cmd"));
    go.env("GOROOT", goroot).env("GOTOOLCHAIN", "local").env("GOFLAGS", "").env("GOPROXY", "off");
    go.env("GOWORK", "off").env("GO111MODULE", "on").env_remove("GOEXPERIMENT").env_remove("GODEBUG");
    go
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    output
}

/// A tool of Go's own (`cmd/NAME`), built once for this test run.
pub fn tool(goroot: &Path, name: &str, folder: &Path) -> PathBuf {
    let path = folder.join(name);
    run(go(goroot).args(["build", "-trimpath", "-o"]).arg(&path).arg(format!("cmd/{name}")));
    path
}

/// `streamref`: Go's reader with ties broken by thread.
pub fn streamref(goroot: &Path, folder: &Path) -> PathBuf {
    let path = folder.join("streamref");
    run(script("build-ref.sh").arg(goroot).arg(&path));
    path
}

/// Records `programs` with one version into `folder`, with Go's verdict when `streamref` is given.
pub fn record(version: &str, programs: &str, streamref: Option<&Path>, folder: &Path) {
    let mut command = script("record.sh");
    command.arg(folder).arg(version).env("PROGRAMS", programs);
    if let Some(path) = streamref {
        command.env("STREAMREF", path);
    }
    run(&mut command);
}
