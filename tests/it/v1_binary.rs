//! Addresses of Go programs get the names that Go's own tool gives them: ELF, Mach-O and PE, stripped or not.
//!
//! Needs a Go toolchain: `GOTRACE_SLICE_GO` or the cache of `testdata/gen/toolchains.sh`.
#![expect(clippy::print_stderr, reason = "a test that skips says so")]

use gotrace_slice::trace::binary::{Resolver, open};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PROGRAM: &str = r#"package main

import (
	"fmt"
	"os"
	"strings"
)

type server struct{ hits int }

func (s *server) serve(name string) string {
	s.hits++
	return strings.Repeat(name, s.hits)
}

func main() {
	s := &server{}
	go func() { fmt.Fprintln(os.Stderr, s.serve("x")) }()
	fmt.Println(s.serve("y"))
}
"#;

/// Every Go toolchain at hand.
fn toolchains() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    let root = std::env::var_os("GOTRACE_SLICE_GO").map_or_else(|| cache.join("gotrace-slice/go"), PathBuf::from);
    let dirs = std::fs::read_dir(root).into_iter().flatten().flatten().map(|d| d.path());
    let mut roots: Vec<PathBuf> = dirs.flat_map(|d| [d.join("go"), d]).filter(|d| d.join("bin/go").exists()).collect();
    roots.sort();
    roots
}

fn go(root: &Path, dir: &Path) -> Command {
    let mut go = Command::new(root.join("bin/go"));
    go.current_dir(dir).env("GOROOT", root).env("GOTOOLCHAIN", "local").env("GOFLAGS", "");
    go.env("GOPROXY", "off").env("GO111MODULE", "off").env("CGO_ENABLED", "0");
    go.env("GOCACHE", dir.join("cache"));
    go
}

/// Addresses inside functions, by Go's symbol tool.
fn addresses(root: &Path, dir: &Path, program: &Path) -> Vec<u64> {
    let out = go(root, dir).args(["tool", "nm"]).arg(program).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let starts = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (address, kind) = (words.next()?, words.next()?);
        (kind.eq_ignore_ascii_case("t")).then(|| u64::from_str_radix(address, 16).ok()).flatten()
    });
    let starts: Vec<u64> = starts.collect();
    starts.iter().step_by(starts.len() / 300 + 1).flat_map(|&a| [a, a + 1, a + 9]).collect()
}

/// What Go's own tool says: function, and file with line.
fn oracle(root: &Path, dir: &Path, program: &Path, addresses: &[u64]) -> Vec<(String, String)> {
    let mut tool = go(root, dir);
    let mut child =
        tool.args(["tool", "addr2line"]).arg(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let asked: Vec<String> = addresses.iter().map(|a| format!("{a:#x}")).collect();
    let asked = asked.join("\n") + "\n";
    let writer = std::thread::spawn(move || input.write_all(asked.as_bytes()));
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines.chunks(2).map(|pair| (pair[0].to_owned(), pair.get(1).copied().unwrap_or_default().to_owned())).collect()
}

fn check(root: &Path, dir: &Path, system: (&str, &str), buildmode: &str) -> usize {
    std::fs::write(dir.join("main.go"), PROGRAM).unwrap();
    let build = |name: &str, flags: &str| {
        let program = dir.join(name);
        let mut go = go(root, dir);
        go.env("GOOS", system.0).env("GOARCH", system.1).args(["build", "-buildmode", buildmode]);
        let status = go.arg(format!("-ldflags={flags}")).arg("-o").arg(&program).arg("main.go").status().unwrap();
        assert!(status.success());
        program
    };
    let (whole, stripped) = (build("whole", ""), build("stripped", "-s -w"));
    let addresses = addresses(root, dir, &whole);
    let expected = oracle(root, dir, &whole, &addresses);
    assert_eq!(addresses.len(), expected.len());
    for program in [whole, stripped] {
        let binary = open(&std::fs::read(&program).unwrap()).unwrap();
        for (&address, (function, place)) in addresses.iter().zip(&expected) {
            let frame = binary.resolve(address).into_iter().next().unwrap_or_default();
            let function = if function == "?" { "" } else { function };
            let context = format!("{} {system:?} {} {address:#x}", root.display(), program.display());
            assert_eq!(frame.function, function, "{context}");
            if !function.is_empty() && !place.starts_with(['?', ':']) {
                assert_eq!(format!("{}:{}", frame.file, frame.line), *place, "{context}");
            }
        }
    }
    addresses.len()
}

#[test]
fn addresses_get_the_names_that_go_gives_them() {
    let toolchains = toolchains();
    if toolchains.is_empty() {
        eprintln!("skipped: no Go toolchain (GOTRACE_SLICE_GO)");
        return;
    }
    // The oldest and the newest are enough: the formats between differ in nothing that they do not differ in.
    let mut chosen = vec![&toolchains[0], &toolchains[toolchains.len() - 1]];
    chosen.dedup();
    for root in chosen {
        let dir = tempfile::tempdir().unwrap();
        for (system, mode) in [
            (("linux", "amd64"), "exe"),
            (("darwin", "arm64"), "pie"),
            (("windows", "amd64"), "exe"),
            (("linux", "386"), "exe"),
        ] {
            let n = check(root, dir.path(), system, mode);
            assert!(n > 500, "only {n} addresses");
        }
    }
}

#[test]
fn what_is_no_program_is_refused() {
    for bytes in [&b"hello"[..], b"", b"\x7fELF", b"MZ\0\0"] {
        assert!(open(bytes).is_err());
    }
}

#[test]
fn no_address_is_too_large() {
    // Found by fuzzing: its DWARF says nothing, and was asked for what is before the address after the last one.
    let path = "fuzz/corpus/binary/c163f15639c17e0f2314f45713ba36c3034ac84a";
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file");
    let program = open(&bytes).expect("a program with DWARF");
    for pc in [0, 0x40_1000, u64::MAX - 1, u64::MAX] {
        assert_eq!(program.resolve(pc).len(), 0);
    }
}

/// A program without Go's line table: this test itself.
#[test]
fn dwarf_names_what_has_no_line_table_of_go() {
    use object::{Object as _, ObjectSymbol as _};
    let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let Some(symbol) = file.symbols().find(|s| s.name().is_ok_and(|n| n.contains("what_is_no_program"))) else {
        eprintln!("skipped: the test has no symbols");
        return;
    };
    let frames = open(&bytes).unwrap().resolve(symbol.address());
    assert!(frames.iter().any(|f| f.function.contains("what_is_no_program")), "{frames:?}");
    assert!(frames.iter().any(|f| f.file.ends_with("v1_binary.rs") && f.line > 0), "{frames:?}");
}
