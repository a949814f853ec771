//! Parts of a trace measured side by side, and taken into the whole.

pub(crate) mod part_start;
pub(crate) mod partial;
