//! The requests of tables → a profile, or the list of their roots.

use super::collected::{Collected, TableRequest};
use super::duplicates::duplicates;
use super::texts::push_stack;
use crate::pipeline::{Options, selection_of};
use crate::profile::{
    self, Candidates, CutRequest, DurationList, Handler, InferredDuration, MatchedFunction, Profile, Request,
    RequestStacks, Requests, Sample, Undecided, UndecidedRequest, Weight, in_several_snapshots,
};
use crate::slice::Selector;
use crate::trace::error::Warning;
use rustc_hash::FxHashMap;

/// A profile of the requests that count.
pub(super) fn profile(
    mut collected: Collected,
    warnings: Vec<Warning>,
    selector: Option<&Selector>,
    options: Options,
) -> Profile {
    let dropped = duplicates(&collected);
    let n_dropped = dropped.iter().filter(|dropped| **dropped).count();
    collected.join_traces();
    let ends = ends(&collected);
    let mut maker = Maker::new(&collected, options);
    for (request, _) in collected.requests.iter().zip(&dropped).filter(|(_, dropped)| !**dropped) {
        maker.add(request, ends[request.trace as usize]);
    }
    let mut profile = maker.finish(selector);
    profile.waits.shown = collected.shown();
    profile.traces = collected.traces;
    profile.warnings = warnings;
    profile.warnings.extend(in_several_snapshots(n_dropped));
    let missing = "read from tables of requests: who ended waits, what goroutines did beside critical paths, and how each \
                   request went on are not in them";
    profile.warnings.push(Warning::note("table", missing));
    profile.finish();
    profile
}

/// The roots of all requests, with how long these took.
pub(super) fn candidates(mut collected: Collected, mut warnings: Vec<Warning>) -> Candidates {
    let dropped = duplicates(&collected);
    warnings.extend(in_several_snapshots(dropped.iter().filter(|dropped| **dropped).count()));
    collected.join_traces();
    let ends = ends(&collected);
    let mut rows: FxHashMap<u32, DurationList> = FxHashMap::default();
    let mut undecided = Undecided::default();
    for (request, _) in collected.requests.iter().zip(&dropped).filter(|(_, dropped)| !**dropped) {
        let took = if request.undecided { &mut undecided.took } else { rows.entry(request.root).or_default() };
        let dur_ns = request.dur_ns.unwrap_or(0);
        if request.partial {
            took.add_cut(dur_ns, edges(request, ends[request.trace as usize]).1);
        } else {
            took.add(Some(dur_ns));
            let inferred = InferredDuration { at_most_ns: dur_ns, at_least_ns: 0 };
            took.inferred.extend(request.inferred.then_some(inferred));
        }
    }
    let handler =
        |(root, took)| Handler { function: collected.texts.text(root).as_str().to_owned(), took, ..Handler::default() };
    let handlers: Vec<Handler> = rows.into_iter().map(handler).collect();
    let functions = handlers.iter().map(|handler| handler.function.clone()).collect();
    let traces = collected.traces;
    let mut candidates = Candidates { traces, handlers, undecided, functions, warnings, ..Candidates::default() };
    candidates.sort();
    candidates
}

/// Of each trace, its last moment that is known, in ns from its start.
fn ends(collected: &Collected) -> Vec<u64> {
    let mut ends: Vec<u64> = collected.traces.iter().map(|trace| trace.duration_ns).collect();
    for request in &collected.requests {
        let end = &mut ends[request.trace as usize];
        *end = (*end).max(request.start_ns.saturating_add(request.dur_ns.unwrap_or(0)));
    }
    ends
}

/// Whether a cut request began before the trace, and whether it is not over at the end of that. A table does not say which: one
/// that is seen until the trace's end is cut there.
fn edges(request: &TableRequest, end_ns: u64) -> (bool, bool) {
    let at_end = request.start_ns.saturating_add(request.dur_ns.unwrap_or(0)) >= end_ns;
    (!at_end || request.start_ns == 0, at_end)
}

