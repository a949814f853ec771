//! Errors that end the reading of a trace, and warnings that travel beside a result.
//!
//! Damaged input gives what is sound plus a [`Warning`]; only "nothing usable" is an [`Error`].

use std::fmt;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why there is no result. One word wide, so that the happy path stays cheap.
#[derive(Debug)]
pub struct Error(Box<ErrorBody>);

#[derive(Debug)]
struct ErrorBody {
    kind: ErrorKind,
    offset: Option<u64>,
    input: Option<String>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is something else; the text says what.
    #[error("this is {0}, not a Go execution trace")]
    NotATrace(String),
    /// The header names a version that nobody has written yet, or that is not ours.
    #[error("unsupported trace version go {version}; supported are {supported}")]
    UnsupportedVersion {
        /// As the header says it, `1.99`.
        version: String,
        /// All versions that this build reads.
        supported: String,
    },
    /// A header, and nothing behind it that can be used.
    #[error("{0}")]
    NothingUsable(String),
    /// No goroutine matched the selection.
    #[error("{0}")]
    NoMatch(String),
    /// The source failed.
    #[error("cannot read the trace: {0}")]
    Io(#[from] std::io::Error),
    /// A pattern of the selection is no regular expression.
    #[error("{flag} is not a valid regular expression: {message}")]
    BadPattern {
        /// The flag that carried it.
        flag: &'static str,
        /// The pattern itself.
        pattern: String,
        /// What the regex parser said.
        message: String,
    },
}

impl Error {
    /// An error about the input as a whole.
    #[cold]
    pub fn new(kind: ErrorKind) -> Self {
        Self(Box::new(ErrorBody { kind, offset: None, input: None }))
    }

    /// An error at a byte of the input.
    #[cold]
    pub fn at(kind: ErrorKind, offset: u64) -> Self {
        Self(Box::new(ErrorBody { kind, offset: Some(offset), input: None }))
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The same error, said about one of several inputs.
    #[must_use]
    pub fn in_input(mut self, name: &str) -> Self {
        self.0.input.get_or_insert_with(|| name.to_owned());
        self
    }

    /// The name of the input that it is about.
    pub fn input(&self) -> Option<&str> {
        self.0.input.as_deref()
    }

    /// The byte of the input where it went wrong.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)?;
        if let Some(offset) = self.0.offset {
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

/// Something that the reader of a result must know. A list of these travels beside every result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// Stable name of the kind of warning, `truncated`; documented in `docs/semantics.md`.
    pub id: &'static str,
    /// One sentence without a full stop.
    pub message: String,
    /// Whether data of the trace is missing from the result because of it.
    pub data_lost: bool,
    /// Byte of the input that it starts at.
    pub offset: Option<u64>,
    /// Bytes of the input that were not used.
    pub bytes: u64,
    /// The trace's generation.
    pub generation: Option<u64>,
    /// Which of the result's traces it is about, counted from 0.
    pub trace: Option<usize>,
}

impl Warning {
    /// A remark that costs no data.
    pub fn note(id: &'static str, message: impl Into<String>) -> Self {
        Self { id, message: message.into(), data_lost: false, offset: None, bytes: 0, generation: None, trace: None }
    }

    /// Data of the trace is missing: from `offset` on, `bytes` of it.
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

    /// The same warning, said about one of a result's traces.
    #[must_use]
    pub fn of_trace(mut self, trace: usize) -> Self {
        self.trace = Some(trace);
        self
    }

    /// The same warning, said about one generation.
    #[must_use]
    pub fn in_generation(mut self, generation: u64) -> Self {
        self.generation = Some(generation);
        self
    }
}

/// A number of nanoseconds as seconds, for messages.
pub(crate) struct Seconds(pub(crate) u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1_000_000_000, self.0 / 1_000_000 % 1_000)
    }
}
