//! Slices traces: for each, pass 1, the selection and pass 2; and the profile of all together.

use super::chosen::{Chosen, ToChoose};
use super::each_trace::{Done, Place, each_trace};
use super::elsewhere::shared_generations;
use super::endpoint_selectors::{EndpointSelectors, endpoint_selectors};
use super::listing::{Listing, list_in_pool};
use super::looked_at::looked_at;
use super::matched::{MatchedCounts, select_alone, stretches_alone};
use super::open_trace::{OpenTrace, of_last_trace};
use super::progress::{ProgressHook, Ticker};
use super::selection::{add_selection, selection_of};
use super::snapshots::{GenerationKey, Seen};
use super::threads::in_pool;
use super::{Answer, Input, Options, Stacks, in_order};
use crate::measure::{Folder, MAX_PIECES, MIN_GROWTH, MeasureSpec, Measured, MeasuredTrace};
use crate::profile::{
    ChosenFrom, Metric, Only, Profile, RequestStacks, RequestWaits, Requests, SelectAlone, TraceInfo,
    in_several_snapshots,
};
use crate::slice::{self, Selector, SelectorBuilder, Slice};
use crate::survey::{self, Among, Asked, SameServers, Survey};
use crate::trace::error::{Result, Warning};
use rustc_hash::FxHashSet;

