//! The command line as it is typed. What it means is in `options.rs`.

use super::arg_values::{
    ColorArg, Generate, MetricArg, RootByArg, SortArg, StacksArg, UnitArg, format_parser, parse_by, parse_count,
    parse_goid, parse_only, parse_range, parse_regex, parse_rule, parse_size,
};
use super::{labels, only};
use clap::{Parser, ValueHint};
use gotrace_slice::compare::{LatencyRule, MatchBy};
use gotrace_slice::profile::Only;
use gotrace_slice::render::Format;
use gotrace_slice::slice::TimeRange;
use regex::Regex;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  gotrace-slice trace.out
      list what can be a root
  gotrace-slice --root 'Handler' trace.out
      where the time of these requests went
  gotrace-slice -F --root '(*Server).Handler' trace.out
      the same for one method, its name as it is
  gotrace-slice -r 'Handler' -o slow.pb.gz -q trace.out
      write a profile for: go tool pprof -http=: slow.pb.gz
  curl -s 'http://HOST/debug/pprof/trace?seconds=5' | gotrace-slice -r Handler -
      a trace from a running server
  gotrace-slice -r Handler --vs before.out after.out
      what changed in these requests, and what explains it

Exit codes:
  0  done
  1  no root matched, or no request to compare
  2  wrong usage, unreadable input, or output that cannot be written;
     with --strict also a damaged trace, or a rule of --fail-if that
     undecided requests leave open
  3  a rule of --fail-if is broken
  70 a bug in gotrace-slice";

/// The version, and what it was built from, where that is known: see `build.rs`.
const LONG_VERSION: &str = match option_env!("GOTRACE_SLICE_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Explain where the wall-clock time of Go goroutines went.
///
/// Reads Go execution traces, picks root goroutines by regular expression, follows all their children, and
/// prints in which states and in which code their time was spent. Without --root it lists what can be a root.
#[derive(Parser, Debug)]
#[command(
    name = "gotrace-slice",
    version,
    long_version = LONG_VERSION,
    args_override_self = true,
    max_term_width = 80,
    after_help = EXAMPLES,
    override_usage = "gotrace-slice [OPTIONS] <TRACE>...\n       gotrace-slice [OPTIONS] --root <REGEX> <TRACE>...\n       gotrace-slice [OPTIONS] --root <REGEX> --vs <BASE> <TRACE>..."
)]
pub(crate) struct Args {
    /// Execution traces, plain, gzip or zstd; - is standard input
    #[arg(value_name = "TRACE", required_unless_present = "generate", value_hint = ValueHint::FilePath)]
    pub(crate) traces: Vec<PathBuf>,

    /// Functions whose goroutines or calls are roots; repeat for any of several
    #[arg(short, long, value_name = "REGEX", help_heading = "Select")]
    pub(crate) root: Vec<String>,

    /// Where --root looks: the stack of the go statement, the goroutine's entry
    /// function, its own stacks [default: these three], names of user tasks or
    /// regions
    #[arg(long, value_name = "WHERE", value_delimiter = ',', help_heading = "Select")]
    pub(crate) root_by: Vec<RootByArg>,

    /// Match --root and --exclude as plain text
    #[arg(short = 'F', long, help_heading = "Select")]
    pub(crate) fixed_strings: bool,

    /// Match without regard to case
    #[arg(short, long, help_heading = "Select")]
    pub(crate) ignore_case: bool,

    /// Do not follow children created under, or running, a matching function
    #[arg(long, value_name = "REGEX", help_heading = "Select")]
    pub(crate) exclude: Vec<String>,

    /// Look at a part of the trace: 1s-3s, 1s+500ms, 5s-, -2s (the last 2 s)
    #[arg(long, value_name = "RANGE", value_parser = parse_range, allow_hyphen_values = true, help_heading = "Select")]
    pub(crate) time: Option<(String, TimeRange)>,

    /// Only roots on this goroutine; alone, that goroutine is the root
    #[arg(long, value_name = "N", value_parser = parse_goid, allow_negative_numbers = true, help_heading = "Select")]
    pub(crate) goid: Vec<u64>,

