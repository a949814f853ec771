//! Lists of a JSON report that are written row by row.

use crate::profile::{Profile, Requests};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

/// What rows refer to.
#[derive(Clone, Copy)]
pub(super) struct RowContext<'a> {
    pub(super) profile: &'a Profile,
    pub(super) requests: &'a Requests,
}

impl<'a> RowContext<'a> {
    /// The name of a state, by its position.
    pub(super) fn state(self, index: u16) -> &'a str {
        self.requests.state_names.get(usize::from(index)).map_or("unknown", String::as_str)
    }
}

/// A list whose rows are written one at a time: they are never all in memory as text.
pub(super) struct RowList<'a, T, R> {
    pub(super) context: RowContext<'a>,
    pub(super) items: &'a [T],
    pub(super) row: fn(RowContext<'a>, &'a T) -> R,
}

impl<T, R: Serialize> Serialize for RowList<'_, T, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.items.len()))?;
        for item in self.items {
            seq.serialize_element(&(self.row)(self.context, item))?;
        }
        seq.end()
    }
}
