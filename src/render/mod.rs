//! Profile → bytes. One file or folder per format; a new format is a file and a row in [`FORMATS`].
//!
//! In: a [`Profile`], a [`Comparison`] or [`Candidates`], and [`Options`]. Out: bytes to a writer. Renderers compute no
//! totals of the whole: they add up only the rows that they merge or do not show. They know neither files nor terminals;
//! what they need to know of those is in [`Options`].
//!
//! To read: this file, then what all formats share: `units` (numbers as text), `clean` (text that is safe to print),
//! `names` (Go's functions), `frames` (stacks), `palette` (colours), `metric`, `findings` (sentences); then one format, `folded` being the
//! shortest.

mod answer;
pub mod clean;
mod csv;
mod cut;
mod differential;
mod findings;
mod folded;
mod folded_stacks;
mod frames;
mod html;
mod json;
mod leaning;
mod markdown;
mod metric;
pub mod names;
mod next_step;
mod palette;
mod parquet;
mod perfetto;
mod pprof;
mod question;
pub mod shell;
mod speedscope;
mod svg;
#[cfg(test)]
mod testing;
mod text;
pub mod units;
#[cfg(test)]
mod vision;
mod wrap;

use crate::compare::Comparison;
use crate::profile::{Candidates, Profile};
use std::io::{self, Write};
use std::time::Duration;
use units::Unit;

/// What rows are sorted by, best first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sort {
    /// Time, longest first.
    #[default]
    Time,
    /// Number of intervals or goroutines, largest first.
    Count,
    /// Name, A to Z.
    Name,
}

/// How a report is written. Formats for programs ignore all but `unit` and `per_request`.
#[derive(Clone, Debug)]
pub struct Options {
    /// Rows of the longest lists; 0 means all.
    pub top: usize,
    /// What rows are sorted by.
    pub sort: Sort,
    /// Unit of durations.
    pub unit: Unit,
    /// Columns of a line.
    pub width: usize,
    /// Function names with their whole package path.
    pub full_names: bool,
    /// Colours by ANSI escapes.
    pub color: bool,
    /// Places in files link to these: escapes of the terminal (OSC 8).
    pub hyperlinks: bool,
    /// Bars and arrows from beyond ASCII.
    pub unicode: bool,
    /// Say which question each section answers.
    pub hints: bool,
    /// pprof shows a mean request instead of the sum of all.
    pub per_request: bool,
    /// Nothing but the answer.
    pub summary: bool,
    /// How long reading took; shown when known.
    pub read_in: Option<Duration>,
}

impl Options {
    /// Columns of a line where nothing says how many there are.
    pub const DEFAULT_WIDTH: usize = 100;
    /// Rows of the longest lists unless asked otherwise.
    pub const DEFAULT_TOP: usize = 10;
}

impl Default for Options {
    fn default() -> Self {
        Self {
            top: Self::DEFAULT_TOP,
            sort: Sort::Time,
            unit: Unit::Auto,
            width: Self::DEFAULT_WIDTH,
            full_names: false,
            color: false,
            hyperlinks: false,
            unicode: true,
            hints: true,
            per_request: false,
            summary: false,
            read_in: None,
        }
    }
}

/// Writes a profile in one format.
pub type ProfileFn = fn(&Profile, &Options, &mut dyn Write) -> io::Result<()>;
/// Writes candidates in one format.
pub type CandidatesFn = fn(&Candidates, &Options, &mut dyn Write) -> io::Result<()>;

/// Writes a comparison in one format.
pub type ComparisonFn = fn(&Comparison, &Options, &mut dyn Write) -> io::Result<()>;

/// One output format.
#[derive(Debug)]
pub struct Format {
    /// Its name for `-f`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Ends of file names that mean this format, without the dot.
    pub extensions: &'static [&'static str],
    /// Whether it must not reach a terminal.
    pub binary: bool,
    /// Whether it shows of a report's requests what the time of each is made of: it is measured for it.
    pub request_stacks: bool,
    /// Whether it shows more requests than the slowest with their goroutines: they are measured for it.
    pub exemplars: bool,
    /// Whether it lists the undecided requests: they are kept for it.
    pub undecided: bool,
    /// Writes a profile.
    pub profile: ProfileFn,
    /// Writes a comparison; none when the format is about the requests of one side, and needs the latency metric.
    pub comparison: Option<ComparisonFn>,
    /// Writes candidates; none when the format cannot show them.
    pub candidates: Option<CandidatesFn>,
    /// Whether it has each request by itself: it shows a profile made with
    /// [`request_stacks`](crate::Options::request_stacks).
    pub each_request: bool,
    /// Whether it shows all endpoints where no roots are selected.
    pub endpoints: bool,
}

