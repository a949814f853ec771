//! Pass 2: events in causal order → time by state and stack.

mod aggregate;
mod fold;
mod measurer;
mod partial;
mod states;
mod timeline;
mod windows;

pub use aggregate::{Aggregate, Key};
pub use fold::Folder;
pub use measurer::{Measured, Measurer, Task};
pub use partial::GenerationMeasured;
pub use states::{StateKey, detail};
