//! What scans of one generation found, one behind the other and each where it was written.

use super::evidence::Who;

/// What a scan says of goroutines, by the births before it.
pub trait ShiftBirths: Copy {
    /// The same in a scan with so many births before those of its own.
    #[must_use]
    fn behind(self, births: u32) -> Self;
}

impl ShiftBirths for Who {
    fn behind(self, births: u32) -> Self {
        let birth = if self.birth == Self::ANY { Self::ANY } else { self.birth + births };
        Self { birth, ..self }
    }
}

/// All that one scan found of a kind, and what those behind it did.
#[derive(Debug)]
pub struct ScanConcat<T> {
    own: Vec<T>,
    /// With the number of births before each.
    others: Vec<(u32, Vec<T>)>,
}

impl<T> Default for ScanConcat<T> {
    fn default() -> Self {
        Self { own: Vec::new(), others: Vec::new() }
    }
}

impl<T: ShiftBirths> ScanConcat<T> {
    /// The scan found one more. None was joined yet.
    #[inline]
    pub fn push(&mut self, found: T) {
        self.own.push(found);
    }

    /// Adds what a scan found that has so many births before its own.
    pub fn join(&mut self, next: Self, births: u32) {
        self.others.push((births, next.own));
        self.others.extend(next.others.into_iter().map(|(before, found)| (births + before, found)));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.own.len() + self.others.iter().map(|(_, found)| found.len()).sum::<usize>()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, scan by scan.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        let others = self.others.iter().flat_map(|(births, found)| found.iter().map(|one| one.behind(*births)));
        self.own.iter().copied().chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ids::GoId;

    #[test]
    fn those_behind_have_births_before_them() {
        let who = |id, birth| Who { id: GoId(id), birth };
        let joined = |of_one: &[Who]| ScanConcat { own: of_one.to_vec(), others: Vec::new() };
        let mut first = joined(&[who(1, Who::ANY), who(2, 0)]);
        let mut second = joined(&[who(3, 0)]);
        second.join(joined(&[who(4, 1), who(5, Who::ANY)]), 10);
        assert_eq!(first.len(), 2);
        first.join(second, 100);
        let all = [who(1, Who::ANY), who(2, 0), who(3, 100), who(4, 111), who(5, Who::ANY)];
        assert_eq!(first.iter().collect::<Vec<_>>(), all);
        assert_eq!((first.len(), first.is_empty(), ScanConcat::<Who>::default().is_empty()), (5, false, true));
    }
}
