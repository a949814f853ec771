//! One question to the traces: which requests, and where did their time go? Its answer is a report, or a failure that
//! says why nothing matches and what is near.

use super::args::Args;
use super::console::Console;
use super::deliver::{DAMAGED, tell_warnings};
use super::display_path;
use super::failure::{CliResult, Failure, reason};
use super::input::{self, Opened};
use super::labels::Labels;
use super::no_match::NoMatch;
use super::options;
use super::progress::ProgressDisplay;
use super::report::Report;
use super::tables;
use anyhow::Context as _;
use gotrace_slice::pipeline::{self, Answer, Input};
use gotrace_slice::profile::{Candidates, Profile, Selection};
use gotrace_slice::slice::Selector;
use gotrace_slice::table;
use gotrace_slice::trace::binary::{self, Resolver};
use gotrace_slice::trace::error::{Error, ErrorKind};

/// What is asked of some traces: of all, or of one side of a comparison.
pub(crate) struct Question<'a> {
    pub(crate) args: &'a Args,
    pub(crate) console: &'a Console,
    /// The side, for messages; `None` without a comparison.
    pub(crate) name: Option<&'static str>,
    /// Its `--root` or `--vs-root`, as typed.
    pub(crate) roots: &'a [String],
    pub(crate) opened: &'a [Opened],
    /// What to select; `None`: list the candidates.
    pub(crate) selector: Option<&'a Selector>,
}

/// What reading the traces gives.
enum ReadResult {
    Report(Report),
    /// Nothing matched; these could be selected.
    NoMatch(Box<Candidates>),
}

