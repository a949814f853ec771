//! What the stacks of CPU samples have that no other stacks have.

use super::gos_own::{RUNTIME_MAIN, is_of_runtime};

/// The function that all goroutines return to. The runtime leaves it and [`RUNTIME_MAIN`] out of all stacks but those of CPU
/// samples (`traceStack`, `runtime/tracestack.go`, Go 1.27; `traceStackID`, `runtime/trace.go`, Go 1.19).
const GOEXIT: &str = "runtime.goexit";

/// How many of a stack's outermost functions no stacks but those of samples have. The functions are given from the
/// outermost inwards. One function of each stack is kept.
pub(crate) fn frames_of_samples_alone<'a>(mut functions: impl Iterator<Item = &'a [u8]>) -> usize {
    if functions.next() != Some(GOEXIT.as_bytes()) {
        return 0;
    }
    match (functions.next(), functions.next()) {
        (None, _) => 0,
        (Some(caller), Some(_)) if caller == RUNTIME_MAIN.as_bytes() => 2,
        _ => 1,
    }
}

/// Whether a function is one that a stack begins with which lacks the goroutine's own frames: it was taken on a stack of
/// the runtime's, or in code without one.
pub(crate) fn is_outside_goroutines(outermost: &str) -> bool {
    is_of_runtime(outermost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_of_samples_begin_like_all_others() {
        let cut = |names: &[&str]| frames_of_samples_alone(names.iter().map(|name| name.as_bytes()));
        assert_eq!(cut(&["runtime.goexit", "main.f", "main.g"]), 1);
        assert_eq!(cut(&["runtime.goexit", "runtime.main", "main.main"]), 2);
        assert_eq!(cut(&["runtime.goexit", "runtime.main"]), 1);
        assert_eq!(cut(&["runtime.goexit"]), 0);
        assert_eq!(cut(&["runtime.mcall", "runtime.park_m"]), 0);
        assert_eq!(cut(&[]), 0);
        assert!(is_outside_goroutines("runtime.mcall") && !is_outside_goroutines("runtime.main"));
        assert!(!is_outside_goroutines("main.f"));
    }
}
