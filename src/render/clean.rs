//! All text of a trace passes through here on its way to a terminal or a text file.
//!
//! A name in a trace can hold any characters. None may move the cursor, change colours or reorder a line.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Makes control characters visible: `\xNN` below U+0080, `\u{NNNN}` above. Everything else stays.
pub fn clean(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_hostile) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    for c in text[first..].chars() {
        if !is_hostile(c) {
            out.push(c);
        } else if c.is_ascii() {
            let _ = write!(out, "\\x{:02X}", c as u32);
        } else {
            let _ = write!(out, "\\u{{{:04X}}}", c as u32);
        }
    }
    Cow::Owned(out)
}

/// C0, DEL, C1, line separators, and what changes the direction of text or has no width.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_not_copied() {
        assert!(matches!(clean("main.(*Σ[...]).Größe·1"), Cow::Borrowed(_)));
    }

    #[test]
    fn controls_become_visible() {
        assert_eq!(clean("a\x1b[31mb\n\x7f"), "a\\x1B[31mb\\x0A\\x7F");
        assert_eq!(clean("\u{9b}2J"), "\\u{009B}2J");
        assert_eq!(clean("x\u{202e}y\u{200b}\u{2028}"), "x\\u{202E}y\\u{200B}\\u{2028}");
    }
}