impl Question<'_> {
    /// Reads the traces. A failure when nothing matches.
    pub(crate) fn ask(&self, progress: &ProgressDisplay) -> CliResult<Report> {
        let result = self.read(self.selector, progress);
        progress.clear();
        match result? {
            ReadResult::Report(mut report) => {
                self.complete(&mut report);
                Ok(report)
            }
            ReadResult::NoMatch(candidates) => Err(self.no_match(candidates)),
        }
    }

    /// Reads the traces for a table of requests: those that are selected, or all of the traces' servers.
    pub(crate) fn ask_table(&self, labels: &Labels, progress: &ProgressDisplay) -> CliResult<Report> {
        let result = self.read_table(progress);
        progress.clear();
        match result? {
            ReadResult::Report(mut report) => {
                self.complete(&mut report);
                labels.add_to(&mut report)?;
                Ok(report)
            }
            ReadResult::NoMatch(candidates) => Err(self.no_match(candidates)),
        }
    }

    /// Reads the traces for a page of all requests of their servers. A failure where there is none.
    pub(crate) fn ask_endpoints(&self, progress: &ProgressDisplay) -> CliResult<Report> {
        let work = options::pipeline(self.args);
        let result = match tables::of(self.args, self.opened)? {
            Some(inputs) => self.read_tables(&inputs, work, true),
            None => self.read_endpoints(work, progress),
        };
        progress.clear();
        let ReadResult::Report(mut report) = result? else { return Err(no_endpoint()) };
        self.complete(&mut report);
        match &report {
            Report::Profile(profile) if has_requests(profile) => Ok(report),
            _ => Err(no_endpoint()),
        }
    }

    fn read_table(&self, progress: &ProgressDisplay) -> CliResult<ReadResult> {
        let work = options::table(self.args);
        if let Some(inputs) = tables::of(self.args, self.opened)? {
            return self.read_tables(&inputs, work, true);
        }
        if self.selector.is_some() {
            return self.read_with(self.selector, work, progress);
        }
        // The table has them all.
        self.read_endpoints(pipeline::Options { only: None, ..work }, progress)
    }

    /// Reads all requests of the servers.
    fn read_endpoints(&self, work: pipeline::Options, progress: &ProgressDisplay) -> CliResult<ReadResult> {
        let hook = |p| progress.advanced(p);
        let builder = options::endpoints(self.args);
        self.with_inputs(|inputs| {
            let profile = pipeline::endpoints(inputs, builder, work, Some(&hook)).map_err(|e| unreadable(&e))?;
            Ok(ReadResult::Report(Report::Profile(Box::new(profile))))
        })
    }

    /// Reads tables of requests: those that are selected; without a selection all of them, or a list of their roots.
    fn read_tables(&self, inputs: &[table::Input], work: pipeline::Options, all: bool) -> CliResult<ReadResult> {
        let selector = self.selector;
        let read = || match selector {
            Some(selector) => table::profile(inputs, selector, work),
            None if all => table::all(inputs, work).map(|profile| Answer::Profile(Box::new(profile))),
            None => table::candidates(inputs).map(|candidates| Answer::NoMatch(Box::new(candidates))),
        };
        Ok(match tables::on_own_thread(inputs, read).map_err(|e| unreadable(&e))? {
            Answer::Profile(profile) => ReadResult::Report(Report::Profile(profile)),
            Answer::NoMatch(candidates) if selector.is_none() => ReadResult::Report(Report::Candidates(candidates)),
            Answer::NoMatch(candidates) => ReadResult::NoMatch(candidates),
        })
    }

    fn read(&self, selector: Option<&Selector>, progress: &ProgressDisplay) -> CliResult<ReadResult> {
        self.read_with(selector, options::pipeline(self.args), progress)
    }

    /// Calls `work` with the traces.
    fn with_inputs<T>(&self, work: impl FnOnce(&[Input<'_>]) -> CliResult<T>) -> CliResult<T> {
        let binary = self.args.binary.as_deref().map(read_binary).transpose();
        let binary = binary.map_err(|e| Failure::new(format!("{e:#}")))?;
        let resolver = binary.as_ref().map(|b| b as &(dyn Resolver + Sync));
        let inputs: Vec<Input<'_>> =
            self.opened.iter().map(|o| Input { name: o.name.clone(), source: o.source.source(), resolver }).collect();
        work(&inputs)
    }

    fn read_with(
        &self,
        selector: Option<&Selector>,
        work: pipeline::Options,
        progress: &ProgressDisplay,
    ) -> CliResult<ReadResult> {
        if let Some(inputs) = tables::of(self.args, self.opened)? {
            return self.read_tables(&inputs, work, false);
        }
        let hook = |p| progress.advanced(p);
        self.with_inputs(|inputs| {
            let Some(selector) = selector else {
                let time = self.args.time.as_ref().map(|(_, range)| *range);
                let candidates = pipeline::candidates(inputs, time, work, Some(&hook)).map_err(|e| unreadable(&e))?;
                return Ok(ReadResult::Report(Report::Candidates(Box::new(candidates))));
            };
            match pipeline::profile(inputs, selector, work, Some(&hook)).map_err(|e| unreadable(&e))? {
                Answer::Profile(profile) => Ok(ReadResult::Report(Report::Profile(profile))),
                Answer::NoMatch(candidates) => Ok(ReadResult::NoMatch(candidates)),
            }
        })
    }

    /// Why nothing matches. Prints the warnings too, since a damaged trace may be the reason.
    fn no_match(&self, candidates: Box<Candidates>) -> Failure {
        let asked = NoMatch { args: self.args, roots: self.roots, candidates: &candidates };
        let mut failure = asked.failure(self.selector);
        if let Some(selector) = self.selector
            && let Some(filtered) = asked.filtered(selector, &|changed| self.selection_of(changed))
        {
            failure = filtered;
        }
        if let Some(name) = self.name {
            failure.message = format!("{name}: {}", failure.message);
        }
        let mut report = Report::Candidates(candidates);
        self.complete(&mut report);
        let is_of_traces = |report: &Report| report.traces().iter().all(|trace| trace.table.is_none());
        if is_of_traces(&report) && report.warnings().iter().any(|w| w.data_lost) {
            failure = failure
                .help("data was lost, and names stand at the end of each generation: a cut trace loses them; record it again, or select by --goid");
        }
        tell_warnings(self.args, self.console, &report);
        if self.args.strict && report.lost_data() {
            self.console.failure(&failure);
            return Failure::new(DAMAGED);
        }
        failure
    }

    /// What another selector selects; `None` when that is nothing too.
    fn selection_of(&self, selector: &Selector) -> Option<Selection> {
        match self.read(Some(selector), &ProgressDisplay::new(false)) {
            Ok(ReadResult::Report(Report::Profile(profile))) => Some(profile.selection),
            _ => None,
        }
    }

    /// Adds what only the command line knows: `--only` and `--time` as they were typed, and damage of compressed files.
    fn complete(&self, report: &mut Report) {
        if let Report::Profile(profile) = report
            && let Some(requests) = &mut profile.requests
        {
            requests.only = options::only_text(self.args);
        }
        if let Report::Candidates(candidates) = report {
            candidates.time = self.args.time.as_ref().map(|(text, _)| text.clone());
        }
        for opened in self.opened {
            if let Some(warning) = &opened.warning {
                report.add_damage(&opened.name, warning);
            }
        }
    }
}

/// Whether there is a request, whole, cut or undecided.
fn has_requests(profile: &Profile) -> bool {
    profile.selection.roots > 0 || profile.selection.undecided.count() > 0
}

/// Nothing for a page to show.
fn no_endpoint() -> Failure {
    Failure::new("html without --root shows the requests of servers, and there is none")
        .help("run without -o and -f to see what can be a root")
}

fn read_binary(path: &std::path::Path) -> anyhow::Result<binary::Binary> {
    let bytes = std::fs::read(path).map_err(|e| anyhow::anyhow!("cannot read: {}", reason(&e)));
    bytes.and_then(|bytes| Ok(binary::open(&bytes)?)).with_context(|| display_path(path))
}

/// Names the trace that an error is about.
pub(crate) fn unreadable(error: &Error) -> Failure {
    let name = error.input();
    let prefix = name.map_or_else(String::new, |n| format!("{n}: "));
    match error.kind() {
        ErrorKind::NotATrace(what) => input::not_a_trace(name.unwrap_or("input"), what),
        ErrorKind::Io(e) => Failure::new(format!("{prefix}cannot read: {}", reason(e))),
        _ => Failure::new(format!("{prefix}{error}")),
    }
}
