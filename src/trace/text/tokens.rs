//! Lines, words, quoted texts and numbers of the text form.

use super::Varint;

/// A value, or the message about a mistake in the line.
pub(crate) type Parsed<T> = std::result::Result<T, String>;

/// The lines that are not empty or a comment.
pub(crate) struct Lines<'a> {
    rest: std::iter::Enumerate<std::str::Lines<'a>>,
    /// The number of the line read last, counted from 1; 0 before the first.
    pub(crate) number: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text.lines().enumerate(), number: 0 }
    }

    pub(crate) fn next(&mut self) -> Option<Parsed<Vec<Token<'a>>>> {
        for (i, line) in self.rest.by_ref() {
            self.number = i + 1;
            match tokens(line) {
                Ok(tokens) if tokens.is_empty() => {}
                other => return Some(other),
            }
        }
        None
    }

    /// The next line, which belongs to the line before: data, or a frame. `of` names that for the message.
    pub(crate) fn continuation(&mut self, of: &str) -> Parsed<Vec<Token<'a>>> {
        self.next().unwrap_or_else(|| Err(format!("the text ends inside {of}")))
    }
}

/// `name` or `name=value`.
pub(crate) struct Token<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: Option<Value<'a>>,
}

/// The value of an argument, without its quotes.
pub(crate) enum Value<'a> {
    Plain(&'a str),
    Quoted(Vec<u8>),
}

fn tokens(line: &str) -> Parsed<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let end = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '#').unwrap_or(rest.len());
        let name = &rest[..end];
        rest = &rest[end..];
        let mut value = None;
        if let Some(text) = rest.strip_prefix('=') {
            if let Some(quoted) = text.strip_prefix('"') {
                let (bytes, after) = unquote(quoted)?;
                value = Some(Value::Quoted(bytes));
                rest = after;
            } else {
                let end = text.find(|c: char| c.is_whitespace() || c == '#').unwrap_or(text.len());
                value = Some(Value::Plain(&text[..end]));
                rest = &text[end..];
            }
        }
        tokens.push(Token { name, value });
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// The bytes up to the closing quote, read as by Go's `strconv.Unquote`, and the text after it.
fn unquote(text: &str) -> Parsed<(Vec<u8>, &str)> {
    let mut bytes = Vec::new();
    let mut chars = text.char_indices();
    let bad = || "a quoted text is malformed".to_owned();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((bytes, &text[at + 1..])),
            '\\' => {
                let (at, escape) = chars.next().ok_or_else(bad)?;
                let digits = match escape {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                if digits == 0 {
                    let plain = "abfnrtv\\\"".find(escape).ok_or_else(bad)?;
                    bytes.push(b"\x07\x08\x0c\n\r\t\x0b\\\""[plain]);
                    continue;
                }
                let hex = text.get(at + 1..at + 1 + digits).ok_or_else(bad)?;
                let value = u32::from_str_radix(hex, 16).map_err(|_| bad())?;
                if digits == 2 {
                    bytes.push(value as u8);
                } else {
                    let c = char::from_u32(value).ok_or_else(bad)?;
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                chars.nth(digits - 1);
            }
            _ => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err("a quoted text has no end".into())
}

/// A number such as `12`, `-1`, `1_000` or, padded to ten bytes, `44/10`.
pub(crate) fn varint(text: &str) -> Parsed<Varint> {
    let bad = || format!("{text} is not a number");
    let (digits, width) = text.split_once('/').unwrap_or((text, "1"));
    let width = width.parse().ok().filter(|w| (1..=10).contains(w)).ok_or_else(bad)?;
    let digits = digits.replace('_', "");
    let value = match digits.strip_prefix('-') {
        Some(negative) => negative.parse::<u64>().map(u64::wrapping_neg),
        None => digits.parse(),
    };
    Ok(Varint { value: value.map_err(|_| bad())?, width })
}
