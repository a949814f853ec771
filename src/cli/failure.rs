//! Why the command ends without a result: what is wrong, and what to do about it.

use gotrace_slice::render::clean::clean;
use std::io;

/// Exit codes, as the help lists them.
pub(crate) mod code {
    /// Done, also when the reader of standard output went away.
    pub(crate) const DONE: u8 = 0;
    /// No root matched.
    pub(crate) const NO_MATCH: u8 = 1;
    /// Wrong usage, unreadable input, unwritable output; a damaged trace with `--strict`.
    pub(crate) const FAILED: u8 = 2;
    /// A rule of `--fail-if` is broken.
    pub(crate) const RULE_BROKEN: u8 = 3;
    /// A bug in this program.
    pub(crate) const BUG: i32 = 70;
}

/// An error for people.
#[derive(Debug)]
pub(crate) struct Failure {
    /// One line, without a full stop.
    pub(crate) message: String,
    /// More lines, shown indented.
    pub(crate) detail: Vec<Detail>,
    /// What to do about it; lines that begin with a space are commands and names: they are shown as they are.
    pub(crate) help: Vec<String>,
    /// The exit code.
    pub(crate) code: u8,
}

/// A line that shows more of what is wrong.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Detail {
    /// A sentence.
    Words(String),
    /// Columns mean something in it.
    AsItIs(String),
}

/// The result of each step of the command.
pub(crate) type CliResult<T> = Result<T, Failure>;

impl Failure {
    /// A failure with exit code 2. The text may carry names from outside.
    pub(crate) fn new(message: impl AsRef<str>) -> Self {
        let message = clean(message.as_ref()).into_owned();
        Self { message, detail: Vec::new(), help: Vec::new(), code: code::FAILED }
    }

    /// Adds a line of help.
    pub(crate) fn help(mut self, line: impl AsRef<str>) -> Self {
        self.help.push(clean(line.as_ref()).into_owned());
        self
    }

    /// Adds a line that shows more of what is wrong.
    pub(crate) fn detail(mut self, line: impl AsRef<str>) -> Self {
        self.detail.push(Detail::Words(clean(line.as_ref()).into_owned()));
        self
    }

    /// The same for a line in which columns mean something.
    pub(crate) fn quote(mut self, line: impl AsRef<str>) -> Self {
        self.detail.push(Detail::AsItIs(clean(line.as_ref()).into_owned()));
        self
    }

    /// Ends with another exit code.
    pub(crate) fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }
}

/// An I/O error without Rust's error numbers.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}
