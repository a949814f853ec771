//! Which formats are asked for, as far as arguments say it by themselves.

use super::args::Args;
use super::display_path;
use gotrace_slice::render::{FORMATS, Format};
use std::path::Path;

/// The format that a browser opens.
pub(crate) fn page() -> &'static Format {
    Format::by_name("html").unwrap_or(&FORMATS[0])
}

/// The formats that will be written, as far as the names of files say so.
pub(crate) fn asked_for(args: &Args) -> impl Iterator<Item = &'static Format> {
    let names = args.output.iter().filter_map(|path| path.file_name()).map(|name| display_path(Path::new(name)));
    let of_files = names.filter_map(|name| Format::by_file_name(&name));
    of_files.chain(args.format).chain(args.open.then(page))
}
