//! Opens traces, and tables of their requests: files, standard input, pipes; plain or compressed.

use super::display_path;
use super::failure::{CliResult, Failure, reason};
use super::file_source::{FileSource, FrontToBack};
use super::open_files::{MOST_OPEN, NamedFile, OpenFiles};
use super::sniff;
use super::spool::{Compression, CompressionDamage, Copying, NoCopy, spool};
use gotrace_slice::profile::SharedText;
use gotrace_slice::render::units;
use gotrace_slice::trace::error::Warning;
use gotrace_slice::trace::source::Source;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const RECORD: &str = "    curl -o trace.out 'http://HOST/debug/pprof/trace?seconds=5'";

/// A trace that can be read at positions.
pub(crate) struct Opened {
    /// Its path as given, `-` for standard input.
    pub(crate) name: SharedText,
    pub(crate) source: TraceBytes,
    /// What was wrong with its compressed data.
    pub(crate) warning: Option<Box<Warning>>,
    /// Whether it is a table of requests, and no trace.
    pub(crate) is_table: bool,
}

/// Where the bytes of a trace are.
pub(crate) enum TraceBytes {
    Shared(Arc<dyn Source + Send + Sync>),
    /// One of very many files: not in an allocation of its own.
    Named(NamedFile),
}

impl TraceBytes {
    pub(crate) fn source(&self) -> &(dyn Source + Send + Sync) {
        match self {
            Self::Shared(source) => source.as_ref(),
            Self::Named(file) => file,
        }
    }

    pub(crate) fn shared(&self) -> Arc<dyn Source + Send + Sync> {
        match self {
            Self::Shared(source) => Arc::clone(source),
            Self::Named(file) => Arc::new(file.clone()),
        }
    }
}

/// Opens one trace. `copying` is for one that can only be read front to back.
pub(crate) fn open(path: &Path, copying: Copying<'_>) -> CliResult<Opened> {
    open_one(path, copying, None)
}

/// The same; one of very many files is not left open.
fn open_one(path: &Path, copying: Copying<'_>, many: Option<(&Arc<OpenFiles>, usize)>) -> CliResult<Opened> {
    let name = display_path(path);
    let cannot = |what: &str, e: &io::Error| match e.get_ref().and_then(|inner| inner.downcast_ref::<NoCopy>()) {
        Some(no_copy) => {
            Failure::new(format!("{name}: {no_copy}")).help("set the variable TMPDIR to a folder with room for it")
        }
        None => Failure::new(format!("{name}: cannot {what}: {}", reason(e))),
    };
    if name == "-" {
        if io::stdin().is_terminal() {
            return Err(Failure::new("standard input is a terminal, not a trace")
                .help("give a file, or what a server sends:")
                .help("    curl -sS 'http://HOST/debug/pprof/trace?seconds=5' | gotrace-slice -"));
        }
        let opened = match stdin_file() {
            Some(file) => open_file(&name, file, copying),
            None => open_stream(&name, io::stdin().lock(), copying),
        };
        return opened.map_err(|e| cannot("read standard input", &e)).and_then(checked);
    }
    let file = File::open(path).map_err(|e| cannot("open", &e))?;
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(Failure::new(format!("{name}: is a directory, not a trace")));
    }
    let metadata = many.map(|_| file.metadata()).transpose().map_err(|e| cannot("read", &e))?;
    let mut unchecked = open_file(&name, file, copying).map_err(|e| cannot("read", &e))?;
    if let (Some(many), Some(metadata), true) = (many, metadata, unchecked.is_file) {
        unchecked.opened.source = TraceBytes::Named(NamedFile::new(many, (&unchecked.opened.name, path), &metadata));
    }
    checked(unchecked)
}

struct Unchecked {
    opened: Opened,
    compression: Compression,
    /// Whether it is a file that can be read as it is.
    is_file: bool,
}

/// Standard input as a file, which can be read at positions when it was redirected from one.
pub(crate) fn stdin_file() -> Option<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        io::stdin().as_fd().try_clone_to_owned().ok().map(File::from)
    }
    #[cfg(not(unix))]
    None
}

