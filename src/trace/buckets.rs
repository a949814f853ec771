//! Things by the bucket that they are in: a few passes over an array, and no comparing.

/// The things of each bucket, in the order in which they were given.
#[derive(Debug)]
pub(crate) struct Buckets<T> {
    things: Vec<T>,
    /// Where each bucket ends.
    ends: Vec<usize>,
}

impl<T: Copy + Default> Buckets<T> {
    /// `n` buckets, numbered from 0; `things` gives what is in them, each with its bucket, and is asked twice.
    pub(crate) fn new<I: Iterator<Item = (u32, T)>>(n: usize, things: impl Fn() -> I) -> Self {
        let mut ends = vec![0; n];
        for (bucket, _) in things() {
            ends[bucket as usize] += 1;
        }
        // First where each starts; then, as things are put into it, where it ends.
        let mut start = 0;
        for end in &mut ends {
            start += std::mem::replace(end, start);
        }
        let mut sorted = vec![T::default(); start];
        for (bucket, thing) in things() {
            let end = &mut ends[bucket as usize];
            sorted[*end] = thing;
            *end += 1;
        }
        Self { things: sorted, ends }
    }

    /// What is in a bucket.
    pub(crate) fn of(&self, bucket: usize) -> &[T] {
        let start = bucket.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.things[start..self.ends[bucket]]
    }

    /// The buckets, one after the other.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.ends.len()).map(|bucket| self.of(bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_in_their_buckets_in_order() {
        let buckets = Buckets::new(5, || [(3, 'a'), (0, 'b'), (3, 'c'), (4, 'd'), (0, 'e')].into_iter());
        let all: Vec<&[char]> = buckets.iter().collect();
        assert_eq!(all, [&['b', 'e'][..], &[], &[], &['a', 'c'], &['d']]);
        assert_eq!(Buckets::<u8>::new(0, std::iter::empty).iter().count(), 0);
    }
}
