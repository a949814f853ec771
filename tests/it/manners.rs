//! What people expect of a command: a pager on a terminal, a file of options, the line to type for an address, and that nothing is
//! left behind.

use crate::common::root;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    command.current_dir(folder).env_remove("PAGER").env_remove("GOTRACE_SLICE_CONFIG_PATH");
    command
}

/// A folder with a trace, `t`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(root().join("testdata/traces/go1.26/server.trace"), folder.path().join("t")).unwrap();
    folder
}

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_address_is_answered_with_the_line_to_type() {
    let folder = folder();
    let url = "http://127.0.0.1:9/debug/pprof/trace?seconds=5";
    let (code, text) = said(&command(folder.path()).args(["-r", "main.Hash", url]).output().unwrap());
    let line = format!("    curl -sS '{url}' | tee trace.out | gotrace-slice -r main.Hash -\n");
    assert!(code == Some(2) && text.contains("opens no connection") && text.ends_with(&line), "{text}");
    // The line works, with a curl that has the trace.
    let curl = folder.path().join("curl");
    fs::write(&curl, "#!/bin/sh\ncat t\n").unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_gotrace-slice")).parent().unwrap();
    let path = format!("{}:{}:/usr/bin:/bin", folder.path().display(), bin.display());
    Command::new("chmod").arg("+x").arg(&curl).status().unwrap();
    let output =
        Command::new("sh").current_dir(folder.path()).env("PATH", path).args(["-c", line.trim()]).output().unwrap();
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("HashAndWriteHandler"),
        "{output:?}"
    );
    assert_eq!(fs::read(folder.path().join("trace.out")).unwrap(), fs::read(folder.path().join("t")).unwrap());
    // A file may be called so.
    fs::create_dir_all(folder.path().join("http:")).unwrap();
    fs::copy(folder.path().join("t"), folder.path().join("http:/t")).unwrap();
    assert!(command(folder.path()).args(["-r", "main.Hash", "http://t"]).output().unwrap().status.success());
}

#[test]
fn no_command_that_is_offered_reads_standard_input_again() {
    let folder = folder();
    let stdin = || Stdio::from(fs::File::open(folder.path().join("t")).unwrap());
    for args in [&["-"][..], &["-r", "[", "-"], &["-r", "nothing", "-"], &["-r", "main.Hash", "-"]] {
        let output = command(folder.path()).args(args).stdin(stdin()).output().unwrap();
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        let commands = text.lines().filter(|line| line.contains("gotrace-slice ")).collect::<Vec<_>>();
        assert!(commands.iter().all(|line| !line.ends_with(" -")), "{args:?}: {commands:#?}");
    }
    let list = command(folder.path()).arg("-").stdin(stdin()).output().unwrap();
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(
        list.contains("| tee trace.out |") && list.contains("-F --root main.HashAndWriteHandler trace.out"),
        "{list}"
    );
    let of_file = command(folder.path()).arg("t").output().unwrap();
    assert!(!String::from_utf8_lossy(&of_file.stdout).contains("tee"));
}

#[test]
fn a_file_of_options_stands_before_the_command_line() {
    let folder = folder();
    let config = folder.path().join("options");
    fs::write(&config, "# options\n\n-r\nmain.HashAndWrite\n--unit=ms\n").unwrap();
    let run = |args: &[&str]| {
        command(folder.path()).env("GOTRACE_SLICE_CONFIG_PATH", &config).args(args).arg("t").output().unwrap()
    };
    let stdout = |args: &[&str]| String::from_utf8_lossy(&run(args).stdout).into_owned();
    let typed = command(folder.path()).args(["-q", "-r", "main.HashAndWrite", "--unit", "ms", "t"]).output().unwrap();
    assert_eq!(run(&["-q"]).stdout, typed.stdout);
    // What is typed wins; --no-config does without; other commands take none.
    let seconds = command(folder.path()).args(["-q", "-r", "main.HashAndWrite", "--unit", "s", "t"]).output().unwrap();
    assert_eq!(run(&["-q", "--unit", "s"]).stdout, seconds.stdout);
    assert!(stdout(&["-q", "--no-config"]).contains("CANDIDATES"));
    let man =
        command(folder.path()).env("GOTRACE_SLICE_CONFIG_PATH", &config).args(["--generate", "man"]).output().unwrap();
    assert!(man.status.success());
    fs::write(&config, "--wrong\n").unwrap();
    let (code, text) = said(&run(&[]));
    assert!(code == Some(2) && text.contains("--wrong") && text.contains("options were read too"), "{text}");
    fs::remove_file(&config).unwrap();
    let (code, text) = said(&run(&[]));
    assert!(
        code == Some(2) && text.contains("options: cannot read") && text.contains("GOTRACE_SLICE_CONFIG_PATH"),
        "{text}"
    );
    assert!(run(&["--no-config"]).status.success());
}

