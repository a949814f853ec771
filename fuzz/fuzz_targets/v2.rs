//! Events of traces of Go 1.22 and later. Bytes with a header are taken as they are; of others the first one chooses the version.

#![no_main]

use gotrace_slice_fuzz::{slice, with_header};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"go 1.") {
        slice(bytes);
    } else {
        slice(&with_header(bytes, &["1.22", "1.23", "1.25", "1.26"]));
    }
});
