//! The command from its arguments to its exit code.

use super::args::Args;
use super::console::Console;
use super::failure::{Failure, Outcome, code};
use super::input::{self, Opened, reason};
use super::output::{self, Plan};
use super::progress::Progress;
use super::report::Report;
use super::{compare, display_path, generate, no_match, options, rules};
use anstream::AutoStream;
use anyhow::Context as _;
use clap::Parser as _;
use gotrace_slice::pipeline::{self, Answer, Input};
use gotrace_slice::profile::{Candidates, Profile};
use gotrace_slice::render::units::{self, Unit};
use gotrace_slice::slice::Selector;
use gotrace_slice::trace::binary::{self, Resolver};
use gotrace_slice::trace::error::{Error, ErrorKind};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const DAMAGED: &str = "the trace is damaged or incomplete, and --strict was given";
/// Warnings shown without `-v`; a badly damaged trace has thousands.
const MAX_WARNINGS: usize = 10;
const REPORT_BUGS: &str = "https://github.com/gotrace-slice/gotrace-slice/issues";

/// Runs the command.
pub(crate) fn main() -> ExitCode {
    let args = Args::parse();
    let console = Console::new(options::color(&args));
    match execute(&args, &console) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            console.failure(&failure);
            ExitCode::from(failure.code)
        }
    }
}

/// A mistake of ours ends with one line that says where, and what to do.
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        let text = info.payload();
        let text = text.downcast_ref::<&str>().copied().or_else(|| text.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("panic");
        let text = gotrace_slice::render::clean::clean(text).chars().take(500).collect::<String>();
        let _ = writeln!(io::stderr(), "error: internal error{place}: {text}; please report it: {REPORT_BUGS}");
        #[expect(clippy::exit, reason = "the process cannot go on, and its code tells a bug from bad input")]
        std::process::exit(code::BUG);
    }));
}

fn execute(args: &Args, console: &Console) -> Outcome<u8> {
    if let Some(what) = args.generate {
        return to_stdout(false, |out| generate::write(what, out));
    }
    compare::check(args)?;
    let selector = options::selector(args)?;
    let base = compare::asked_for(args).then(|| options::base_selector(args)).transpose()?;
    let plan = output::plan(args, selector.is_some())?;
    if selector.is_none() && !args.quiet {
        for flag in options::useless_without_root(args) {
            console.remark(&format!("{flag} does nothing without --root"));
        }
    }
    let progress = Progress::new(!args.no_progress && !args.quiet);
    let started = Instant::now();
    let open = |paths: &[PathBuf]| input::open_all(paths, &|bytes| progress.spooled(bytes));
    let opened = open(&args.traces).inspect_err(|_| progress.clear())?;
    let opened_base = open(&args.vs).inspect_err(|_| progress.clear())?;
    let open_time = started.elapsed();
    let question = Question { name: base.as_ref().map(|_| "new side"), roots: &args.root, opened: &opened };
    let report = question.ask(args, console, selector.as_ref(), &progress)?;
    let report = match (report, base) {
        (Report::Profile(new), Some(selector)) => {
            let roots = if args.vs_root.is_empty() { &args.root } else { &args.vs_root };
            let opened = if args.vs.is_empty() { &opened } else { &opened_base };
            let question = Question { name: Some("base"), roots, opened };
            match question.ask(args, console, Some(&selector), &progress)? {
                Report::Profile(base) => Report::Comparison(Box::new(compare::comparison(args, &new, &base)?)),
                other => other,
            }
        }
        (report, _) => report,
    };
    let read_in = started.elapsed();
    if args.verbose {
        tell_times(console, &report, open_time, read_in);
    }
    deliver(args, console, &plan, &report, read_in)
}

/// What is asked of some traces: of all, or of one side of a comparison.
struct Question<'a> {
    /// The side, for messages.
    name: Option<&'static str>,
    /// Its `--root` or `--vs-root`.
    roots: &'a [String],
    opened: &'a [Opened],
}

