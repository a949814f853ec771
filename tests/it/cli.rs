//! The command line through its binary: usage, refusals, generated files. What needs a real trace is elsewhere.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn run_in(dir: &Path, args: &[&str], stdin: &[u8]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LC_ALL", "LC_CTYPE"] {
        command.env_remove(variable);
    }
    command.current_dir(dir).env("LANG", "C.UTF-8").args(args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Who refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ran { code: output.status.code().unwrap(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

fn run(args: &[&str]) -> Ran {
    run_in(Path::new("."), args, b"")
}

/// A directory with files of these contents.
fn files(list: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in list {
        fs::write(dir.path().join(name), content).unwrap();
    }
    dir
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn help_fits_80_columns_and_has_examples() {
    for flag in ["-h", "--help"] {
        let ran = run(&[flag]);
        assert_eq!(ran.code, 0);
        for line in ran.stdout.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        assert!(ran.stdout.contains("Examples:") && ran.stdout.contains("Exit codes:"), "{}", ran.stdout);
    }
    assert_eq!(run(&["-V"]).stdout, concat!("gotrace-slice ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn usage_errors_exit_with_2() {
    for args in [
        &[][..],
        &["--nonsense", "t"],
        &["--root-by", "nowhere", "t"],
        &["-f", "xml", "t"],
        &["--time", "5s", "t"],
        &["--goid", "x", "t"],
        &["-q", "-v", "t"],
    ] {
        let ran = run(args);
        assert_eq!(ran.code, 2, "{args:?}");
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
        assert!(ran.stdout.is_empty());
    }
    assert!(run(&["--time", "5s", "t"]).stderr.contains("5s-"));
}

#[test]
fn a_bad_regex_is_explained() {
    let ran = run(&["--root", "(*Server).Handler", "trace.out"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "error: --root is not a valid regular expression
    (*Server).Handler
     ^ repetition operator missing expression
help: Go method names contain regex characters; add -F to match the text as it is:
    gotrace-slice -F --root '(*Server).Handler' trace.out
"
    );
    assert!(run(&["--root", "x", "--exclude", "[", "t"]).stderr.contains("--exclude is not a valid"));
}

#[test]
fn what_is_no_trace_is_named() {
    let profile = gzip(b"\x0a\x04\x08\x01\x10\x02\x12\x00");
    let dir = files(&[
        ("server.prof", &profile),
        ("page.html", b"<!DOCTYPE html><html>"),
        ("binary", b"\x7fELF\x02\x01\x01"),
        ("empty", b""),
        ("not.txt", b"404 page not found\n"),
        ("short", b"go 1."),
    ]);
    let ran = run_in(dir.path(), &["short"], b"");
    assert!(ran.stderr.starts_with("error: short: too short to be a trace (5 bytes)\n"), "{}", ran.stderr);
    for (name, what) in [
        ("server.prof", "this is a pprof profile (gzip, profile.proto)"),
        ("page.html", "this is an HTML page"),
        ("binary", "this is an ELF binary"),
        ("empty", "this is empty"),
        ("not.txt", "this is text that begins with '404 page not found'"),
    ] {
        let ran = run_in(dir.path(), &[name], b"");
        assert_eq!(ran.code, 2, "{name}");
        let expected = format!("error: {name}: {what}, not an execution trace\nhelp: record one with:\n    curl ");
        assert!(ran.stderr.starts_with(&expected), "{}", ran.stderr);
    }
    let ran = run_in(dir.path(), &["-"], &profile);
    assert!(ran.stderr.starts_with("error: -: this is a pprof profile"), "{}", ran.stderr);
}

#[test]
fn unreadable_input_is_named() {
    let dir = files(&[]);
    let ran = run_in(dir.path(), &["missing.out"], b"");
    assert_eq!((ran.code, ran.stderr.as_str()), (2, "error: missing.out: cannot open: no such file or directory\n"));
    assert!(run_in(dir.path(), &["."], b"").stderr.contains("is a directory"));
    assert!(run_in(dir.path(), &["-", "-"], b"").stderr.contains("only once"));
    let hostile = run_in(dir.path(), &["a\u{1b}[31mb"], b"");
    assert!(hostile.stderr.contains("a\\x1B[31mb") && !hostile.stderr.contains('\u{1b}'), "{}", hostile.stderr);
}

#[test]
fn a_gzip_bomb_is_refused() {
    let dir = files(&[("bomb.gz", &gzip(&[&b"go 1.26 trace\0\0\0"[..], &vec![0; 300 << 20]].concat()))]);
    let ran = run_in(dir.path(), &["bomb.gz"], b"");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("1000 times its size"), "{}", ran.stderr);
}

#[test]
fn outputs_are_checked_before_the_work() {
    let dir = files(&[("t.json", b"go 1.26 trace\0\0\0")]);
    let stderr = |args: &[&str]| {
        let ran = run_in(dir.path(), args, b"");
        assert_eq!(ran.code, 2, "{args:?}");
        ran.stderr
    };
    let unknown = stderr(&["-r", "x", "-o", "out.xyz", "t.json"]);
    assert!(unknown.contains("out.xyz: unknown output extension") && unknown.contains(".pb.gz"), "{unknown}");
    assert!(stderr(&["-r", "x", "-o", "no/such/dir/out.json", "t.json"]).contains("cannot write there"));
    assert!(stderr(&["-r", "x", "-o", "t.json", "t.json"]).contains("one of the traces"));
    assert!(stderr(&["-r", "x", "-o", "a.json", "-o", "a.json", "t.json"]).contains("twice"));
    assert!(stderr(&["-o", "a.pb.gz", "t.json"]).contains("pprof needs --root"));
    assert!(stderr(&["-f", "folded", "t.json"]).contains("folded needs --root"));
}

#[cfg(unix)]
#[test]
fn links_are_not_written_through() {
    let dir = files(&[("target.json", b"keep"), ("trace.out", b"go 1.26 trace\0\0\0")]);
    std::os::unix::fs::symlink("target.json", dir.path().join("link.json")).unwrap();
    fs::hard_link(dir.path().join("trace.out"), dir.path().join("hard.json")).unwrap();
    let ran = run_in(dir.path(), &["-r", "x", "-o", "link.json", "trace.out"], b"");
    assert!(ran.code == 2 && ran.stderr.contains("symbolic link"), "{}", ran.stderr);
    let ran = run_in(dir.path(), &["-r", "x", "-o", "hard.json", "trace.out"], b"");
    assert!(ran.code == 2 && ran.stderr.contains("one of the traces"), "{}", ran.stderr);
    assert_eq!(fs::read(dir.path().join("target.json")).unwrap(), b"keep");
}

#[test]
fn completions_and_man_page() {
    for (what, part) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef gotrace-slice"),
        ("fish", "complete -c gotrace-slice"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
        ("man", ".TH gotrace-slice 1"),
        ("man", ".SH EXAMPLES\n.nf\n  gotrace"),
        ("man", ".SH \"EXIT STATUS\"\n.nf\n  0  done\n"),
        ("zsh", "*::traces -- Execution traces, plain, gzip or zstd; - is standard input:_files"),
    ] {
        let ran = run(&["--generate", what]);
        assert_eq!(ran.code, 0);
        assert!(ran.stdout.contains(part), "{what}: {}", &ran.stdout[..200]);
    }
}

#[test]
fn colours_only_when_wanted() {
    assert!(!run(&["missing"]).stderr.contains('\u{1b}'));
    assert!(run(&["--color", "always", "missing"]).stderr.contains("\u{1b}[1m\u{1b}[31merror:"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_a_closed_pipe_is_not() {
    let binary = env!("CARGO_BIN_EXE_gotrace-slice");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(binary).args(["--generate", "man"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no space left"));
    let mut child = Command::new(binary).args(["--generate", "zsh"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