    /// Count children until they end, not until their root does
    #[arg(long, help_heading = "Select")]
    pub(crate) whole_life: bool,

    /// Only requests that took so long: p95.. (the slowest 5 %), p40..p60,
    /// 100ms.., 5ms..20ms
    #[arg(long, value_name = "RANGE", value_parser = parse_only, help_heading = "Select")]
    pub(crate) only: Option<(String, Only)>,

    /// Only the N slowest requests
    #[arg(long, value_name = "N", value_parser = only::parse_slowest, allow_negative_numbers = true, conflicts_with = "only", help_heading = "Select")]
    pub(crate) slowest: Option<u64>,

    /// Count requests too that an edge of the trace or of --time cuts
    #[arg(long, help_heading = "Select")]
    pub(crate) include_partial: bool,

    /// Compare with these requests of the base; without --vs, of the same traces
    #[arg(long, value_name = "REGEX", help_heading = "Compare")]
    pub(crate) vs_root: Vec<String>,

    /// Compare with this trace: + is slower than it; several are pooled
    #[arg(long, value_name = "BASE", value_hint = ValueHint::FilePath, help_heading = "Compare")]
    pub(crate) vs: Vec<PathBuf>,

    /// What makes two stacks the same: function (names alone), line (files and
    /// lines too), or a number: so many functions from the root's on
    /// [default: function]
    #[arg(long, value_name = "HOW", value_parser = parse_by, help_heading = "Compare")]
    pub(crate) by: Option<MatchBy>,

    /// Compare sums over all requests, not a mean request
    #[arg(long, help_heading = "Compare")]
    pub(crate) total: bool,

    /// In pprof files: a mean request, not the sum of all, so that two files
    /// compare with -diff_base
    #[arg(long, help_heading = "Compare")]
    pub(crate) per_request: bool,

    /// Exit with 3 if p95>+10%, mean>+5ms (than the base), p99>250ms;
    /// repeatable
    #[arg(long, value_name = "RULE", value_parser = parse_rule, help_heading = "Compare")]
    pub(crate) fail_if: Vec<(String, LatencyRule)>,

    /// The traced program: names the functions of traces without names (Go 1.5 and 1.6)
    #[arg(long, value_name = "FILE", help_heading = "Select")]
    pub(crate) binary: Option<PathBuf>,

    /// Print the answer alone: what decides how long requests take, or the
    /// verdict of a comparison
    #[arg(long, help_heading = "Report")]
    pub(crate) summary: bool,

    /// What is counted: the time that requests took, the time of all their
    /// goroutines, or intervals [default: latency]
    #[arg(long, value_name = "METRIC", help_heading = "Report")]
    pub(crate) metric: Option<MetricArg>,

    /// Show the stacks of children under the stack that created them, or alone
    #[arg(long, value_name = "HOW", default_value = "joined", help_heading = "Report")]
    pub(crate) stacks: StacksArg,

    /// Only stacks with a function or file that matches, as in pprof
    #[arg(long, value_name = "REGEX", value_parser = parse_regex, help_heading = "Report")]
    pub(crate) focus: Option<Regex>,

    /// Only stacks without a function or file that matches
    #[arg(long, value_name = "REGEX", value_parser = parse_regex, help_heading = "Report")]
    pub(crate) ignore: Option<Regex>,

    /// Leave out functions that match, or whose file does
    #[arg(long, value_name = "REGEX", value_parser = parse_regex, help_heading = "Report")]
    pub(crate) hide: Option<Regex>,

    /// Only stacks with a match, from the outermost one on
    #[arg(long, value_name = "REGEX", value_parser = parse_regex, help_heading = "Report")]
    pub(crate) show_from: Option<Regex>,

    /// Rows of the longest lists; 0 shows all
    #[arg(short = 'n', long, value_name = "N", default_value_t = gotrace_slice::render::Options::DEFAULT_TOP, value_parser = parse_count, allow_negative_numbers = true, help_heading = "Report")]
    pub(crate) top: usize,

