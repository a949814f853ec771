//! A report to its outputs, and the messages that follow it.

use super::args::Args;
use super::console::Console;
use super::failure::{CliResult, Failure, code};
use super::output::{self, OutputPlan, Target};
use super::report::{Report, Reports};
use super::{broken_rules, browser, compare, display_path, formats, options, pager};
use gotrace_slice::render::FORMATS;
use gotrace_slice::render::units::{self, Unit};
use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

/// The failure of a trace that is not whole, with `--strict`.
pub(crate) const DAMAGED: &str = "the trace is damaged or incomplete, and --strict was given";
/// Warnings shown without `-v`; a badly damaged trace has thousands.
const MAX_WARNINGS: usize = 10;

/// How long the work took.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    /// Opening the traces, and decompressing those that are compressed.
    pub(crate) open: Duration,
    /// Everything before the first output.
    pub(crate) all: Duration,
}

/// Writes all outputs, then the warnings, and gives the exit code. Files come first: the reader of standard output may
/// go away.
pub(crate) fn deliver(
    args: &Args,
    console: &Console,
    plan: &OutputPlan,
    reports: &Reports,
    times: Times,
) -> CliResult<u8> {
    let report = &reports.report;
    if args.verbose {
        tell_times(console, report, times);
    }
    let mut look = options::render(args);
    for target in &plan.files {
        let started = Instant::now();
        let bytes = output::write_file(&target.path, |out| reports.of(target.format).write(target.format, &look, out))?;
        tell_written(args, console, target, (bytes, started.elapsed()));
    }
    let page = formats::page();
    browser::open(args, plan, |out| reports.of(page).write(page, &look, out))?;
    if let Some(format) = plan.stdout {
        // The time of reading differs from run to run, so only a person at a terminal sees it.
        look.read_in = io::stdout().is_terminal().then_some(times.all);
        let write = |out: &mut dyn Write| reports.of(format).write(format, &look, out);
        match pager::wanted(args).filter(|_| format.name == FORMATS[0].name) {
            Some(pager) => write_paged(&pager, look.color, write)?,
            None => output::write_stdout(look.color && !format.binary, write)?,
        }
    }
    tell_warnings(args, console, report);
    if args.strict && report.lost_data() {
        return Err(Failure::new(DAMAGED));
    }
    if let (false, Report::Profile(profile)) = (args.fail_if.is_empty(), report) {
        // A request that is cut can break a rule, where none is whole.
        if let Some(broken) = broken_rules::find(args, report, console) {
            return Err(broken);
        }
        compare::has_requests("--fail-if", profile)?;
        return Ok(code::DONE);
    }
    broken_rules::find(args, report, console).map_or(Ok(code::DONE), Err)
}

/// Says what was written, and how it is looked at.
fn tell_written(args: &Args, console: &Console, target: &Target, (bytes, took): (u64, Duration)) {
    let Target { path, format } = target;
    let written = format!("wrote {} ({})", display_path(path), units::bytes(bytes));
    if args.verbose {
        let took = units::duration(took.as_nanos() as u64, Unit::Auto);
        console.verbose(&format!("{written}, {}, in {took}", format.name));
    } else if !args.quiet {
        let is_opened = args.open && format.name == formats::page().name;
        let (how, command) = if is_opened { ("", None) } else { formats::viewer(format, path) };
        console.note(&format!("{written}{how}"), command.as_deref());
    }
}

/// Writes to the terminal, through a pager what does not fit on it.
fn write_paged(pager: &str, color: bool, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> CliResult<()> {
    let mut report = Vec::new();
    write(&mut report).map_err(|e| output::stdout_failed(&e))?;
    if pager::is_long(&report) && pager::show(pager, &report) {
        return Ok(());
    }
    output::write_stdout(color, |out| out.write_all(&report))
}

fn tell_times(console: &Console, report: &Report, times: Times) {
    let time = |t: Duration| units::duration(t.as_nanos() as u64, Unit::Auto);
    for trace in report.traces() {
        let (bytes, generations) = (units::bytes(trace.bytes.total), units::counted(trace.generations, "generation"));
        console.verbose(&format!("{}: {bytes}, {generations}, {}", trace.name, units::counted(trace.events, "event")));
    }
    console.verbose(&format!("opened in {}, read in {}", time(times.open), time(times.all.saturating_sub(times.open))));
}

/// Prints the warnings, at most [`MAX_WARNINGS`] without `-v`; with `-q` only those about missing data.
pub(crate) fn tell_warnings(args: &Args, console: &Console, report: &Report) {
    let names: Vec<&str> = report.traces().iter().map(|t| t.name.as_str()).collect();
    let only = names.first().filter(|first| names.iter().all(|n| n == *first));
    let warnings: Vec<_> = report.warnings().iter().filter(|w| w.data_lost || !args.quiet).collect();
    let shown = if args.verbose { warnings.len() } else { warnings.len().min(MAX_WARNINGS) };
    for warning in &warnings[..shown] {
        let name = warning.trace.and_then(|i| names.get(i)).or(only);
        console.warning(name.copied(), warning);
    }
    if shown < warnings.len() {
        let more = units::counted((warnings.len() - shown) as u64, "more warning");
        console.remark(&format!("{more} (-v shows all, -f json has them too)"));
    }
}