/// Slices the traces and adds the slices up.
pub fn profile(
    inputs: &[Input<'_>],
    selector: &Selector,
    options: Options,
    progress: Option<ProgressHook<'_>>,
) -> Result<Answer> {
    in_pool(inputs, options, |options| {
        let asked = Question { selector, options, by_endpoint: None };
        let chosen = asked.choose(inputs)?;
        let passes = if chosen.is_some() { 4 } else { 2 };
        let ticker = Ticker::new(inputs, passes, progress);
        let slicer = Slicer { asked, ticker: &ticker, chosen: chosen.as_ref(), choice: None };
        let sliced = slicer.slice_all(inputs)?;
        // Roots that matched and are of another length are an answer; none that matched is not.
        let matched = sliced.profile.selection.roots > 0
            || chosen.as_ref().is_some_and(|c| !c.before_ns.is_empty() || !c.cut.is_empty());
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
    in_pool(inputs, options, |options| {
        let ticker = Ticker::new(inputs, 3, progress);
        let selectors = endpoint_selectors(inputs, &builder, options, &ticker)?;
        let selector = builder.build()?;
        let asked = Question { selector: &selector, options, by_endpoint: Some(&selectors) };
        let chosen = asked.choose(inputs)?;
        let slicer = Slicer { asked, ticker: &ticker, chosen: chosen.as_ref(), choice: None };
        Ok(slicer.slice_all(inputs)?.finish(options, chosen.as_ref()))
    })
}

/// What is asked of the traces.
#[derive(Clone, Copy)]
struct Question<'a> {
    selector: &'a Selector,
    options: Options,
    /// Where roots are all requests of servers, called by their endpoints: what selects those of each trace.
    by_endpoint: Option<&'a EndpointSelectors>,
}

impl Question<'_> {
    /// Which requests count, where not all do: with `--only`, and where traces are snapshots of one process that overlap.
    /// It is known when the durations of all are: a first run measures all, a second one those alone.
    fn choose(self, inputs: &[Input<'_>]) -> Result<Option<Chosen>> {
        let shared = shared_generations(inputs, self.options)?;
        let only = self.options.only;
        if only.is_none() && shared.is_empty() {
            return Ok(None);
        }
        let options = Options { metric: Metric::Latency, request_stacks: false, exemplars: false, ..self.options };
        let ticker = Ticker::new(inputs, 2, None);
        let choice = Choice { needed: only.is_none().then_some(&shared), wants_seen: !shared.is_empty() };
        let asked = Self { options, ..self };
        let slicer = Slicer { asked, ticker: &ticker, chosen: None, choice: Some(choice) };
        Ok(Some(slicer.slice_all(inputs)?.choose(only)))
    }
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
    /// What is chosen from; none where that is known already.
    to_choose: Option<ToChoose>,
    /// Connections of undecided requests in traces that overlap: the process, and the goroutine.
    connections: FxHashSet<(usize, u64)>,
    /// Whether requests on a server match in some trace, and are the only roots of it.
    has_served: bool,
    /// Whether a trace without such ones has other roots.
    has_unserved: bool,
}

impl Sliced {
    /// Which requests count: those of the wanted length, and each once where traces overlap.
    fn choose(self, only: Option<Only>) -> Chosen {
        self.to_choose.unwrap_or_default().choose((&self.requests, &self.profile.traces), only)
    }

    fn finish(self, options: Options, chosen: Option<&Chosen>) -> Profile {
        let Self { mut profile, folder, mut requests, matched, others, .. } = self;
        profile.selection.matched = matched.list();
        profile.selection.others = others.list();
        (profile.tree, profile.samples, profile.waits) = folder.finish(requests.stacks.as_mut());
        let chosen_by_length = chosen.filter(|chosen| chosen.windows.is_some());
        requests.before_only = chosen_by_length.map_or(requests.list.len(), |c| c.before_ns.len()) as u64;
        requests.chosen_from = chosen_by_length.zip(options.only).map(|(chosen, only)| {
            let durations_ns = chosen.before_ns.clone();
            ChosenFrom { only, durations_ns }
        });
        if let Some(chosen) = chosen {
            profile.warnings.extend(in_several_snapshots(chosen.elsewhere.n));
        }
        if let Some(chosen) = chosen_by_length {
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
        if let (Some(paths), Some(from)) = (&measured.paths, &mut self.to_choose) {
            from.windows.last_mut().into_iter().for_each(|of| of.extend(paths.requests.iter().map(|r| r.window)));
            from.cut_windows.extend(paths.cut.iter().map(|r| r.window));
        }
        self.matched.add_requests(trace.slice, &measured, trace.symbols);
        self.folder.add_trace(measured, trace, &mut self.requests);
    }
}

/// One trace that was sliced.
struct SlicedTrace {
    place: Place,
    keys: Vec<GenerationKey>,
    survey: Survey,
    slice: Slice,
    same_servers: SameServers,
    stretches_alone: SelectAlone,
    /// What pass 2 measured; none where nothing matched.
    measured: Option<Measured>,
    info: TraceInfo,
    warnings: Vec<Warning>,
    /// How many threads worked on it.
    threads: usize,
}

/// How all traces are sliced.
#[derive(Clone, Copy)]
struct Slicer<'a> {
    asked: Question<'a>,
    ticker: &'a Ticker<'a>,
    /// The requests that count; all for none.
    chosen: Option<&'a Chosen>,
    /// What finding out needs which requests count; none where that is known.
    choice: Option<Choice<'a>>,
}

/// What choosing the requests that count needs.
#[derive(Clone, Copy)]
struct Choice<'a> {
    /// Traces that have none of these generations need not be looked at; none where all do.
    needed: Option<&'a FxHashSet<GenerationKey>>,
    /// Whether all requests that servers served are wanted.
    wants_seen: bool,
}

impl Slicer<'_> {
    /// Slices all traces. Where some have requests on a server and others have only other roots, the requests alone are the
    /// roots: which case it is, a first run finds out.
    fn slice_all(&self, inputs: &[Input<'_>]) -> Result<Sliced> {
        let sliced = self.slice_each(inputs)?;
        if !(sliced.has_served && sliced.has_unserved) {
            return Ok(sliced);
        }
        let selector = Selector { served_alone: true, ..self.asked.selector.clone() };
        Slicer { asked: Question { selector: &selector, ..self.asked }, ..*self }.slice_each(inputs)
    }

    fn slice_each(&self, inputs: &[Input<'_>]) -> Result<Sliced> {
        let nothing = Sliced {
            profile: Profile {
                selection: selection_of(self.asked.selector),
                metric: self.asked.options.metric,
                ..Profile::default()
            },
            requests: Requests {
                include_partial: self.asked.options.include_partial,
                stacks: self.asked.options.request_stacks.then(RequestStacks::default),
                waits: (self.asked.options.request_stacks && self.asked.options.exemplars).then(RequestWaits::default),
                ..Requests::default()
            },
            to_choose: self.choice.map(|_| ToChoose::default()),
            ..Sliced::default()
        };
        let slice = |place: Place, trace: &mut OpenTrace<'_>, options: Options| {
            let keys = trace.generation_keys();
            let is_needed = self
                .choice
                .and_then(|choice| choice.needed)
                .is_none_or(|needed| keys.iter().any(|key| needed.contains(key)));
            is_needed.then(|| self.slice(&inputs[place.0], (place, trace), keys, options)).transpose()
        };
        each_trace(inputs, self.asked.options, nothing, slice, |sliced, done| match done {
            Done::Trace(trace) => trace.into_iter().for_each(|trace| self.add(sliced, trace)),
            Done::Input(unusable) => {
                let profile = &mut sliced.profile;
                profile.warnings.extend(of_last_trace(unusable, &mut profile.traces));
            }
        })
    }

    /// Slices one trace.
    fn slice(
        &self,
        input: &Input<'_>,
        (place, trace): (Place, &mut OpenTrace<'_>),
        keys: Vec<GenerationKey>,
        options: Options,
    ) -> Result<SlicedTrace> {
        let own = self.asked.by_endpoint.and_then(|selectors| selectors.get(place));
        let selector = own.unwrap_or(self.asked.selector);
        let (mut survey, predictions) = trace.survey(Some(selector), options, self.ticker)?;
        trace.settle_first_calls(&mut survey)?;
        let same_servers = self.same_servers(&survey, place);
        if self.asked.by_endpoint.is_some() {
            survey.forest.endpoints = survey::endpoints(&survey, looked_at(&survey, self.asked.selector.time));
        }
        let mut slice = slice::select(&survey.forest, &survey.symbols, selector);
        if let Some(chosen) = self.chosen {
            chosen.keep(&mut slice, place);
        }
        let stretches_alone = select_alone(stretches_alone(&survey, &slice));
        // All that is said of them is known now, and to measure takes the most memory.
        drop(std::mem::take(&mut survey.served));
        let mut warnings = trace.take_warnings();
        warnings.extend(std::mem::take(&mut survey.warnings).into_vec());
        trace.date(&survey, &mut warnings);
        let (mut end, mut measured) = (survey.end, None);
        if !slice.windows.is_empty() {
            let spec = MeasureSpec {
                slice: &slice,
                forest: &survey.forest,
                symbols: &survey.symbols,
                whole_life: self.asked.selector.whole_life,
                looked_at: looked_at(&survey, self.asked.selector.time),
                trace_start: survey.start,
                latency: options.metric == Metric::Latency,
                include_partial: options.include_partial,
                request_stacks: options.request_stacks,
                exemplars: options.exemplars,
                part_growth: MIN_GROWTH,
                max_pieces: MAX_PIECES,
            };
            let (found, last, mut damage) = trace.measure(&survey, predictions, spec, options, self.ticker)?;
            warnings.append(&mut damage);
            (end, measured) = (last, Some(found));
        }
        warnings.extend(recording_left_out(slice.counts.recording));
        let info = trace.info(input, &survey, (end, self.asked.selector.time), &mut warnings);
        let threads = options.threads;
        Ok(SlicedTrace { place, keys, survey, slice, same_servers, stretches_alone, measured, info, warnings, threads })
    }

    /// Adds a trace to those before it.
    fn add(&self, sliced: &mut Sliced, trace: SlicedTrace) {
        let SlicedTrace { place, keys, survey, slice, same_servers, measured, .. } = trace;
        self.add_same_servers(sliced, same_servers, place);
        if let Some(from) = &mut sliced.to_choose {
            from.places.push((place, keys));
            from.windows.push(Vec::new());
        }
        let number = sliced.profile.traces.len();
        sliced.profile.traces.push(trace.info);
        sliced.profile.warnings.extend(trace.warnings.into_iter().map(|w| w.of_trace(number)));
        sliced.profile.selection.goroutines_alone = select_alone(slice.others.goroutines);
        sliced.profile.selection.stretches_alone = trace.stretches_alone;
        sliced.others.add(&slice.others.counts, &survey.symbols);
        sliced.has_served |= slice.are_served;
        sliced.has_unserved |= !slice.are_served && !slice.windows.is_empty();
        if let Some(measured) = measured {
            let selection = &mut sliced.profile.selection;
            selection.cut_stacks += survey.truncated.iter().filter(|g| slice.has(**g)).count() as u64;
            selection.regions_inside += survey.forest.annotated.regions_inside;
            selection.no_creator += slice::without_creator(&survey.forest, &survey.symbols);
            sliced.add(
                measured,
                MeasuredTrace {
                    number: number as u32,
                    start: survey.start,
                    forest: &survey.forest,
                    slice: &slice,
                    symbols: &survey.symbols,
                    gomaxprocs: survey.gomaxprocs,
                    joined: self.asked.options.stacks == Stacks::Joined,
                },
            );
        }
        in_order::free((survey, slice), trace.threads);
    }

    /// Adds the requests of a trace that may be roots by stack too, and all requests of the same servers.
    fn add_same_servers(&self, sliced: &mut Sliced, mut same: SameServers, place: Place) {
        let trace = sliced.profile.traces.len();
        if let Some(process) = self.chosen.and_then(|chosen| chosen.elsewhere.process(place)) {
            same.connections.retain(|goid| sliced.connections.insert((process, *goid)));
            same.undecided.connections = same.connections.len() as u64;
        }
        for request in &mut same.undecided.list {
            request.trace = trace as u32;
        }
        let selection = &mut sliced.profile.selection;
        selection.undecided += &same.undecided;
        selection.same_servers.absorb(&same.all);
        if let Some(from) = &mut sliced.to_choose {
            from.served.extend(same.seen.iter().map(|request| Seen::served(request, trace)));
        }
    }

    /// The requests of a trace that may be roots by stack too, and all requests of the same servers.
    fn same_servers(&self, survey: &Survey, place: Place) -> SameServers {
        let among = Among {
            window: looked_at(survey, self.asked.selector.time),
            // Which number the trace has is known when it is added to the others.
            list_of: self.asked.options.undecided.then_some(0),
            wants_seen: self.choice.is_some_and(|choice| choice.wants_seen),
            elsewhere: self.chosen.map(|chosen| chosen.elsewhere.served.of(place)),
        };
        if self.asked.by_endpoint.is_some() {
            return survey::unknown_handler(survey, among);
        }
        let matches = |name: &str| self.asked.selector.roots.matches(name);
        survey::undecided(survey, &Asked { matches: &matches, goids: &self.asked.selector.given.goids, among })
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
