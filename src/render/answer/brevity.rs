//! What is left out of an answer that would be too long.

/// Lines of an answer, at most.
pub(super) const MAX_LINES: usize = 3;
/// Columns of such a line.
pub(super) const COLUMNS: usize = 80;

/// What can be left out, what is missed least first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Which share each of several lines has.
    ShareOfLine,
    /// How many requests are of which function that matched.
    Matched,
    /// What another goroutine did that the second cause waits for.
    SecondWorker,
    /// The line of the second cause, and which of a library's functions it is in.
    SecondLine,
    /// That requests with inferred edges took at most as long as is said.
    Inferred,
    /// The mean beside the median.
    Mean,
    /// The name of the root where it is also the place.
    RootAgain,
    /// What undecided requests likely are.
    Likely,
    /// How much of the first cause is spent waiting for the goroutine that is named, where that is not all of it.
    ShareOfWorker,
    /// That calls without a stack are not seen.
    Unseen,
    /// The function of the second cause.
    SecondPlace,
    /// The second cause.
    SecondCause,
    /// Which version of Go does not tell system calls from computing.
    Version,
    /// How many there would be with undecided requests.
    OfHowMany,
    /// The line of that goroutine.
    WorkerLine,
    /// The median with undecided requests that likely are of the root, in few words.
    WithLikely,
    /// The goroutine that was waited for and waited itself for the one that worked.
    ByWayOf,
    /// What those do who have a place of the pool.
    PoolUsers,
}

/// All parts, what is missed least first.
const PARTS: [Part; 18] = [
    Part::ShareOfLine,
    Part::Matched,
    Part::SecondWorker,
    Part::SecondLine,
    Part::Inferred,
    Part::Mean,
    Part::RootAgain,
    Part::Likely,
    Part::ShareOfWorker,
    Part::Unseen,
    Part::SecondPlace,
    Part::SecondCause,
    Part::Version,
    Part::OfHowMany,
    Part::WorkerLine,
    Part::WithLikely,
    Part::ByWayOf,
    Part::PoolUsers,
];

/// The parts that are left out, a bit for each.
#[derive(Clone, Copy, Default)]
pub(super) struct Brevity(u32);

impl Brevity {
    /// What has to be left out of an answer that has so many lines for what is left out.
    pub(super) fn enough(lines: impl Fn(Self) -> usize) -> Self {
        let too_many = |brevity: Self| lines(brevity).saturating_sub(MAX_LINES);
        let steps = PARTS.iter().scan(Self::default(), |left_out, part| {
            *left_out = left_out.without(*part);
            Some(*left_out)
        });
        // Of those that are equally short the one that leaves out least.
        let Some(prefix) = std::iter::once(Self::default()).chain(steps).min_by_key(|step| too_many(*step)) else {
            return Self::default();
        };
        // Some of it may not have been needed after the last.
        PARTS.iter().rev().fold(prefix, |left_out, part| {
            let with = Self(left_out.0 & !part.bit());
            if too_many(with) <= too_many(left_out) { with } else { left_out }
        })
    }

    fn without(self, part: Part) -> Self {
        Self(self.0 | part.bit())
    }

    /// Whether a part is in.
    pub(super) fn says(self, part: Part) -> bool {
        self.0 & part.bit() == 0
    }
}

impl Part {
    fn bit(self) -> u32 {
        1 << self as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_left_out_than_has_to_be() {
        assert!(Brevity::enough(|_| 3).says(Part::ShareOfLine));
        // Nothing helps: nothing is left out.
        assert_eq!(Brevity::enough(|_| 9).0, 0);
        // The mean is enough, what is missed less than it was not needed.
        let without_mean = Brevity::enough(|brevity| if brevity.says(Part::Mean) { 4 } else { 3 });
        assert_eq!(without_mean.0, Part::Mean.bit());
        // Two parts, of which one is not enough.
        let two = |b: Brevity| if b.says(Part::Matched) { 5 } else { 3 + usize::from(b.says(Part::Likely)) };
        assert_eq!(Brevity::enough(two).0, Part::Matched.bit() | Part::Likely.bit());
    }

    #[test]
    fn the_list_is_in_the_order_of_the_type() {
        assert!(PARTS.is_sorted());
        assert_eq!(PARTS.iter().fold(0, |bits, part| bits | part.bit()), (1 << PARTS.len()) - 1);
    }
}
