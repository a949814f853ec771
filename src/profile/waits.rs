//! What a wait is for, from its state and the functions on its stack.

/// Whether a wait in a state is for a message: on a channel, or in a select.
pub(crate) fn is_message(state: &str) -> bool {
    state.starts_with("chan ") || state.starts_with("select")
}

/// Whether a wait with this detail is for a lock that somebody holds.
pub(crate) fn is_lock(detail: &str) -> bool {
    matches!(detail, "mutex" | "rwmutex")
}

/// Which lock: from the leaf up, the first function that is not a lock's inner part tells (Go 1.22 – 1.27, `sync`).
pub(crate) fn lock_kind<'a>(frames: impl Iterator<Item = &'a str>) -> &'static str {
    let mut found = "";
    for frame in frames {
        let kind = match frame {
            "sync.(*Once).doSlow" | "sync.(*Once).Do" => "once",
            _ if frame.starts_with("sync.(*RWMutex).") => "rwmutex",
            _ if frame.starts_with("sync.(*WaitGroup).") => "wait group",
            _ if frame.starts_with("sync.(*Mutex).") || frame.starts_with("internal/sync.(*Mutex).") => "mutex",
            _ if frame.starts_with("internal/poll.") || frame.starts_with("runtime.") => "runtime",
            _ if frame.starts_with("sync.runtime_") || frame.starts_with("internal/sync.runtime_") => continue,
            _ => break,
        };
        // A mutex inside a once or an rwmutex is theirs; anything else is what it says.
        match (found, kind) {
            ("", _) | ("mutex", "once" | "rwmutex") => found = kind,
            _ => break,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_told_apart() {
        let lock = |frames: &[&'static str]| lock_kind(frames.iter().copied());
        assert_eq!(lock(&["sync.(*Mutex).Lock", "main.f"]), "mutex");
        assert_eq!(
            lock(&["internal/sync.(*Mutex).lockSlow", "internal/sync.(*Mutex).Lock", "sync.(*Mutex).Lock"]),
            "mutex"
        );
        assert_eq!(lock(&["sync.(*Mutex).Lock", "sync.(*RWMutex).Lock", "main.f"]), "rwmutex");
        assert_eq!(lock(&["sync.(*RWMutex).RLock", "main.f"]), "rwmutex");
        assert_eq!(lock(&["sync.(*Mutex).Lock", "sync.(*Once).doSlow", "sync.(*Once).Do", "main.f"]), "once");
        assert_eq!(lock(&["sync.(*WaitGroup).Wait", "sync.(*Once).doSlow"]), "wait group");
        assert_eq!(lock(&["runtime.gcStart", "main.f"]), "runtime");
        assert_eq!(lock(&["main.f", "sync.(*Mutex).Lock"]), "");
    }
}
