//! What flame graphs are drawn from.

use super::colors::Rgb;

/// A stack, folded and safe for XML, and how wide it is drawn, in ns. Lines are sorted by `stack` and unique in it.
pub(crate) struct WeightedStack<'a> {
    pub(crate) stack: &'a str,
    pub(crate) ns: u64,
}

/// What stands above the picture.
pub(crate) struct Heading<'a> {
    pub(crate) title: &'a str,
    /// Texts, some of them after a square of their colour.
    pub(crate) legend: &'a [(Option<Rgb>, String)],
    /// A remark at the legend's end.
    pub(crate) note: &'a str,
}

/// The text and colour of a box.
pub(crate) struct BoxStyle {
    /// The text after its name; without parentheses, since the script takes what is before the last one as the name.
    pub(crate) text: String,
    pub(crate) fill: Rgb,
}

/// A box as inferno has placed it.
pub(super) struct PlacedBox<'a> {
    /// The name in it, as XML has it.
    pub(super) name: &'a str,
    /// Where it begins.
    pub(super) x: u64,
    /// How wide it is.
    pub(super) width: u64,
}
