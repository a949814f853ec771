//! The arguments → options of the library.

use super::arg_values::{ColorArg, MetricArg, RootByArg, SortArg, StacksArg, UnitArg};
use super::args::Args;
use super::failure::{CliResult, Failure};
use super::{console, display_path, formats};
use anstream::ColorChoice;
use gotrace_slice::pipeline::{self, Stacks};
use gotrace_slice::profile::{Metric, Only};
use gotrace_slice::render::units::Unit;
use gotrace_slice::render::{self, Sort, shell};
use gotrace_slice::slice::{PatternSyntax, RootKind, Selector, SelectorBuilder};
use gotrace_slice::trace::error::{Error, ErrorKind};

/// Narrower than this, a table is no table.
const MIN_WIDTH: usize = 60;
/// Wider lines cannot be read; and Rust's padding ends at 65 535 columns.
const MAX_WIDTH: usize = 10_000;

/// The selection asked for; none when the answer is a list of candidates.
pub(crate) fn selector(args: &Args) -> CliResult<Option<Selector>> {
    if args.root.is_empty() && args.goid.is_empty() {
        return Ok(None);
    }
    selector_of(args, "--root", &args.root).map(Some)
}

/// What is asked of all requests of the servers, beside who they are.
pub(crate) fn endpoints(args: &Args) -> SelectorBuilder {
    let builder = Selector::builder().whole_life(args.whole_life);
    let builder = args.exclude.iter().fold(builder, SelectorBuilder::exclude);
    match &args.time {
        Some((text, range)) => builder.time(*range, text),
        None => builder,
    }
}

/// The selection of the base of a comparison.
pub(crate) fn base_selector(args: &Args) -> CliResult<Selector> {
    match args.vs_root.as_slice() {
        [] => selector_of(args, "--root", &args.root),
        roots => selector_of(args, "--vs-root", roots),
    }
}

fn selector_of(args: &Args, flag: &'static str, roots: &[String]) -> CliResult<Selector> {
    let syntax = PatternSyntax { fixed_strings: args.fixed_strings, ignore_case: args.ignore_case };
    let mut builder = Selector::builder().syntax(syntax).whole_life(args.whole_life);
    builder = builder.root_by(args.root_by.iter().map(|by| root_kind(*by)));
    for root in roots {
        builder = builder.root(root);
    }
    for pattern in &args.exclude {
        builder = builder.exclude(pattern);
    }
    for id in &args.goid {
        builder = builder.goid(*id);
    }
    if let Some((text, range)) = &args.time {
        builder = builder.time(*range, text);
    }
    builder.build().map_err(|e| bad_pattern(&e, flag, args))
}

fn root_kind(arg: RootByArg) -> RootKind {
    match arg {
        RootByArg::Creation => RootKind::Creation,
        RootByArg::Entry => RootKind::Entry,
        RootByArg::Stack => RootKind::Stack,
        RootByArg::Stretch => RootKind::Stretch,
        RootByArg::Task => RootKind::Task,
        RootByArg::Region => RootKind::Region,
    }
}

/// Flags that were given and that mean nothing without `--root`; `has_table`: even where a table of all requests is
/// written.
pub(crate) fn useless_without_root(args: &Args, has_table: bool, has_page: bool) -> Vec<&'static str> {
    let has_profile = has_table || has_page;
    [
        (!args.exclude.is_empty() && !has_profile, "--exclude"),
        (!args.root_by.is_empty(), "--root-by"),
        (args.whole_life && !has_profile, "--whole-life"),
        (args.fixed_strings, "--fixed-strings"),
        (args.ignore_case, "--ignore-case"),
        (args.only.is_some() && !has_page, "--only"),
        (args.slowest.is_some() && !has_page, "--slowest"),
        (args.include_partial && !has_page, "--include-partial"),
        (args.metric.is_some() && !has_page, "--metric"),
        (args.summary, "--summary"),
    ]
    .into_iter()
    .filter_map(|(given, name)| given.then_some(name))
    .collect()
}

/// How the pipeline works.
pub(crate) fn pipeline(args: &Args) -> pipeline::Options {
    let stacks = match args.stacks {
        StacksArg::Joined => Stacks::Joined,
        StacksArg::Own => Stacks::Own,
    };
    pipeline::Options {
        stacks,
        threads: args.threads.unwrap_or(0),
        metric: metric(args),
        only: args.only.as_ref().map(|(_, only)| *only).or(args.slowest.map(Only::Slowest)),
        include_partial: args.include_partial,
        request_stacks: formats::asked_for(args).any(|format| format.request_stacks),
        undecided: formats::asked_for(args).any(|format| format.undecided),
        exemplars: formats::asked_for(args).any(|format| format.exemplars),
    }
}

/// How it works for a table of requests: all of them, each by itself.
pub(crate) fn table(args: &Args) -> pipeline::Options {
    pipeline::Options {
        request_stacks: true,
        undecided: true,
        exemplars: false,
        include_partial: true,
        ..pipeline(args)
    }
}

/// What is counted unless `--metric` says otherwise.
const DEFAULT_METRIC: Metric = Metric::Latency;

pub(crate) fn metric(args: &Args) -> Metric {
    match args.metric {
        None => DEFAULT_METRIC,
        Some(MetricArg::Latency) => Metric::Latency,
        Some(MetricArg::Goroutine) => Metric::Goroutine,
        Some(MetricArg::Events) => Metric::Events,
    }
}

/// What restricts the requests, as typed.
pub(crate) fn only_text(args: &Args) -> Option<String> {
    let range = args.only.as_ref().map(|(text, _)| format!("--only {text}"));
    range.or(args.slowest.map(|n| format!("--slowest {n}")))
}

