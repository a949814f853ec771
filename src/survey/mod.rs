//! Pass 1: who created whom, where matching functions were on goroutines' own stacks, and which user tasks and regions
//! match.

pub mod annotations;
mod candidates;
pub mod collect;
pub mod forest;
mod handlers;
pub mod roots;
pub mod v1;
pub mod v2;

pub use candidates::candidates;
pub use collect::Survey;
pub use forest::{Annotated, AnnotatedRoot, Annotation, Forest, Goroutine, Life, Origin, SpawnGraph, Stretch, Work};
pub use handlers::handlers;
