//! Splits one generation in time, so that threads share it.

pub mod checkpoint;
pub(crate) mod last_seen;
pub(crate) mod plan;
pub mod predictor;
