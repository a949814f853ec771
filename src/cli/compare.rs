//! `--vs` and `--vs-root`: what is asked for, and two profiles made into one comparison.

use super::args::Args;
use super::failure::{CliResult, Failure, code};
use super::options;
use gotrace_slice::compare::{CompareOptions, Comparison};
use gotrace_slice::profile::{CutCounts, Metric, Profile};
use gotrace_slice::render::units::{Unit, counted, duration};

/// Whether two sides are to be compared.
pub(crate) fn asked_for(args: &Args) -> bool {
    !args.vs.is_empty() || !args.vs_root.is_empty()
}

/// Refuses what makes no comparison, before any work is done.
pub(crate) fn check(args: &Args) -> CliResult<()> {
    let needs = |flag: &str, what: &str| Failure::new(format!("{flag} needs {what}"));
    let by_latency = options::metric(args) == Metric::Latency;
    if let Some((rule, _)) = args.fail_if.iter().find(|(_, rule)| rule.is_relative() && !asked_for(args)) {
        return Err(needs(&format!("--fail-if {rule}"), "a base to compare with: --vs BASE or --vs-root REGEX")
            .help("a limit without + needs none: --fail-if 'p99>250ms'"));
    }
    if !args.fail_if.is_empty() {
        if args.root.is_empty() && args.goid.is_empty() {
            return Err(needs("--fail-if", "--root: it is about requests"));
        }
        if !by_latency {
            return Err(needs("--fail-if", "--metric latency"));
        }
    }
    if !asked_for(args) {
        let flag = if args.total { Some("--total") } else { args.by.map(|_| "--by") };
        return flag.map_or(Ok(()), |flag| Err(needs(flag, "something to compare with: --vs BASE or --vs-root REGEX")));
    }
    let flag = if args.vs.is_empty() { "--vs-root" } else { "--vs" };
    if args.root.is_empty() {
        return Err(needs(flag, "--root: which requests are to be compared?"));
    }
    if !by_latency {
        return Err(needs(flag, "--metric latency: latencies are compared"));
    }
    if !args.goid.is_empty() && !args.vs.is_empty() {
        return Err(Failure::new("--goid means another goroutine in every trace, so it cannot go with --vs"));
    }
    Ok(())
}

/// Compares the profiles of both sides.
pub(crate) fn comparison(args: &Args, new: &Profile, base: &Profile) -> CliResult<Comparison> {
    for (name, side) in [("new side", new), ("base", base)] {
        has_requests(name, side)?;
    }
    let options =
        CompareOptions { by: args.by.unwrap_or_default(), total: args.total, roots_alike: !args.vs_root.is_empty() };
    Comparison::of(new, base, options).ok_or_else(|| Failure::new("there is nothing to compare").code(code::NO_MATCH))
}

/// Refuses a profile without a request that counts, and says why there is none.
pub(crate) fn has_requests(side: &str, profile: &Profile) -> CliResult<()> {
    let Some(requests) = profile.requests.as_ref().filter(|r| r.list.is_empty()) else { return Ok(()) };
    let patterns: Vec<String> = profile.selection.patterns.iter().map(|p| format!(" of '{p}'")).collect();
    let failure = Failure::new(format!("{side}: no request{} counts", patterns.join(" or"))).code(code::NO_MATCH);
    let failure = match &requests.only {
        Some(only) => failure.help(format!("no whole one took as long as {only} asks for")),
        None => failure,
    };
    let cut = CutCounts::of(&requests.cut).all();
    Err(match cut.count() {
        0 => failure,
        n => {
            let (cut_ones, seen) = (counted(n, "request"), duration(cut.seen_ns(), Unit::Auto));
            let several = match cut.several.count {
                0 => String::new(),
                several if several == n => ", that may be several calls in a row".to_owned(),
                several => format!(", {several} that may be several calls in a row"),
            };
            failure.help(format!(
                "{cut_ones} cut by an edge of the trace, seen for {seen} at most{several}; --include-partial counts those"
            ))
        }
    })
}