/// Runs a command on a terminal of so many rows; what it shows.
#[cfg(target_os = "linux")]
fn on_terminal(folder: &Path, rows: u32, pager: &str, args: &str) -> Output {
    let line = format!("stty rows {rows} cols 100; {} {args} t; echo code $?", env!("CARGO_BIN_EXE_gotrace-slice"));
    let mut command = Command::new("script");
    command.current_dir(folder).env("PAGER", pager).env("SHELL", "/bin/sh").env("TERM", "xterm");
    command.args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).output().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_longer_than_the_screen_goes_through_the_pager() {
    let folder = folder();
    let paged = |rows, pager: &str, args| {
        let _ = fs::remove_file(folder.path().join("paged"));
        let output = on_terminal(folder.path(), rows, pager, args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("code 0"), "{text}");
        (fs::read_to_string(folder.path().join("paged")).ok(), text)
    };
    let (report, _) = paged(10, "cat > paged", "-r main.Hash");
    assert!(report.is_some_and(|report| report.contains("READ AND SELECTED")));
    for (rows, pager, args) in [
        (200, "cat > paged", "-r main.Hash"),
        (10, "cat > paged", "--no-pager -r main.Hash"),
        (10, "cat > paged", "-f json -r main.Hash"),
        (10, "", "-r main.Hash"),
        (10, "no-such-pager-anywhere", "-r main.Hash"),
    ] {
        let (report, shown) = paged(rows, pager, args);
        assert!(report.is_none() && shown.contains("HashAndWriteHandler"), "{rows} {pager} {args}: {shown}");
    }
    // While the pager runs, Ctrl-C is the pager's.
    let (report, _) = paged(10, "kill -INT $PPID; sleep 0.3; cat > paged", "-r main.Hash");
    assert!(report.is_some_and(|report| report.contains("READ AND SELECTED")));
}

/// A message is on lines as long as the terminal's, and cuts no word and no command; elsewhere it is one line.
#[cfg(target_os = "linux")]
#[test]
fn messages_break_between_words_on_a_terminal() {
    let folder = folder();
    let on_terminal = |cols: u32, args: &str| {
        let program = env!("CARGO_BIN_EXE_gotrace-slice");
        let line = format!("stty rows 24 cols {cols}; {program} --color never {args}");
        let mut command = Command::new("script");
        command.current_dir(folder.path()).env("SHELL", "/bin/sh").env("TERM", "xterm").env("NO_COLOR", "1");
        let output = command.args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).replace('\r', "")
    };
    for args in
        ["-r nosuch t", "-r '(*Server).Handler' t", "--time nonsense t", "Cargo.toml nosuch", "-r x nosuch.parquet"]
    {
        let [narrow, wide] = [60, 500].map(|cols| on_terminal(cols, args));
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&narrow), words(&wide), "{args}");
        let is_command = |line: &&str| line.starts_with("    gotrace-slice ") || line.starts_with("    curl ");
        let too_long: Vec<_> = narrow.lines().filter(|line| line.chars().count() > 60).collect();
        assert!(too_long.iter().all(is_command), "{args}: {too_long:#?}");
    }
    let [narrow, wide] = [60, 500].map(|cols| on_terminal(cols, "-r nosuch t").lines().count());
    assert!(narrow > wide, "{narrow} {wide}");
    let (_, piped) = said(&command(folder.path()).args(["-r", "nosuch", "t"]).output().unwrap());
    assert_eq!(piped.lines().count(), wide);
}

