//! Errors, for which there is no result, and warnings, which accompany one.
//!
//! A damaged trace gives a result from its sound parts and a [`Warning`] for each damage. An [`Error`] comes only
//! where nothing can be used: the source fails, the bytes are no trace of a known version, or there is no event.

use std::fmt;

/// The result of whatever in this crate can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why there is no result: what went wrong, at which byte, in which input. One word wide, so that a [`Result`] stays
/// small.
#[derive(Debug)]
pub struct Error(Box<ErrorBody>);

#[derive(Debug)]
struct ErrorBody {
    kind: ErrorKind,
    /// Byte of the input, counted from its start.
    offset: Option<u64>,
    /// The byte that the message names.
    shown_offset: Option<u64>,
    input: Option<String>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input does not begin with a trace's header; the text says what it is instead.
    #[error("this is {0}, not a Go execution trace")]
    NotATrace(String),
    /// The header is a trace's, of a version that this build does not read.
    #[error("unsupported trace version go {version}; supported are {supported}")]
    UnsupportedVersion {
        /// As in the header: `1.99`.
        version: String,
        /// All versions that this build reads, separated by commas.
        supported: String,
    },
    /// There is a header, but no event after it; or a program's file has no names for its addresses. The text says why.
    #[error("{0}")]
    NothingUsable(String),
    /// The source could not be read.
    #[error("cannot read the trace: {0}")]
    Io(#[from] std::io::Error),
    /// A pattern of the selection is not a valid regular expression.
    #[error("{flag} is not a valid regular expression: {message}")]
    BadPattern {
        /// The flag that carried it.
        flag: &'static str,
        /// The pattern itself.
        pattern: String,
        /// The message of the regex parser.
        message: String,
    },
}

impl Error {
    /// An error without a byte offset.
    #[cold]
    pub fn new(kind: ErrorKind) -> Self {
        Self(Box::new(ErrorBody { kind, offset: None, shown_offset: None, input: None }))
    }

    /// An error at a byte of the input. Its message names the byte.
    #[cold]
    pub(crate) fn at(kind: ErrorKind, offset: u64) -> Self {
        Self(Box::new(ErrorBody { kind, offset: Some(offset), shown_offset: Some(offset), input: None }))
    }

    /// The same error, found at a byte of the input. Its message stays the same.
    #[must_use]
    pub(crate) fn with_offset(mut self, offset: u64) -> Self {
        self.0.offset = Some(offset);
        self
    }

    /// The same error for a caller whose input begins `n` bytes before the one that was read. Its message stays the
    /// same.
    #[must_use]
    pub(crate) fn shifted_by(mut self, n: u64) -> Self {
        self.0.offset = self.0.offset.map(|offset| offset.saturating_add(n));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The same error with the name of its input, unless it has one already.
    #[must_use]
    pub(crate) fn in_input(mut self, name: &str) -> Self {
        self.0.input.get_or_insert_with(|| name.to_owned());
        self
    }

    /// The name of the input that it is about; none where the caller did not give it.
    pub fn input(&self) -> Option<&str> {
        self.0.input.as_deref()
    }

    /// The byte of the input where it went wrong, counted from the input's start; none where it is not about a byte
    /// of a trace. Where the source could not be read: the first byte that was not read.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)?;
        if let Some(offset) = self.0.shown_offset {
            write!(f, " (at byte {offset})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.kind.source()
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::new(ErrorKind::Io(error))
    }
}

/// What the reader of a result must know: data that is missing from it, or a remark. Every result has a list of these.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// Stable name of the kind of warning, such as `truncated`. `docs/semantics.md` explains each.
    pub id: &'static str,
    /// One sentence without a full stop.
    pub message: String,
    /// Whether data of the trace is missing from the result because of it.
    pub data_lost: bool,
    /// Offset of the first byte that it is about; none where it is not about bytes. A second trace in one input counts
    /// from its own header in Go 1.5 - 1.21.
    pub offset: Option<u64>,
    /// Number of bytes of the input that were not used; 0 where none were left out or it is not known.
    pub bytes: u64,
    /// Number of the generation that it is about, as in the trace; none where it is about the whole trace.
    pub generation: Option<u64>,
    /// Which of the result's traces it is about, counted from 0; none where it is about all.
    pub trace: Option<usize>,
}

impl Warning {
    /// A remark; no data is missing.
    pub(crate) fn note(id: &'static str, message: impl Into<String>) -> Self {
        Self { id, message: message.into(), data_lost: false, offset: None, bytes: 0, generation: None, trace: None }
    }

    /// Data of the trace is missing: `bytes` bytes from `offset` on.
    pub fn lost(id: &'static str, message: impl Into<String>, offset: u64, bytes: u64) -> Self {
        Self {
            id,
            message: message.into(),
            data_lost: true,
            offset: Some(offset),
            bytes,
            generation: None,
            trace: None,
        }
    }

    /// The same warning about one of a result's traces, counted from 0.
    #[must_use]
    pub(crate) fn of_trace(mut self, trace: usize) -> Self {
        self.trace = Some(trace);
        self
    }

    /// The same warning about the generation with this number.
    #[must_use]
    pub(crate) fn in_generation(mut self, generation: u64) -> Self {
        self.generation = Some(generation);
        self
    }
}

/// Nanoseconds, displayed as seconds with three decimals (truncated): `1.234 s`.
pub(crate) struct Seconds(pub(crate) u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1_000_000_000, self.0 / 1_000_000 % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_made_at_a_byte_name_it() {
        let kind = || ErrorKind::NothingUsable("no events".into());
        let named = Error::at(kind(), 16).shifted_by(100);
        assert_eq!((named.to_string().as_str(), named.offset()), ("no events (at byte 16)", Some(116)));
        let silent = Error::new(kind()).with_offset(16);
        assert_eq!((silent.to_string().as_str(), silent.offset()), ("no events", Some(16)));
        assert_eq!(Error::new(kind()).shifted_by(1).offset(), None);
    }
}
