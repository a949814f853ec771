//! Functions and files may be called anything. A real shell makes the words of each offered command that were meant, and runs
//! nothing but that command.
#![cfg(unix)]

use crate::hostile_names::{folder, run};
use std::path::Path;
use std::process::{Command, Output};

/// What files may be called, so far as their names are text without control characters.
const FILES: [&str; 8] =
    ["t", "a b", "it's", "$(touch pwned)", "`touch pwned`", "-rf.trace", "x; touch pwned; '\"", "#\\*?[a]~{b,c}&|<>!"];

/// The commands in what is said, from `program` on.
fn commands<'a>(said: &'a str, program: &str) -> Vec<&'a str> {
    said.lines().filter_map(|line| line.find(program).map(|at| &line[at..])).collect()
}

/// The words that a shell makes of a line, and whether it complains about none. The commands in it do nothing but say their words.
fn words(folder: &Path, line: &str) -> (Vec<String>, bool) {
    const SAY: &str = "say() { printf '%s\\0' \"$@\" >> .said; }; curl() { say \"$@\"; }; tee() { say \"$@\"; }; gotrace_slice() { say \"$@\"; }";
    // Names of functions have no hyphen in every shell.
    let script = format!("{SAY}\n{}", line.replace("gotrace-slice", "gotrace_slice"));
    let shell = Command::new("sh").current_dir(folder).args(["-c", &script]).output().expect("it runs");
    assert!(!folder.join("pwned").exists(), "{line}");
    let said = std::fs::read_to_string(folder.join(".said")).unwrap_or_default();
    let _ = std::fs::remove_file(folder.join(".said"));
    (said.split_terminator('\0').map(str::to_owned).collect(), shell.status.success() && shell.stderr.is_empty())
}

/// What is suggested for a trace ends with its name, and does something when it is run.
#[test]
fn offered_commands_have_the_words_that_were_meant() {
    let folder = folder();
    let (mut tried, mut worked) = (0, 0);
    for file in FILES {
        if file != "t" {
            std::fs::copy(folder.path().join("t"), folder.path().join(file)).expect("a copy");
        }
        let patterns = [
            &[][..],
            &["-r", "main"],
            &["-F", "-r", "main.'; touch pwned; '"],
            &["-r", "."],
            &["-r", "main", "--vs-root", "pipe"],
        ];
        for question in patterns {
            let Output { stdout, stderr, .. } =
                run(folder.path(), &[&["--width", "300"], question, &["--", file]].concat());
            let said = String::from_utf8([stdout, stderr].concat()).expect("text");
            for line in commands(&said, "gotrace-slice ") {
                let (words, is_whole) = words(folder.path(), line);
                assert!(is_whole, "{line}");
                let last = words.last().expect("words");
                assert_eq!(last.strip_prefix("./").unwrap_or(last), file, "{line}");
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                tried += 1;
                worked += usize::from(run(folder.path(), &words).status.success());
            }
        }
    }
    assert!(tried > 40 && worked == tried, "{worked} of {tried}");
}

/// The line to type for an address is one command, whatever the address.
#[test]
fn the_line_for_an_address_is_one_command() {
    let folder = folder();
    let mut tried = 0;
    for path in
        ["debug/pprof/trace?seconds=5&x=1", "$(touch pwned)", "'; touch pwned; '", "a b`touch pwned`", "\"\\#|<>"]
    {
        let address = format!("http://host:6060/{path}");
        let Output { stdout, stderr, .. } = run(folder.path(), &["-r", "it's $(touch pwned)", &address]);
        let said = String::from_utf8([stdout, stderr].concat()).expect("text");
        for line in commands(&said, "curl ") {
            let (words, is_whole) = words(folder.path(), line);
            // The address and the pattern are whole: a trace of some seconds is asked for where the address says nothing.
            let has = |start: &str| words.iter().any(|word| word.starts_with(start));
            assert!(is_whole && has(&address) && has("it's $(touch pwned)"), "{line}: {words:?}");
            tried += 1;
        }
    }
    assert!(tried >= 3, "{tried} commands");
}
