//! The straight line: source → generations → forest → slice → profile. Threads and the progress hook live here
//! alone.

mod in_order;
#[cfg(test)]
mod testing;
mod v1;
mod v2;

use crate::measure::{Crew, Folder, MAX_PIECES, MeasureSpec, Measured, MeasuredTrace};
use crate::profile::{self, Candidates, Metric, Only, Profile, Requests, TraceInfo};
use crate::slice::WindowIdx;
use crate::slice::{self, Selector};
use crate::survey::annotations::list::AnnotationList;
use crate::survey::annotations::notes::NotesWanted;
use crate::survey::annotations::roots::{Annotations, Matches};
use crate::survey::annotations::sink::AnnotationSink;
use crate::survey::{self, Survey};
use crate::trace::binary::Resolver;
use crate::trace::error::{Error, ErrorKind, Result, Warning};
use crate::trace::source::{Source, read_full};
use crate::trace::time::{Time, Window};
use crate::trace::version::{Dialect, HEADER_SIZE, Header, VERSIONS, Version, read_header};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::sync::atomic::{AtomicU64, Ordering};
use v2::Predictions;

/// One trace to read.
pub struct Input<'a> {
    /// Its name in reports.
    pub name: String,
    /// Its bytes, decompressed.
    pub source: &'a dyn Source,
    /// Names addresses, for traces without names (`--binary`).
    pub resolver: Option<&'a (dyn Resolver + Sync)>,
}

/// How stacks of child goroutines are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stacks {
    /// Under the stack of the `go` statement that created the goroutine.
    #[default]
    Joined,
    /// Alone.
    Own,
}

/// How to work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How stacks of child goroutines are shown.
    pub stacks: Stacks,
    /// Number of threads; 0 means as many as there are cores.
    pub threads: usize,
    /// What is counted. Critical paths are walked for latency alone.
    pub metric: Metric,
    /// Which requests count; none for all.
    pub only: Option<Only>,
    /// Whether requests count that an edge of the trace, or of the part looked at, cuts.
    pub include_partial: bool,
}

/// How far the work has come: `done` of `total` bytes, both passes counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Bytes done.
    pub done: u64,
    /// Bytes to do.
    pub total: u64,
}

/// Called from time to time, from any thread.
pub type ProgressHook<'a> = &'a (dyn Fn(Progress) + Sync);

/// What came of a selection.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Something matched.
    Profile(Box<Profile>),
    /// Nothing matched; here is what could have.
    NoMatch(Box<Candidates>),
}

