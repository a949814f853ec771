//! Generation → events in causal order. Knows Go's scheduler, nothing of profiles.

pub mod v1;
pub mod v2;
