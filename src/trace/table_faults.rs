//! What is wrong with a table of strings or stacks although each entry can be read: ids that are defined several times
//! with different values, where it would be chance which one is right, and names that no table defines.

use super::error::Warning;
use super::id_table::IdTable;
use rustc_hash::FxHashSet;

/// Drops all entries whose id has several different values, as `same` sees them. Returns the position of the first that
/// contradicts one before it, and those ids; none if there is none. An entry that is repeated as it was stays.
pub(super) fn drop_conflicts<T: Copy>(
    entries: &mut Vec<(u64, T)>,
    same: impl Fn(T, T) -> bool,
) -> Option<(usize, FxHashSet<u64>)> {
    let first = IdTable::new(entries);
    let contradicts = |(id, value): &(u64, T)| first.get(*id).is_some_and(|first| !same(first, *value));
    let at = entries.iter().position(contradicts)?;
    let ids: FxHashSet<u64> = entries[at..].iter().filter(|entry| contradicts(entry)).map(|entry| entry.0).collect();
    entries.retain(|(id, _)| !ids.contains(id));
    Some((at, ids))
}

/// Drops all entries with the id 0, which is that of nothing. Returns the position of the first; none if there is none.
pub(super) fn drop_zero<T>(entries: &mut Vec<(u64, T)>) -> Option<usize> {
    let first = entries.iter().position(|entry| entry.0 == 0)?;
    entries.retain(|entry| entry.0 != 0);
    Some(first)
}

/// The warning about a table that defines what 0 stands for; the table is at `offset`.
pub(super) fn zero_defined(offset: u64) -> Warning {
    let message = "a table defines the id 0, which stands for nothing; it does not count";
    Warning::lost("defined-twice", message, offset, 0)
}

/// The warning about `n` ids of this kind that are defined twice; the first contradiction is in the table at `offset`.
pub(super) fn defined_twice(what: &str, n: usize, offset: u64) -> Warning {
    let message = match n {
        1 => format!("a {what} id is defined twice, with different contents; neither counts"),
        n => format!("{n} {what} ids are defined twice, with different contents; neither counts"),
    };
    Warning::lost("defined-twice", message, offset, 0)
}

/// The warning about `n` stacks that name undefined strings; the first is in the table at `offset`.
pub(super) fn undefined_names(n: usize, offset: u64) -> Warning {
    let message = match n {
        1 => "a stack names a string that no table defines: it has a function without a name".to_owned(),
        n => format!("{n} stacks name strings that no table defines: they have functions without names"),
    };
    Warning::lost("undefined-name", message, offset, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_values_neither_counts() {
        let mut entries = vec![(1, 'a'), (2, 'b'), (1, 'a'), (u64::MAX, 'c'), (2, 'd'), (u64::MAX, 'e')];
        let conflict = drop_conflicts(&mut entries, |a, b| a == b);
        assert_eq!(conflict, Some((4, [2, u64::MAX].into_iter().collect())));
        assert_eq!(entries, [(1, 'a'), (1, 'a')]);
        assert_eq!(drop_conflicts(&mut entries, |a, b| a == b), None);
        assert_eq!(entries.len(), 2);
    }
}
