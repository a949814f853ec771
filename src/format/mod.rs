//! Bytes → generations. Knows the wire, nothing of scheduling.

pub mod cursor;
pub mod v1;
pub mod version;
