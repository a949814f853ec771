//! `--open`: a page in a browser.

use super::args::Args;
use super::display_path;
use super::failure::{CliResult, Failure, reason};
use super::formats;
use super::output::OutputPlan;
use super::unfinished::{self, UnfinishedFile};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Opens the page, if that is asked for: the one that was written with `-o`, or else a temporary file, which stays, as the
/// browser reads it when this process is gone.
pub(super) fn open(
    args: &Args,
    plan: &OutputPlan,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> CliResult<()> {
    if !args.open {
        return Ok(());
    }
    let written = plan.files.iter().find(|target| target.format.name == formats::page().name);
    let page = match written {
        Some(target) => fs::canonicalize(&target.path).unwrap_or_else(|_| target.path.clone()),
        None => temporary(write)?,
    };
    let failed = |e: &io::Error| {
        Failure::new(format!("no browser could be started: {}", reason(e)))
            .help(format!("the page is {}", display_path(&page)))
    };
    let opened = open::that_detached(&page).map_err(|e| failed(&e));
    // Only now is there a reader, of the page or of the message that names it.
    unfinished::finished(&page);
    opened
}

fn temporary(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> CliResult<PathBuf> {
    let cannot = |e: &io::Error| Failure::new(format!("cannot write a temporary page: {}", reason(e)));
    let mut page = UnfinishedFile::page().map_err(|e| cannot(&e))?;
    let mut out = BufWriter::new(page.file());
    write(&mut out).and_then(|()| out.flush()).map_err(|e| cannot(&e))?;
    drop(out);
    page.keep_page().map_err(|e| cannot(&e))
}
