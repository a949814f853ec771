//! Where results go: standard output, and files that appear whole or not at all.

use super::arg_values::MetricArg;
use super::args::Args;
use super::display_path;
use super::failure::{CliResult, Failure, reason};
use super::formats;
use super::unfinished::UnfinishedFile;
use anstream::AutoStream;
use gotrace_slice::render::{FORMATS, Format};
use std::fs::{self, Metadata};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

/// A file to write, its format chosen by its name.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) format: &'static Format,
}

/// All that is to be written.
#[derive(Debug)]
pub(crate) struct OutputPlan {
    pub(crate) files: Vec<Target>,
    /// What standard output carries, if anything.
    pub(crate) stdout: Option<&'static Format>,
}

impl OutputPlan {
    /// The formats of all of it.
    pub(crate) fn formats(&self) -> impl Iterator<Item = &'static Format> + '_ {
        self.files.iter().map(|target| target.format).chain(self.stdout)
    }

    /// Whether a table of requests is written.
    pub(crate) fn has_table(&self) -> bool {
        self.formats().any(|format| format.each_request)
    }

    /// Whether a page is written.
    pub(crate) fn has_page(&self, args: &Args) -> bool {
        args.open || self.formats().any(|format| format.name == formats::page().name)
    }

    /// Whether anything else than a table is.
    pub(crate) fn has_report(&self, args: &Args) -> bool {
        args.open || !args.fail_if.is_empty() || self.formats().any(|format| !format.each_request)
    }
}

/// Checks every output before any work is done. `selected` says whether there will be a profile.
pub(crate) fn plan(args: &Args, selected: bool) -> CliResult<OutputPlan> {
    let to_stdout = args.output.iter().any(|p| p.as_os_str() == "-");
    let mut files: Vec<Target> = Vec::new();
    for path in args.output.iter().filter(|p| p.as_os_str() != "-") {
        let target = target(path)?;
        check_place(path, args)?;
        if files.iter().any(|t| place(&t.path) == place(&target.path)) {
            return Err(Failure::new(format!("{}: given twice with -o", display_path(path))));
        }
        files.push(target);
    }
    let silent = args.quiet && (args.open || !files.is_empty()) && args.format.is_none() && !to_stdout;
    let stdout = (!silent).then(|| args.format.unwrap_or(&FORMATS[0]));
    if let Some(format) = stdout.filter(|f| f.binary && io::stdout().is_terminal()) {
        return Err(Failure::new(format!("{} is binary, and standard output is a terminal", format.name))
            .help(format!("write it to a file: -o profile.{}", format.extensions[0])));
    }
    let needs_root = |format: &&Format| format.candidates.is_none() && !format.endpoints;
    if !selected
        && let Some(format) =
            files.iter().map(|t| t.format).chain(stdout).chain(args.open.then(formats::page)).find(needs_root)
    {
        return Err(Failure::new(format!("{} needs --root: without it there is no profile to write", format.name))
            .help("run without -o and -f to see what can be a root"));
    }
    check_summary(args, stdout)?;
    let plan = OutputPlan { files, stdout };
    check_labels(args, &plan)?;
    check_one_side(args, &plan)?;
    Ok(plan)
}

/// Labels are those of a table for engines.
fn check_labels(args: &Args, plan: &OutputPlan) -> CliResult<()> {
    let has_labels = !args.label.is_empty() || args.label_from_path.is_some();
    let flag = if args.label.is_empty() { "--label-from-path" } else { "--label" };
    if has_labels && !plan.has_table() { Err(Failure::new(format!("{flag} needs -o FILE.parquet"))) } else { Ok(()) }
}

/// Some formats have the requests of one side, and how long they took.
fn check_one_side(args: &Args, plan: &OutputPlan) -> CliResult<()> {
    let Some(format) = plan.formats().find(|format| format.comparison.is_none()) else { return Ok(()) };
    if super::compare::asked_for(args) {
        return Err(Failure::new(format!(
            "{} has the requests of one side, so --vs and --vs-root do not go with it",
            format.name
        ))
        .help("write a file for each side"));
    }
    if args.metric.is_some_and(|metric| metric != MetricArg::Latency) {
        return Err(Failure::new(format!("{} needs --metric latency: it is about requests", format.name)));
    }
    Ok(())
}

/// The answer alone is text, and about requests.
fn check_summary(args: &Args, stdout: Option<&Format>) -> CliResult<()> {
    if !args.summary {
        return Ok(());
    }
    if let Some(format) = stdout.filter(|format| format.name != FORMATS[0].name) {
        return Err(Failure::new(format!("--summary is text, and standard output carries {}", format.name))
            .help("the answer is a field of JSON and the first paragraph of Markdown"));
    }
    if args.metric.is_some_and(|metric| metric != MetricArg::Latency) {
        return Err(Failure::new("--summary needs --metric latency: it is about requests"));
    }
    Ok(())
}

