//! Messages on as many lines as a terminal needs, broken at spaces. It knows no terminal.

use unicode_width::UnicodeWidthStr as _;

/// Columns that are too few to break anything for.
const MIN_COLUMNS: usize = 20;

/// A message on lines of so many columns; all but the first are set in. An option stays with what follows, which may be its
/// value, and a quoted text is one word: what one would copy is not cut. Escapes of colours take no column.
pub(super) fn wrap(text: &str, columns: usize, indent: usize) -> String {
    if columns < MIN_COLUMNS || visible_width(text) <= columns {
        return text.to_owned();
    }
    let mut wrapped = String::with_capacity(text.len() + 16);
    let mut at = 0;
    for piece in pieces(text) {
        let width = visible_width(piece.trim_end());
        if at > indent && at + width > columns {
            wrapped.truncate(wrapped.trim_end().len());
            wrapped.push('\n');
            wrapped.extend(std::iter::repeat_n(' ', indent));
            at = indent;
        }
        wrapped.push_str(piece);
        at += visible_width(piece);
    }
    wrapped
}

fn visible_width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().width()
}

/// A longer message is left to the terminal, in bytes.
const MAX_WRAPPED: usize = 1 << 14;

/// The parts between which a line may end, each with the spaces after it.
fn pieces(text: &str) -> Vec<&str> {
    // Only a hostile name is so long.
    if text.len() > MAX_WRAPPED {
        return vec![text];
    }
    let mut pieces = Vec::new();
    let (mut start, mut is_quoted) = (0, false);
    for (end, _) in text.match_indices(' ') {
        let piece = &text[start..end];
        is_quoted = has_open_quote(piece);
        let is_option = piece.rsplit(' ').next().is_some_and(|word| word.starts_with('-'));
        let is_last_space = !text[end + 1..].starts_with(' ');
        if !is_quoted && !is_option && is_last_space && !piece.trim().is_empty() {
            pieces.push(&text[start..=end]);
            start = end + 1;
        }
    }
    // A quote that nothing closes is an apostrophe.
    if is_quoted {
        pieces.extend(text[start..].split_inclusive(' '));
    } else {
        pieces.push(&text[start..]);
    }
    pieces
}

/// Whether a quote begins in it, as a word does, and does not end.
fn has_open_quote(piece: &str) -> bool {
    let opens = piece.starts_with('\'') || piece.contains(" '");
    opens && piece.matches('\'').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_end_between_words() {
        let text = "error: one two three four five six";
        assert_eq!(wrap(text, 24, 7), "error: one two three\n       four five six");
        assert_eq!(wrap(text, 80, 7), text);
        assert_eq!(wrap(text, 10, 7), text);
        let long = "a".repeat(30);
        assert_eq!(wrap(&format!("error: {long} end"), 24, 7), format!("error: {long}\n       end"));
    }

    #[test]
    fn what_is_copied_is_not_cut() {
        assert_eq!(wrap("help: take an option: --root REGEX", 30, 6), "help: take an option:\n      --root REGEX");
        assert_eq!(wrap("help: a type called 'GET /x/y z' is", 30, 6), "help: a type called\n      'GET /x/y z' is");
        assert_eq!(
            wrap("help: the requests' own time is 'open", 30, 6),
            "help: the requests' own time\n      is 'open"
        );
    }

    #[test]
    fn colours_take_no_columns() {
        let text = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m one two three";
        assert_eq!(wrap(text, 20, 7), text);
        assert_eq!(wrap(&format!("{text} four"), 22, 7), format!("{text}\n       four"));
    }
}
