//! `--anonymize`: the trace with other names, in a file that can be given away.

use super::args::Args;
use super::console::Console;
use super::failure::{CliResult, Failure, code};
use super::{display_path, input, output, question, spool::Copying};
use gotrace_slice::pipeline::{Renamer, anonymize};
use std::io;
use std::path::Path;

/// Writes the trace.
pub(crate) fn write(args: &Args, to: &Path, console: &Console, copying: Copying<'_>) -> CliResult<u8> {
    let [path] = &args.traces[..] else {
        return Err(Failure::new(format!("--anonymize takes one trace, and here are {}", args.traces.len())));
    };
    output::check_place(to, args)?;
    let opened = input::open(path, copying)?;
    if opened.is_table {
        return Err(Failure::new(format!("--anonymize takes a trace: {} is a table of requests", opened.name))
            .help("the trace that it was made of can have other names; then write a table of that"));
    }
    let mut failed = None;
    let bytes = output::write_file(to, |out| {
        anonymize(&opened.name, opened.source.source(), &Renamer::new(), out).map_err(|error| {
            let text = error.to_string();
            failed = Some(error);
            io::Error::other(text)
        })
    });
    if let Some(error) = failed {
        return Err(question::unreadable(&error));
    }
    bytes?;
    if !args.quiet {
        console.remark(&format!("{}: look at what is in it before you give it away", display_path(to)));
    }
    Ok(code::DONE)
}
