//! Values by the ids that the wire gives to strings and stacks.
//!
//! Go's writer numbers these from 1 on, so a table is an array. Damaged and foreign traces have any 64-bit number:
//! ids much higher than there are entries go to a hash map, so that they cost no memory.

use rustc_hash::FxHashMap;

/// A value for some of the ids of one generation.
#[derive(Clone, Debug)]
pub struct IdTable<T> {
    /// The values of the ids from 0 on.
    dense: Vec<Option<T>>,
    /// The values of ids that are too high for `dense`.
    sparse: FxHashMap<u64, T>,
}

impl<T> Default for IdTable<T> {
    fn default() -> Self {
        Self { dense: Vec::new(), sparse: FxHashMap::default() }
    }
}

impl<T: Copy> IdTable<T> {
    /// A table of these entries. Of several with one id, the first counts.
    pub fn new(entries: &[(u64, T)]) -> Self {
        let mut table = Self::default();
        let dense_end = entries.len() as u64 * 4 + 64;
        for &(id, value) in entries {
            if id >= dense_end {
                table.sparse.entry(id).or_insert(value);
                continue;
            }
            if table.dense.len() <= id as usize {
                table.dense.resize(id as usize + 1, None);
            }
            table.dense[id as usize].get_or_insert(value);
        }
        table
    }

    /// The value of an id; `None` for an id without one.
    #[inline]
    pub fn get(&self, id: u64) -> Option<T> {
        match self.dense.get(id as usize) {
            Some(value) => *value,
            None => self.sparse.get(&id).copied(),
        }
    }

    /// The values of the ids from 0 on, up to the last one that is stored in an array; `None` for an id without one.
    pub fn dense(&self) -> &[Option<T>] {
        &self.dense
    }

    /// The same values, and `other` for all other ids.
    pub fn or(self, other: T) -> TotalTable<T> {
        let dense = self.dense.iter().map(|value| value.unwrap_or(other)).collect();
        TotalTable { dense, sparse: self.sparse, other }
    }

    /// The same ids, each with what `f` makes of its value.
    pub fn map<U: Copy>(&self, mut f: impl FnMut(T) -> U) -> IdTable<U> {
        IdTable {
            dense: self.dense.iter().map(|v| v.map(&mut f)).collect(),
            sparse: self.sparse.iter().map(|(&id, &v)| (id, f(v))).collect(),
        }
    }
}

/// A value for every id of one generation. A lookup is one access to an array, without a test for absence.
#[derive(Clone, Debug)]
pub struct TotalTable<T> {
    dense: Vec<T>,
    sparse: FxHashMap<u64, T>,
    other: T,
}

impl<T: Copy> TotalTable<T> {
    /// The value of an id.
    #[inline]
    pub fn get(&self, id: u64) -> T {
        match self.dense.get(id as usize) {
            Some(value) => *value,
            None => self.sparse(id),
        }
    }

    #[cold]
    fn sparse(&self, id: u64) -> T {
        self.sparse.get(&id).copied().unwrap_or(self.other)
    }

    /// The same table, in which an id has the value of all those without one of their own.
    #[must_use]
    pub fn without(mut self, id: u64) -> Self {
        self.sparse.remove(&id);
        if let Some(value) = self.dense.get_mut(id as usize) {
            *value = self.other;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_and_sparse_ids_have_their_first_value() {
        let table = IdTable::new(&[(3, 'a'), (u64::MAX, 'b'), (3, 'c'), (u64::MAX, 'd')]);
        assert_eq!([0, 3, 4, u64::MAX].map(|id| table.get(id)), [None, Some('a'), None, Some('b')]);
    }

    #[test]
    fn every_id_of_a_total_table_has_a_value() {
        let table = IdTable::new(&[(0, 'z'), (2, 'a'), (u64::MAX, 'b')]);
        let values = |table: &TotalTable<char>| [0, 1, 2, 3, 1 << 40, u64::MAX].map(|id| table.get(id));
        let total = table.or('-');
        assert_eq!(values(&total), ['z', '-', 'a', '-', '-', 'b']);
        let total = total.without(0).without(1 << 40);
        assert_eq!(values(&total), ['-', '-', 'a', '-', '-', 'b']);
        assert_eq!(values(&total.without(u64::MAX)), ['-', '-', 'a', '-', '-', '-']);
        assert_eq!(IdTable::default().or('-').without(0).get(0), '-');
    }

    #[test]
    fn high_ids_cost_no_memory() {
        let table = IdTable::new(&[(1, 'a'), (u64::MAX, 'b'), (1 << 40, 'c')]);
        assert_eq!(table.get(1), Some('a'));
        assert_eq!(table.get(u64::MAX), Some('b'));
        assert_eq!(table.get(2), None);
        assert!(table.dense.len() < 100);
    }
}
