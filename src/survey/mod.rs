//! Pass 1: who created whom, and where matching functions were on goroutines' own stacks.

pub mod build;
mod candidates;
pub mod classes;
pub mod connection;
pub mod evidence;
pub mod forest;
mod handlers;
pub mod ordered;
pub mod scan;
pub mod served;
pub mod server;
pub mod stretches;
pub mod tracker;

pub use build::Survey;
pub use candidates::candidates;
pub use forest::{Forest, Goroutine, Life, Origin, SpawnGraph, Stretch};
pub use handlers::handlers;
