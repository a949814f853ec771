//! The command line: files, terminals, messages and exit codes. Everything that the library must not touch.

mod args;
mod compare;
mod console;
mod failure;
mod generate;
mod input;
mod nearest;
mod no_match;
mod only;
mod options;
mod output;
mod progress;
mod report;
mod rules;
mod run;
mod sniff;
mod spool;
mod time_range;
mod zstd;

pub(crate) use run::{install_panic_hook, main};

use std::fmt::Write as _;
use std::path::Path;

/// A path as text: bytes that are no UTF-8 as `\xNN`. It still has to pass the gate before it is shown.
fn display_path(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    text
}
