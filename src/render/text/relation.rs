//! Who ended a wait, in words.

use crate::profile::{Carrier, Profile, WakerKind, Wakeup, is_for_collector, is_of_collector};

/// Who ended waits: what a goroutine only carried comes before the goroutine.
pub(in crate::render) fn relation_of(profile: &Profile, wakeup: &Wakeup) -> (&'static str, bool) {
    match profile.carrier(wakeup) {
        Some(Carrier::Network) => ("the network, by way of", true),
        Some(Carrier::Cancellation) => ("a cancellation, by way of", true),
        Some(Carrier::Signal) => ("a signal, by way of", true),
        None if wakeup.waker == WakerKind::Runtime && is_collector(wakeup) => ("the garbage collector", false),
        None => relation(wakeup.waker),
    }
}

/// Whether what the runtime did was collecting: which of its functions it was in says nothing.
fn is_collector(wakeup: &Wakeup) -> bool {
    is_for_collector(&wakeup.state) || is_of_collector(&wakeup.waker_entry)
}

/// How a waker belongs to the request, in words, and whether it has code of its own to show.
fn relation(waker: WakerKind) -> (&'static str, bool) {
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