/// Slices the traces and adds the slices up.
pub fn profile(
    inputs: &[Input<'_>],
    selector: &Selector,
    options: Options,
    progress: ProgressHook<'_>,
) -> Result<Answer> {
    in_pool(options, |options| {
        let chosen = match options.only {
            None => None,
            Some(only) => Some(choose(inputs, selector, options, only)?),
        };
        let passes = if chosen.is_some() { 4 } else { 2 };
        let ticker = Ticker::new(inputs, passes, progress);
        let mut sliced = slice_all(inputs, selector, options, &ticker, chosen.as_ref())?;
        if let Some(range) = selector.time {
            for trace in &mut sliced.profile.traces {
                let part = range.resolve(Window { start: Time(0), end: Time(trace.duration_ns as i64) });
                trace.window_ns = Some(part.end.since(part.start));
            }
        }
        // Roots that matched and are of another length are an answer; none that matched is not.
        let matched = sliced.profile.selection.roots > 0 || chosen.as_ref().is_some_and(|c| c.of > 0);
        if !matched {
            return Ok(Answer::NoMatch(Box::new(candidates(inputs, options, &|_| {})?)));
        }
        Ok(Answer::Profile(Box::new(sliced.finish(options, chosen.as_ref()))))
    })
}

/// What slicing has found so far.
#[derive(Default)]
struct Sliced {
    profile: Profile,
    folder: Folder,
    requests: Requests,
    /// Per recording, the windows of its requests, in the order of the list.
    windows: Vec<Vec<WindowIdx>>,
}

/// The requests that count: per recording, their windows.
struct Chosen {
    windows: Vec<Vec<WindowIdx>>,
    /// How many there were.
    of: u64,
}

impl Sliced {
    fn finish(self, options: Options, chosen: Option<&Chosen>) -> Profile {
        let Self { mut profile, folder, mut requests, .. } = self;
        (profile.tree, profile.samples) = folder.finish();
        requests.before_only = chosen.map_or(requests.list.len() as u64, |c| c.of);
        profile.requests = (options.metric == Metric::Latency).then_some(requests);
        profile.finish();
        profile
    }
}

/// Slices all recordings, with the chosen requests alone where some were chosen.
fn slice_all(
    inputs: &[Input<'_>],
    selector: &Selector,
    options: Options,
    ticker: &Ticker<'_>,
    chosen: Option<&Chosen>,
) -> Result<Sliced> {
    let mut sliced = Sliced {
        profile: Profile { selection: selection_of(selector), metric: options.metric, ..Profile::default() },
        requests: Requests { include_partial: options.include_partial, ..Requests::default() },
        ..Sliced::default()
    };
    for input in inputs {
        for_each_recording(input, &mut |version, recording| {
            let keep = chosen.and_then(|c| c.windows.get(sliced.windows.len())).map(Vec::as_slice);
            slice_one(input, version, recording, selector, options, ticker, keep, &mut sliced)
        })
        .map_err(|e| e.in_input(&input.name))?;
    }
    Ok(sliced)
}

/// How long requests took is known when all are measured; so those that count are measured once more.
fn choose(inputs: &[Input<'_>], selector: &Selector, options: Options, only: Only) -> Result<Chosen> {
    let options = Options { metric: Metric::Latency, ..options };
    let ticker = Ticker::new(inputs, 2, &|_| {});
    let sliced = slice_all(inputs, selector, options, &ticker, None)?;
    let durations: Vec<u64> = sliced.requests.list.iter().map(|r| r.dur_ns).collect();
    let mut chosen = only.choose(&durations).into_iter();
    let windows = sliced
        .windows
        .into_iter()
        .map(|of_one| of_one.into_iter().filter(|_| chosen.next().unwrap_or(false)).collect());
    Ok(Chosen { windows: windows.collect(), of: durations.len() as u64 })
}

/// Lists what could be selected.
pub fn candidates(inputs: &[Input<'_>], options: Options, progress: ProgressHook<'_>) -> Result<Candidates> {
    in_pool(options, |options| {
        let ticker = Ticker::new(inputs, 2, progress);
        let mut all = Candidates::default();
        for input in inputs {
            for_each_recording(input, &mut |version, recording| {
                let (mut survey, predictions) = recording.survey(None, options, &ticker)?;
                let (rows, older) = survey::candidates(&survey);
                let mut warnings = recording.take_warnings();
                warnings.append(&mut survey.warnings);
                recording.date(&survey, &mut warnings);
                let (end, mut complaints) = recording.check(&survey, predictions, options, &ticker)?;
                warnings.append(&mut complaints);
                warnings.extend(v2::implausible_span(end.since(survey.start)));
                all.traces.push(trace_info(input, version, &survey, recording, end, &warnings));
                all.warnings.extend(warnings.into_iter().map(|w| w.of_trace(all.traces.len() - 1)));
                all.add(rows, older);
                all.add_served(survey::handlers(&survey), survey.served.unknown());
                all.add_annotations(survey.annotations);
                Ok(())
            })
            .map_err(|e| e.in_input(&input.name))?;
        }
        all.sort();
        Ok(all)
    })
}

fn in_pool<T: Send>(options: Options, work: impl FnOnce(Options) -> Result<T> + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(|e| Error::new(ErrorKind::Io(std::io::Error::other(e))))?;
    pool.install(|| work(Options { threads: rayon::current_num_threads(), ..options }))
}

/// Who walks when a piece of this size was taken: while others measure further ones, nobody else; all threads, when
/// little is left to measure. The size decides and not who happens to be free, so that every run does the same.
fn crew_after(size: u64, left: u64) -> Crew<'static> {
    if is_among_last(size, left) { crew() } else { Crew::ALONE }
}

/// Whether so little is left behind a piece of this size that other threads will have nothing else to do.
fn is_among_last(size: u64, left: u64) -> bool {
    2 * left < size
}

/// All threads.
fn crew() -> Crew<'static> {
    Crew { size: rayon::current_num_threads(), each: &|n, work| (0..n).into_par_iter().for_each(work) }
}

/// A trace whose bytes were understood, of either dialect.
enum OpenTrace<'a> {
    V1(Box<v1::V1Trace>),
    V2(Box<v2::V2Trace<'a>>),
}

impl<'a> OpenTrace<'a> {
    fn open(input: &Input<'a>, version: &Version, start: u64) -> Result<Self> {
        Ok(match version.dialect {
            Dialect::V1(row) => Self::V1(Box::new(v1::V1Trace::open(input.source, row, start, input.resolver)?)),
            Dialect::V2(row) => Self::V2(Box::new(v2::V2Trace::open(input.source, row, start)?)),
        })
    }

    /// Pass 1, and what it foresees of the second one.
    fn survey(
        &mut self,
        selector: Option<&Selector>,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Survey, Predictions)> {
        match self {
            Self::V1(recording) => Ok((recording.survey(selector, options.threads, ticker), Predictions::default())),
            Self::V2(recording) => recording.survey(selector, options, ticker),
        }
    }

    fn measure(
        &self,
        survey: &Survey,
        predictions: Predictions,
        task: MeasureSpec<'_>,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Measured, Time, Vec<Warning>)> {
        match self {
            Self::V1(recording) => {
                let (measured, end) = recording.measure(task, options.threads, ticker);
                Ok((measured, end, Vec::new()))
            }
            Self::V2(recording) => recording.measure(survey, predictions, task, options, ticker),
        }
    }

    /// Orders all events for nobody: what is wrong with their order, and when the last was.
    fn check(
        &self,
        survey: &Survey,
        predictions: Predictions,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Time, Vec<Warning>)> {
        match self {
            Self::V1(_) => Ok((survey.end, Vec::new())),
            Self::V2(recording) => recording.check(survey, predictions, options, ticker),
        }
    }

    /// Adds to warnings the time that they concern.
    fn date(&self, survey: &Survey, warnings: &mut [Warning]) {
        if let Self::V2(recording) = self {
            recording.date(survey, warnings);
        }
    }

    fn warn(&mut self, warning: Warning) {
        match self {
            Self::V1(recording) => recording.warn(warning),
            Self::V2(recording) => recording.warnings.push(warning),
        }
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        match self {
            Self::V1(recording) => recording.take_warnings(),
            Self::V2(recording) => std::mem::take(&mut recording.warnings),
        }
    }

    fn wall(&self) -> Option<(Time, i64)> {
        match self {
            Self::V1(_) => None,
            Self::V2(recording) => recording.wall,
        }
    }

    fn n_generations(&self) -> u64 {
        match self {
            Self::V1(_) => 1,
            Self::V2(recording) => recording.index.generations.len() as u64,
        }
    }

    fn next_trace(&self) -> Option<u64> {
        match self {
            Self::V1(recording) => recording.next_trace,
            Self::V2(recording) => recording.index.next_trace,
        }
    }
}

/// Most traces in one file. Each old one takes a look at all that is behind it.
const MAX_RECORDINGS: usize = 256;

/// A file holds one trace, or several behind each other: each is a recording of its own.
fn for_each_recording(
    input: &Input<'_>,
    work: &mut dyn FnMut(&'static Version, &mut OpenTrace<'_>) -> Result<()>,
) -> Result<()> {
    let mut start = 0;
    for i in 1..=MAX_RECORDINGS {
        let version = read_version(input.source, start)?;
        let mut recording = OpenTrace::open(input, version, start)?;
        let next = recording.next_trace();
        if let Some(next) = next.filter(|_| i == MAX_RECORDINGS) {
            let message = format!("more than {MAX_RECORDINGS} traces stand behind each other; the rest is not read");
            recording.warn(Warning::lost("too-many-traces", message, next, input.source.size().saturating_sub(next)));
        }
        work(version, &mut recording)?;
        match next {
            Some(next) => start = next,
            None => return Ok(()),
        }
    }
    Ok(())
}

fn supported() -> String {
    VERSIONS.iter().map(|v| v.name).collect::<Vec<_>>().join(", ")
}

fn read_version(source: &dyn Source, start: u64) -> Result<&'static Version> {
    let mut first = [0; HEADER_SIZE];
    let read = read_full(source, &mut first, start)?;
    let kind = match read_header(&first[..read]) {
        Header::Known(version) => return Ok(version),
        Header::Unknown(version) => ErrorKind::UnsupportedVersion { version, supported: supported() },
        Header::NotATrace if read == 0 => ErrorKind::NotATrace("an empty file".into()),
        Header::NotATrace => ErrorKind::NotATrace("something else".into()),
    };
    Err(Error::new(kind).with_offset(start))
}

#[allow(clippy::too_many_arguments, reason = "the straight line, once for each recording")]
fn slice_one(
    input: &Input<'_>,
    version: &'static Version,
    recording: &mut OpenTrace<'_>,
    selector: &Selector,
    options: Options,
    ticker: &Ticker<'_>,
    keep: Option<&[WindowIdx]>,
    out: &mut Sliced,
) -> Result<()> {
    let profile = &mut out.profile;
    out.windows.push(Vec::new());
    let (mut survey, predictions) = recording.survey(Some(selector), options, ticker)?;
    profile.selection.unknown_handler += survey.served.unknown();
    let mut slice = slice::select(&survey.forest, &survey.symbols, selector);
    if let Some(keep) = keep {
        slice.keep(keep);
    }
    let mut warnings = recording.take_warnings();
    warnings.append(&mut survey.warnings);
    recording.date(&survey, &mut warnings);
    let mut end = survey.end;
    if !slice.windows.is_empty() {
        let trace = Window { start: survey.start, end: Time::MAX };
        let looked_at = selector.time.map_or(trace, |range| {
            let window = range.resolve(Window { start: survey.start, end: survey.end });
            Window { end: if window.end == survey.end { Time::MAX } else { window.end }, ..window }
        });
        let task = MeasureSpec {
            slice: &slice,
            forest: &survey.forest,
            symbols: &survey.symbols,
            whole_life: selector.whole_life,
            looked_at,
            trace_start: survey.start,
            latency: options.metric == Metric::Latency,
            include_partial: options.include_partial,
            max_pieces: MAX_PIECES,
        };
        let (measured, last, mut complaints) = recording.measure(&survey, predictions, task, options, ticker)?;
        warnings.append(&mut complaints);
        end = last;
        add_selection(&mut profile.selection, &slice.counts, &measured);
        profile.selection.cut_stacks += survey.cut.iter().filter(|g| slice.has(**g)).count() as u64;
        profile.selection.no_creator += slice::without_creator(&survey.forest, &survey.symbols);
        let trace = MeasuredTrace {
            number: profile.traces.len() as u32,
            start: survey.start,
            forest: &survey.forest,
            slice: &slice,
            symbols: &survey.symbols,
            joined: options.stacks == Stacks::Joined,
        };
        if let (Some(paths), Some(windows)) = (&measured.paths, out.windows.last_mut()) {
            windows.extend(paths.requests.iter().map(|r| r.window));
        }
        out.folder.add_trace(measured, trace, &mut out.requests);
    }
    if slice.counts.recording > 0 {
        let message = match slice.counts.recording {
            1 => "1 goroutine belongs to the recording of the trace itself and was left out".to_owned(),
            n => format!("{n} goroutines belong to the recording of the trace itself and were left out"),
        };
        warnings.push(Warning::note("recording", message));
    }
    warnings.extend(v2::implausible_span(end.since(survey.start)));
    profile.traces.push(trace_info(input, version, &survey, recording, end, &warnings));
    let trace = profile.traces.len() - 1;
    profile.warnings.extend(warnings.into_iter().map(|w| w.of_trace(trace)));
    in_order::free((survey, slice));
    Ok(())
}

/// What is put together of tasks and regions; none when nothing asks for them.
fn annotations<'a>(selector: Option<&Selector>, matches: Option<Matches<'a>>) -> Option<AnnotationSink<'a>> {
    let Some(selector) = selector else { return Some(AnnotationSink::List(AnnotationList::default())) };
    let root_by = selector.root_by;
    let matches = matches.filter(|_| root_by.annotations())?;
    Some(AnnotationSink::Roots(Annotations::new(root_by.task, root_by.region, matches)))
}