/// What `-o` wrote is told, and how one looks at it; with `-q` it is not.
#[test]
fn written_files_are_told() {
    let folder = folder();
    let told =
        |args: &[&str]| said(&command(folder.path()).args(["-r", "main.Hash", "t"]).args(args).output().unwrap()).1;
    let outputs = ["-o", "a page.html", "-o", "x.pb.gz", "-o", "x.json"];
    let text = told(&outputs);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("note: wrote a page.html (") && lines[0].ends_with("): open it in a browser"),
        "{text}"
    );
    assert!(lines[1].starts_with("note: wrote x.pb.gz (") && lines[2] == "    go tool pprof -http=: x.pb.gz", "{text}");
    assert!(lines[3].starts_with("note: wrote x.json (") && lines[3].ends_with(')') && lines.len() == 4, "{text}");
    assert_eq!(told(&[&outputs[..], &["-q"]].concat()), "");
    assert_eq!(told(&[]), "");
}

#[test]
fn the_version_is_short_and_long() {
    let version = |option: &str| {
        let output = command(Path::new(".")).arg(option).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let short = concat!("gotrace-slice ", env!("CARGO_PKG_VERSION"));
    assert_eq!(version("-V").trim_end(), short);
    assert!(version("--version").starts_with(short), "{}", version("--version"));
}

/// The places of the report are links where a terminal has them, and the same text where not.
#[test]
fn places_are_links_where_the_terminal_has_them() {
    let folder = folder();
    // The recording was built with -trimpath: one letter makes its paths whole.
    let mut bytes = fs::read(root().join("testdata/traces/go1.26/findings.trace")).unwrap();
    fs::write(folder.path().join("t"), &bytes).unwrap();
    let (short, whole) = (b"gotrace-slice/gen/findings/main.go", b"/otrace-slice/gen/findings/main.go");
    let at: Vec<usize> = bytes.windows(short.len()).enumerate().filter(|(_, w)| w == short).map(|(at, _)| at).collect();
    assert!(!at.is_empty());
    for at in at {
        bytes[at..at + whole.len()].copy_from_slice(whole);
    }
    fs::write(folder.path().join("whole"), bytes).unwrap();

    let report = |root: &str, force: &str, color: &str, trace: &str| {
        let mut command = command(folder.path());
        command.env("FORCE_HYPERLINK", force).args(["-q", "-r", root, "--color", color, trace]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let links = regex::Regex::new(r"\x1b\]8;;[^\x1b]*\x1b\\").unwrap();
    let colours = regex::Regex::new(r"\x1b\[[0-9;]*m").unwrap();
    // The answer, and each section that names places.
    for (root, place, sections) in [
        ("main.Slept", "main.go:421", [["", "LATENCY"], ["TOP STACKS", "SLOWEST"], ["FINDINGS", "TOP STACKS"]]),
        ("main.Upgraded", "main.go:293", [["", "LATENCY"], ["WHO ENDED", "TOP STACKS"], ["TOP STACKS", "SLOWEST"]]),
    ] {
        let (plain, linked) = (report(root, "0", "always", "whole"), report(root, "1", "always", "whole"));
        let link = format!("\x1b]8;;file:///otrace-slice/gen/findings/main.go\x1b\\{place}\x1b]8;;\x1b\\");
        let uncoloured = colours.replace_all(&linked, "");
        for [from, to] in sections {
            let part = &uncoloured[uncoloured.find(from).unwrap_or_else(|| panic!("{from}: {linked:?}"))..];
            let part = &part[..part.find(to).unwrap()];
            assert!(part.contains(&link), "{root} {from}: {part:?}");
        }
        for without in [&plain, &report(root, "1", "never", "whole"), &report(root, "1", "always", "t")] {
            assert!(without.contains(place) && !without.contains("\x1b]8"), "{without:?}");
        }
        assert_eq!(links.replace_all(&linked, ""), plain);
    }
}
