//! Commands that can be pasted into a shell.

use std::borrow::Cow;

/// What a trace is called in commands that was read from standard input.
pub const KEPT: &str = "trace.out";

/// Files that a command for people names, at most: with more nobody pastes it.
pub(crate) const MAX_FILES: usize = 8;

/// One word of a POSIX shell command, quoted if it needs to be.
pub fn quote(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

/// A file as one word of a POSIX shell command, which is no option. `-` is standard input.
pub fn file(name: &str) -> Cow<'_, str> {
    if name.len() > 1 && name.starts_with('-') {
        return Cow::Owned(quote(&format!("./{name}")).into_owned());
    }
    quote(name)
}

/// A text as a regular expression that matches it and nothing else.
pub fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// The command with these options, ready for a shell, on these traces. Standard input cannot be read again: it is called
/// as it is kept.
pub fn select(options: &str, traces: &[&str]) -> String {
    let mut command = format!("gotrace-slice {options}");
    for trace in traces {
        command.push(' ');
        command.push_str(&file(if *trace == "-" { KEPT } else { trace }));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_quotes_gets_them() {
        assert_eq!(quote("trace.out"), "trace.out");
        assert_eq!(quote("(*Server).Handler"), "'(*Server).Handler'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
        assert_eq!([file("-"), file("-rf.trace"), file("--a b")], ["-", "./-rf.trace", "'./--a b'"]);
        assert_eq!(
            select("-F --root 'main.(*S).H'", &["a b", "-"]),
            "gotrace-slice -F --root 'main.(*S).H' 'a b' trace.out"
        );
    }
}
