//! Damage that is said, inputs without an end, and limits.

use super::{Is, Row, Said, check, check_said, run};
use crate::common::{cases, corpus};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const ANSWERS: &[Row] = &[
    ("silent-duplicate-string-id", "-r AlphaHandler input", "complete", Is("false")),
    ("silent-duplicate-string-id", "-r AlphaHandler input", "warnings / id=defined-twice / offset", Is("7624")),
    ("silent-dangling-func-id", "-r AlphaHandler input", "complete", Is("false")),
    ("silent-dangling-func-id", "-r AlphaHandler input", "warnings / id=undefined-name / offset", Is("3749")),
    ("killed-called-complete", "input", "complete", Is("false")),
    ("killed-called-complete", "input", "warnings / id=not-stopped / offset", Is("3904")),
    ("killed-called-complete", "input", "trace / events", Is("920")),
    // What is sound is used, whatever follows it.
    ("bare-second-header", "input", "trace / events", Is("15634")),
    ("bare-second-header", "input", "complete", Is("false")),
    ("bare-second-header", "input", "warnings / id=unusable-trace / offset", Is("83020")),
];

const SAID: &[Said] = &[
    ("silent-duplicate-string-id", "--strict -q -r AlphaHandler input", 2, &["defined twice"], &[]),
    ("silent-dangling-func-id", "--strict -q -r AlphaHandler input", 2, &["no table defines"], &[]),
    ("killed-called-complete", "--strict -q input", 2, &["was not stopped"], &[]),
    ("killed-called-complete", "-r Handler input", 1, &["data was lost", "names stand at the end"], &[]),
];

#[test]
fn damage_is_said() {
    check(ANSWERS);
    check_said(SAID);
}

/// The command under a limit of memory, and no more than 20 s.
#[cfg(unix)]
fn run_limited(kilobytes: u64, folder: &Path, options: &str) -> Output {
    let start = Instant::now();
    let line = format!("ulimit -v {kilobytes}; exec \"$0\" {options}");
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["-c", &line, env!("CARGO_BIN_EXE_gotrace-slice")]);
    let output = command.output().expect("it runs");
    assert!(start.elapsed() < Duration::from_secs(20), "{options}: {:?}", start.elapsed());
    output
}

/// Bytes of which each is a warning of its own: 4 MB took 463 MB.
#[cfg(unix)]
#[test]
fn many_warnings_cost_no_memory() {
    let Some(folder) = cases() else { return };
    let seed = std::fs::read(folder.join("warning-bomb/input")).expect("the case");
    let last = *seed.last().expect("bytes");
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("bomb"), [seed, vec![last; 4 << 20]].concat()).expect("a file");
    let output = run_limited(250_000, dir.path(), "-q -j1 bomb");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.lines().count() < 300, "{} lines", said.lines().count());
}

/// A section of a program that says that it unpacks to 4 GiB of zeros, and does.
#[cfg(unix)]
#[test]
fn a_section_is_not_unpacked_without_a_limit() {
    let (Some(cases), Some(traces)) = (cases(), corpus()) else { return };
    let mut elf = std::fs::read(cases.join("elf-section-bomb/input")).expect("the case");
    let zeros = zeros_packed();
    let header = compressed_section(&elf).expect("a compressed section");
    let packed = [1u32.to_le_bytes().to_vec(), vec![0; 4], (4u64 << 30).to_le_bytes().to_vec(), vec![1; 1], vec![0; 7]];
    let (offset, packed) = (elf.len() as u64, [packed.concat(), zeros].concat());
    elf[header + 24..header + 32].copy_from_slice(&offset.to_le_bytes());
    elf[header + 32..header + 40].copy_from_slice(&(packed.len() as u64).to_le_bytes());
    elf.extend(packed);
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("bomb"), elf).expect("a file");
    let trace = traces.join("v1--http_1_5_good.trace");
    let output = run_limited(600_000, dir.path(), &format!("-q -j1 --binary bomb {}", trace.display()));
    // Whether the rest of such a program is used or refused, it is not a crash.
    assert!(matches!(output.status.code(), Some(0..=2)), "{:?}", output.status);
}

/// 4 GiB of zeros in zlib's format: blocks that end at a byte, the same 4096 times.
#[cfg(unix)]
fn zeros_packed() -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    let mut block = Vec::with_capacity(1 << 16);
    let mut deflate = Compress::new(Compression::best(), false);
    deflate.compress_vec(&vec![0; 1 << 20], &mut block, FlushCompress::Sync).expect("it packs");
    let mut zlib = vec![0x78, 0x9c];
    (0..4096).for_each(|_| zlib.extend(&block));
    zlib.extend([1, 0, 0, 0xff, 0xff]);
    zlib
}

/// The offset of the header of the first compressed section of a 64-bit ELF file.
#[cfg(unix)]
fn compressed_section(elf: &[u8]) -> Option<usize> {
    const COMPRESSED: u64 = 0x800;
    let u64_at = |at: usize| u64::from_le_bytes(elf[at..at + 8].try_into().expect("8 bytes"));
    let u16_at = |at: usize| u16::from_le_bytes(elf[at..at + 2].try_into().expect("2 bytes"));
    let (start, size, n) = (u64_at(0x28) as usize, usize::from(u16_at(0x3a)), usize::from(u16_at(0x3c)));
    (0..n).map(|i| start + i * size).find(|header| u64_at(header + 8) & COMPRESSED != 0)
}

#[test]
fn a_program_with_addresses_at_the_end_of_memory_is_no_crash() {
    let Some(traces) = corpus() else { return };
    let trace = traces.join("v1--http_1_5_good.trace");
    let Some(output) = run("overflow-binary", &["-q", "--binary", "input", trace.to_str().expect("text")]) else {
        return;
    };
    assert!(matches!(output.status.code(), Some(0..=2)), "{:?}", output.status);
}

/// The report may not replace the trace that standard input is.
#[test]
fn a_trace_on_standard_input_is_not_overwritten() {
    let Some(folder) = cases() else { return };
    let trace = std::fs::read(folder.join("stdin-input-overwritten/input")).expect("the case");
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("in.txt");
    std::fs::write(&path, &trace).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    command.current_dir(dir.path()).args(["-q", "-r", "main", "-o", "in.txt", "-"]);
    let output = command.stdin(std::fs::File::open(&path).expect("a file")).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(std::fs::read(&path).expect("a file") == trace, "the trace was overwritten");
}

/// A stream without an end is given up at `--max-input`.
#[cfg(unix)]
#[test]
fn an_endless_stream_is_given_up() {
    let Some(folder) = cases() else { return };
    let line = "(cat endless-stream/input; cat /dev/zero) | \"$0\" -q --max-input 20M -";
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["-c", line, env!("CARGO_BIN_EXE_gotrace-slice")]).stdin(Stdio::null());
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--max-input"), "{said}");
}

/// As many threads as there is work, however many are asked for, and the same answer.
#[test]
fn threads_are_bounded() {
    let answer = |threads| run("threads-unbounded", &["-q", "-f", "json", "-j", threads, "-r", "main", "input"]);
    let start = Instant::now();
    let Some(many) = answer("1000") else { return };
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let few = answer("2").expect("the case");
    assert!(many.status.success() && many.stdout == few.stdout);
}
