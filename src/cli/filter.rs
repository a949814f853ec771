//! `--focus`, `--ignore`, `--hide`, `--show-from`: what they are refused with, and a result that they restrict.

use super::args::Args;
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
    if let Some(format) = plan.formats().find(|format| format.each_request) {
        return Err(Failure::new(format!(
            "{flag} does not go with {}: the states of each request add up to how long it took",
            format.name
        ))
        .help("choose among its stacks where it is read: they are columns, as docs/fleet.md shows"));
    }
    Ok(())
}

/// Restricts a profile to the stacks asked for.
pub(crate) fn apply(args: &Args, report: &mut Report) {
    if let Report::Profile(profile) = report {
        profile.filter_stacks(&asked_for(args));
    }
}

/// Says which expression no frame has, as pprof does.
pub(crate) fn tell_unmatched(args: &Args, console: &Console, report: &Report) {
    let unmatched = match report {
        Report::Profile(profile) => profile.filtered.as_ref().map(|filtered| &filtered.unmatched),
        Report::Comparison(comparison) => comparison.filtered.as_ref().map(|filtered| &filtered.unmatched),
        Report::Candidates(_) => None,
    };
    for flag in unmatched.into_iter().flatten().filter(|_| !args.quiet) {
        console.remark(&format!("{flag} matches no frame"));
    }
}
