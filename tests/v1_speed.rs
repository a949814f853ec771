//! How fast and in how much memory a large old trace is read; run by hand:
//! `GOTRACE_SLICE_LARGE=FILE cargo test --release --test v1_speed -- --ignored --nocapture`
#![expect(clippy::print_stderr, reason = "a measurement is printed")]

mod v1;

use std::time::Instant;

#[test]
#[ignore = "a measurement"]
fn speed() {
    let file = std::env::var_os("GOTRACE_SLICE_LARGE").expect("a file");
    let bytes = std::fs::read(file).unwrap();
    let version = v1::version(&bytes).unwrap();
    let start = Instant::now();
    let trace = gotrace_slice::order::v1::read(&bytes, version, None).unwrap();
    let read = start.elapsed();
    let start = Instant::now();
    let mut n = 0u64;
    trace.walk(|_| n += 1);
    let walk = start.elapsed();
    let megabytes = bytes.len() as f64 / 1e6;
    eprintln!(
        "{megabytes:.1} MB, {} events in the file, {n} out; read {read:?} ({:.0} MB/s), walk {walk:?} ({:.0} ns/event)",
        trace.file_events,
        megabytes / read.as_secs_f64(),
        walk.as_nanos() as f64 / n as f64
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    eprintln!("{:?}", status.lines().find(|l| l.starts_with("VmHWM")));
}
