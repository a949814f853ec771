//! From what was measured of a trace to the requests of a profile: named, on the profile's tree.

use super::samples::{Elsewhere, Folder, Naming, detail_of};
use crate::measure::Measured;
use crate::measure::intervals::aggregate::Key;
use crate::measure::intervals::states::StateKey;
use crate::measure::paths::measured::{CutMeasured, PathsMeasured, RequestMeasured};
use crate::measure::paths::request_waits::RequestWait;
use crate::measure::paths::wakeups::{WaitKey, WaitSum};
use crate::measure::paths::walk_results::MAX_STATES;
use crate::profile::{self, CutRequest, HeapGoals, NodeIdx, Requests, RuntimeSpan, RuntimeSpans, WakerKind, Wakeup};
use crate::slice::Slice;
use crate::slice::spawn_chains::SpawnChainIdx;
use crate::survey::Forest;
use crate::trace::ids::GIdx;
use crate::trace::symbols::Symbols;
use crate::trace::time::{Time, Window};
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelExtend, ParallelIterator};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// A trace that was measured.
#[derive(Clone, Copy)]
pub(crate) struct MeasuredTrace<'a> {
    /// Its position among the traces of the profile.
    pub(crate) number: u32,
    /// Its first moment.
    pub(crate) start: Time,
    /// Its goroutines.
    pub(crate) forest: &'a Forest,
    /// What was selected.
    pub(crate) slice: &'a Slice,
    /// Names of everything.
    pub(crate) symbols: &'a Symbols,
    /// GOMAXPROCS, the most that it was; none where that is not known.
    pub(crate) gomaxprocs: Option<u64>,
    /// Whether a child's stacks go under the stack that created it.
    pub(crate) joined: bool,
}

impl Folder {
    /// Adds what one trace measured to the samples, and to the requests where paths were walked.
    pub(crate) fn add_trace(&mut self, measured: Measured, trace: MeasuredTrace<'_>, requests: &mut Requests) {
        let MeasuredTrace { slice, symbols, joined, .. } = trace;
        let naming = Naming { chains: &slice.chains, symbols, joined };
        let Some(mut paths) = measured.paths else {
            self.add_sums(measured.aggregate, None, naming);
            return;
        };
        let keys = measured.aggregate.keys();
        let of_each_request = paths.stacks.is_some();
        let elsewhere = Elsewhere { times: &paths.elsewhere, chains: &mut paths.chains, of_each_request };
        let placed = self.add_sums(measured.aggregate, Some(elsewhere), naming);
        let mut naming = Names { folder: self, trace, keys: &keys, nodes: &placed.nodes };
        naming.add_stacks(&paths, &placed, requests);
        naming.add_paths(paths, requests);
        requests.cpu.add(&measured.cpu, trace.gomaxprocs);
        requests.overlap.mark_assist_ns = self.assist_ns;
        requests.overlap.sweep_ns = self.sweep_ns;
    }
}

/// One trace's sums and goroutines, by name.
pub(super) struct Names<'a, 'f> {
    folder: &'f mut Folder,
    pub(super) trace: MeasuredTrace<'a>,
    pub(super) keys: &'a [Key],
    pub(super) nodes: &'a [NodeIdx],
}

impl Names<'_, '_> {
    fn add_paths(&mut self, paths: PathsMeasured, requests: &mut Requests) {
        requests.partial += paths.cut.len() as u64;
        requests.cut.extend(paths.cut.iter().map(|cut| self.cut_request(cut)));
        requests.capped += paths.capped;
        let goroutine_ns = requests.goroutine_ns.get_or_insert(0);
        *goroutine_ns = goroutine_ns.saturating_add(paths.goroutine_ns);
        add_overlap(&mut requests.overlap, &paths.overlap);
        let states = self.state_numbers(&paths.states, requests);
        let mut positions = FxHashMap::default();
        positions.extend(paths.exemplars.iter().chain(&paths.slowest).map(|exemplar| (exemplar.window, None)));
        for (measured, position) in paths.requests.iter().zip(requests.list.len()..) {
            positions.entry(measured.window).and_modify(|known| *known = Some(position));
        }
        self.add_requests(&paths.requests, &states, requests);
        let mut rows = FxHashMap::default();
        for (key, sum) in self.sorted_waits(paths.wakeups) {
            let wakeup = self.wakeup(key, sum);
            rows.insert(key, self.add_wakeup(&mut requests.wakeups, wakeup));
        }
        let waits = paths.stacks.as_ref().and_then(|stacks| stacks.waits.as_ref());
        requests.waits = requests.waits.take().zip(waits).map(|(mut all, waits)| {
            add_waits(&mut all, waits, &rows, &paths.requests);
            all
        });
        for exemplar in &paths.exemplars {
            if let Some(&Some(position)) = positions.get(&exemplar.window) {
                let exemplar = self.exemplar(exemplar, position, requests);
                requests.exemplars.push(exemplar);
            }
        }
        requests.choose_exemplars();
        self.add_runtime_spans(&paths.runtime_spans, &mut requests.runtime_spans);
        if let Some(slowest) = paths.slowest
            && let Some(&Some(position)) = positions.get(&slowest.window)
        {
            let longer = requests
                .slowest
                .as_ref()
                .is_none_or(|before| requests.list[before.request].dur_ns < requests.list[position].dur_ns);
            if longer {
                requests.slowest = Some(self.exemplar(&slowest, position, requests));
            }
        }
    }

