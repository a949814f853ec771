//! A trace without the names of its program, for a bug report: the same events, other words.
//!
//! ```text
//!   main.(*Shop).Checkout    /home/me/shop/cart.go     "checkout"   log: "user 4711"
//!   main.(*X91…).X04…        /x5e…/x77…/x12…/x3b….go   "x0d…"       log: "x88…"
//! ```
//!
//! Names are those of `names`; `v2` and `v1` know where a trace has them. What stays: Go's own names and those of its `x`
//! modules and gRPC, as servers and states are found by them, and all ids, times and addresses. Batches of experiments and
//! bytes that are no batch are left out.

mod names;
mod v1;
mod v2;

use crate::trace::error::Result;
use crate::trace::source::{Source, read_full};
use crate::trace::version::{Dialect, HEADER_SIZE};
pub use names::Renamer;
use std::io::Write;

/// What a string of a trace is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    /// The name of a function.
    Function,
    /// A file, of a function with this name where that is one of Go's own.
    File,
    /// One of the runtime's own words: why a goroutine waits, why the world is stopped.
    Runtime,
}

/// Writes the trace that a source begins with, with other names. Traces that follow it in the same source are left out.
/// `name` is that of the source in errors.
pub fn anonymize(name: &str, source: &dyn Source, renamer: &Renamer, out: &mut dyn Write) -> Result<()> {
    write(source, renamer, out).map_err(|e| e.in_input(name))
}

fn write(source: &dyn Source, renamer: &Renamer, out: &mut dyn Write) -> Result<()> {
    let version = super::open_trace::read_version(source, 0)?;
    let mut header = [0; HEADER_SIZE];
    read_full(source, &mut header, 0)?;
    out.write_all(&header)?;
    match version.dialect {
        Dialect::V1(row) => v1::write(source, row, renamer, out),
        Dialect::V2(row) => v2::write(source, row, renamer, out),
    }
}
