//! Whether requests that a trace leaves undecided could change what is said of a difference.
//!
//! Nobody knows how many of them are of the roots, and they need not be alike on both sides. So the sides are compared
//! with all of them on one side, on the other, and on both:
//!
//! ```text
//!                  new     new and undecided
//!  base           reported        ?
//!  and undecided     ?            ?         all alike: nothing could change
//! ```

use super::statistics::{Durations, MIN_REQUESTS, SIGNIFICANCE, mann_whitney};
use std::cmp::Ordering;

/// The durations of a side, without and with its undecided requests.
#[derive(Clone, Copy)]
pub(super) struct SideSamples<'a> {
    /// The requests that count.
    pub(super) counted: &'a Durations,
    /// These and all undecided ones; none without undecided ones.
    pub(super) with_undecided: Option<&'a Durations>,
}

impl<'a> SideSamples<'a> {
    fn all(self) -> impl Iterator<Item = &'a Durations> {
        std::iter::once(self.counted).chain(self.with_undecided)
    }

    /// Whether an undecided request took at least as long, in ns.
    pub(super) fn has_undecided_from(self, ns: u64) -> bool {
        let longer = |durations: &Durations| {
            let sorted = durations.sorted();
            sorted.len() - sorted.partition_point(|took| *took < ns)
        };
        self.with_undecided.is_some_and(|all| longer(all) > longer(self.counted))
    }
}

/// Whether the difference is another one if undecided requests are of the roots: significant or not, slower or faster.
pub(super) fn could_change(base: SideSamples<'_>, new: SideSamples<'_>) -> bool {
    let said = outcome(base.counted, new.counted);
    base.all().any(|base| new.all().any(|new| outcome(base, new) != said))
}

/// Whether the new side is slower (greater) or faster (less); equal where chance explains the difference. None where there
/// are too few requests.
fn outcome(base: &Durations, new: &Durations) -> Option<Ordering> {
    let means = || new.mean_ns().cmp(&base.mean_ns());
    let is_enough = base.len().min(new.len()) >= MIN_REQUESTS;
    is_enough.then(|| if mann_whitney(base, new) < SIGNIFICANCE { means() } else { Ordering::Equal })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(base: (&[u64], &[u64]), new: (&[u64], &[u64])) -> bool {
        let durations = |list: &[u64]| Durations::new(list.to_vec());
        let [base, new] = [base, new].map(|(counted, undecided)| {
            (durations(counted), (!undecided.is_empty()).then(|| durations(&[counted, undecided].concat())))
        });
        could_change(
            SideSamples { counted: &base.0, with_undecided: base.1.as_ref() },
            SideSamples { counted: &new.0, with_undecided: new.1.as_ref() },
        )
    }

    #[test]
    fn many_fast_undecided_ones_could_change_it() {
        let (slow, fast) = ([50; 40], [1; 40]);
        // No difference; but those of either side alone would make one.
        assert!(changes((&slow, &fast), (&slow, &fast)));
        assert!(changes((&slow, &[]), (&slow, &fast)));
        // A difference that they would turn round.
        assert!(changes((&[60; 40], &[1; 400]), (&slow, &[])));
        // Too few, and enough with them.
        assert!(changes((&slow, &[]), (&slow[..4], &fast)));
    }

    #[test]
    fn few_or_none_change_nothing() {
        let slow = [50; 40];
        assert!(!changes((&slow, &[]), (&slow, &[])));
        assert!(!changes((&slow, &[1]), (&slow, &[1])));
        assert!(!changes((&[90; 40], &[1; 5]), (&slow, &[])));
        assert!(!changes((&slow, &[]), (&slow[..4], &[1])));
    }

    #[test]
    fn slow_undecided_ones_are_known() {
        let (counted, all) = (Durations::new(vec![50, 60]), Durations::new(vec![50, 60, 55]));
        let side = SideSamples { counted: &counted, with_undecided: Some(&all) };
        assert!(side.has_undecided_from(55) && !side.has_undecided_from(56));
        assert!(!SideSamples { with_undecided: None, ..side }.has_undecided_from(1));
    }
}