    fn add_runtime_spans(&self, [collector, stopped]: &[Vec<Window>; 2], all: &mut RuntimeSpans) {
        let span = |w: &Window| RuntimeSpan {
            trace: self.trace.number,
            start_ns: w.start.since(self.trace.start),
            dur_ns: w.end.since(w.start),
        };
        all.collector.extend(collector.iter().map(span));
        all.stopped.extend(stopped.iter().map(span));
    }

    /// The numbers of states in the profile, by their position in these.
    pub(super) fn state_numbers(&self, states: &[StateKey], requests: &mut Requests) -> Vec<u16> {
        // By name, not by who measured which first.
        let mut by_name: Vec<StateKey> = states.iter().take(MAX_STATES).copied().collect();
        by_name.sort_by_key(|state| state.name(self.trace.symbols));
        for state in by_name {
            self.state_number(state, requests);
        }
        states.iter().take(MAX_STATES).map(|state| self.state_number(*state, requests)).collect()
    }

    pub(super) fn state_number(&self, state: StateKey, requests: &mut Requests) -> u16 {
        let name = state.name(self.trace.symbols);
        let known = requests.state_names.iter().position(|n| n == name);
        known.unwrap_or_else(|| {
            requests.state_names.push(name.to_owned());
            requests.state_names.len() - 1
        }) as u16
    }

    fn cut_request(&mut self, cut: &CutMeasured) -> CutRequest {
        let window = self.trace.slice.windows.of(cut.window);
        CutRequest {
            trace: self.trace.number,
            goid: self.trace.forest.get(window.g).id.0,
            start_ns: cut.start.since(self.trace.start),
            at_least_ns: cut.at_least_ns,
            likely_at_least_ns: cut.likely_at_least_ns,
            root: self.folder.tree.share(self.trace.symbols.text(self.trace.slice.chains.get(window.chain).label)),
            matched: self.folder.tree.share(self.trace.symbols.text(window.matched)),
            by: window.by.name(),
            cut_start: cut.cut_start,
            cut_end: cut.cut_end,
            may_be_several: window.seen.is_some_and(|seen| seen.may_be_several),
            is_chosen: true,
        }
    }

    /// Adds the requests of the trace; `states` are the numbers of states in the profile.
    fn add_requests(&mut self, measured: &[RequestMeasured], states: &[u16], requests: &mut Requests) {
        // There can be millions, each with a window elsewhere in memory.
        let (trace, windows) = (self.trace, &self.trace.slice.windows);
        let chains: Vec<SpawnChainIdx> = measured.par_iter().map(|measured| windows.chain(measured.window)).collect();
        // In the order of their first requests.
        let mut roots: FxHashMap<SpawnChainIdx, u32> = FxHashMap::default();
        for &chain in &chains {
            roots.entry(chain).or_insert_with(|| self.root(chain, &mut requests.roots));
        }
        let of_chain = measured.par_iter().zip(&chains);
        requests.list.par_extend(of_chain.map(|(measured, chain)| request(measured, roots[chain], trace, states)));
    }

    /// The number of a root in the profile, by its chain.
    fn root(&mut self, chain: SpawnChainIdx, names: &mut Vec<String>) -> u32 {
        let label = self.trace.symbols.text(self.trace.slice.chains.get(chain).label);
        *self.folder.rows.roots.entry(label.to_owned()).or_insert_with(|| {
            names.push(label.to_owned());
            names.len() as u32 - 1
        })
    }

    /// In an order that does not depend on who measured what first.
    fn sorted_waits(&self, mut waits: Vec<(WaitKey, WaitSum)>) -> Vec<(WaitKey, WaitSum)> {
        waits.sort_unstable_by_key(|(key, _)| (self.keys[key.sum.at()], key.waker, key.waker_stack));
        waits
    }

