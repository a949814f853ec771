//! `--focus`, `--ignore`, `--hide`, `--show-from`: what they are refused with, and a result that they restrict.

use super::args::Args;
use super::compare;
use super::console::Console;
use super::failure::{CliResult, Failure};
use super::output::OutputPlan;
use super::report::Report;
use gotrace_slice::profile::StackFilter;

fn asked_for(args: &Args) -> StackFilter {
    let [focus, ignore, hide, show_from] = [&args.focus, &args.ignore, &args.hide, &args.show_from].map(Clone::clone);
    StackFilter { focus, ignore, hide, show_from }
}

/// Refuses what would show stacks that were filtered out, before any work is done.
pub(crate) fn check(args: &Args, plan: &OutputPlan) -> CliResult<()> {
    let filter = asked_for(args);
    let Some((flag, _)) = filter.options().next() else { return Ok(()) };
    if args.root.is_empty() && args.goid.is_empty() {
        return Err(Failure::new(format!("{flag} needs --root: it chooses among the stacks of a profile")));
    }
    if compare::asked_for(args) {
        return Err(Failure::new(format!(
            "{flag} does not go with --vs and --vs-root: their parts add up to the change"
        ))
        .help(format!("write the comparison with -o diff.pb.gz: go tool pprof -top -{} … diff.pb.gz", pprof(flag))));
    }
    let whole = plan.formats().find(|format| format.request_stacks || format.each_request);
    if let Some(format) = whole.map(|format| format.name).or(args.open.then_some("html")) {
        return Err(Failure::new(format!("{flag} does not go with {format}: it has each request's whole time"))
            .help("a page has its own search, and a table is filtered where it is read"));
    }
    Ok(())
}

fn pprof(flag: &str) -> String {
    flag.trim_start_matches('-').replace('-', "_")
}

/// Restricts a profile to the stacks asked for. An expression that no frame has is told, as pprof does.
pub(crate) fn apply(args: &Args, console: &Console, report: &mut Report) {
    let Report::Profile(profile) = report else { return };
    profile.filter_stacks(&asked_for(args));
    for flag in profile.filtered.iter().flat_map(|filtered| &filtered.unmatched).filter(|_| !args.quiet) {
        console.remark(&format!("{flag} matches no frame"));
    }
}
