//! Words of the commands that select what is listed.

use crate::profile::DurationList;
use crate::render::clean::clean;

/// Whether a name can stand in a command: one that `clean` changes would not select anything, and `[...]` at the beginning
/// would be no text.
pub(super) fn is_usable(name: &str) -> bool {
    !name.is_empty() && clean(name) == name && !name.starts_with(['-', '['])
}

/// The option without which a command would show nothing of what only an edge ended, or not what hangs.
pub(super) fn include_partial(took: &DurationList) -> &'static str {
    if took.hangs || took.count() == 0 && took.partial > 0 { "--include-partial " } else { "" }
}
