//! What several scans of one generation found, as one list that is never copied together.

use super::evidence::GoroutineRef;

/// Something that names goroutines by the number of their birth in a scan.
pub(crate) trait ShiftBirths: Copy {
    /// The same where `births` births of other scans come before those of its own.
    #[must_use]
    fn shift_births(self, births: u32) -> Self;
}

impl ShiftBirths for GoroutineRef {
    fn shift_births(self, births: u32) -> Self {
        let birth = if self.birth == Self::NO_BIRTH { Self::NO_BIRTH } else { self.birth + births };
        Self { birth, ..self }
    }
}

/// All things of one kind that a scan found, and then those of the scans of the following threads.
///
/// ```text
///  own     T T T T          births 0..n of its scan are births 0..n
///  others  (n, T T T)       birth i of this scan is birth n + i
/// ```
#[derive(Debug)]
pub(crate) struct ScanConcat<T> {
    own: Vec<T>,
    /// Each with the number of births before it.
    others: Vec<(u32, Vec<T>)>,
}

impl<T> Default for ScanConcat<T> {
    fn default() -> Self {
        Self { own: Vec::new(), others: Vec::new() }
    }
}

impl<T: ShiftBirths> ScanConcat<T> {
    /// The scan found one more. No other scan was joined yet.
    #[inline]
    pub(crate) fn push(&mut self, found: T) {
        self.own.push(found);
    }

    /// Adds what the scan of the following threads found, which has `births` births before its own.
    pub(crate) fn join(&mut self, next: Self, births: u32) {
        self.others.push((births, next.own));
        self.others.extend(next.others.into_iter().map(|(before, found)| (births + before, found)));
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.own.len() + self.others.iter().map(|(_, found)| found.len()).sum::<usize>()
    }

    /// All of them, scan by scan.
    pub(crate) fn iter(&self) -> impl Iterator<Item = T> {
        let others = self.others.iter().flat_map(|(births, found)| found.iter().map(|one| one.shift_births(*births)));
        self.own.iter().copied().chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ids::GoId;

    #[test]
    fn births_of_following_scans_are_shifted() {
        let g = |id, birth| GoroutineRef { id: GoId(id), birth };
        let following = |of_one: &[GoroutineRef]| ScanConcat { own: of_one.to_vec(), others: Vec::new() };
        let mut first = following(&[g(1, GoroutineRef::NO_BIRTH), g(2, 0)]);
        let mut second = following(&[g(3, 0)]);
        second.join(following(&[g(4, 1), g(5, GoroutineRef::NO_BIRTH)]), 10);
        assert_eq!(first.len(), 2);
        first.join(second, 100);
        let all = [g(1, GoroutineRef::NO_BIRTH), g(2, 0), g(3, 100), g(4, 111), g(5, GoroutineRef::NO_BIRTH)];
        assert_eq!(first.iter().collect::<Vec<_>>(), all);
        assert_eq!((first.len(), ScanConcat::<GoroutineRef>::default().len()), (5, 0));
    }
}
