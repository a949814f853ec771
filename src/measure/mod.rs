//! Pass 2: events in causal order → time by state and stack.

mod aggregate;
mod fold;
mod measurer;
mod states;
mod timeline;

pub use aggregate::{Aggregate, Key};
pub use fold::Folder;
pub use measurer::{Measured, Measurer};
pub use states::{StateKey, detail};
