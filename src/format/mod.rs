//! Bytes → generations. Knows the wire, nothing of scheduling.

pub mod cursor;
pub mod encode;
pub mod event_spec;
pub mod limits;
pub mod text;
pub mod v1;
pub mod v2;
pub mod version;
