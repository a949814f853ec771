//! No input is lost to an output, and a run that is stopped leaves neither half a file nor a temporary one.

use crate::common::root;
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn trace() -> Vec<u8> {
    fs::read(root().join("testdata/traces/go1.26/server.trace")).expect("a trace")
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

#[test]
fn standard_input_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.txt");
    fs::write(&path, trace()).unwrap();
    let run = |output: &str| {
        let stdin = fs::File::open(&path).unwrap();
        command(folder.path()).args(["-q", "-r", "main", "-o", output, "-"]).stdin(stdin).output().unwrap()
    };
    let refused = run("in.txt");
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
    assert!(fs::read(&path).unwrap() == trace());
    assert_eq!(run("out.txt").status.code(), Some(0));
}

#[test]
fn the_program_given_with_binary_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("t"), trace()).unwrap();
    fs::write(folder.path().join("prog.json"), "a program").unwrap();
    let args = ["-q", "-r", "main", "--binary", "prog.json", "-o", "prog.json", "t"];
    let refused = command(folder.path()).args(args).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--binary"));
    assert_eq!(fs::read(folder.path().join("prog.json")).unwrap(), b"a program");
}

#[cfg(unix)]
#[test]
fn a_stopped_run_leaves_the_old_file_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("t"), trace()).unwrap();
    let outputs = ["a.json", "b.svg", "c.pb.gz", "d.folded", "e.md"];
    let args: Vec<&str> = outputs.iter().flat_map(|output| ["-o", output]).chain(["-q", "-r", "main", "t"]).collect();
    let whole = |folder: &Path| outputs.map(|output| fs::read(folder.join(output)).unwrap_or_default());
    assert!(command(folder.path()).args(&args).status().unwrap().success());
    let expected = whole(folder.path());
    let mut stopped = 0;
    for (i, signal) in ["-INT", "-TERM"].into_iter().cycle().take(40).enumerate() {
        let mut child = command(folder.path()).args(&args).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(3 * i as u64 / 2));
        // It may be over already.
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        stopped += usize::from(child.wait().unwrap().code().is_none());
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), outputs.len() + 1, "{left:?}");
        assert!(whole(folder.path()) == expected);
    }
    assert!(stopped > 0, "no run was stopped");
}

/// `--open` starts what opens files with the page of `-o`, or with a temporary one, and writes the report as always.
#[cfg(target_os = "linux")]
#[test]
fn a_page_is_opened_in_a_browser() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("t"), trace()).unwrap();
    let opener = folder.path().join("xdg-open");
    fs::write(&opener, "#!/bin/sh\ncp \"$1\" \"$OPENED\" && echo \"$1\" > \"$OPENED.name\"\n").unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let opened = |name: &str, args: &[&str]| {
        let (copy, temporary) = (folder.path().join(name), folder.path().join("tmp"));
        fs::create_dir_all(&temporary).unwrap();
        let mut command = command(folder.path());
        command.env("PATH", &path).env("OPENED", &copy).env("TMPDIR", &temporary).stdout(Stdio::piped());
        let output = command.args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // It runs beside us.
        let said = copy.with_extension("name");
        for _ in 0..500 {
            if said.exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        (fs::read_to_string(copy).unwrap(), fs::read_to_string(said).unwrap(), output.stdout)
    };
    let (page, name, stdout) = opened("first", &["-r", "main.Hash", "--open", "t"]);
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(name.contains("/tmp/gotrace-slice-") && name.ends_with(".html\n") && !stdout.is_empty(), "{name}");
    let (same, name, stdout) = opened("second", &["-q", "-r", "main.Hash", "--open", "-o", "x.html", "t"]);
    assert!(same == fs::read_to_string(folder.path().join("x.html")).unwrap() && same == page);
    assert!(name.ends_with("/x.html\n") && stdout.is_empty(), "{name}");
}

