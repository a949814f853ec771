//! Bytes → generations. Knows the wire, nothing of scheduling.

pub mod cursor;
pub mod version;
