//! The text form: what it says is a trace, which can be written as text again and means the same.

#![no_main]

use gotrace_slice::trace::testing::{from_text, to_text};
use gotrace_slice_fuzz::slice;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // Scenarios begin with prose.
    let events = text.find("\nTrace Go").map_or(text, |at| &text[at + 1..]);
    if let Ok(trace) = from_text(events) {
        if let Ok(again) = to_text(&trace) {
            assert!(from_text(&again).as_ref() == Ok(&trace), "the text form is not faithful");
        }
        slice(&trace);
    }
});
