//! Events of a goroutine → its intervals, by state and stack, and their sums.

pub(crate) mod aggregate;
pub(crate) mod log;
pub(crate) mod states;
pub(crate) mod timeline;
