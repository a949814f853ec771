//! Packed input: both decoders end, with all that they could unpack or an error.

#![no_main]

#[path = "../../src/cli/gzip.rs"]
#[allow(dead_code)]
mod gzip;
#[path = "../../src/cli/zstd.rs"]
#[allow(dead_code)]
mod zstd;

use std::io::Read;

/// As with the program, what unpacks to more is not read on.
const MAX_RATIO: u64 = 1000;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let most = bytes.len() as u64 * MAX_RATIO;
    let _ = std::io::copy(&mut gzip::GzipReader::new(bytes).take(most), &mut std::io::sink());
    let _ = std::io::copy(&mut zstd::ZstdReader::new(bytes).take(most), &mut std::io::sink());
});
