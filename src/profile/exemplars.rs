//! Which requests a profile shows with their goroutines, where that is asked for.

use super::{Exemplar, Requests};
use std::cmp::Reverse;

/// So many of the slowest.
pub const SLOWEST_EXEMPLARS: usize = 20;
/// So many of all.
pub(crate) const EXEMPLARS_OF_ALL: usize = 30;

/// The place of a request, by its number, in an order in which neighbours are far from each other: those with the least
/// rank are spread over all requests.
pub(crate) fn exemplar_rank(number: u64) -> u64 {
    // The golden ratio as a fraction of 2^64: its multiples fill the range as evenly as any.
    number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Requests {
    /// Keeps as many exemplars of several traces as one trace has, by the same rules; the slowest first.
    pub(crate) fn choose_exemplars(&mut self) {
        let ns = |exemplar: &Exemplar| self.list.get(exemplar.request).map_or(0, |request| request.dur_ns);
        let mut all = std::mem::take(&mut self.exemplars);
        all.sort_by_key(|exemplar| (Reverse(ns(exemplar)), exemplar.request));
        let mut others = all.split_off(all.len().min(SLOWEST_EXEMPLARS));
        others.sort_by_key(|exemplar| exemplar_rank(exemplar.request as u64));
        others.truncate(EXEMPLARS_OF_ALL);
        others.sort_by_key(|exemplar| (Reverse(ns(exemplar)), exemplar.request));
        all.append(&mut others);
        self.exemplars = all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Request;

    #[test]
    fn several_traces_have_as_many_as_one() {
        let list = (0..500).map(|dur_ns| Request { dur_ns, ..Request::default() }).collect();
        let exemplars = (0..500).map(|request| Exemplar { request, ..Exemplar::default() }).collect();
        let mut requests = Requests { list, exemplars, ..Requests::default() };
        requests.choose_exemplars();
        let chosen: Vec<usize> = requests.exemplars.iter().map(|e| e.request).collect();
        assert_eq!(chosen.len(), SLOWEST_EXEMPLARS + EXEMPLARS_OF_ALL);
        assert!(chosen.is_sorted_by(|a, b| a > b), "{chosen:?}");
        assert_eq!(chosen[..SLOWEST_EXEMPLARS], (480..500).rev().collect::<Vec<_>>());
        assert!(chosen.iter().any(|i| *i < 100) && chosen.iter().any(|i| (200..300).contains(i)));
    }
}
