//! The elements of the format: varints (`cursor.rs`), event codes (`event_spec.rs`), limits, and a writer of traces
//! (`encode.rs`).

pub mod cursor;
pub mod encode;
pub mod event_spec;
pub mod limits;
