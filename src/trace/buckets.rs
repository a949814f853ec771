//! A counting sort: items grouped by a small number, their bucket, in two passes and without comparisons.

/// The items of each bucket, in the order in which they were given.
#[derive(Debug)]
pub(crate) struct Buckets<T> {
    /// The items of all buckets, one bucket after the other.
    items: Vec<T>,
    /// The end of each bucket in `items`.
    ends: Vec<usize>,
}

impl<T: Copy + Default> Buckets<T> {
    /// `n` buckets, numbered from 0. `items` yields every item with its bucket; it is called twice and must yield the same
    /// both times.
    pub(crate) fn new<I: Iterator<Item = (u32, T)>>(n: usize, items: impl Fn() -> I) -> Self {
        let mut ends = vec![0; n];
        for (bucket, _) in items() {
            ends[bucket as usize] += 1;
        }
        // First each entry becomes the start of its bucket; filling the bucket moves it to the end.
        let mut start = 0;
        for end in &mut ends {
            start += std::mem::replace(end, start);
        }
        let mut sorted = vec![T::default(); start];
        for (bucket, item) in items() {
            let end = &mut ends[bucket as usize];
            sorted[*end] = item;
            *end += 1;
        }
        Self { items: sorted, ends }
    }

    /// The items of a bucket.
    pub(crate) fn of(&self, bucket: usize) -> &[T] {
        let start = bucket.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.items[start..self.ends[bucket]]
    }

    /// The items of every bucket, from bucket 0 on.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.ends.len()).map(|bucket| self.of(bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_their_order_in_a_bucket() {
        let buckets = Buckets::new(5, || [(3, 'a'), (0, 'b'), (3, 'c'), (4, 'd'), (0, 'e')].into_iter());
        let all: Vec<&[char]> = buckets.iter().collect();
        assert_eq!(all, [&['b', 'e'][..], &[], &[], &['a', 'c'], &['d']]);
        assert_eq!(Buckets::<u8>::new(0, std::iter::empty).iter().count(), 0);
    }
}