fn open_file(name: &str, mut file: File, copying: Copying<'_>) -> io::Result<Unchecked> {
    use std::io::Seek as _;
    let metadata = file.metadata()?;
    // Files that the kernel makes up as they are read, as those of /proc, say that they are empty.
    if !metadata.is_file() || metadata.len() == 0 || file.stream_position()? != 0 {
        return open_stream(name, file, copying);
    }
    let source = FileSource::new(file, metadata.len());
    let mut head = [0; 4];
    let n = source.read_full_at(&mut head, 0)?;
    let compression = Compression::of(&head[..n]);
    if compression == Compression::Plain {
        let opened =
            Opened { name: name.into(), source: TraceBytes::Shared(Arc::new(source)), warning: None, is_table: false };
        return Ok(Unchecked { opened, compression, is_file: true });
    }
    unpack(name, FrontToBack { source: &source, at: 0 }, compression, copying)
}

fn open_stream(name: &str, mut stream: impl Read, copying: Copying<'_>) -> io::Result<Unchecked> {
    let mut head = Vec::new();
    (&mut stream).take(4).read_to_end(&mut head)?;
    let compression = Compression::of(&head);
    unpack(name, head.chain(stream), compression, copying)
}

fn unpack(name: &str, input: impl Read, compression: Compression, copying: Copying<'_>) -> io::Result<Unchecked> {
    let spooled = spool(input, compression, copying)?;
    let warning = spooled.damage.map(|d| Box::new(damaged(&d, compression)));
    Ok(Unchecked {
        opened: Opened { name: name.into(), source: TraceBytes::Shared(spooled.source), warning, is_table: false },
        compression,
        is_file: false,
    })
}

fn damaged(damage: &CompressionDamage, compression: Compression) -> Warning {
    let how = compression.name().unwrap_or_default();
    let message = format!("the {how} data is damaged or cut off ({}); used everything before it", damage.reason);
    Warning::lost("packing-damaged", message, damage.offset, 0)
}

/// The input, if it is a trace; else a failure that says what it is.
fn checked(input: Unchecked) -> CliResult<Opened> {
    let Unchecked { mut opened, compression, .. } = input;
    let mut head = [0; sniff::HEAD_LEN];
    let n = opened
        .source
        .source()
        .read_full_at(&mut head, 0)
        .map_err(|e| Failure::new(format!("{}: cannot read: {}", opened.name, reason(&e))))?;
    if sniff::is_cut_header(&head[..n]) {
        let bytes = units::counted(n as u64, "byte");
        return Err(Failure::new(format!("{}: too short to be a trace ({bytes})", opened.name))
            .help("record one with:")
            .help(RECORD));
    }
    if sniff::is_trace(&head[..n]) {
        return Ok(opened);
    }
    if sniff::is_table(&head[..n]) {
        opened.is_table = true;
        return Ok(opened);
    }
    Err(not_a_trace(&opened.name, &sniff::what_is(&head[..n], compression.name())))
}

/// The failure for an input that is no trace.
pub(crate) fn not_a_trace(name: &str, what: &str) -> Failure {
    let failure = Failure::new(format!("{name}: this is {what}, not an execution trace"));
    let packed = what.starts_with("compressed with") || what.ends_with("archive");
    if packed {
        failure.help("unpack it first; only gzip and zstd are unpacked here")
    } else {
        failure.help("record one with:").help(RECORD)
    }
}

/// How the inputs are opened: one after the other, standard input at most once.
pub(crate) fn open_all(paths: &[PathBuf], copying: Copying<'_>) -> CliResult<Vec<Opened>> {
    if paths.iter().filter(|p| p.as_os_str() == "-").count() > 1 {
        return Err(Failure::new("standard input (-) can be given only once"));
    }
    // Where they can all be open, each stays so: what becomes of its name meanwhile is no matter.
    let files = (paths.len() > MOST_OPEN).then(Arc::default);
    let mut opened = Vec::with_capacity(paths.len());
    for (number, path) in paths.iter().enumerate() {
        opened.push(open_one(path, copying, files.as_ref().map(|files| (files, number)))?);
    }
    Ok(opened)
}
