//! Sums → samples and requests of a profile, with names.

pub(crate) mod requests;
pub(crate) mod samples;
