//! Who ended a wait, in words.

use crate::profile::WakerKind;

/// How a waker belongs to the request, in words, and whether it has code of its own to show.
pub(super) fn relation(waker: WakerKind) -> (&'static str, bool) {
    match waker {
        WakerKind::Inside => ("same request", true),
        WakerKind::Sibling => ("another request", true),
        WakerKind::Outside => ("outside", true),
        WakerKind::Runtime => ("the runtime", true),
        WakerKind::Network => ("the network or a deadline", false),
        WakerKind::Timer => ("a timer", false),
        WakerKind::Unknown => ("not recorded", false),
    }
}