/// Makes a profile of requests, one after the other.
struct Maker<'c> {
    collected: &'c Collected,
    options: Options,
    whole: Vec<&'c TableRequest>,
    cut: Vec<CutRequest>,
    undecided: Undecided,
}

impl<'c> Maker<'c> {
    fn new(collected: &'c Collected, options: Options) -> Self {
        Self { collected, options, whole: Vec::new(), cut: Vec::new(), undecided: Undecided::default() }
    }

    fn add(&mut self, request: &'c TableRequest, end_ns: u64) {
        let dur_ns = request.dur_ns.unwrap_or(0);
        if request.undecided {
            self.undecided.took.add(Some(dur_ns));
            if self.options.request_stacks {
                let &TableRequest { trace, goid, start_ns, .. } = request;
                self.undecided.list.push(UndecidedRequest {
                    trace,
                    goid,
                    start_ns,
                    dur_ns,
                    ..UndecidedRequest::default()
                });
            }
            return;
        }
        if request.partial {
            self.cut.push(self.cut_request(request, end_ns));
        }
        if !request.partial || self.options.include_partial {
            self.whole.push(request);
        }
    }

    fn cut_request(&self, request: &TableRequest, end_ns: u64) -> CutRequest {
        let (cut_start, cut_end) = edges(request, end_ns);
        CutRequest {
            trace: request.trace,
            goid: request.goid,
            start_ns: request.start_ns,
            at_least_ns: request.dur_ns.unwrap_or(0),
            likely_at_least_ns: None,
            root: self.collected.texts.text(request.root).clone(),
            matched: self.collected.texts.text(request.root).clone(),
            by: "root",
            cut_start,
            cut_end,
            may_be_several: request.inferred,
            is_chosen: true,
        }
    }

    fn finish(mut self, selector: Option<&Selector>) -> Profile {
        let durations: Vec<u64> = self.whole.iter().map(|request| request.dur_ns.unwrap_or(0)).collect();
        let (n_roots, n_cut) = (durations.len() + self.cut.len(), self.cut.len());
        let n_roots = if self.options.include_partial { durations.len() } else { n_roots };
        if let Some(only) = self.options.only {
            profile::choose_cut(&mut self.cut, only, &durations);
            let mut chosen = only.choose(&durations).into_iter();
            self.whole.retain(|_| chosen.next().unwrap_or(false));
        }
        let mut made = Profile { selection: selector.map(selection_of).unwrap_or_default(), ..Profile::default() };
        let mut requests = Requests {
            include_partial: self.options.include_partial,
            before_only: durations.len() as u64,
            partial: n_cut as u64,
            cut: std::mem::take(&mut self.cut),
            ..Requests::default()
        };
        self.add_requests(&mut made, &mut requests);
        let chosen = self.options.only.map(|_| (self.whole.len(), self.whole.iter().filter(|r| r.partial).count()));
        let (n_roots, n_cut) = chosen.unwrap_or((n_roots, n_cut));
        made.selection.roots = n_roots as u64;
        made.selection.roots_cut = n_cut as u64;
        made.selection.undecided = self.undecided;
        made.requests = Some(requests);
        made
    }