/// Where a path leads, however it is spelled.
fn place(path: &Path) -> PathBuf {
    let directory = fs::canonicalize(directory(path)).unwrap_or_else(|_| directory(path).to_owned());
    directory.join(path.file_name().unwrap_or_default())
}

fn target(path: &Path) -> CliResult<Target> {
    let name = path.file_name().map(|n| display_path(Path::new(n))).unwrap_or_default();
    let Some(format) = Format::by_file_name(&name) else {
        let known: Vec<String> = FORMATS.iter().flat_map(|f| f.extensions).map(|e| format!(".{e}")).collect();
        return Err(Failure::new(format!("{}: unknown output extension", display_path(path)))
            .help(format!("known are {}; or -f FORMAT > FILE", known.join(" "))));
    };
    Ok(Target { path: path.to_owned(), format })
}

/// Finds early what would make writing fail late, and what must not be overwritten.
pub(crate) fn check_place(path: &Path, args: &Args) -> CliResult<()> {
    let refuse = |what: &str| Err(Failure::new(format!("{}: {what}", display_path(path))));
    if let Ok(existing) = fs::symlink_metadata(path) {
        if existing.is_symlink() {
            return refuse("is a symbolic link; give the file that it points at");
        }
        if !existing.is_file() {
            return refuse("is not a regular file");
        }
        let is_this = |input: &Path| input_metadata(input).is_ok_and(|m| is_same(&existing, path, &m, input));
        if args.traces.iter().chain(&args.vs).any(|trace| is_this(trace)) {
            return refuse("is one of the traces to read");
        }
        if args.binary.as_deref().is_some_and(is_this) {
            return refuse("is the program given with --binary");
        }
    }
    match tempfile::tempfile_in(directory(path)) {
        Ok(_) => Ok(()),
        Err(e) => refuse(&format!("cannot write there: {}", reason(&e))),
    }
}

/// What a path leads to; `-` is what standard input was redirected from.
fn input_metadata(path: &Path) -> io::Result<Metadata> {
    match super::input::stdin_file() {
        Some(stdin) if path.as_os_str() == "-" => stdin.metadata(),
        _ => fs::metadata(path),
    }
}

#[cfg(unix)]
fn is_same(a: &Metadata, _: &Path, b: &Metadata, _: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, a: &Path, _: &Metadata, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a file so that no half of it is ever visible: into a temporary file beside it, then a rename. Returns the
/// number of bytes.
pub(crate) fn write_file(path: &Path, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> CliResult<u64> {
    let cannot = |e: &io::Error| Failure::new(format!("{}: cannot write: {}", display_path(path), reason(e)));
    let mut unfinished = UnfinishedFile::create(directory(path), permissions(path).as_ref()).map_err(|e| cannot(&e))?;
    let file = unfinished.file();
    let mut out = BufWriter::with_capacity(64 << 10, &mut *file);
    render(&mut out).and_then(|()| out.flush()).map_err(|e| cannot(&e))?;
    drop(out);
    file.sync_all().map_err(|e| cannot(&e))?;
    let bytes = file.metadata().map_or(0, |m| m.len());
    unfinished.persist(path).map_err(|e| cannot(&e))?;
    Ok(bytes)
}

/// The permissions of the file that is replaced; for a new file 666, which the umask then restricts. None where the
/// system has no such permissions.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no such permissions")]
fn permissions(path: &Path) -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).map_or(0o666, |m| m.permissions().mode() & 0o777);
    Some(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> Option<fs::Permissions> {
    None
}

/// Writes to standard output. A reader that goes away is no error.
pub(crate) fn write_stdout(color: bool, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> CliResult<()> {
    let raw = io::stdout().lock();
    // Consoles that know no escapes get their colours through the operating system.
    let stdout: Box<dyn Write> = if color { Box::new(AutoStream::always(raw)) } else { Box::new(raw) };
    let mut out = BufWriter::with_capacity(64 << 10, stdout);
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
            // What is left in the buffer has no reader either.
            drop(out.into_parts());
            Ok(())
        }
        Err(e) => {
            drop(out.into_parts());
            Err(stdout_failed(&e))
        }
    }
}

pub(crate) fn stdout_failed(error: &io::Error) -> Failure {
    Failure::new(format!("cannot write to standard output: {}", reason(error)))
}
