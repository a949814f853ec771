//! Programs given with `--binary`: their names are found or not, at any address.

#![no_main]

use gotrace_slice::trace::binary::{Resolver, open};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(binary) = open(bytes) else { return };
    for pc in [0, 1, 0x40_1000, 0x40_1234, 0x46_0000, u64::from(u32::MAX), u64::MAX] {
        let _ = binary.resolve(pc);
    }
});
