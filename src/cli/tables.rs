//! Tables of requests as inputs, in place of traces.

use super::arg_values::StacksArg;
use super::args::Args;
use super::failure::{CliResult, Failure};
use super::input::Opened;
use super::options;
use gotrace_slice::profile::Metric;
use gotrace_slice::render::clean::clean;
use gotrace_slice::table::Input;
use std::panic::Location;

/// The inputs as tables; none where they are traces. Refuses both together, and what a table cannot answer.
pub(crate) fn of(args: &Args, opened: &[Opened]) -> CliResult<Option<Vec<Input>>> {
    let Some(table) = opened.iter().find(|input| input.is_table) else { return Ok(None) };
    if let Some(trace) = opened.iter().find(|input| !input.is_table) {
        return Err(Failure::new(format!(
            "{} is a table of requests and {} is a trace: they are not pooled",
            table.name, trace.name
        ))
        .help("write a table of each trace first: -o FILE.parquet"));
    }
    if let Some(flag) = needs_trace(args) {
        return Err(Failure::new(format!("{flag} needs a trace: {} is a table of requests", table.name)));
    }
    let input = |of: &Opened| Input { name: of.name.to_string(), source: of.source.shared() };
    Ok(Some(opened.iter().map(input).collect()))
}

/// What the name of the thread that reads tables begins with.
const THREAD: &str = "reading ";

/// Reads tables on a thread of their own, by whose name [`damaged`] tells a panic of the Parquet reader.
pub(crate) fn on_own_thread<T: Send>(inputs: &[Input], read: impl FnOnce() -> T + Send) -> T {
    let what = match inputs {
        [one] => one.name.replace('\0', " "),
        several => format!("one of the {} tables", several.len()),
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(format!("{THREAD}{what}")).spawn_scoped(scope, read);
        let result = thread.map(std::thread::ScopedJoinHandle::join);
        result.expect("a thread can be started").unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// What a panic at this place means, where it is not a bug of this program: a table is damaged, and the Parquet reader asserts
/// that none is.
pub(crate) fn damaged(place: Option<&Location<'_>>) -> Option<String> {
    let thread = std::thread::current();
    let name = thread.name()?.strip_prefix(THREAD)?;
    let is_own = place.is_some_and(|place| place.file().starts_with("src/"));
    (!is_own).then(|| format!("{}: its Parquet data is damaged", clean(name)))
}

/// The first option that asks for what only a trace has.
fn needs_trace(args: &Args) -> Option<String> {
    let metric = options::metric(args);
    if metric != Metric::Latency {
        return Some(format!("--metric {}", metric.name()));
    }
    let flags = [
        (args.time.is_some(), "--time"),
        (!args.exclude.is_empty(), "--exclude"),
        (!args.root_by.is_empty(), "--root-by"),
        (args.whole_life, "--whole-life"),
        (args.binary.is_some(), "--binary"),
        (matches!(args.stacks, StacksArg::Own), "--stacks own"),
    ];
    flags.into_iter().find_map(|(given, flag)| given.then(|| flag.to_owned()))
}
