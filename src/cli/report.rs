//! A result on its way to its outputs: a profile, two sides compared, or the list of candidates.

use gotrace_slice::compare::statistics::LatencyChange;
use gotrace_slice::compare::{Comparison, LatencyRule, RuleOutcome, check_rule};
use gotrace_slice::profile::{Candidates, CutRequest, Profile, TraceInfo};
use gotrace_slice::render::{Format, Options};
use gotrace_slice::trace::error::Warning;
use std::io::{self, Write};

/// What is written.
pub(crate) enum Report {
    Profile(Box<Profile>),
    Comparison(Box<Comparison>),
    Candidates(Box<Candidates>),
}

/// What the outputs show.
pub(crate) struct Reports {
    /// The table of requests, where others show something else.
    pub(crate) table: Option<Report>,
    /// The page's profile of all endpoints, where others list what could be selected.
    pub(crate) page: Option<Report>,
    /// What is told: all other outputs show it.
    pub(crate) report: Report,
}

impl Reports {
    /// What a format shows.
    pub(crate) fn of(&self, format: &Format) -> &Report {
        let table = self.table.as_ref().filter(|_| format.each_request);
        let page = || self.page.as_ref().filter(|_| format.endpoints);
        table.or_else(page).unwrap_or(&self.report)
    }
}

impl Report {
    /// All traces; those of the base come last.
    pub(crate) fn traces(&self) -> Vec<&TraceInfo> {
        match self {
            Self::Profile(p) => p.traces.iter().collect(),
            Self::Comparison(c) => c.traces().collect(),
            Self::Candidates(c) => c.traces.iter().collect(),
        }
    }

    /// Adds a warning about a file whose compressed data is damaged. The file may hold several traces: all of them are incomplete then.
    pub(crate) fn add_damage(&mut self, name: &str, warning: &Warning) {
        let (warnings, mut traces): (_, Vec<&mut TraceInfo>) = match self {
            Self::Profile(p) => (&mut p.warnings, p.traces.iter_mut().collect()),
            Self::Comparison(c) => (&mut c.warnings, c.new.traces.iter_mut().chain(&mut c.base.traces).collect()),
            Self::Candidates(c) => (&mut c.warnings, c.traces.iter_mut().collect()),
        };
        let trace = traces.iter().position(|t| t.name == name);
        warnings.push(Warning { trace, ..warning.clone() });
        traces.iter_mut().filter(|t| t.name == name).for_each(|t| t.complete = false);
    }

    pub(crate) fn warnings(&self) -> &[Warning] {
        match self {
            Self::Profile(p) => &p.warnings,
            Self::Comparison(c) => &c.warnings,
            Self::Candidates(c) => &c.warnings,
        }
    }

    /// Whether any part of a trace is missing from the result.
    pub(crate) fn lost_data(&self) -> bool {
        self.warnings().iter().any(|w| w.data_lost) || self.traces().iter().any(|t| !t.complete)
    }

    /// What comes of a rule about latencies.
    pub(crate) fn check(&self, rule: &LatencyRule) -> RuleOutcome {
        match self {
            Self::Profile(p) => check_rule(rule, p),
            Self::Comparison(c) => rule.check_change(c),
            Self::Candidates(_) => RuleOutcome::Kept,
        }
    }

    /// The requests of the side that rules are about that an edge cuts.
    pub(crate) fn cut(&self) -> &[CutRequest] {
        match self {
            Self::Profile(p) => p.requests.as_ref().map_or(&[], |r| &r.cut),
            Self::Comparison(c) => &c.new.cut,
            Self::Candidates(_) => &[],
        }
    }

    /// How latencies differ, where two sides were compared.
    pub(crate) fn change(&self) -> Option<&LatencyChange> {
        match self {
            Self::Comparison(c) => Some(&c.latency),
            _ => None,
        }
    }

    /// Writes it in a format that can show it.
    pub(crate) fn write(&self, format: &Format, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Profile(profile) => (format.profile)(profile, options, out),
            Self::Comparison(comparison) => match format.comparison {
                Some(write) => write(comparison, options, out),
                None => Err(io::Error::other("this format shows no comparison")),
            },
            Self::Candidates(candidates) => match format.candidates {
                Some(write) => write(candidates, options, out),
                None => Err(io::Error::other("this format needs a profile")),
            },
        }
    }
}
