//! What a file is that is no execution trace, judged by its first bytes.

use gotrace_slice::render::clean::clean;
use gotrace_slice::trace::version::HEADER_SIZE;

/// Bytes that [`what_is`] wants to see.
pub(crate) const HEAD_LEN: usize = 512;

/// Whether the file ends inside what could be a header.
pub(crate) fn is_cut_header(head: &[u8]) -> bool {
    let start = b"go 1.";
    (1..HEADER_SIZE).contains(&head.len()) && head.iter().zip(start).all(|(a, b)| a == b)
}

/// How an execution trace of any version begins.
pub(crate) fn is_trace(head: &[u8]) -> bool {
    head.starts_with(b"go 1.")
}

/// Whether it is a Parquet file, which may be a table of requests.
pub(crate) fn is_table(head: &[u8]) -> bool {
    head.starts_with(gotrace_slice::table::MAGIC)
}

/// Beginnings of files that people confuse with traces.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\x7fELF", "an ELF binary"),
    (b"\xcf\xfa\xed\xfe", "a macOS binary"),
    (b"MZ", "a Windows binary"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "a zip archive"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\0", "compressed with xz"),
    (b"\x04\x22\x4d\x18", "compressed with lz4"),
    (b"\x1f\x8b", "compressed with gzip twice"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd twice"),
    (b"SQLite format 3", "an SQLite database"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"goroutine profile: total", "a goroutine profile in text form (debug=1)"),
    (b"goroutine ", "a dump of goroutine stacks"),
    (b"heap profile: ", "a heap profile in text form (debug=1)"),
    (b"--- contention", "a contention profile in text form (debug=1)"),
];

/// What the file seems to be, fit for "this is …". `compressed` names the compression that was undone to see these bytes, if any.
pub(crate) fn what_is(head: &[u8], compressed: Option<&str>) -> String {
    if head.is_empty() {
        return "empty".to_owned();
    }
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*what).to_owned();
    }
    if head.get(257..262) == Some(b"ustar") {
        return "a tar archive".to_owned();
    }
    if is_pprof(head) {
        return match compressed {
            Some(how) => format!("a pprof profile ({how}, profile.proto)"),
            None => "a pprof profile (profile.proto)".to_owned(),
        };
    }
    text(head).unwrap_or_else(|| "a binary file of an unknown kind".to_owned())
}

/// A profile begins with its sample types: field 1, a short message of two numbers.
fn is_pprof(head: &[u8]) -> bool {
    matches!(head, [0x0a, 2..=12, 0x08 | 0x10, ..])
}

fn text(head: &[u8]) -> Option<String> {
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut at the end of the head.
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&head[..e.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    if valid.contains(|c: char| c.is_control() && !c.is_ascii_whitespace() && c != '\x1b') {
        return None;
    }
    let start = valid.trim_start().to_ascii_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return Some("an HTML page".to_owned());
    }
    if start.starts_with('{') || start.starts_with("[{") {
        return Some("JSON".to_owned());
    }
    let line: String = valid.trim_start().lines().next().unwrap_or_default().chars().take(60).collect();
    Some(format!("text that begins with '{}'", clean(&line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (head, what) in [
            (&b""[..], "empty"),
            (b"\x7fELF\x02", "an ELF binary"),
            (b"PK\x03\x04..", "a zip archive"),
            (b"\x0a\x04\x08\x01\x10\x02", "a pprof profile (profile.proto)"),
            (b" \n<!DOCTYPE html><p>", "an HTML page"),
            (b"{\"a\":1}", "JSON"),
            (b"404 page not found\n", "text that begins with '404 page not found'"),
            (b"\x1b[31mred\n", "text that begins with '\\x1B[31mred'"),
            (b"\x00\x01\x02", "a binary file of an unknown kind"),
            (b"caf\xc3", "text that begins with 'caf'"),
        ] {
            assert_eq!(what_is(head, None), what);
        }
        assert!(what_is(b"\x0a\x04\x08\x01", Some("gzip")).contains("(gzip, profile.proto)"));
        assert!(is_trace(b"go 1.26 trace\0\0\0") && !is_trace(b"go build"));
    }
}