/// How text on standard output looks.
pub(crate) fn render(args: &Args) -> render::Options {
    render::Options {
        top: args.top,
        sort: match args.sort {
            SortArg::Time => Sort::Time,
            SortArg::Count => Sort::Count,
            SortArg::Name => Sort::Name,
        },
        unit: match args.unit {
            UnitArg::Auto => Unit::Auto,
            UnitArg::Ns => Unit::Ns,
            UnitArg::Us => Unit::Us,
            UnitArg::Ms => Unit::Ms,
            UnitArg::S => Unit::S,
        },
        width: args.width.unwrap_or_else(console::width).clamp(MIN_WIDTH, MAX_WIDTH),
        full_names: args.full_names,
        color: console::stdout_has_color(color(args)),
        hyperlinks: console::stdout_has_hyperlinks(color(args)),
        unicode: console::is_utf8(),
        hints: !args.quiet,
        per_request: args.per_request,
        summary: args.summary,
        read_in: None,
    }
}

/// `--color` as the type of the crate that decides.
pub(crate) fn color(args: &Args) -> ColorChoice {
    match args.color {
        ColorArg::Auto => ColorChoice::Auto,
        ColorArg::Always => ColorChoice::Always,
        ColorArg::Never => ColorChoice::Never,
    }
}

/// Shows where a pattern is wrong, and that `-F` takes it as it is.
/// `root_flag` is the flag that carried the patterns of roots.
fn bad_pattern(error: &Error, root_flag: &str, args: &Args) -> Failure {
    let ErrorKind::BadPattern { flag, pattern, message } = error.kind() else {
        return Failure::new(error.to_string());
    };
    let flag = if *flag == "--root" { root_flag } else { flag };
    let failure = Failure::new(format!("{flag} is not a valid regular expression"));
    let mut failure = match caret(pattern, message) {
        Some((line, reason)) => failure.quote(pattern).quote(format!("{line} {reason}")),
        None => failure.quote(pattern).detail(message.lines().last().unwrap_or_default()),
    };
    if !args.fixed_strings && flag == "--root" {
        failure = failure
            .help("Go method names contain regex characters; add -F to match the text as it is:")
            .help(format!("    {}", with_fixed_strings(args)));
    }
    failure
}

/// The line with the caret below the pattern, and the reason, out of the regex crate's message:
/// `regex parse error:⏎    PATTERN⏎    ^⏎error: REASON`.
fn caret(pattern: &str, message: &str) -> Option<(String, String)> {
    let mut lines = message.lines();
    let reason = message.lines().find_map(|l| l.strip_prefix("error: "))?;
    lines.find(|l| l.trim_start() == pattern)?;
    let caret = lines.next()?.strip_prefix("    ")?.trim_end();
    caret.trim_start().starts_with('^').then(|| (caret.to_owned(), reason.to_owned()))
}

fn with_fixed_strings(args: &Args) -> String {
    let roots: Vec<String> = args.root.iter().map(|root| format!("--root {}", shell::quote(root))).collect();
    let traces: Vec<String> = args.traces.iter().map(|trace| display_path(trace)).collect();
    shell::select(&format!("-F {}", roots.join(" ")), &traces.iter().map(String::as_str).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::failure::Detail;
    use clap::Parser as _;
    use gotrace_slice::slice::RootBy;
    use gotrace_slice::trace::ids::GoId;

    fn args(list: &[&str]) -> Args {
        Args::try_parse_from(std::iter::once(&"gotrace-slice").chain(list)).unwrap()
    }

    #[test]
    fn a_wrong_pattern_is_pointed_at() {
        let failure = selector(&args(&["-r", "(*Server).Handler", "trace.out"])).unwrap_err();
        assert_eq!(failure.message, "--root is not a valid regular expression");
        let shown = |text: &str| Detail::AsItIs(text.to_owned());
        let expected = ["(*Server).Handler", " ^ repetition operator missing expression"].map(shown);
        assert_eq!(failure.detail, expected);
        assert_eq!(failure.help[1], "    gotrace-slice -F --root '(*Server).Handler' trace.out");
    }

    #[test]
    fn every_root_by_can_be_left_out() {
        let by = |list: &[&str]| selector(&args(&[&["-r", "x", "t"], list].concat())).unwrap().unwrap().root_by;
        assert_eq!(by(&[]), RootBy::default());
        assert_eq!(by(&["--root-by", "creation,entry"]), RootBy { creation: true, entry: true, ..RootBy::NONE });
    }

    #[test]
    fn a_part_of_the_requests_is_chosen_one_way() {
        let only = |list: &[&str]| pipeline(&args(&[&["-r", "x", "t"], list].concat())).only;
        assert_eq!(only(&[]), None);
        assert_eq!(only(&["--slowest", "2"]), Some(Only::Slowest(2)));
        assert!(matches!(only(&["--only", "p95.."]), Some(Only::Range { to: None, .. })));
        let both = ["gotrace-slice", "-r", "x", "--only", "p95..", "--slowest", "2", "t"];
        assert!(Args::try_parse_from(both).is_err());
        assert_eq!(only_text(&args(&["-r", "x", "--only", "p95..", "t"])).unwrap(), "--only p95..");
    }

    #[test]
    fn nothing_selected_means_candidates() {
        assert!(selector(&args(&["t"])).unwrap().is_none());
        let goid = selector(&args(&["--goid", "7", "t"])).unwrap().unwrap();
        assert!(goid.roots.matches("f") && goid.goids == [GoId(7)]);
    }
}
