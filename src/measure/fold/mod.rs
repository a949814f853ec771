//! Sums and paths by index → samples and requests of a profile, with names and joined stacks.

mod elsewhere;
mod elsewhere_samples;
mod exemplar;
mod request_stacks;
pub(crate) mod requests;
pub(crate) mod samples;
