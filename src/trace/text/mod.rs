//! The text form of a trace of Go 1.22 and later, for tests and bug reports. Bytes become text and the same bytes again.
//!
//! It is Go's own (`internal/trace/raw`, Go 1.27), one event a line:
//!
//! ```text
//! Trace Go1.22
//! EventBatch gen=1 m=0 time=0 size=9
//! GoCreate dt=1 new_g=4 new_stack=1 stack=2
//! String id=1
//!     data="main.work"
//! ```
//!
//! Additions to Go's form, for damaged traces: `Bytes data="…"` is bytes inside a batch that are no event,
//! `Foreign data="…"` is bytes between batches, and `size=44/10` is a varint padded to ten bytes.
//!
//! Additions for people who write traces by hand:
//!
//! * `#` begins a comment; numbers may contain `_`, and `-1` is 2^64-1;
//! * omitted arguments are 0, and an omitted size is computed;
//! * `at=120` is a time instead of a difference;
//! * states have names: `gstatus=Waiting`;
//! * strings and stacks may be written where they are used: `reason_string="select"`,
//!   `stack="main.leaf < main.root:12"`. Their tables are written at the end of the generation.
//!
//! `tokens.rs` splits lines, `parse.rs` makes bytes of them, `print.rs` makes text of bytes.

mod parse;
mod print;
mod tokens;

pub use parse::from_text;
pub use print::to_text;

/// A varint: its value, and the number of bytes that it takes if these are more than the value needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Varint {
    pub(crate) value: u64,
    pub(crate) width: usize,
}

/// Bytes inside a batch that are no event.
const BYTES: &str = "Bytes";
/// Bytes between batches that are no batch.
const FOREIGN: &str = "Foreign";
/// The argument with the size of data, where that differs from the size of the bytes that follow.
const LEN: &str = "len";
/// The arguments of one frame of a stack.
const FRAME_ARGS: [&str; 4] = ["pc", "func", "file", "line"];

#[cfg(test)]
mod tests {
    use super::*;

    fn header(version: &str) -> Vec<u8> {
        crate::trace::wire::encode::TraceWriter::new(version).unwrap().finish()
    }

    #[test]
    fn any_bytes_survive() {
        let mut bytes = header("1.26");
        bytes.extend(b"\x01\x01\x02\x05\x03\x0e\x01\x80printed by the program\x34\x01\x01\x80\x00\x05\x09abc");
        let text = to_text(&bytes).unwrap();
        assert_eq!(from_text(&text).unwrap(), bytes, "{text}");
    }

    #[test]
    fn shorthand_is_written_out() {
        let text = r#"Trace Go1.22
            EventBatch gen=1 m=-1 time=1_0  # the clock
            Frequency freq=1000
            EventBatch gen=1 m=2 time=100
            GoStatus at=110 g=1 m=2 gstatus=Running
            GoBlock at=130 reason_string="chan receive" stack="main.leaf < main.main:7""#;
        let bytes = from_text(text).unwrap();
        let printed = to_text(&bytes).unwrap();
        assert!(printed.contains("EventBatch gen=1 m=18446744073709551615 time=10 size=3\n"), "{printed}");
        assert!(printed.contains("GoStatus dt=10 g=1 m=2 gstatus=2\nGoBlock dt=20 reason_string=1 stack=1\n"));
        assert!(printed.contains("Stack id=1 nframes=2\n\tpc=") && printed.contains(" func=4 file=3 line=7\n"));
        assert!(printed.contains("String id=1\n\tdata=\"chan receive\"\n"));
        assert_eq!(from_text(&printed).unwrap(), bytes);
    }

    #[test]
    fn mistakes_name_their_line() {
        let error = |text: &str| from_text(text).unwrap_err().to_string();
        assert_eq!(error("Trace Go1.21"), "line 1: expected `Trace Go1.22` or later");
        assert_eq!(error("Trace Go1.22\n\nGoFly"), "line 3: there is no event GoFly");
        assert_eq!(error("Trace Go1.22\nGoBlock stak=1"), "line 2: GoBlock has no argument stak");
        assert_eq!(
            error("Trace Go1.22\nEventBatch time=9\nGoStop at=3"),
            "line 3: time 3 is before the event before it, at 9"
        );
    }
}
