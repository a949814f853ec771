//! Packages of Go functions, from their names.

/// First elements of the import paths of Go's own packages.
const STD: &[&str] = &[
    "archive",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "simd",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "uuid",
    "vendor",
    "weak",
];

/// Splits `net/http.(*conn).serve` into the package path and the rest. Dots in the last element of a package path
/// are written `%2e` by the linker, so the first dot after the last slash ends the path. Slashes inside type
/// arguments do not count.
pub fn split_package(function: &str) -> (&str, &str) {
    let head = function.find(['[', '(']).unwrap_or(function.len());
    let element = function[..head].rfind('/').map_or(0, |i| i + 1);
    match function[element..].find('.') {
        Some(dot) => (&function[..element + dot], &function[element + dot + 1..]),
        None => ("", function),
    }
}

/// The path of a function's package; empty when its name says none.
pub fn package(function: &str) -> &str {
    split_package(function).0
}

/// Whether a function is part of Go's runtime or standard library.
pub fn is_std(function: &str) -> bool {
    let (package, _) = split_package(function);
    let first = package.split('/').next().unwrap_or(package);
    STD.binary_search(&first).is_ok()
}

/// Whether a function only parks the goroutine. Reports leave such frames out, since the state says the same. What the runtime
/// has for other packages of Go is called `runtime_…` there; a function of the program may be called so too, and is shown.
pub fn only_parks(function: &str) -> bool {
    let (package, name) = split_package(function);
    package == "runtime" || name.starts_with("runtime_") && is_std(function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(STD.is_sorted());
    }

    #[test]
    fn only_functions_of_go_park() {
        for function in ["runtime.gopark", "sync.runtime_Semacquire", "internal/poll.runtime_pollWait"] {
            assert!(only_parks(function), "{function}");
        }
        for function in ["main.runtime_check", "example.com/sync.runtime_Semacquire", "runtime_check", "sync.Wait"] {
            assert!(!only_parks(function), "{function}");
        }
    }
}
