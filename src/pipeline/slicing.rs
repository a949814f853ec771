//! Slices traces: for each, pass 1, the selection and pass 2; and the profile of all together.

use super::listing::{Listing, list_in_pool};
use super::looked_at::looked_at;
use super::matched::{MatchedCounts, select_alone, stretches_alone};
use super::open_trace::{OpenTrace, for_each_trace, of_last_trace};
use super::progress::{ProgressHook, Ticker};
use super::threads::in_pool;
use super::{Answer, Input, Options, Stacks, in_order};
use crate::measure::{Folder, MAX_PIECES, MeasureSpec, Measured, MeasuredTrace};
use crate::profile::{self, CutRequest, Metric, Only, Profile, RequestStacks, Requests};
use crate::slice::{self, RootKind, Selector, SelectorBuilder, WindowIdx};
use crate::survey::roots::servers::TIMEOUT_HANDLER;
use crate::survey::{self, Asked, Survey};
use crate::trace::error::{Result, Warning};
use std::collections::BTreeSet;

/// Slices the traces and adds the slices up.
pub fn profile(
    inputs: &[Input<'_>],
    selector: &Selector,
    options: Options,
    progress: Option<ProgressHook<'_>>,
) -> Result<Answer> {
    in_pool(options, |options| {
        let chosen = match options.only {
            None => None,
            Some(only) => Some(choose(inputs, selector, options, only)?),
        };
        let passes = if chosen.is_some() { 4 } else { 2 };
        let ticker = Ticker::new(inputs, passes, progress);
        let slicer = Slicer { selector, options, ticker: &ticker, chosen: chosen.as_ref(), by_endpoint: false };
        let sliced = slicer.slice_all(inputs)?;
        // Roots that matched and are of another length are an answer; none that matched is not.
        let matched =
            sliced.profile.selection.roots > 0 || chosen.as_ref().is_some_and(|c| c.n_before > 0 || !c.cut.is_empty());
        if !matched {
            return Ok(Answer::NoMatch(Box::new(list_in_pool(
                inputs,
                options,
                Listing { time: selector.time, progress: None, with_functions: true },
            )?)));
        }
        Ok(Answer::Profile(Box::new(sliced.finish(options, chosen.as_ref()))))
    })
}

/// Slices the traces by all requests of their servers, each called by its endpoint as [`candidates`](super::candidates)
/// lists it. What else is asked for is in `builder`, which has no pattern. Traces without such requests give a profile of
/// none.
pub fn endpoints(
    inputs: &[Input<'_>],
    builder: SelectorBuilder,
    options: Options,
    progress: Option<ProgressHook<'_>>,
) -> Result<Profile> {
    in_pool(options, |options| {
        let ticker = Ticker::new(inputs, 3, progress);
        let functions = endpoint_functions(inputs, &builder, options, &ticker)?;
        // On its own stacks, a request with a time limit shows no endpoint, but this.
        let functions = functions.iter().map(String::as_str).chain([TIMEOUT_HANDLER]);
        let patterns = functions.map(|function| format!("^{}$", regex::escape(function)));
        let selector = patterns.fold(builder, SelectorBuilder::root).build()?;
        let slicer = Slicer { selector: &selector, options, ticker: &ticker, chosen: None, by_endpoint: true };
        Ok(slicer.slice_all(inputs)?.finish(options, None))
    })
}

/// The functions of all endpoints of the traces.
fn endpoint_functions(
    inputs: &[Input<'_>],
    builder: &SelectorBuilder,
    options: Options,
    ticker: &Ticker<'_>,
) -> Result<BTreeSet<String>> {
    let time = builder.time.as_ref().map(|(range, _)| *range);
    let mut functions = BTreeSet::new();
    for input in inputs {
        let _ = for_each_trace(input, &mut |trace| {
            let (survey, _) = trace.survey(None, options, ticker)?;
            functions.append(&mut survey::endpoints(&survey, looked_at(&survey, time)).functions);
            // They are found again when the trace is sliced.
            drop(trace.take_warnings());
            Ok(())
        })
        .map_err(|e| e.in_input(&input.name))?;
    }
    Ok(functions)
}

/// The requests that count.
struct Chosen {
    /// Per trace, their windows.
    windows: Vec<Vec<WindowIdx>>,
    /// How many requests there were to choose from.
    n_before: u64,
    /// All requests that are cut.
    cut: Vec<CutRequest>,
}

/// Which requests count is known when the durations of all are: a first run measures all, a second one those alone.
fn choose(inputs: &[Input<'_>], selector: &Selector, options: Options, only: Only) -> Result<Chosen> {
    let options = Options { metric: Metric::Latency, request_stacks: false, ..options };
    let ticker = Ticker::new(inputs, 2, None);
    let sliced = Slicer { selector, options, ticker: &ticker, chosen: None, by_endpoint: false }.slice_all(inputs)?;
    let durations: Vec<u64> = sliced.requests.list.iter().map(|r| r.dur_ns).collect();
    let mut cut = sliced.requests.cut;
    profile::choose_cut(&mut cut, only, &durations);
    let mut chosen = only.choose(&durations).into_iter();
    let windows = sliced
        .windows
        .into_iter()
        .map(|of_one| of_one.into_iter().filter(|_| chosen.next().unwrap_or(false)).collect());
    Ok(Chosen { windows: windows.collect(), n_before: durations.len() as u64, cut })
}

/// The sum of all traces that were sliced so far.
#[derive(Default)]
struct Sliced {
    profile: Profile,
    folder: Folder,
    requests: Requests,
    matched: MatchedCounts,
    /// What matches but is no root, because only requests on a server are.
    others: MatchedCounts,
    /// Per trace, the windows of its requests, in the order of the list.
    windows: Vec<Vec<WindowIdx>>,
}

impl Sliced {
    fn finish(self, options: Options, chosen: Option<&Chosen>) -> Profile {
        let Self { mut profile, folder, mut requests, matched, others, .. } = self;
        profile.selection.matched = matched.list();
        profile.selection.others = others.list();
        (profile.tree, profile.samples) = folder.finish(requests.stacks.as_mut());
        requests.before_only = chosen.map_or(requests.list.len() as u64, |c| c.n_before);
        if let Some(chosen) = chosen {
            requests.cut.clone_from(&chosen.cut);
            requests.partial = chosen.cut.len() as u64;
        }
        profile.requests = (options.metric == Metric::Latency).then_some(requests);
        profile.finish();
        profile
    }

    /// Adds what pass 2 measured of a trace.
    fn add(&mut self, measured: Measured, trace: MeasuredTrace<'_>) {
        add_selection(&mut self.profile.selection, &trace.slice.counts, &measured);
        if let (Some(paths), Some(windows)) = (&measured.paths, self.windows.last_mut()) {
            windows.extend(paths.requests.iter().map(|r| r.window));
        }
        self.matched.add_requests(trace.slice, &measured, trace.symbols);
        self.others.add(&trace.slice.others.counts, trace.symbols);
        self.folder.add_trace(measured, trace, &mut self.requests);
    }
}

/// How all traces are sliced.
struct Slicer<'a> {
    selector: &'a Selector,
    options: Options,
    ticker: &'a Ticker<'a>,
    /// The requests that count; all for none.
    chosen: Option<&'a Chosen>,
    /// Whether roots are all requests of servers, and are called by their endpoints.
    by_endpoint: bool,
}

impl Slicer<'_> {
    fn slice_all(&self, inputs: &[Input<'_>]) -> Result<Sliced> {
        let mut sliced = Sliced {
            profile: Profile {
                selection: selection_of(self.selector),
                metric: self.options.metric,
                ..Profile::default()
            },
            requests: Requests {
                include_partial: self.options.include_partial,
                stacks: self.options.request_stacks.then(RequestStacks::default),
                ..Requests::default()
            },
            ..Sliced::default()
        };
        for input in inputs {
            let unusable = for_each_trace(input, &mut |trace| self.slice(input, trace, &mut sliced))
                .map_err(|e| e.in_input(&input.name))?;
            sliced.profile.warnings.extend(of_last_trace(unusable, &mut sliced.profile.traces));
        }
        Ok(sliced)
    }

    /// Slices one trace, and adds it to `sliced`.
    fn slice(&self, input: &Input<'_>, trace: &mut OpenTrace<'_>, sliced: &mut Sliced) -> Result<()> {
        let (mut survey, predictions) = trace.survey(Some(self.selector), self.options, self.ticker)?;
        trace.settle_first_calls(&mut survey)?;
        self.add_undecided(&survey, &mut sliced.profile);
        if self.by_endpoint {
            survey.forest.endpoints = survey::endpoints(&survey, looked_at(&survey, self.selector.time));
        }
        let mut slice = slice::select(&survey.forest, &survey.symbols, self.selector);
        if let Some(windows) = self.chosen.and_then(|c| c.windows.get(sliced.windows.len())) {
            slice.keep(windows);
        }
        sliced.profile.selection.goroutines_alone = select_alone(slice.others.goroutines);
        sliced.profile.selection.stretches_alone = select_alone(stretches_alone(&survey, &slice));
        sliced.windows.push(Vec::new());
        let mut warnings = trace.take_warnings();
        warnings.extend(std::mem::take(&mut survey.warnings).into_vec());
        trace.date(&survey, &mut warnings);
        let mut end = survey.end;
        if !slice.windows.is_empty() {
            let spec = MeasureSpec {
                slice: &slice,
                forest: &survey.forest,
                symbols: &survey.symbols,
                whole_life: self.selector.whole_life,
                looked_at: looked_at(&survey, self.selector.time),
                trace_start: survey.start,
                latency: self.options.metric == Metric::Latency,
                include_partial: self.options.include_partial,
                request_stacks: self.options.request_stacks,
                max_pieces: MAX_PIECES,
            };
            let (measured, last, mut damage) = trace.measure(&survey, predictions, spec, self.options, self.ticker)?;
            warnings.append(&mut damage);
            end = last;
            let selection = &mut sliced.profile.selection;
            selection.cut_stacks += survey.truncated.iter().filter(|g| slice.has(**g)).count() as u64;
            selection.regions_inside += survey.forest.annotated.regions_inside;
            selection.no_creator += slice::without_creator(&survey.forest, &survey.symbols);
            let number = sliced.profile.traces.len() as u32;
            sliced.add(
                measured,
                MeasuredTrace {
                    number,
                    start: survey.start,
                    forest: &survey.forest,
                    slice: &slice,
                    symbols: &survey.symbols,
                    gomaxprocs: survey.gomaxprocs,
                    joined: self.options.stacks == Stacks::Joined,
                },
            );
        }
        warnings.extend(recording_left_out(slice.counts.recording));
        let info = trace.info(input, &survey, (end, self.selector.time), &mut warnings);
        let profile = &mut sliced.profile;
        profile.traces.push(info);
        let number = profile.traces.len() - 1;
        profile.warnings.extend(warnings.into_iter().map(|w| w.of_trace(number)));
        in_order::free((survey, slice));
        Ok(())
    }

    /// Adds the requests that may be roots by stack too, and all requests of the same servers.
    fn add_undecided(&self, survey: &Survey, profile: &mut Profile) {
        let list_of = self.options.request_stacks.then_some(profile.traces.len() as u32);
        if self.by_endpoint {
            let undecided = survey::unknown_handler(survey, looked_at(survey, self.selector.time), list_of);
            profile.selection.undecided += &undecided;
            return;
        }
        let matches = |name: &str| self.selector.roots.matches(name);
        let asked = Asked {
            matches: &matches,
            goids: &self.selector.given.goids,
            window: looked_at(survey, self.selector.time),
            list_of,
        };
        let same = survey::undecided(survey, &asked);
        profile.selection.undecided += &same.undecided;
        profile.selection.same_servers.absorb(&same.all);
    }
}

fn recording_left_out(goroutines: u64) -> Option<Warning> {
    let message = match goroutines {
        0 => return None,
        1 => "1 goroutine belongs to the recording of the trace itself and was left out".to_owned(),
        n => format!("{n} goroutines belong to the recording of the trace itself and were left out"),
    };
    Some(Warning::note("recording", message))
}

/// What was asked for, as it was given.
fn selection_of(selector: &Selector) -> profile::Selection {
    let given = &selector.given;
    let root_by = match given.root_by.as_slice() {
        [] => &[RootKind::Creation, RootKind::Entry, RootKind::Stack],
        kinds => kinds,
    };
    profile::Selection {
        patterns: given.roots.clone(),
        fixed_strings: given.syntax.fixed_strings,
        ignore_case: given.syntax.ignore_case,
        root_by: root_by.iter().map(|kind| kind.name().to_owned()).collect(),
        exclude: given.exclude.clone(),
        goids: given.goids.clone(),
        whole_life: given.whole_life,
        time: given.time.as_ref().map(|(_, text)| text.clone()),
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
    selection.shared += counts.shared;
    selection.outlived += measured.outlived;
}
