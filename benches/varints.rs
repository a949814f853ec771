//! The floor: decodes every varint of a file on one core and adds them up. No reader of the format can do with less.
//!
//! `GOTRACE_SLICE_BENCH=FILE cargo bench --bench varints` prints one line; without a file, one of the repository.

#![allow(clippy::print_stdout, reason = "the line is the result")]

use gotrace_slice::trace::testing::Cursor;
use std::time::Instant;

/// Rounds of which the median counts.
const ROUNDS: usize = 9;

/// Number and sum of all varints; bytes that are none are stepped over.
fn decode(bytes: &[u8]) -> (u64, u64) {
    let (mut count, mut sum) = (0u64, 0u64);
    let mut cursor = Cursor::new(bytes, 0);
    while !cursor.is_empty() {
        if let Ok(value) = cursor.uvarint() {
            count += 1;
            sum = sum.wrapping_add(value);
        } else if cursor.byte().is_err() {
            break;
        }
    }
    (count, sum)
}

fn main() {
    let path = std::env::var("GOTRACE_SLICE_BENCH")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/traces/go1.26/server.trace").to_owned());
    let bytes = std::fs::read(&path).expect("a readable trace");
    let mut seconds: Vec<f64> = Vec::new();
    let (mut count, mut sum) = (0, 0);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        (count, sum) = std::hint::black_box(decode(std::hint::black_box(&bytes)));
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let median = seconds[ROUNDS / 2];
    println!("varints: {median:.6} s for {} bytes, {count} varints, checksum {sum:016x}", bytes.len());
}