    fn wakeup(&mut self, WaitKey { sum: waits, waker, waker_stack }: WaitKey, sum: WaitSum) -> Wakeup {
        let symbols = self.trace.symbols;
        let wait = self.keys[waits.at()];
        let state = wait.state.name(symbols).to_owned();
        let waker = match waker {
            WakerKind::Unknown if state == "network" => WakerKind::Network,
            WakerKind::Unknown if state == "sleep" => WakerKind::Timer,
            known => known,
        };
        Wakeup {
            waiting: self.nodes[waits.at()],
            detail: detail_of(&wait, symbols),
            state,
            waker,
            waker_stack: self.folder.own_stack(waker_stack, symbols),
            waker_goid: sum.by.is_some().then(|| self.trace.forest.get(sum.by).id.0),
            waker_entry: self.entry(sum.by),
            count: sum.count,
            wait_ns: sum.ns,
            max_ns: sum.max_ns,
        }
    }

    /// Gives its row.
    fn add_wakeup(&mut self, all: &mut Vec<Wakeup>, wakeup: Wakeup) -> usize {
        let words = [wakeup.detail, &wakeup.state].map(|word| self.folder.number(word));
        let place = ([wakeup.waiting, wakeup.waker_stack], wakeup.waker, words);
        let row = *self.folder.rows.wakeups.entry(place).or_insert(all.len());
        let Some(before) = all.get_mut(row) else {
            all.push(wakeup);
            return row;
        };
        before.count += wakeup.count;
        before.wait_ns = before.wait_ns.saturating_add(wakeup.wait_ns);
        before.max_ns = before.max_ns.max(wakeup.max_ns);
        if before.waker_goid != wakeup.waker_goid {
            before.waker_goid = None;
        }
        if before.waker_entry != wakeup.waker_entry {
            before.waker_entry.clear();
        }
        row
    }

    /// The function that a goroutine was started with; empty where that is not known.
    pub(super) fn entry(&self, g: GIdx) -> String {
        let symbols = self.trace.symbols;
        let entry = if g.is_some() { symbols.leaf(self.trace.forest.get(g).entry) } else { None };
        entry.map_or_else(String::new, |frame| symbols.function(frame).to_owned())
    }
}

/// A request of a root, in the profile's terms.
fn request(measured: &RequestMeasured, root: u32, trace: MeasuredTrace<'_>, states: &[u16]) -> profile::Request {
    let windows = &trace.slice.windows;
    let by_state = measured.states.iter().map(|(slot, ns)| (states[usize::from(slot)], ns));
    let mut by_state: SmallVec<[(u16, u64); 8]> = by_state.collect();
    by_state.sort_unstable();
    profile::Request {
        trace: trace.number,
        goid: trace.forest.get(windows.goroutine(measured.window)).id.0,
        start_ns: measured.span.start.since(trace.start),
        dur_ns: measured.span.end.since(measured.span.start),
        root,
        states: by_state.into_iter().collect(),
        partial: measured.partial,
        at_least_ns: measured.at_least_ns.into(),
        may_be_several: windows.seen(measured.window).is_some_and(|seen| seen.may_be_several),
    }
}

/// Adds the waits of requests; `rows` has the row of each key.
fn add_waits(
    all: &mut profile::RequestWaits,
    waits: &[RequestWait],
    rows: &FxHashMap<WaitKey, usize>,
    requests: &[RequestMeasured],
) {
    for request in requests {
        let from = waits.partition_point(|(window, _, _)| *window < request.window);
        let of_request = waits[from..].iter().take_while(|(window, _, _)| *window == request.window);
        let mut by_row: BTreeMap<usize, profile::RequestWait> = BTreeMap::new();
        for (_, key, sum) in of_request {
            let Some(&row) = rows.get(key) else { continue };
            let none = profile::RequestWait { wakeup: row as u32, count: 0, ns: 0, max_ns: 0 };
            let wait = by_row.entry(row).or_insert(none);
            wait.count += sum.count;
            wait.ns = wait.ns.saturating_add(sum.ns);
            wait.max_ns = wait.max_ns.max(sum.max_ns);
        }
        all.push(by_row.into_values());
    }
}

fn add_overlap(sum: &mut profile::Overlap, one: &profile::Overlap) {
    sum.gc_ns = sum.gc_ns.saturating_add(one.gc_ns);
    sum.stw_ns = sum.stw_ns.saturating_add(one.stw_ns);
    sum.stw_count += one.stw_count;
    sum.stw_runnable_ns = sum.stw_runnable_ns.saturating_add(one.stw_runnable_ns);
    sum.gc_window_ns = sum.gc_window_ns.saturating_add(one.gc_window_ns);
    sum.stw_window_ns = sum.stw_window_ns.saturating_add(one.stw_window_ns);
    sum.gc_count += one.gc_count;
    sum.heap_goals = sum.heap_goals.into_iter().chain(one.heap_goals).reduce(HeapGoals::with);
}
