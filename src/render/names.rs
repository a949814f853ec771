//! Names of Go functions as people read them.

use super::clean::clean;
use crate::profile::split_package;
use std::borrow::Cow;

pub use crate::profile::{is_std, only_parks, package};

/// A function as a report shows it, safe to print: the package path shortened to its last element unless `full`.
pub fn function(name: &str, full: bool) -> Cow<'_, str> {
    if full {
        return clean(name);
    }
    let (package, _) = split_package(name);
    let short = package.rfind('/').map_or(name, |slash| &name[slash + 1..]);
    clean(short)
}

/// `user.go:12`; empty when the file is unknown.
pub fn place(file: &str, line: u32) -> String {
    let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
    match (base.is_empty(), line) {
        (true, _) => String::new(),
        (false, 0) => clean(base).into_owned(),
        (false, _) => format!("{}:{line}", clean(base)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_path_shrinks_to_its_last_element() {
        for (name, short) in [
            ("main.main", "main.main"),
            ("net/http.(*conn).serve", "http.(*conn).serve"),
            ("github.com/a/b.v2/c.(*T[...]).M.func1", "c.(*T[...]).M.func1"),
            ("gopkg.in/yaml%2ev3.Unmarshal", "yaml%2ev3.Unmarshal"),
            ("a/b.Map[github.com/c/d.T]", "b.Map[github.com/c/d.T]"),
            ("nodots", "nodots"),
            ("", ""),
        ] {
            assert_eq!(function(name, false), short, "{name}");
            assert_eq!(function(name, true), name);
        }
    }

    #[test]
    fn the_standard_library_is_known() {
        for name in ["runtime.gopark", "net/http.(*conn).serve", "internal/poll.(*FD).Read", "sync.(*Mutex).Lock"] {
            assert!(is_std(name), "{name}");
        }
        for name in ["main.main", "github.com/a/net.F", "example.com/sync.F", "", "timers.F"] {
            assert!(!is_std(name), "{name}");
        }
        assert!(only_parks("runtime.chanrecv1") && only_parks("internal/poll.runtime_pollWait"));
        assert!(!only_parks("runtime/pprof.StartCPUProfile") && !only_parks("sync.(*Mutex).Lock"));
    }

    #[test]
    fn places_are_short() {
        assert_eq!(place("/home/me/user.go", 12), "user.go:12");
        assert_eq!(place("user.go", 0), "user.go");
        assert_eq!(place("", 3), "");
    }
}
