//! Each request's time by sample.

use super::requests::Names;
use super::samples::{NO_SAMPLE, Placed};
use crate::measure::intervals::states::StateKey;
use crate::measure::paths::measured::{PathsMeasured, RequestMeasured};
use crate::measure::paths::stack_time::{ElsewhereKey, OWN, RequestStackTime};
use crate::measure::paths::walk_results::MAX_STATES;
use crate::profile::Requests;
use rustc_hash::FxHashMap;

/// What finds the sample and the state of a time.
struct Finder<'p> {
    placed: &'p Placed,
    elsewhere: FxHashMap<ElsewhereKey, u32>,
    /// Positions in [`PathsMeasured::states`].
    states: FxHashMap<StateKey, u16>,
}

impl<'p> Finder<'p> {
    fn new(paths: &PathsMeasured, placed: &'p Placed) -> Self {
        let samples = placed.elsewhere.iter().copied();
        let elsewhere = paths.elsewhere.iter().map(|(key, _)| *key).zip(samples).collect();
        let last = MAX_STATES as u16 - 1;
        let states = (0..).zip(&paths.states).map(|(i, state): (u16, _)| (*state, i.min(last))).collect();
        Self { placed, elsewhere, states }
    }

    fn sample(&self, time: &RequestStackTime) -> Option<u32> {
        let sample = match time.key.chain {
            OWN => self.placed.samples.get(time.key.sum.at()).copied(),
            _ => self.elsewhere.get(&time.key).copied(),
        };
        sample.filter(|sample| *sample != NO_SAMPLE)
    }
}

impl Names<'_, '_> {
    /// Adds each request's time by sample, where that was asked for. Samples have the positions that they have before
    /// they are finished.
    pub(super) fn add_stacks(&self, paths: &PathsMeasured, placed: &Placed, requests: &mut Requests) {
        let Some(measured) = &paths.stacks else { return };
        let finder = Finder::new(paths, placed);
        let numbers = self.state_numbers(&paths.states, requests);
        let Some(stacks) = &mut requests.stacks else { return };
        for (request, totals) in paths.requests.iter().zip(&measured.totals) {
            let times = measured.times.of(request.window);
            let times: Vec<(RequestStackTime, u32)> = times.filter_map(|t| Some((t, finder.sample(&t)?))).collect();
            let more = self.missing(request, &finder, &times);
            let more = more.into_iter().map(|(state, ns)| (numbers[usize::from(state)], ns));
            stacks.push(*totals, times.iter().map(|(time, sample)| (*sample, time.ns)), more);
        }
    }

    /// What a request's states have beyond these times.
    fn missing(
        &self,
        request: &RequestMeasured,
        finder: &Finder<'_>,
        times: &[(RequestStackTime, u32)],
    ) -> Vec<(u16, u64)> {
        let mut missing: Vec<(u16, u64)> = request.states.iter().collect();
        for (time, _) in times {
            let state = finder.states.get(&self.keys[time.key.sum.at()].state);
            if let Some((_, ns)) = missing.iter_mut().find(|(of, _)| Some(of) == state) {
                *ns = ns.saturating_sub(time.ns);
            }
        }
        missing
    }
}
