//! One HTML page that needs no network and no server: our script, our style sheet, and the data.
//!
//! In: a [`Profile`] or a [`Comparison`]. Out: a file that a browser opens from disk. The data are JSON of the schema
//! `gotrace-slice/page/1` (`docs/page.md`), compressed and as base64, so that no text of a trace is ever markup or script.
//! The script and the style sheet are built from `web/` and committed (`web/dist`): building this needs no Node.
//!
//! To read: `document` (the file around the data), `tables` (names, frames, stacks, states, each written once), `page` and
//! `comparison` (the two kinds of data), then their parts: `requests`, `pieces`, `exemplars`, `notes`, `head`, `goroutines` (the answer
//! without requests).

mod comparison;
mod document;
mod exemplars;
mod goroutines;
mod head;
mod notes;
mod page;
mod pieces;
mod requests;
mod tables;

pub(super) use comparison::write as write_comparison;
pub(super) use page::write;

/// Schema of the data.
const SCHEMA: &str = "gotrace-slice/page/1";