    /// Adds the requests that count, and the samples that their time is in.
    fn add_requests(&self, made: &mut Profile, requests: &mut Requests) {
        let collected = self.collected;
        let mut stacks = RequestStacks::default();
        let mut samples: FxHashMap<u32, u32> = FxHashMap::default();
        let mut matched: FxHashMap<u32, u64> = FxHashMap::default();
        let mut names = Names::default();
        for request in &self.whole {
            let mut states: FxHashMap<u16, u64> = FxHashMap::default();
            let mut pieces = Vec::with_capacity(request.pieces.len());
            for &(sample, ns) in &request.pieces {
                let at = *samples.entry(sample).or_insert_with(|| {
                    made.samples.push(sample_of(collected, sample, &mut made.tree));
                    made.samples.len() as u32 - 1
                });
                made.samples[at as usize].weight += Weight { latency_ns: ns, ..Weight::default() };
                pieces.push((at, ns));
                let state = collected.samples[sample as usize].state;
                add(&mut states, names.state(state, collected, requests), ns);
            }
            let mut more = Vec::new();
            for &(state, ns) in &request.more {
                let state = names.state(state, collected, requests);
                add(&mut states, state, ns);
                more.push((state, ns));
            }
            *matched.entry(request.root).or_default() += 1;
            stacks.push(request.totals, pieces, more);
            let root = names.root(request.root, collected, requests);
            add_totals(requests, request);
            requests.list.push(request_of(request, root, states));
        }
        // The order of pieces in a file means nothing, and one sample may come several times.
        stacks.renumber(|sample| sample);
        requests.stacks = self.options.request_stacks.then_some(stacks);
        let function = |root: u32| collected.texts.text(root).as_str().to_owned();
        let row = |(root, requests)| MatchedFunction {
            function: function(root),
            by: "root",
            requests,
            ..MatchedFunction::default()
        };
        made.selection.matched = matched.into_iter().map(row).collect();
    }
}

fn add(states: &mut FxHashMap<u16, u64>, state: u16, ns: u64) {
    let sum = states.entry(state).or_default();
    *sum = sum.saturating_add(ns);
}

fn add_totals(requests: &mut Requests, request: &TableRequest) {
    let sum = requests.goroutine_ns.get_or_insert(0);
    *sum = sum.saturating_add(request.totals.goroutine_ns);
    let overlap = &mut requests.overlap;
    overlap.gc_ns = overlap.gc_ns.saturating_add(request.totals.gc_ns);
    overlap.stw_ns = overlap.stw_ns.saturating_add(request.totals.stw_ns);
}

fn request_of(request: &TableRequest, root: u32, states: FxHashMap<u16, u64>) -> Request {
    let mut by_state: Vec<(u16, u64)> = states.into_iter().filter(|(_, ns)| *ns > 0).collect();
    by_state.sort_unstable();
    Request {
        trace: request.trace,
        goid: request.goid,
        start_ns: request.start_ns,
        dur_ns: request.dur_ns.unwrap_or(0),
        root,
        states: by_state.into_iter().collect(),
        partial: request.partial,
        // A table does not say more of inferred edges than that they are.
        at_least_ns: request.inferred.then_some(0).into(),
        may_be_several: request.inferred,
    }
}

fn sample_of(collected: &Collected, sample: u32, tree: &mut profile::StackTree) -> Sample {
    let key = collected.samples[sample as usize];
    let text = |number: u32| collected.texts.text(number);
    Sample {
        stack: push_stack(tree, text(key.stack), text(key.lines)),
        state: text(key.state).clone(),
        detail: key.detail,
        precision: key.precision,
        root: text(key.root).clone(),
        waited_in: text(key.waited_in).clone(),
        weight: Weight::default(),
    }
}

/// The numbers of names in a profile, by those of the tables' texts.
#[derive(Default)]
struct Names {
    states: FxHashMap<u32, u16>,
    roots: FxHashMap<u32, u32>,
}

impl Names {
    fn state(&mut self, text: u32, collected: &Collected, requests: &mut Requests) -> u16 {
        *self.states.entry(text).or_insert_with(|| {
            // Go has some tens of them; what a damaged table has beyond all numbers is one.
            if requests.state_names.len() < usize::from(u16::MAX) {
                requests.state_names.push(collected.texts.text(text).as_str().to_owned());
            }
            (requests.state_names.len() - 1) as u16
        })
    }

    fn root(&mut self, text: u32, collected: &Collected, requests: &mut Requests) -> u32 {
        *self.roots.entry(text).or_insert_with(|| {
            requests.roots.push(collected.texts.text(text).as_str().to_owned());
            requests.roots.len() as u32 - 1
        })
    }
}
