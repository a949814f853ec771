//! Pass 1: who created whom, and where matching functions were on goroutines' own stacks.

pub mod build;
mod candidates;
pub mod evidence;
pub mod forest;
pub mod ordered;
pub mod scan;

pub use build::Survey;
pub use candidates::candidates;
pub use forest::{Forest, Goroutine, Life, Origin, SpawnGraph, Stretch};
