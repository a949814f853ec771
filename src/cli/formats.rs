//! Which formats are asked for, as far as arguments say it by themselves.

use super::args::Args;
use super::display_path;
use gotrace_slice::render::shell;
use gotrace_slice::render::{FORMATS, Format};
use std::path::Path;

/// The format that a browser opens.
pub(crate) fn page() -> &'static Format {
    Format::by_name("html").unwrap_or(&FORMATS[0])
}

/// How a file of this format is looked at: in words, and with a command, if it takes one.
pub(crate) fn viewer(format: &Format, path: &Path) -> (&'static str, Option<String>) {
    let name = display_path(path);
    match format.name {
        "html" | "svg" => (": open it in a browser", None),
        "pprof" => (": look at it with", Some(format!("go tool pprof -http=: {}", shell::file(&name)))),
        "speedscope" => (": open it on https://www.speedscope.app", None),
        "perfetto" => (": open it on https://ui.perfetto.dev", None),
        _ => ("", None),
    }
}

/// The formats that will be written, as far as the names of files say so.
pub(crate) fn asked_for(args: &Args) -> impl Iterator<Item = &'static Format> {
    let names = args.output.iter().filter_map(|path| path.file_name()).map(|name| display_path(Path::new(name)));
    let of_files = names.filter_map(|name| Format::by_file_name(&name));
    of_files.chain(args.format).chain(args.open.then(page))
}