/// Without `--root` a page shows all requests of the servers; its twin has no server.
#[test]
fn a_page_without_roots_is_of_all_endpoints() {
    let folder = tempfile::tempdir().unwrap();
    let traces = root().join("testdata/traces/go1.26");
    let asked = |trace: &str, args: &[&str]| {
        command(folder.path())
            .args(args)
            .arg(traces.join(trace))
            .stdout(Stdio::piped())
            .output()
            .expect("the binary runs")
    };
    let output = asked("problems.trace", &["-q", "-o", "all.html"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let page = fs::read_to_string(folder.path().join("all.html")).unwrap();
    let list: Value = serde_json::from_slice(&asked("problems.trace", &["-f", "json"]).stdout).unwrap();
    let handlers = list["handlers"].as_array().unwrap();
    let all: u64 = handlers.iter().map(|handler| handler["count"].as_u64().unwrap()).sum();
    assert!(page.contains("<title>all endpoints") && handlers.len() == 4, "{all}");
    assert!(page.contains(&format!("{all} requests counted, 20 undecided")), "{all}");
    let slowest = asked("problems.trace", &["-q", "--slowest", "1", "-o", "slowest.html"]);
    assert_eq!(String::from_utf8_lossy(&slowest.stderr), "");
    let page = fs::read_to_string(folder.path().join("slowest.html")).unwrap();
    assert!(page.contains("main.(*server).Order (--slowest 1): 45.0 ms."), "one of them all");
    let none = asked("waits.trace", &["-q", "-o", "none.html"]);
    let said = String::from_utf8_lossy(&none.stderr);
    assert!(
        none.status.code() == Some(2) && said.contains("shows the requests of servers, and there is none"),
        "{said}"
    );
    assert!(!folder.path().join("none.html").exists());
}

/// An interrupt while the page is made leaves no page. One that a browser was started with stays: the browser reads it.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_page_for_a_browser_is_removed() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (temporary, opened) = (folder.path().join("tmp"), folder.path().join("opened"));
    fs::write(folder.path().join("t"), trace()).unwrap();
    fs::create_dir(&temporary).unwrap();
    let opener = folder.path().join("xdg-open");
    fs::write(&opener, "#!/bin/sh\necho \"$1\" >> \"$OPENED\"\n").unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let pages = || -> Vec<_> { fs::read_dir(&temporary).unwrap().map(|e| e.unwrap().path()).collect() };
    // To start a process for each signal would take longer than the run. SIGTERM, as SIGINT is ignored below some shells.
    let mut signaller = Command::new("sh");
    signaller.args(["-c", "while read pid; do kill -TERM $pid; done"]).stdin(Stdio::piped()).stderr(Stdio::null());
    let mut signaller = signaller.spawn().unwrap();
    let mut signals = signaller.stdin.take().unwrap();
    let mut stopped = 0;
    // A run can be over before the signal arrives.
    for i in 0..400 {
        if i >= 20 && stopped > 0 {
            break;
        }
        let mut command = command(folder.path());
        command.env("PATH", &path).env("OPENED", &opened).env("TMPDIR", &temporary);
        let mut child = command.args(["-q", "-r", "main.Hash", "--open", "t"]).spawn().unwrap();
        while pages().is_empty() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
        let _ = writeln!(signals, "{}", child.id());
        stopped += usize::from(child.wait().unwrap().code().is_none());
        for page in pages() {
            // Its browser runs beside us.
            let is_read = || fs::read_to_string(&opened).unwrap_or_default().contains(page.to_str().unwrap());
            (0..500).find(|_| {
                std::thread::sleep(std::time::Duration::from_millis(10));
                is_read()
            });
            assert!(is_read(), "{page:?} was left");
            fs::remove_file(page).unwrap();
        }
    }
    drop(signals);
    assert!(signaller.wait().unwrap().code().is_some() && stopped > 0, "no run was stopped");
}

/// The help and the version are output like any other: when they are lost, the command failed.
#[cfg(target_os = "linux")]
#[test]
fn help_to_a_full_disk_fails() {
    for option in ["--help", "-h", "--version"] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = command(Path::new(".")).arg(option).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{option}: {said}");
        assert!(said.contains("cannot write to standard output: no space left"), "{option}: {said}");
    }
    // Wrong usage stays wrong usage.
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    assert_eq!(command(Path::new(".")).arg("--wrong").stdout(full).status().unwrap().code(), Some(2));
}

