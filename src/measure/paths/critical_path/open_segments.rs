//! What the nodes of the requests that are on paths were credited where their segments end: as many lists of states as requests
//! are under way at once.

use crate::measure::paths::segment::states_with_time;
use crate::profile::StateTimes;

/// Where segments are kept that have no list.
const NONE: u32 = u32::MAX;

/// The segments whose end the walk has reached, and whose start it has not.
#[derive(Default)]
pub(super) struct OpenSegments {
    /// By position of the segment, that of its list.
    list_of: Vec<u32>,
    /// Nanoseconds by state to be added to what is credited at the start. They wrap.
    lists: Vec<Vec<u64>>,
    free: Vec<u32>,
}

impl OpenSegments {
    /// A walk of so many segments begins.
    pub(super) fn begin(&mut self, n: usize) {
        self.list_of.resize(n, NONE);
    }

    /// The walk reaches the end of a segment, with what its node was credited.
    pub(super) fn begin_segment(&mut self, i: usize, credited: &[u64]) {
        let list = self.new_list(i);
        list.extend(credited.iter().map(|ns| 0u64.wrapping_sub(*ns)));
    }

    /// A segment has these times already, to which is added what is credited at its start.
    pub(super) fn set(&mut self, i: usize, states: &[u64]) {
        self.new_list(i).extend_from_slice(states);
    }

    /// The walk reaches the start of a segment: its times by state.
    pub(super) fn end_segment(&mut self, i: usize, credited: &[u64]) -> StateTimes {
        let at = std::mem::replace(&mut self.list_of[i], NONE);
        let Some(list) = self.lists.get_mut(at as usize) else { return StateTimes::default() };
        list.resize(list.len().max(credited.len()), 0);
        for (state, ns) in list.iter_mut().zip(credited) {
            *state = state.wrapping_add(*ns);
        }
        let states = states_with_time(list);
        self.free.push(at);
        states
    }

    fn new_list(&mut self, i: usize) -> &mut Vec<u64> {
        let at = self.free.pop().unwrap_or_else(|| {
            self.lists.push(Vec::new());
            self.lists.len() as u32 - 1
        });
        self.list_of[i] = at;
        let list = &mut self.lists[at as usize];
        list.clear();
        list
    }
}
