//! One request: its goroutines by name, and its path.

use super::requests::Names;
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::paths::exemplar::{ExemplarMeasured, LaneMeasured};
use crate::profile::{Exemplar, HandOver, Lane, LanePiece, PathPiece, Requests, StackTree, WakerKind};
use crate::slice::WindowIdx;
use crate::survey::Started;
use crate::trace::ids::GIdx;
use crate::trace::time::{Time, Window};
use rustc_hash::FxHashMap;

impl Names<'_, '_> {
    /// The function that a goroutine was started with; where it is older than the trace, the outermost one of a stack that it
    /// had on the path, or else on its lane.
    fn lane_entry(&self, lane: &LaneMeasured, path: &[(Window, GIdx, SumIdx)]) -> String {
        let entry = self.entry(lane.g);
        if !entry.is_empty() {
            return entry;
        }
        let symbols = self.trace.symbols;
        let on_path = path.iter().filter(|(_, of, _)| *of == lane.g).map(|(_, _, sum)| *sum);
        let stacks = on_path.chain(lane.sums.iter().copied()).map(|sum| self.keys[sum.at()].stack);
        let outermost = stacks.filter_map(|stack| symbols.frames(stack).last());
        outermost.map(|frame| symbols.function(frame).to_owned()).find(|f| !f.is_empty()).unwrap_or_default()
    }

    pub(super) fn exemplar(&self, measured: &ExemplarMeasured, request: usize, requests: &mut Requests) -> Exemplar {
        let start = self.trace.slice.windows.of(measured.window);
        let begin = measured.path.first().map_or(Time(0), |(span, _, _)| span.start);
        let lane_of: FxHashMap<GIdx, usize> = measured.lanes.iter().enumerate().map(|(i, l)| (l.g, i)).collect();
        let runs = self.what_lanes_run(measured);
        let lanes = measured.lanes.iter().zip(runs).map(|(lane, runs)| {
            let goroutine = self.trace.forest.get(lane.g);
            let pieces = lane.pieces.iter().map(|piece| LanePiece {
                start_ns: piece.span.start.since(begin),
                dur_ns: piece.span.end.since(piece.span.start),
                state: self.state_number(piece.state, requests),
                stack: piece.sum.map_or(StackTree::ROOT, |sum| self.nodes[sum.at()]),
            });
            Lane {
                goid: goroutine.id.0,
                entry: self.lane_entry(lane, &measured.path),
                runs,
                parent: lane_of.get(&goroutine.parent).copied().filter(|_| goroutine.parent.is_some()),
                kind: self.lane_kind(lane.g, measured.window, start.g),
                pieces: pieces.collect(),
                more_pieces: lane.more_pieces,
                path_ns: 0,
            }
        });
        let lanes = lanes.collect();
        let path = measured.path.iter().map(|&(span, g, sum)| PathPiece {
            start_ns: span.start.since(begin),
            dur_ns: span.end.since(span.start),
            lane: lane_of.get(&g).copied(),
            goid: self.trace.forest.get(g).id.0,
            state: self.keys[sum.at()].state.name(self.trace.symbols).to_owned(),
            stack: self.nodes[sum.at()],
        });
        let hand_overs = measured.hand_overs.iter().map(|over| {
            let [(from, from_goid), (to, to_goid)] =
                [over.from, over.to].map(|g| (lane_of.get(&g).copied(), self.trace.forest.get(g).id.0));
            let wait = over.wait.is_some().then(|| over.wait.at());
            HandOver {
                at_ns: over.time.since(begin),
                from,
                from_goid,
                to,
                to_goid,
                state: wait.map_or("", |sum| self.keys[sum].state.name(self.trace.symbols)).to_owned(),
                stack: wait.map_or(StackTree::ROOT, |sum| self.nodes[sum]),
            }
        });
        Exemplar {
            request,
            lanes,
            path: path.collect(),
            hand_overs: hand_overs.collect(),
            more_lanes: measured.more_lanes,
            more_pieces: measured.more_pieces,
        }
    }

    fn lane_kind(&self, g: GIdx, window: WindowIdx, root: GIdx) -> WakerKind {
        let slice = self.trace.slice;
        if g == root || slice.is_in(g, window) {
            WakerKind::Inside
        } else if slice.tracked[g.at()] || slice.not_chosen.contains(&g) {
            WakerKind::Sibling
        } else {
            WakerKind::Outside
        }
    }

    /// What pooled goroutines run; empty where the entry function says all.
    fn what_lanes_run(&self, measured: &ExemplarMeasured) -> Vec<String> {
        let symbols = self.trace.symbols;
        let mut started = Started::new(symbols);
        for lane in &measured.lanes {
            for sum in &lane.sums {
                started.add(symbols, lane.g, self.keys[sum.at()].stack);
            }
        }
        let run = |g| started.of(g).map_or_else(String::new, |function| symbols.text(function).to_owned());
        measured.lanes.iter().map(|lane| run(lane.g)).collect()
    }
}
