//! Pass 1: who created whom, where matching functions were on goroutines' own stacks, and which user tasks and regions
//! match.

pub mod annotation_list;
pub mod annotations;
pub mod annotator;
pub mod build;
mod candidates;
pub mod classes;
pub mod connection;
pub mod evidence;
pub mod forest;
pub mod found;
mod handlers;
mod id_range;
pub mod joined;
pub mod notes;
pub mod ordered;
mod relevant;
pub mod scan;
pub mod served;
pub mod server;
mod shifts;
mod skipped;
pub mod stretches;
pub mod tracker;
mod usual;

pub use build::Survey;
pub use candidates::candidates;
pub use forest::{Annotated, AnnotatedRoot, Annotation, Forest, Goroutine, Life, Origin, SpawnGraph, Stretch, Work};
pub use handlers::handlers;
