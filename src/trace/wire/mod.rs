//! The elements of the format: varints (`cursor.rs`), event codes (`event_spec.rs`), limits, and a writer of traces
//! (`encode.rs`).

pub(crate) mod cursor;
pub(crate) mod encode;
pub(crate) mod event_spec;
pub(crate) mod limits;
