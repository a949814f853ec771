//! A table with a place for each of very many indexes, of which few are used, nearly all of them next to each other. So it has
//! pages, and only pages that are used take memory. On the hot path.
//!
//! ```text
//!  index      0 … 63   64 … 127   128 … 191   192 … 255
//!  starts   [   64       unused      unused        0     ]     where each page starts among the entries
//!  entries  [ 192 … 255, 0 … 63 ]
//! ```

/// Entries by index, in pages of `PAGE`. An entry of a page that is used is the default until it is set.
#[derive(Clone, Default, Debug)]
pub(crate) struct PagedTable<T, const PAGE: usize> {
    /// For each page, the position of its first entry; [`PagedTable::UNUSED`] for none.
    starts: Vec<u32>,
    entries: Vec<T>,
    /// The pages that are used, in the order in which that began.
    used: Vec<u32>,
}

impl<T: Copy + Default, const PAGE: usize> PagedTable<T, PAGE> {
    /// The start of a page that is not used: after all entries.
    const UNUSED: u32 = u32::MAX - PAGE as u32;

    /// Forgets all entries. Indexes will be below `n`.
    pub(crate) fn reset(&mut self, n: usize) {
        self.forget();
        self.starts.resize(n.div_ceil(PAGE), Self::UNUSED);
    }

    /// Forgets all entries. Takes the longer the more there were, however many indexes there are.
    pub(crate) fn forget(&mut self) {
        for page in self.used.drain(..) {
            self.starts[page as usize] = Self::UNUSED;
        }
        self.entries.clear();
    }

    /// How many entries take memory.
    pub(crate) fn n_entries(&self) -> usize {
        self.entries.len()
    }

    /// The position of an entry; after all entries if its page is not used, `None` for an index that is too high.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "for each event and each interval")]
    fn position(&self, index: usize) -> Option<usize> {
        Some(*self.starts.get(index / PAGE)? as usize + index % PAGE)
    }

    /// An entry; `None` if its page is not used.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.entries.get(self.position(index)?)
    }

    /// As [`get`](Self::get), to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let position = self.position(index)?;
        self.entries.get_mut(position)
    }

    /// An entry, whose page is used from now on; `None` for an index that is too high.
    #[inline]
    pub(crate) fn get_or_add(&mut self, index: usize) -> Option<&mut T> {
        if self.position(index)? >= self.entries.len() {
            self.add_page(index / PAGE);
        }
        self.get_mut(index)
    }

    /// The same for any index: there may be as many from now on.
    pub(crate) fn get_or_grow(&mut self, index: usize) -> Option<&mut T> {
        self.starts.resize(self.starts.len().max(index / PAGE + 1), Self::UNUSED);
        self.get_or_add(index)
    }

    /// All entries of pages that are used, with their indexes, in the order of these.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let used = (0..).zip(&self.starts).filter(|(_, start)| **start != Self::UNUSED);
        used.flat_map(|(page, &start)| (page * PAGE..).zip(&self.entries[start as usize..start as usize + PAGE]))
    }

    #[cold]
    fn add_page(&mut self, page: usize) {
        self.starts[page] = self.entries.len() as u32;
        self.entries.resize(self.entries.len() + PAGE, T::default());
        self.used.push(page as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Table = PagedTable<u64, 64>;

    #[test]
    fn only_used_pages_take_memory_and_are_forgotten() {
        let mut table = Table::default();
        for n in [2_000_001, 3_000_000, 2_000_001] {
            table.reset(n);
            for index in [7, 2_000_000] {
                assert_eq!(table.get(index), None);
                *table.get_or_add(index).unwrap() = index as u64;
            }
            assert_eq!(
                [7, 8, 2_000_000, 64].map(|index| table.get(index).copied()),
                [Some(7), Some(0), Some(2_000_000), None]
            );
            assert_eq!(table.get_or_add(2_000_000).copied(), Some(2_000_000));
            assert_eq!(table.get_or_add(n + 64), None);
            assert_eq!(table.n_entries(), 128);
            let set: Vec<(usize, u64)> = table.iter().map(|(at, entry)| (at, *entry)).filter(|(_, e)| *e > 0).collect();
            assert_eq!((table.iter().count(), set), (128, vec![(7, 7), (2_000_000, 2_000_000)]));
        }
        table.forget();
        assert_eq!((table.n_entries(), table.iter().count(), table.get(7)), (0, 0, None));
        // What is used after that is as new.
        assert_eq!(table.get_or_add(2_000_000).copied(), Some(0));
    }

    #[test]
    fn the_table_grows_where_it_is_asked_to() {
        let mut table = Table::default();
        assert_eq!(table.get_or_add(0), None);
        for index in [130, 0, 63, 129] {
            *table.get_or_grow(index).unwrap() = 1;
        }
        *table.get_mut(130).unwrap() += 1;
        assert_eq!([64, 192].map(|index| table.get_mut(index).copied()), [None; 2]);
        assert_eq!(table.n_entries(), 128);
        assert_eq!([129, 130, 131, 63].map(|index| table.get(index).copied()), [Some(1), Some(2), Some(0), Some(1)]);
    }
}