/// All output formats. The first is the default of standard output.
pub static FORMATS: [Format; 13] = [
    Format {
        name: "text",
        about: "report for people",
        extensions: &[],
        binary: false,
        request_stacks: false,
        exemplars: false,
        undecided: false,
        profile: text::write,
        comparison: Some(text::comparison::write),
        candidates: Some(text::candidates::write),
        each_request: false,
        endpoints: false,
    },
    Format {
        name: "json",
        about: "all numbers, in ns (docs/json.md)",
        extensions: &["json"],
        binary: false,
        request_stacks: false,
        exemplars: false,
        undecided: false,
        profile: json::write,
        comparison: Some(json::write_comparison),
        candidates: Some(json::write_candidates),
        each_request: false,
        endpoints: false,
    },
    Format {
        name: "pprof",
        about: "for go tool pprof and everything that reads its profiles",
        extensions: &["pb.gz", "pprof", "prof"],
        binary: true,
        request_stacks: false,
        exemplars: false,
        undecided: false,
        profile: pprof::write,
        comparison: Some(pprof::write_comparison),
        candidates: None,
        each_request: false,
        endpoints: false,
    },
    Format {
        name: "folded",
        about: "folded stacks for flame graphs, in µs",
        extensions: &["folded", "collapsed", "txt"],
        binary: false,
        request_stacks: false,
        exemplars: false,
        undecided: false,
        profile: folded::write,
        comparison: Some(folded::write_comparison),
        candidates: None,
        each_request: false,
        endpoints: false,
    },
    Format {
        name: "speedscope",
        about: "for speedscope.app: all requests, and the paths of the slowest over time",
        extensions: &["speedscope.json"],
        binary: false,
        request_stacks: false,
        exemplars: true,
        undecided: false,
        profile: speedscope::write,
        comparison: Some(speedscope::write_comparison),
        candidates: None,
        each_request: false,
        endpoints: false,
    },
    Format {
        name: "perfetto",
        about: "for ui.perfetto.dev: requests and their goroutines as tracks",
        extensions: &["pftrace"],
        binary: true,
        request_stacks: false,
        exemplars: true,
        undecided: false,
        profile: perfetto::write,
        comparison: None,
        candidates: None,
        each_request: false,
        endpoints: false,
    },
    Format {
        name: "svg",
        about: "flame graph for a browser",
        extensions: &["svg"],
        binary: false,
        request_stacks: false,
        exemplars: false,
        undecided: false,
        profile: svg::write,
        comparison: Some(svg::write_comparison),
        candidates: None,
        each_request: false,
        endpoints: false,
    },
    Format {
        name: "html",
        about: "page for a browser: requests over time, states, flame graph, timeline",
        extensions: &["html", "htm"],
        binary: false,
        request_stacks: true,
        exemplars: true,
        undecided: true,
        profile: html::write,
        comparison: Some(html::write_comparison),
        candidates: None,
        each_request: false,
        endpoints: true,
    },
    Format {
        name: "md",
        about: "Markdown tables for a pull request or an issue",
        extensions: &["md"],
        binary: false,
        request_stacks: false,
        exemplars: false,
        undecided: false,
        profile: markdown::write,
        comparison: Some(markdown::write_comparison),
        candidates: None,
        each_request: false,
        endpoints: false,
    },
    Format {
        name: "csv",
        about: "table of states",
        extensions: &["csv"],
        binary: false,
        request_stacks: false,
        exemplars: false,
        undecided: false,
        profile: csv::write_states,
        comparison: Some(csv::write_states_comparison),
        candidates: None,
        each_request: false,
        endpoints: false,
    },
    Format {
        name: "csv-stacks",
        about: "table of stacks",
        extensions: &["stacks.csv"],
        binary: false,
        request_stacks: false,
        exemplars: false,
        undecided: false,
        profile: csv::write_stacks,
        comparison: Some(csv::write_stacks_comparison),
        candidates: None,
        each_request: false,
        endpoints: false,
    },
    Format {
        name: "csv-requests",
        about: "table of requests, with a column for each state",
        extensions: &["requests.csv"],
        binary: false,
        request_stacks: false,
        exemplars: false,
        undecided: true,
        profile: csv::write_requests,
        comparison: None,
        candidates: None,
        each_request: false,
        endpoints: false,
    },
    Format {
        name: "parquet",
        about: "a table of all requests, for many traces (docs/fleet.md)",
        extensions: &["parquet"],
        binary: true,
        request_stacks: false,
        exemplars: false,
        undecided: false,
        profile: parquet::write,
        comparison: None,
        candidates: None,
        each_request: true,
        endpoints: true,
    },
];

impl Format {
    /// The format called `name`.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|f| f.name == name)
    }

    /// The format that a file name asks for: the one with the longest end.
    pub fn by_file_name(file: &str) -> Option<&'static Self> {
        let file = file.to_ascii_lowercase();
        let ends = |extension: &str| file.strip_suffix(extension).is_some_and(|rest| rest.ends_with('.'));
        let longest = |f: &Self| f.extensions.iter().filter(|e| ends(e)).map(|e| e.len()).max();
        FORMATS.iter().filter(|f| longest(f).is_some()).max_by_key(|f| longest(f))
    }
}

/// Sorts rows; equal ones keep the order they have.
fn sort_rows<T, K: Ord, N: Ord>(
    rows: &mut [T],
    sort: Sort,
    time: impl Fn(&T) -> K,
    count: impl Fn(&T) -> u64,
    name: impl Fn(&T) -> N,
) {
    match sort {
        Sort::Time => rows.sort_by_key(|r| std::cmp::Reverse(time(r))),
        Sort::Count => rows.sort_by_key(|r| std::cmp::Reverse(count(r))),
        Sort::Name => rows.sort_by_cached_key(|r| name(r)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_choose_formats() {
        let name = |file| Format::by_file_name(file).map(|f| f.name);
        assert_eq!(name("a.pb.gz"), Some("pprof"));
        assert_eq!(name("dir.d/A.PPROF"), Some("pprof"));
        assert_eq!(name("a.json"), Some("json"));
        assert_eq!(name("a.txt"), Some("folded"));
        assert_eq!(name("a.speedscope.json"), Some("speedscope"));
        assert_eq!(name("speedscope.json"), Some("json"));
        assert_eq!(name("a.csv"), Some("csv"));
        assert_eq!(name("a.requests.csv"), Some("csv-requests"));
        assert_eq!(name("json"), None);
        assert_eq!(name("a.gz"), None);
    }
}