    /// What rows are sorted by
    #[arg(long, value_name = "BY", default_value = "time", help_heading = "Report")]
    pub(crate) sort: SortArg,

    /// Unit of durations in text, Markdown, svg and folded stacks
    #[arg(long, value_name = "UNIT", default_value = "auto", help_heading = "Report")]
    pub(crate) unit: UnitArg,

    /// Columns of a line, 60 to 10,000 [default: the terminal's, or 100]
    #[arg(long, value_name = "COLUMNS", help_heading = "Report")]
    pub(crate) width: Option<usize>,

    /// Do not shorten package paths
    #[arg(long, help_heading = "Report")]
    pub(crate) full_names: bool,

    /// Also write FILE; its extension says the format: .json, .pb.gz, .pprof,
    /// .prof, .folded, .collapsed, .txt, .speedscope.json, .pftrace, .svg,
    /// .html, .md, .csv, .stacks.csv, .requests.csv, .parquet; repeatable
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub(crate) output: Vec<PathBuf>,

    /// Also show the page (.html) in a browser: the one of -o, or a temporary
    /// file
    #[arg(long, help_heading = "Output")]
    pub(crate) open: bool,

    /// What standard output carries [default: text]
    #[arg(short, long, value_name = "FORMAT", value_parser = format_parser(), help_heading = "Output")]
    pub(crate) format: Option<&'static Format>,

    /// A label of all traces in .parquet; service, host and version have columns
    /// of their own; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = labels::parse, help_heading = "Output")]
    pub(crate) label: Vec<(String, String)>,

    /// Labels of each trace from its path: a named group for each, as in
    /// '(?<host>[^/]+)/(?<version>[^/]+)/[^/]+$'
    #[arg(long, value_name = "REGEX", value_parser = labels::parse_path_pattern, help_heading = "Output")]
    pub(crate) label_from_path: Option<Regex>,

    /// No report beside -o, no remarks
    #[arg(short, long, help_heading = "Output")]
    pub(crate) quiet: bool,

    /// Say on standard error what is done and how long it takes
    #[arg(short, long, conflicts_with = "quiet", help_heading = "Output")]
    pub(crate) verbose: bool,

    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub(crate) color: ColorArg,

    /// Never show a report in a pager; else PAGER, or less -RFX, shows one that
    /// is longer than the screen
    #[arg(long, help_heading = "Output")]
    pub(crate) no_pager: bool,

    /// Never show a progress bar
    #[arg(long, help_heading = "Output")]
    pub(crate) no_progress: bool,

    /// Do not read the options in the file that GOTRACE_SLICE_CONFIG_PATH names
    #[arg(long, help_heading = "General")]
    pub(crate) no_config: bool,

    /// Fail if any part of a trace is damaged or missing
    #[arg(long, help_heading = "General")]
    pub(crate) strict: bool,

    /// Most bytes of standard input, or of a compressed trace, unpacked:
    /// 500M, 20G
    #[arg(long, value_name = "SIZE", default_value = "4G", value_parser = parse_size, help_heading = "General")]
    pub(crate) max_input: u64,

    /// Threads to work with, at most four a core [default: as many as there are cores]
    #[arg(short = 'j', long, value_name = "N", help_heading = "General")]
    pub(crate) threads: Option<usize>,

    /// Write the trace to OUT with other names, for a bug report: functions, files,
    /// tasks and logs of the program become words that say nothing
    #[arg(
        long,
        value_name = "OUT",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["root", "goid", "vs", "vs_root", "output", "format", "open", "fail_if", "summary"],
        help_heading = "General"
    )]
    pub(crate) anonymize: Option<PathBuf>,

    /// Print a shell's completions or the man page
    #[arg(long, value_name = "WHAT", exclusive = true, help_heading = "General")]
    pub(crate) generate: Option<Generate>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn verify_cli() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_time_may_start_with_a_dash() {
        let args = Args::try_parse_from(["gotrace-slice", "--time", "-2s", "t"]).unwrap();
        assert_eq!(args.time.unwrap().1.start, Some(-2_000_000_000));
    }
}
