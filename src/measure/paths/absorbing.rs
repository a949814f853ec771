//! What the walks of a part found is added to what those of the whole found.

use super::exemplar::ExemplarMeasured;
use super::in_part::PartPaths;
use super::measured::RequestMeasured;
use super::our_sums::OurSums;
use super::requests::Paths;
use super::segment::{add_states, states_with_time};
use super::stack_time::ElsewhereKey;
use super::walk_results::WalkHandOver;
use crate::measure::intervals::aggregate::{Aggregate, SumIdx};

impl Paths {
    /// Takes what was found in a part, whose sums are `sums` in `aggregate`, and leaves it empty.
    pub(crate) fn absorb(&mut self, part: &mut PartPaths, sums: &[SumIdx], aggregate: &Aggregate) {
        let ours = OurSums::new(sums);
        for window in part.ended.drain(..) {
            self.done[window.at()] = true;
        }
        let theirs = &mut part.paths;
        self.cut.append(&mut theirs.cut);
        let states = self.walks.absorb(&mut theirs.walks, ours, aggregate);
        let walked = std::mem::take(&mut theirs.requests);
        self.requests.extend(walked.into_iter().map(|request| with_states(request, &states)));
        let mut chains = Vec::new();
        self.chains.limit_hops(theirs.chains.most_hops());
        self.chains.take_all_of_part(&theirs.chains, &mut chains, ours);
        for (ElsewhereKey { chain, sum, label }, ns) in theirs.elsewhere.take_times() {
            let chain = self.chains.shortened(chains[chain.at()]);
            self.elsewhere.add(ElsewhereKey { chain, sum: ours.of(sum), label }, ns);
        }
        self.elsewhere.tell_fewer_waits(&mut self.chains);
        self.walks.tell_fewer_waits(self.chains.most_hops());
        if let Some((ns, slowest)) = theirs.slowest.take()
            && self.is_slowest(ns, slowest.window)
        {
            self.slowest = Some((ns, with_sums(slowest, ours)));
        }
    }
}

/// A request whose states are numbered otherwise: by position, the new ones.
fn with_states(request: RequestMeasured, positions: &[u16]) -> RequestMeasured {
    let new = |position: u16| positions[usize::from(position)];
    if request.states.iter().all(|(position, _)| new(position) == position) {
        return request;
    }
    let mut states = Vec::new();
    add_states(&mut states, request.states.iter().map(|(position, ns)| (new(position), ns)));
    RequestMeasured { states: states_with_time(&states), ..request }
}

/// The same request, counted in the sums of the whole.
fn with_sums(mut exemplar: ExemplarMeasured, ours: OurSums<'_>) -> ExemplarMeasured {
    for (.., sum) in &mut exemplar.path {
        *sum = ours.of(*sum);
    }
    for WalkHandOver { wait, .. } in &mut exemplar.hand_overs {
        *wait = ours.of(*wait);
    }
    for lane in &mut exemplar.lanes {
        lane.sums.iter_mut().chain(lane.pieces.iter_mut().filter_map(|piece| piece.sum.as_mut())).for_each(|sum| {
            *sum = ours.of(*sum);
        });
    }
    exemplar
}
