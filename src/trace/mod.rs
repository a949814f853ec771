//! Bytes → events in causal order. Knows Go's wire formats and its scheduler; knows nothing of slices, profiles or
//! reports.

pub mod binary;
pub(crate) mod buckets;
pub mod error;
pub mod event;
pub(crate) mod id_window;
pub mod ids;
pub mod source;
pub mod symbols;
pub mod text;
pub mod time;
pub mod v1;
pub mod v2;
pub mod version;
pub mod wire;