/// Files of /proc say that they are empty. What is in them decides.
#[cfg(target_os = "linux")]
#[test]
fn a_file_of_proc_is_read_to_see_what_it_is() {
    let said = |path: &str| {
        let output = command(Path::new(".")).args(["-q", path]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let status = said("/proc/self/status");
    assert!(status.contains("text that begins with 'Name:"), "{status}");
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    assert!(said(empty.to_str().unwrap()).contains("this is empty"));
}

/// A name that looks like an option is one in a suggested command, unless it begins with its folder.
#[cfg(unix)]
#[test]
fn suggested_commands_for_a_name_that_looks_like_an_option_work() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("-rf.trace"), trace()).unwrap();
    let listed = command(folder.path()).args(["--", "-rf.trace"]).stdout(Stdio::piped()).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let suggested: Vec<&str> = listed.lines().filter(|line| line.trim().starts_with("gotrace-slice ")).collect();
    assert!(suggested.len() >= 2, "{listed}");
    for line in suggested {
        assert!(line.ends_with(" ./-rf.trace"), "{line}");
        let typed = line.trim().replacen("gotrace-slice", "\"$0\"", 1);
        let mut shell = Command::new("sh");
        shell.current_dir(folder.path()).args(["-c", &typed, env!("CARGO_BIN_EXE_gotrace-slice")]);
        let output = shell.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// All outputs of one run, written once, and the arguments that write them again.
#[cfg(unix)]
fn written_once(folder: &Path) -> (Vec<&'static str>, Vec<Vec<u8>>) {
    const OUTPUTS: [&str; 3] = ["a.json", "b.svg", "c.pb.gz"];
    fs::write(folder.join("t"), trace()).unwrap();
    let args: Vec<&str> = OUTPUTS.iter().flat_map(|output| ["-o", *output]).chain(["-q", "-r", "main", "t"]).collect();
    assert!(command(folder).args(&args).status().unwrap().success());
    (args, OUTPUTS.iter().map(|output| fs::read(folder.join(output)).unwrap()).collect())
}

/// The outputs are what they were; what else is in the folder but the trace.
#[cfg(unix)]
fn left_beside(folder: &Path, expected: &[Vec<u8>]) -> usize {
    for (output, expected) in ["a.json", "b.svg", "c.pb.gz"].iter().zip(expected) {
        assert!(
            fs::read(folder.join(output)).unwrap() == *expected,
            "{output} is neither the old file nor the new one"
        );
    }
    fs::read_dir(folder).unwrap().count() - 1 - expected.len()
}

/// SIGKILL leaves the old file or the new one, and what it leaves beside them is swept by the next run.
#[cfg(unix)]
#[test]
fn what_a_killed_run_leaves_is_swept_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let (args, expected) = written_once(folder.path());
    let mut left = 0;
    for i in 0..40 {
        let mut child = command(folder.path()).args(&args).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(i * 3 / 2));
        // It may be over already.
        let _ = child.kill();
        child.wait().unwrap();
        // One for each run that was killed while it wrote, at most the one of the last: each run sweeps.
        left = left_beside(folder.path(), &expected);
        assert!(left <= 1, "{left} files left");
    }
    assert!(command(folder.path()).args(&args).status().unwrap().success());
    assert_eq!(left_beside(folder.path(), &expected), 0, "{left} before");
}

/// A limit of the file size fails a write in its middle, as a full disk does, and ends no process.
#[cfg(unix)]
#[test]
fn a_write_that_ends_in_the_middle_changes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (args, expected) = written_once(folder.path());
    let mut limited = Command::new("sh");
    limited.current_dir(folder.path()).args(["-c", "ulimit -c 0; ulimit -f 1; exec \"$0\" \"$@\""]);
    limited.arg(env!("CARGO_BIN_EXE_gotrace-slice")).args(&args).stdout(Stdio::null());
    let output = limited.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said, "error: a.json: cannot write: file too large\n");
    assert_eq!(left_beside(folder.path(), &expected), 0);
}

/// Who stops reading the report ends nothing: files are written before, and the exit code is that of success.
#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (args, expected) = written_once(folder.path());
    for format in ["text", "json", "folded", "svg", "md"] {
        let mut child = command(folder.path()).args(&args).args(["-f", format]).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{format}: {said}");
        assert!(said.is_empty(), "{format}: {said}");
    }
    assert_eq!(left_beside(folder.path(), &expected), 0);
}

/// Closed standard streams: no file that is opened takes their place.
#[cfg(unix)]
#[test]
fn closed_streams_write_into_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (args, expected) = written_once(folder.path());
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let mut shell = Command::new("sh");
        shell.current_dir(folder.path()).args(["-c", &format!("exec \"$0\" \"$@\" -f text {closed}")]);
        shell.arg(env!("CARGO_BIN_EXE_gotrace-slice")).args(&args).stdout(Stdio::null()).stderr(Stdio::null());
        assert_eq!(shell.status().unwrap().code(), Some(0), "{closed}");
        assert_eq!(left_beside(folder.path(), &expected), 0, "{closed}");
    }
}

/// What is in the way of an output is refused before any work, and stays.
#[test]
fn a_folder_in_the_way_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("t"), trace()).unwrap();
    fs::create_dir(folder.path().join("a.json")).unwrap();
    for output in ["a.json", "missing/b.json"] {
        let refused = command(folder.path()).args(["-q", "-r", "main", "-o", output, "t"]).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{output}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
