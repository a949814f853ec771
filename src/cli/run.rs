//! The command from its arguments to its exit code.

use super::args::Args;
use super::config::{self, Arguments};
use super::console::Console;
use super::deliver::{Times, deliver};
use super::failure::{CliResult, code};
use super::input::{self, Opened};
use super::labels::Labels;
use super::output::{self, OutputPlan};
use super::progress::ProgressDisplay;
use super::question::Question;
use super::report::{Report, Reports};
use super::spool::Copying;
use super::{address, anonymize, compare, display_path, filter, generate, options, tables, unfinished};
use clap::Parser as _;
use gotrace_slice::slice::Selector;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Where the project lives, if it says so.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// Runs the command.
pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::of_process() {
        Ok(arguments) => arguments,
        Err(failure) => {
            Console::new(anstream::ColorChoice::Auto).failure(&failure);
            return ExitCode::from(failure.code);
        }
    };
    let Arguments { config, all } = arguments;
    let args = match Args::try_parse_from(all) {
        Ok(args) => args,
        Err(answer) => return say(&answer, config.as_deref()),
    };
    let console = Console::new(options::color(&args));
    let is_file = address::check(&args, config::typed);
    match is_file.and_then(|()| execute(&args, &console)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            console.failure(&failure);
            ExitCode::from(failure.code)
        }
    }
}

/// Prints what the parser of the arguments says: wrong usage, or the help and the version that were asked for.
fn say(answer: &clap::Error, config: Option<&Path>) -> ExitCode {
    let console = Console::new(anstream::ColorChoice::Auto);
    if answer.use_stderr() {
        console.usage(answer);
        if let Some(config) = config {
            let config = display_path(config);
            console.remark(&format!("the options of {config} were read too (--no-config does without)"));
        }
        return ExitCode::from(answer.exit_code() as u8);
    }
    match answer.print().and_then(|()| io::stdout().flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            let failure = output::stdout_failed(&e);
            console.failure(&failure);
            ExitCode::from(failure.code)
        }
        _ => ExitCode::from(answer.exit_code() as u8),
    }
}

/// A bug in this program ends with one line that says where, and what to do.
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        unfinished::remove_all();
        if let Some(message) = tables::damaged(info.location()) {
            let _ = writeln!(io::stderr(), "error: {message}");
            #[expect(clippy::exit, reason = "panics abort, so nothing can be done after this")]
            std::process::exit(i32::from(code::FAILED));
        }
        let place = info.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        let text = info.payload();
        let text = text.downcast_ref::<&str>().copied().or_else(|| text.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("panic");
        let text = gotrace_slice::render::clean::clean(text).chars().take(500).collect::<String>();
        let where_to = if REPOSITORY.is_empty() { String::new() } else { format!(": {REPOSITORY}/issues") };
        let _ = writeln!(
            io::stderr(),
            "error: internal error{place}: {text}; please report it, with gotrace-slice \
             --version, the command and, if it may be shared, the trace{where_to}"
        );
        #[expect(clippy::exit, reason = "the process cannot go on, and its code tells a bug from bad input")]
        std::process::exit(code::BUG);
    }));
}

/// What the arguments ask for. Making it finds wrong usage before any work is done.
struct Job {
    /// The roots; `None`: list the candidates.
    selector: Option<Selector>,
    /// The roots of the base of a comparison.
    base: Option<Selector>,
    plan: OutputPlan,
    labels: Labels,
}

fn execute(args: &Args, console: &Console) -> CliResult<u8> {
    if let Some(what) = args.generate {
        output::write_stdout(false, |out| generate::write(what, out))?;
        return Ok(code::DONE);
    }
    if let Some(to) = &args.anonymize {
        return anonymize::write(args, to, console, Copying { progress: &|_| (), max_bytes: args.max_input });
    }
    let job = Job::new(args)?;
    if job.selector.is_none() && !args.quiet {
        for flag in options::useless_without_root(args, job.plan.has_table(), job.plan.has_page(args)) {
            console.remark(&format!("{flag} does nothing without --root"));
        }
    }
    let progress = ProgressDisplay::new(!args.no_progress && !args.quiet);
    let started = Instant::now();
    let copying = Copying { progress: &|bytes| progress.spooled(bytes), max_bytes: args.max_input };
    let open = |paths: &[PathBuf]| input::open_all(paths, copying);
    let opened = open(&args.traces).inspect_err(|_| progress.clear())?;
    let opened_base = open(&args.vs).inspect_err(|_| progress.clear())?;
    let open_time = started.elapsed();
    let table = job.plan.has_table().then(|| job.table(args, console, &opened, &progress)).transpose()?;
    let reports = match table {
        Some(table) if !job.plan.has_report(args) => Reports { table: None, page: None, report: table },
        table => {
            let page = job.needs_endpoints(args).then(|| endpoints(args, console, &opened, &progress)).transpose()?;
            Reports { table, page, report: job.report(args, console, [&opened, &opened_base], &progress)? }
        }
    };
    filter::tell_unmatched(args, console, &reports.report);
    let times = Times { open: open_time, all: started.elapsed() };
    deliver(args, console, &job.plan, &reports, times)
}

/// Reads the traces for a page of all endpoints.
fn endpoints(args: &Args, console: &Console, opened: &[Opened], progress: &ProgressDisplay) -> CliResult<Report> {
    let question = Question { args, console, name: None, roots: &args.root, opened, selector: None };
    question.ask_endpoints(progress)
}

impl Job {
    fn new(args: &Args) -> CliResult<Self> {
        compare::check(args)?;
        let selector = options::selector(args)?;
        let base = compare::asked_for(args).then(|| options::base_selector(args)).transpose()?;
        let plan = output::plan(args, selector.is_some())?;
        filter::check(args, &plan)?;
        let labels = Labels::new(&args.label, args.label_from_path.as_ref(), &args.traces)?;
        Ok(Self { selector, base, plan, labels })
    }

    /// Whether a page is to show all endpoints.
    fn needs_endpoints(&self, args: &Args) -> bool {
        self.selector.is_none() && self.plan.has_page(args)
    }

    /// Reads the traces for a table of requests.
    fn table(
        &self,
        args: &Args,
        console: &Console,
        opened: &[Opened],
        progress: &ProgressDisplay,
    ) -> CliResult<Report> {
        let selector = self.selector.as_ref();
        let question = Question { args, console, name: None, roots: &args.root, opened, selector };
        question.ask_table(&self.labels, progress)
    }

    /// Reads the traces: those of the new side (or of the only one), and those of the base, if it has its own.
    fn report(
        &self,
        args: &Args,
        console: &Console,
        [opened, opened_base]: [&[Opened]; 2],
        progress: &ProgressDisplay,
    ) -> CliResult<Report> {
        let name = self.base.as_ref().map(|_| "new side");
        let question = Question { args, console, name, roots: &args.root, opened, selector: self.selector.as_ref() };
        let mut report = question.ask(progress)?;
        filter::apply(args, &mut report);
        let (Report::Profile(new), Some(selector)) = (&report, &self.base) else { return Ok(report) };
        let roots = if args.vs_root.is_empty() { &args.root } else { &args.vs_root };
        let opened = if args.vs.is_empty() { opened } else { opened_base };
        let question = Question { args, console, name: Some("base"), roots, opened, selector: Some(selector) };
        let mut base = question.ask(progress)?;
        filter::apply(args, &mut base);
        match base {
            Report::Profile(base) => Ok(Report::Comparison(Box::new(compare::comparison(args, new, &base)?))),
            other => Ok(other),
        }
    }
}
