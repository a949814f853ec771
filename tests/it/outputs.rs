//! No input is lost to an output, and a run that is stopped leaves neither half a file nor a temporary one.

use crate::common::root;
use std::fs;
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
