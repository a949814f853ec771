//! Pass 1 of traces of Go 1.22 and later: each thread of a generation is scanned by itself, without ordering.

pub mod evidence;
pub mod evidence_store;
pub(crate) mod id_range;
pub(crate) mod relevant;
pub mod scan;
pub mod scan_concat;
pub(crate) mod scan_fast;
pub(crate) mod skipped;