impl Question<'_> {
    /// The answer; a failure when nothing matches.
    fn ask(&self, args: &Args, console: &Console, selector: Option<&Selector>, progress: &Progress) -> Outcome<Report> {
        let found = answer(args, self.opened, selector, progress);
        progress.clear();
        let candidates = match found? {
            Found::Report(mut report) => {
                self.complete(args, &mut report);
                return Ok(report);
            }
            Found::Nothing(candidates) => candidates,
        };
        let mut failure = no_match::no_match(args, self.roots, selector, &candidates);
        if let Some(selector) = selector {
            let quiet = Progress::new(false);
            let try_with = |changed: &Selector| match answer(args, self.opened, Some(changed), &quiet) {
                Ok(Found::Report(Report::Profile(profile))) => Some(profile.selection),
                _ => None,
            };
            let filtered = no_match::without_filters(args, self.roots, selector, &candidates, &try_with);
            failure = filtered.unwrap_or(failure);
        }
        if let Some(name) = self.name {
            failure.message = format!("{name}: {}", failure.message);
        }
        let mut report = Report::Candidates(candidates);
        self.complete(args, &mut report);
        if report.warnings().iter().any(|w| w.data_lost) {
            failure = failure
                .help("data was lost, and names stand at the end of each generation: a cut trace loses them;")
                .help("      record it again, or select by --goid");
        }
        tell_warnings(args, console, &report);
        if args.strict && report.lost_data() {
            console.failure(&failure);
            failure = Failure::new(DAMAGED);
        }
        Err(failure)
    }

    /// Adds what only the command line knows: how the question was put, and what was wrong with the packing.
    fn complete(&self, args: &Args, report: &mut Report) {
        if let Report::Profile(profile) = report {
            describe_selection(profile, args, self.roots);
        }
        for opened in self.opened {
            if let Some(warning) = &opened.warning {
                report.add_damage(&opened.name, warning);
            }
        }
    }
}

enum Found {
    Report(Report),
    Nothing(Box<Candidates>),
}

fn answer(args: &Args, opened: &[Opened], selector: Option<&Selector>, progress: &Progress) -> Outcome<Found> {
    let binary = args.binary.as_deref().map(read_binary).transpose().map_err(|e| Failure::new(format!("{e:#}")))?;
    let resolver = binary.as_ref().map(|b| b as &(dyn Resolver + Sync));
    let inputs: Vec<Input<'_>> =
        opened.iter().map(|o| Input { name: o.name.clone(), source: o.source.as_ref(), resolver }).collect();
    let hook = |p| progress.advanced(p);
    let work = options::pipeline(args);
    let found = match selector {
        None => {
            pipeline::candidates(&inputs, work, Some(&hook)).map(|c| Found::Report(Report::Candidates(Box::new(c))))
        }
        Some(selector) => pipeline::profile(&inputs, selector, work, Some(&hook)).map(|answer| match answer {
            Answer::Profile(profile) => Found::Report(Report::Profile(profile)),
            Answer::NoMatch(candidates) => Found::Nothing(candidates),
        }),
    };
    found.map_err(|error| unreadable(&error))
}

fn read_binary(path: &std::path::Path) -> anyhow::Result<binary::Binary> {
    let bytes = std::fs::read(path).map_err(|e| anyhow::anyhow!("cannot read: {}", reason(&e)));
    bytes.and_then(|bytes| Ok(binary::open(&bytes)?)).with_context(|| display_path(path))
}

/// Names the trace that an error is about.
fn unreadable(error: &Error) -> Failure {
    let name = error.input();
    let prefix = name.map_or_else(String::new, |n| format!("{n}: "));
    match error.kind() {
        ErrorKind::NotATrace(what) => input::not_a_trace(name.unwrap_or("input"), what),
        ErrorKind::Io(e) => Failure::new(format!("{prefix}cannot read: {}", reason(e))),
        _ => Failure::new(format!("{prefix}{error}")),
    }
}

