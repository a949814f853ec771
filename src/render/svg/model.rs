//! What flame graphs are drawn from.

use super::colors::Fill;

/// What stands above the picture.
pub(crate) struct Heading<'a> {
    pub(crate) title: &'a str,
    /// Texts, some of them after a square of their colour.
    pub(crate) legend: &'a [(Option<Fill>, String)],
    /// A remark at the legend's end.
    pub(crate) note: &'a str,
}

/// The text and colours of a box.
pub(crate) struct BoxStyle {
    /// The text after its name; without parentheses, since the script takes what is before the last one as the name.
    pub(crate) text: String,
    pub(crate) fill: Fill,
}

/// A box as it is written.
pub(super) struct DrawnBox<'a> {
    pub(super) name: &'a str,
    /// Characters that fit into it.
    pub(super) fits: usize,
    pub(super) style: BoxStyle,
}
