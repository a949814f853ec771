//! Which event codes a version of the format has.

use crate::trace::version::V2;
use crate::trace::wire::event_spec::{EVENTS, code};

/// For each event code, whether a thread's batch may hold such events in this version.
pub fn known_codes(version: V2) -> [bool; 256] {
    std::array::from_fn(|i| {
        let c = i as u8;
        let experimental = version.last_event >= code::EXPERIMENTAL_BATCH && c >= code::FIRST_EXPERIMENTAL;
        EVENTS[i].timed && (c <= version.last_event || experimental)
    })
}