/// What scans write down of tasks and regions; none when nothing asks for them.
fn notes_wanted<'a>(selector: Option<&Selector>, matches: &'a (dyn Fn(u64) -> bool + Sync)) -> Option<NotesWanted<'a>> {
    let Some(selector) = selector else {
        return Some(NotesWanted { tasks: true, work: false, regions: true, matches: None, children: false });
    };
    let root_by = selector.root_by;
    let (tasks, regions) = (root_by.task, root_by.region);
    let wanted = NotesWanted { tasks, work: tasks, regions, matches: Some(matches), children: true };
    root_by.annotations().then_some(wanted)
}

fn selection_of(selector: &Selector) -> profile::Selection {
    profile::Selection {
        patterns: selector.roots.texts().to_vec(),
        whole_life: selector.whole_life,
        ..profile::Selection::default()
    }
}

fn add_selection(selection: &mut profile::Selection, counts: &slice::Counts, measured: &Measured) {
    selection.roots += measured.roots;
    selection.roots_cut += measured.roots_cut;
    selection.roots_by_creation += measured.roots_by_creation;
    selection.roots_by_entry += measured.roots_by_entry;
    selection.roots_by_stack += measured.roots_by_stack;
    selection.roots_by_task += measured.roots_by_task;
    selection.roots_by_region += measured.roots_by_region;
    selection.goroutines += counts.goroutines;
    selection.max_depth = selection.max_depth.max(counts.max_depth);
    selection.excluded += counts.excluded;
    selection.recording += counts.recording;
    selection.runtime += counts.runtime;
    selection.plumbing += counts.plumbing;
    selection.outlived += measured.outlived;
}