fn describe_selection(profile: &mut Profile, args: &Args, roots: &[String]) {
    let selection = &mut profile.selection;
    selection.patterns = roots.to_vec();
    selection.exclude.clone_from(&args.exclude);
    selection.fixed_strings = args.fixed_strings;
    selection.ignore_case = args.ignore_case;
    selection.goids.clone_from(&args.goid);
    let all = ["creation", "entry", "stack"].map(str::to_owned);
    let named = args.root_by.iter().map(|by| format!("{by:?}").to_lowercase());
    selection.root_by = if args.root_by.is_empty() { all.to_vec() } else { named.collect() };
    selection.whole_life = args.whole_life;
    if let Some(requests) = &mut profile.requests {
        requests.only = options::only_text(args);
    }
    selection.time = args.time.as_ref().map(|(text, _)| text.clone());
}

fn tell_times(console: &Console, report: &Report, open_time: Duration, read_in: Duration) {
    let time = |t: Duration| units::duration(t.as_nanos() as u64, Unit::Auto);
    for trace in report.traces() {
        let (bytes, generations) = (units::bytes(trace.bytes), units::counted(trace.generations, "generation"));
        console.verbose(&format!("{}: {bytes}, {generations}, {}", trace.name, units::counted(trace.events, "event")));
    }
    console.verbose(&format!("opened in {}, read in {}", time(open_time), time(read_in.saturating_sub(open_time))));
}

/// Writes all outputs, then says what the reader must know. Files come first: who reads standard output may leave.
fn deliver(args: &Args, console: &Console, plan: &Plan, report: &Report, read_in: Duration) -> Outcome<u8> {
    let mut look = options::render(args);
    for target in &plan.files {
        let started = Instant::now();
        let bytes = output::write_file(&target.path, |out| report.write(target.format, &look, out))?;
        if args.verbose {
            let took = units::duration(started.elapsed().as_nanos() as u64, Unit::Auto);
            let name = display_path(&target.path);
            console.verbose(&format!("wrote {name} ({}, {}) in {took}", target.format.name, units::bytes(bytes)));
        }
    }
    if let Some(format) = plan.stdout {
        // The time of reading differs from run to run, so only a person at a terminal sees it.
        look.read_in = io::stdout().is_terminal().then_some(read_in);
        to_stdout(look.color && !format.binary, |out| report.write(format, &look, out))?;
    }
    tell_warnings(args, console, report);
    if args.strict && report.lost_data() {
        return Err(Failure::new(DAMAGED));
    }
    if let (false, Report::Profile(profile)) = (args.fail_if.is_empty(), report) {
        compare::has_requests("--fail-if", profile)?;
    }
    rules::broken(args, report, console).map_or(Ok(code::DONE), Err)
}

fn tell_warnings(args: &Args, console: &Console, report: &Report) {
    let names: Vec<String> = report.traces().iter().map(|t| t.name.clone()).collect();
    let only = names.first().filter(|first| names.iter().all(|n| n == *first));
    let warnings: Vec<_> = report.warnings().iter().filter(|w| w.data_lost || !args.quiet).collect();
    let shown = if args.verbose { warnings.len() } else { warnings.len().min(MAX_WARNINGS) };
    for warning in &warnings[..shown] {
        let name = warning.trace.and_then(|i| names.get(i)).or(only);
        console.warning(name.map(String::as_str), warning);
    }
    if shown < warnings.len() {
        let more = units::counted((warnings.len() - shown) as u64, "more warning");
        console.remark(&format!("{more} (-v shows all, -f json has them too)"));
    }
}

/// Writes to standard output. A reader that goes away is no error.
fn to_stdout(color: bool, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Outcome<u8> {
    let raw = io::stdout().lock();
    // Consoles that know no escapes get their colours through the operating system.
    let stdout: Box<dyn Write> = if color { Box::new(AutoStream::always(raw)) } else { Box::new(raw) };
    let mut out = BufWriter::with_capacity(64 << 10, stdout);
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(code::DONE),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
            // What is left in the buffer has no reader either.
            drop(out.into_parts());
            Ok(code::DONE)
        }
        Err(e) => {
            drop(out.into_parts());
            Err(Failure::new(format!("cannot write to standard output: {}", reason(&e))))
        }
    }
}
