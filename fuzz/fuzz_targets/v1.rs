//! Events of traces of Go 1.5 to 1.21. Bytes with a header are taken as they are; of others the first one chooses the version.

#![no_main]

use gotrace_slice_fuzz::{slice, with_header};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"go 1.") {
        slice(bytes);
    } else {
        slice(&with_header(bytes, &["1.5", "1.7", "1.8", "1.9", "1.10", "1.11", "1.19", "1.21"]));
    }
});
