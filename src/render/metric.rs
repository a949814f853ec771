//! Which of a profile's weights the formats show that have room for one only: flame graphs and Markdown.

use crate::profile::Weight;

/// What that weight is called.
pub(crate) const NAME: &str = "goroutine time";

/// That weight, in ns.
pub(crate) fn shown_ns(weight: Weight) -> u64 {
    weight.goroutine_ns
}