fn trace_info(
    input: &Input<'_>,
    version: &'static Version,
    survey: &Survey,
    recording: &OpenTrace<'_>,
    end: Time,
    warnings: &[Warning],
) -> TraceInfo {
    TraceInfo {
        name: input.name.clone(),
        version: version.name.into(),
        bytes: input.source.size(),
        duration_ns: end.since(survey.start),
        window_ns: None,
        wall_start_ns: recording.wall().map(|(at, ns)| ns.saturating_sub(at.0.saturating_sub(survey.start.0))),
        events: survey.events,
        goroutines: survey.forest.goroutines.len() as u64,
        generations: recording.n_generations(),
        gomaxprocs: survey.gomaxprocs,
        complete: !warnings.iter().any(|w| w.data_lost),
    }
}

/// Counts the bytes that were done.
struct Ticker<'a> {
    done: AtomicU64,
    total: u64,
    hook: ProgressHook<'a>,
}

impl<'a> Ticker<'a> {
    fn new(inputs: &[Input<'_>], passes: u64, hook: ProgressHook<'a>) -> Self {
        let total = inputs.iter().map(|i| i.source.size()).sum::<u64>() * passes;
        Self { done: AtomicU64::new(0), total, hook }
    }

    fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        (self.hook)(Progress { done: done.min(self.total), total: self.total });
    }
}
