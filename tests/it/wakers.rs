//! Who ended waits, in recordings of a program that knows (`testdata/gen/wakers`).

use crate::common::{by_stack, profile_of, recordings};
use serde_json::Value;
use std::path::Path;

/// Each function's waits, as the program says, and no other wait in that state.
fn check(path: &Path) {
    let trace = std::fs::read(path).expect("a trace");
    let truth = std::fs::read(path.with_extension("json")).expect("the truth");
    let truth: Value = serde_json::from_slice(&truth).expect("JSON");
    for (function, waits) in truth["waits"].as_object().expect("functions") {
        let profile = profile_of(&trace, function, by_stack());
        let wakeups = profile.requests.expect("requests").wakeups;
        let state = waits["state"].as_str().expect("a state");
        let of_state = wakeups.iter().filter(|wakeup| wakeup.state == state);
        let found: Vec<_> = of_state.map(|wakeup| (wakeup.waker.name(), wakeup.count)).collect();
        let expected = (waits["waker"].as_str().expect("a waker"), waits["count"].as_u64().expect("a count"));
        assert_eq!(found, [expected], "{}: {function}", path.display());
    }
}

#[test]
fn timers_deadlines_and_goroutines_are_told_apart() {
    for path in recordings("wakers") {
        check(&path);
    }
}
