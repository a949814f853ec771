//! The command line: files, terminals, messages and exit codes. Everything that the library must not touch.
//!
//! In: the arguments, and the traces they name. Out: files, standard output, messages, an exit code.
//!
//! To read: `run` (the steps, top to bottom), `args`, `arg_values`, `config`, `options` and `formats` (what is asked), `address`, `input` (traces: `file_source`, `open_files`, `spool`,
//! `sniff`), `labels` (what the user says of them), `question` (the library is called; `no_match` when nothing matches), `compare`, `filter`, `report` (any result),
//! `deliver`, `output`, `pager`, `browser` and `unfinished` (results and warnings); `failure` `console` and `wrap` (messages).

mod address;
mod anonymize;
mod arg_values;
mod args;
mod broken_rules;
mod browser;
mod compare;
mod config;
mod console;
mod deliver;
mod failure;
mod file_source;
mod filter;
mod formats;
mod generate;
mod gzip;
mod input;
mod labels;
mod nearest;
mod no_match;
mod only;
mod open_files;
mod options;
mod output;
mod pager;
mod progress;
mod question;
mod report;
mod rules;
mod run;
mod sniff;
mod spool;
mod tables;
mod time_range;
mod unfinished;
mod wrap;
mod zstd;

pub(crate) use run::{install_panic_hook, main};
pub(crate) use unfinished::remove_on_signals;

use std::fmt::Write as _;
use std::path::Path;

/// A path as text: bytes that are no UTF-8 as `\xNN`. Not yet safe to print: see [`clean`](gotrace_slice::render::clean).
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
