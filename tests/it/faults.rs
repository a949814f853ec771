//! Faults while outputs are written: at each write, sync and rename an error or a signal, a full disk, a read-only folder. Each
//! output is the old file or the new one, nothing is left beside them but by SIGKILL, and the exit code says what happened.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "tests say what they skip")]

use crate::common::root;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const OUTPUTS: [&str; 4] = ["a.json", "b.svg", "c.pb.gz", "d.parquet"];
/// What renames a file, by its names on all processors.
const RENAME: &str = "?rename,?renameat,?renameat2";

/// A folder with the trace, `t`, and what the outputs become.
struct Place {
    folder: tempfile::TempDir,
    new: Vec<Vec<u8>>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::copy(root().join("testdata/traces/go1.26/server.trace"), folder.path().join("t")).expect("a trace");
        let mut place = Self { folder, new: Vec::new() };
        assert!(place.plain().status().expect("it runs").success());
        place.new = place.read();
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Arguments that write all outputs, and the report.
    fn args() -> Vec<&'static str> {
        OUTPUTS.iter().flat_map(|output| ["-o", *output]).chain(["-q", "-r", "main", "-f", "text", "t"]).collect()
    }

    fn plain(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
        command.current_dir(self.path()).args(Self::args()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn read(&self) -> Vec<Vec<u8>> {
        OUTPUTS.iter().map(|output| fs::read(self.path().join(output)).unwrap_or_default()).collect()
    }

    fn write_old(&self) {
        for output in OUTPUTS {
            fs::write(self.path().join(output), old(output)).expect("it is written");
        }
    }

    /// Which outputs are new. All others are old, and this many other files are in the folder.
    fn check(&self, at: &str) -> (Vec<bool>, usize) {
        let is_new = |((output, bytes), new): ((&str, Vec<u8>), &Vec<u8>)| {
            let is_new = bytes == *new;
            assert!(is_new || bytes == old(output), "{at}: {output} is neither old nor new");
            is_new
        };
        let outputs = OUTPUTS.into_iter().zip(self.read()).zip(&self.new).map(is_new).collect();
        (outputs, fs::read_dir(self.path()).expect("a folder").count() - OUTPUTS.len() - 1)
    }

    /// Runs with a fault at one call. The old files are there before.
    fn inject(&self, fault: &str) -> Output {
        self.write_old();
        let mut command = strace(&["-e", &format!("inject={fault}")]);
        command.current_dir(self.path()).arg(env!("CARGO_BIN_EXE_gotrace-slice")).args(Self::args());
        command.output().expect("strace runs")
    }

    /// How often a run calls this.
    fn calls(&self, calls: &str) -> usize {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let mut command = Command::new("strace");
        command.args(["-qq", "-e", "signal=none", "-e", &format!("trace={calls}"), "-o"]).arg(log.path());
        command.current_dir(self.path()).arg(env!("CARGO_BIN_EXE_gotrace-slice")).args(Self::args());
        assert!(command.output().expect("strace runs").status.success());
        fs::read_to_string(log.path()).expect("a log").lines().count()
    }
}

fn old(output: &str) -> Vec<u8> {
    format!("old {output}").into_bytes()
}

/// strace that says nothing itself. It ends as the traced process does.
fn strace(args: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command.args(["-qq", "-o", "/dev/null"]).args(args).stdin(Stdio::null());
    command
}

/// Whether faults can be injected here.
fn has_strace() -> bool {
    let works = strace(&["-e", "inject=?chroot:error=EIO", "true"]).output().is_ok_and(|o| o.status.success());
    if !works {
        println!("skipped: no strace, or it may not trace");
    }
    works
}

/// A failing call fails the run, says so with the name of what could not be written, and leaves nothing.
#[test]
fn an_error_of_any_write_sync_or_rename_is_said_and_leaves_old_files() {
    if !has_strace() {
        return;
    }
    let place = Place::new();
    for (calls, errors) in [
        ("write", &[("ENOSPC", "no space left on device"), ("EIO", "input/output error")][..]),
        ("fsync", &[("EIO", "input/output error"), ("EDQUOT", "disk quota exceeded")]),
        (RENAME, &[("EACCES", "permission denied"), ("EIO", "input/output error")]),
    ] {
        let n = place.calls(calls);
        for (error, reason) in errors {
            let mut named = [0; OUTPUTS.len() + 1];
            for when in 1..=n {
                let at = format!("{calls}:error={error}:when={when}");
                let output = place.inject(&at);
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert_eq!(output.status.code(), Some(2), "{at}: {said}");
                let (is_new, left) = place.check(&at);
                assert_eq!(left, 0, "{at}");
                // What came before is written, what comes behind is not begun.
                let failed = is_new.iter().position(|new| !new).unwrap_or(OUTPUTS.len());
                let what = OUTPUTS.get(failed).map_or_else(
                    || format!("error: cannot write to standard output: {reason}\n"),
                    |output| format!("error: {output}: cannot write: {reason}\n"),
                );
                assert_eq!(said, what, "{at}");
                assert!(is_new[failed..].iter().all(|new| !new), "{at}: {is_new:?}");
                named[failed] += 1;
            }
            let expected = if calls == "write" { OUTPUTS.len() + 1 } else { OUTPUTS.len() };
            assert!(named[..expected].iter().all(|n| *n > 0), "{calls} {error}: {named:?}");
        }
    }
}

/// Calls that are interrupted are made again. A file system without locks does without.
#[test]
fn interrupted_calls_and_missing_locks_are_no_failure() {
    if !has_strace() {
        return;
    }
    let place = Place::new();
    let faults = ["write:error=EINTR:when=1+2", "fsync:error=EINTR:when=1+2", "flock:error=ENOLCK"];
    for fault in faults {
        let output = place.inject(fault);
        assert_eq!(output.status.code(), Some(0), "{fault}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(place.check(fault), (vec![true; OUTPUTS.len()], 0), "{fault}");
    }
}

/// A signal at each call that writes: it ends the process, or comes too late for that.
#[test]
fn a_signal_at_any_write_sync_or_rename_leaves_nothing() {
    if !has_strace() {
        return;
    }
    let place = Place::new();
    let mut ended = 0;
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("QUIT", 3), ("XCPU", 24)] {
        for calls in ["write", "fsync", RENAME] {
            for when in 1..=place.calls(calls) {
                let at = format!("{calls}:signal={signal}:when={when}");
                let output = place.inject(&at);
                let said = String::from_utf8_lossy(&output.stderr);
                let (is_new, left) = place.check(&at);
                assert_eq!(left, 0, "{at}");
                match output.status.signal() {
                    Some(by) => assert_eq!(by, number, "{at}"),
                    None => assert!(output.status.success() && is_new.iter().all(|new| *new), "{at}: {said}"),
                }
                assert_eq!(said, "", "{at}");
                ended += usize::from(output.status.signal().is_some());
            }
        }
    }
    assert!(ended > 20, "{ended} runs were ended");
}

/// A broken pipe is an error of a write, and its signal nothing.
#[test]
fn the_signal_of_a_pipe_and_of_a_limit_end_no_process() {
    if !has_strace() {
        return;
    }
    let place = Place::new();
    for signal in ["PIPE", "XFSZ"] {
        let at = format!("write:signal={signal}");
        let output = place.inject(&at);
        assert_eq!(output.status.code(), Some(0), "{at}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(place.check(&at), (vec![true; OUTPUTS.len()], 0), "{at}");
    }
}

/// SIGKILL leaves at most one file, and the next run removes it.
#[test]
fn a_kill_at_any_write_sync_or_rename_is_swept_by_the_next_run() {
    if !has_strace() {
        return;
    }
    let place = Place::new();
    let mut swept = 0;
    for calls in ["write", "fsync", RENAME] {
        for when in 1..=place.calls(calls) {
            let at = format!("{calls}:signal=KILL:when={when}");
            assert_eq!(place.inject(&at).status.signal(), Some(9), "{at}");
            let (_, left) = place.check(&at);
            assert!(left <= 1, "{at}: {left} files");
            swept += left;
            assert!(place.plain().status().expect("it runs").success(), "{at}");
            assert_eq!(place.check(&at), (vec![true; OUTPUTS.len()], 0), "{at}");
        }
    }
    assert!(swept > OUTPUTS.len(), "{swept} files were left by killed runs");
}

/// `script` as root of a namespace of its own, in which it may mount. Nothing where the system has none.
fn in_namespace(folder: &Path, script: &str) -> Option<Output> {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c"]).current_dir(folder).stdin(Stdio::null());
        command
    };
    if !unshare().arg("mount -t tmpfs none /mnt").output().is_ok_and(|o| o.status.success()) {
        println!("skipped: no namespace to mount in");
        return None;
    }
    let output = unshare().args([script, env!("CARGO_BIN_EXE_gotrace-slice")]).args(Place::args()).output();
    Some(output.expect("it runs"))
}

/// A disk of each of these sizes: from none of the outputs to all of them fit beside the old ones.
#[test]
fn a_full_disk_keeps_old_files() {
    let place = Place::new();
    let mut seen = std::collections::BTreeSet::new();
    for kib in (48..=400).step_by(32) {
        place.write_old();
        let script = format!(
            "set -e; mount -t tmpfs -o size={kib}k none /mnt; cp t a.json b.svg c.pb.gz d.parquet /mnt
            home=$PWD; cd /mnt; code=0; \"$0\" \"$@\" >/dev/null || code=$?
            rm t; set -- .gotrace*; [ \"$1\" = '.gotrace*' ]
            cp * \"$home\"; exit $code"
        );
        let Some(output) = in_namespace(place.path(), &script) else { return };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let (is_new, left) = place.check(&format!("{kib} KiB"));
        let new = is_new.iter().filter(|new| **new).count();
        let whole = if new == OUTPUTS.len() { (Some(0), true) } else { (Some(2), said.contains("no space left")) };
        assert_eq!((output.status.code(), true, left), (whole.0, whole.1, 0), "{kib} KiB: {new} new; {said}");
        seen.insert(new);
    }
    assert!(seen.contains(&0) && seen.contains(&OUTPUTS.len()) && seen.len() > 2, "{seen:?}");
}

/// A folder that cannot be written is said before anything is read.
#[test]
fn a_read_only_folder_is_refused() {
    let place = Place::new();
    place.write_old();
    let script =
        "set -e; mount -t tmpfs none /mnt; cp t *.* /mnt; mount -o remount,ro /mnt; cd /mnt; exec \"$0\" \"$@\"";
    let Some(output) = in_namespace(place.path(), script) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said, "error: a.json: cannot write there: read-only file system\n");
    assert!(output.stdout.is_empty());
    assert_eq!(place.check("read-only"), (vec![false; OUTPUTS.len()], 0));
}

/// The trace with other names is written as any output; so is a page for a browser, whose folder is that of temporary files.
#[test]
fn anonymized_traces_and_pages_are_written_whole_or_not_at_all() {
    if !has_strace() {
        return;
    }
    let place = Place::new();
    let temporary = place.path().join("tmp");
    fs::create_dir(&temporary).expect("a folder");
    // What opens files does nothing.
    let opener = place.path().join("xdg-open");
    std::os::unix::fs::symlink("/bin/true", &opener).expect("a link");
    let path = format!("{}:{}", place.path().display(), std::env::var("PATH").unwrap_or_default());
    let (anonymize, page) = (&["--anonymize", "x.trace", "t"][..], &["-q", "-r", "main", "--open", "t"][..]);
    let files = |folder: &Path, what: &str| {
        let names = fs::read_dir(folder).expect("a folder").map(|e| e.expect("a name").file_name());
        names.filter(|name| name.to_string_lossy().contains(what)).count()
    };
    for (args, folder, finished) in [(anonymize, place.path(), "x.trace"), (page, &temporary, ".html")] {
        for (fault, code) in
            [("error=ENOSPC:when=1", Some(2)), ("signal=TERM:when=1", None), ("signal=KILL:when=1", None)]
        {
            let run = |mut command: Command| {
                command.current_dir(place.path()).env("TMPDIR", &temporary).env("PATH", &path);
                command.args(args).output().expect("it runs").status
            };
            let mut faulty = strace(&["-e", &format!("inject=write:{fault}")]);
            faulty.arg(env!("CARGO_BIN_EXE_gotrace-slice"));
            let before = files(folder, finished);
            let ended = run(faulty);
            // SIGTERM may come too late to end it.
            let whole = usize::from(fault.contains("TERM") && ended.success());
            assert!(whole > 0 || ended.code() == code, "{args:?} {fault}: {ended}");
            let left = (files(folder, finished) - before, files(folder, ".gotrace-slice-"));
            assert_eq!(left, (whole, usize::from(fault.contains("KILL"))), "{args:?} {fault}");
            assert!(run(Command::new(env!("CARGO_BIN_EXE_gotrace-slice"))).success());
            assert_eq!(files(folder, ".gotrace-slice-"), 0, "{args:?} {fault}");
            assert!(files(folder, finished) > 0);
        }
    }
}
