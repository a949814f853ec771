//! The console blocks of the documentation show what the program prints, byte for byte.
//!
//! `BLESS=1 cargo test readme::` writes what it prints now into the documents.

use crate::common::{files, root};
use std::path::Path;
use std::process::Command;

/// What the program prints for the arguments of a line `$ gotrace-slice …`, errors and remarks included.
fn output_of(line: &str) -> String {
    let command = line.strip_prefix("gotrace-slice").unwrap_or_else(|| panic!("not our command: {line}"));
    let mut run = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LC_ALL", "LC_CTYPE"] {
        run.env_remove(variable);
    }
    let arguments = command.split_whitespace().map(|word| word.trim_matches('\''));
    let output = run.current_dir(root()).env("LANG", "C.UTF-8").args(arguments).output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).expect("text").trim_end().to_owned()
}

/// The document with the output below each `$` line of its console blocks as it is now.
fn rewritten(document: &str) -> (String, usize) {
    let mut text = String::new();
    let (mut inside, mut commands) = (false, 0);
    for line in document.lines() {
        let fence = line.starts_with("```");
        if fence {
            inside = !inside && line == "```console";
        }
        match line.strip_prefix("$ ").filter(|_| inside) {
            Some(command) => {
                commands += 1;
                text.extend([line, "\n", &output_of(command), "\n"]);
            }
            None if inside && !fence => {}
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    (text, commands)
}

fn check(path: &Path) -> usize {
    let document = std::fs::read_to_string(path).expect("a readable document");
    let (now, commands) = rewritten(&document);
    if now != document {
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &now).expect("a writable document");
        } else {
            panic!("{} is out of date: BLESS=1 cargo test readme::\n{now}", path.display());
        }
    }
    commands
}

#[test]
fn documents_show_what_the_program_prints() {
    let mut documents = files(&root().join("docs"), "md");
    documents.push(root().join("README.md"));
    let commands: usize = documents.iter().map(|path| check(path)).sum();
    assert!(commands >= 3, "only {commands} commands are shown");
}

#[test]
fn continuous_integration_runs_the_commands_of_the_readme() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let ci = std::fs::read_to_string(root().join(".ci/run")).expect(".ci/run");
    for command in
        ["cargo run --release -- --root HashAndWriteHandler testdata/traces/go1.26/server.trace", "cargo test"]
    {
        assert!(readme.lines().any(|line| line.trim() == command), "README.md lost: {command}");
        assert!(ci.lines().any(|line| line.trim() == command), ".ci/run does not run: {command}");
    }
}
