//! A result on its way to its outputs: a profile, or the list of candidates.

use gotrace_slice::error::Warning;
use gotrace_slice::profile::{Candidates, Profile, TraceInfo};
use gotrace_slice::render::{Format, Options};
use std::io::{self, Write};

/// What is written.
pub(crate) enum Report {
    Profile(Box<Profile>),
    Candidates(Box<Candidates>),
}

impl Report {
    pub(crate) fn traces(&mut self) -> &mut Vec<TraceInfo> {
        match self {
            Self::Profile(p) => &mut p.traces,
            Self::Candidates(c) => &mut c.traces,
        }
    }

    pub(crate) fn warnings(&mut self) -> &mut Vec<Warning> {
        match self {
            Self::Profile(p) => &mut p.warnings,
            Self::Candidates(c) => &mut c.warnings,
        }
    }

    /// Whether any part of a trace is missing from the result.
    pub(crate) fn lost_data(&mut self) -> bool {
        self.warnings().iter().any(|w| w.data_lost) || self.traces().iter().any(|t| !t.complete)
    }

    /// Writes it in a format that has a place for it.
    pub(crate) fn write(&self, format: &Format, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        match (self, format.candidates) {
            (Self::Profile(profile), _) => (format.profile)(profile, options, out),
            (Self::Candidates(candidates), Some(write)) => write(candidates, options, out),
            (Self::Candidates(_), None) => Err(io::Error::other("this format needs a profile")),
        }
    }
}
