//! What `--version` says beside the version: the commit that was built, and its date. In releases alone: else each commit would
//! build everything anew.
//!
//! `GOTRACE_SLICE_COMMIT` and `GOTRACE_SLICE_DATE` say it where there is no repository; a package of crates.io has its
//! commit in a file.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    for variable in ["GOTRACE_SLICE_COMMIT", "GOTRACE_SLICE_DATE"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    for path in [".git/HEAD", ".git/logs/HEAD", ".cargo_vcs_info.json"]
        .iter()
        .filter(|path| std::path::Path::new(path).exists())
    {
        println!("cargo:rerun-if-changed={path}");
    }
    let given = |variable| std::env::var(variable).ok().filter(|text: &String| !text.is_empty());
    let commit = given("GOTRACE_SLICE_COMMIT").or_else(|| git("%H")).or_else(packaged);
    let date = given("GOTRACE_SLICE_DATE").or_else(|| git("%cs"));
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    if let Some(commit) = commit {
        let commit: String = commit.chars().take(12).collect();
        let date = date.map_or_else(String::new, |date| format!(" {date}"));
        println!("cargo:rustc-env=GOTRACE_SLICE_VERSION={version} ({commit}{date})");
    }
}

/// What git says of the commit that is checked out here, and not of one above.
fn git(format: &str) -> Option<String> {
    if !std::path::Path::new(".git").exists() {
        return None;
    }
    let output = Command::new("git").args(["log", "-1", &format!("--format={format}")]).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !said.is_empty()).then_some(said)
}

/// The commit that cargo noted in a package.
fn packaged() -> Option<String> {
    let text = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    rest.split('"').nth(1).map(str::to_owned)
}
