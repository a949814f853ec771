//! Lines, words, quoted texts and numbers of the text form.

/// A value, or what is wrong with the line.
pub(crate) type Parsed<T> = std::result::Result<T, String>;

/// The lines that say something.
pub(crate) struct Lines<'a> {
    rest: std::iter::Enumerate<std::str::Lines<'a>>,
    /// The number of the line read last, from 1.
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

    /// The line of data or of a frame that belongs to the line before.
    pub(crate) fn continuation(&mut self, of: &str) -> Parsed<Vec<Token<'a>>> {
        self.next().unwrap_or_else(|| Err(format!("the text ends inside {of}")))
    }
}

/// `name` or `name=value`.
pub(crate) struct Token<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: Option<Value<'a>>,
}

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
        if let Some(after) = rest.strip_prefix('=') {
            if let Some(quoted) = after.strip_prefix('"') {
                let (bytes, behind) = unquote(quoted)?;
                value = Some(Value::Quoted(bytes));
                rest = behind;
            } else {
                let end = after.find(|c: char| c.is_whitespace() || c == '#').unwrap_or(after.len());
                value = Some(Value::Plain(&after[..end]));
                rest = &after[end..];
            }
        }
        tokens.push(Token { name, value });
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// Reads up to the closing quote, as Go's `strconv.Unquote` does.
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

/// A number and the least bytes that it takes.
pub(crate) type Number = (u64, usize);

pub(crate) fn number(text: &str) -> Parsed<Number> {
    let bad = || format!("{text} is not a number");
    let (digits, width) = text.split_once('/').unwrap_or((text, "1"));
    let width = width.parse().ok().filter(|w| (1..=10).contains(w)).ok_or_else(bad)?;
    let digits = digits.replace('_', "");
    let value = match digits.strip_prefix('-') {
        Some(negative) => negative.parse::<u64>().map(u64::wrapping_neg),
        None => digits.parse(),
    };
    Ok((value.map_err(|_| bad())?, width))
}
