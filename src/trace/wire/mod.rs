//! What the bytes of all versions are made of: varints, event codes, limits.

pub mod cursor;
pub mod encode;
pub mod event_spec;
pub mod limits;
