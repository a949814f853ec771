//! Parts of a trace measured side by side, and taken into the whole.

pub(super) mod part;
pub(super) mod whole;
