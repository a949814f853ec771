//! Other words for the words of a name: the same for the same word, and unknown to all, as the key is thrown away.

use crate::profile::{is_std, package};
use sha2::{Digest as _, Sha256};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// Modules that stay, as they are everybody's and servers are found by their functions.
const PUBLIC: [&str; 3] = ["golang.org/x/", "google.golang.org/grpc", "google.golang.org/protobuf"];

/// Words in names that say what Go made of a function, or what calls it.
const KEPT: &[&str] = &[
    "main",
    "init",
    "glob",
    "func",
    "gowrap",
    "deferwrap",
    "go",
    "shape",
    "vendor",
    "struct",
    "interface",
    "map",
    "chan",
    "string",
    "int",
    "int32",
    "int64",
    "uint8",
    "byte",
    "bool",
    "error",
    "any",
    "ServeHTTP",
    "RoundTrip",
    "Handler",
    "websocket",
    "src",
    "pkg",
    "mod",
];

/// Hexadecimal digits of a word: enough that no two of a program are alike.
const DIGITS: usize = 12;

/// Gives names other names.
#[derive(Clone, Debug)]
pub struct Renamer {
    key: [u8; 32],
}

impl Renamer {
    /// With a key that nobody knows.
    pub fn new() -> Self {
        let mut key = [0; 32];
        for bytes in key.chunks_exact_mut(8) {
            bytes.copy_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
        }
        Self { key }
    }

    /// With this key.
    pub fn with_key(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// A function: Go's own stay.
    pub fn function(&self, name: &str) -> String {
        if stays(name) { name.to_owned() } else { self.words(name) }
    }

    /// A file; `of_go` is a function of Go's own in it, if there is one: what comes before its package is renamed.
    pub fn file(&self, path: &str, of_go: Option<&str>) -> String {
        let package = of_go.map(package).filter(|package| !package.is_empty());
        match package.and_then(|package| path.rfind(&format!("{package}/"))) {
            Some(at) => self.words(&path[..at]) + &path[at..],
            None => self.path(path),
        }
    }

    /// What a program wrote: the name of a task or a region, a line of a log.
    pub fn text(&self, text: &str) -> String {
        if text.is_empty() { String::new() } else { self.word(text, 'x') }
    }

    /// Files end in `.go`, and modules in their version: what was fetched is known by that.
    fn path(&self, path: &str) -> String {
        let (stem, ending) = match path.strip_suffix(".go") {
            Some(stem) => (stem, ".go"),
            None => (path, ""),
        };
        let parts = stem.split('/').map(|part| match part.rsplit_once('@') {
            Some((module, version)) => format!("{}@{version}", self.words(module)),
            None => self.words(part),
        });
        parts.collect::<Vec<_>>().join("/") + ending
    }

    /// Each word of a name by itself, so that closures stay in their functions and methods with their types.
    fn words(&self, name: &str) -> String {
        let (mut renamed, mut word) = (String::new(), String::new());
        for c in name.chars() {
            if c.is_alphanumeric() {
                word.push(c);
                continue;
            }
            self.push_word(&mut renamed, &mut word);
            renamed.push(c);
        }
        self.push_word(&mut renamed, &mut word);
        renamed
    }

    fn push_word(&self, renamed: &mut String, word: &mut String) {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        if letters.is_empty() || KEPT.contains(&letters) || KEPT.contains(&word.as_str()) {
            renamed.push_str(word);
        } else {
            let first = if word.starts_with(char::is_uppercase) { 'X' } else { 'x' };
            renamed.push_str(&self.word(word, first));
        }
        word.clear();
    }

    fn word(&self, word: &str, first: char) -> String {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(word.as_bytes());
        let hash = hash.finalize();
        let bytes = hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        format!("{first}{:0width$x}", bytes >> (64 - 4 * DIGITS), width = DIGITS)
    }
}

impl Default for Renamer {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a function is Go's own, or of one of its public modules.
pub(super) fn stays(function: &str) -> bool {
    is_std(function) || PUBLIC.iter().any(|module| function.starts_with(module))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_replaced_and_the_form_stays() {
        let renamer = Renamer::with_key([7; 32]);
        let function = renamer.function("github.com/me/shop.(*Cart).Checkout.func1");
        let shape: String = function.chars().filter(|c| !c.is_ascii_hexdigit()).collect();
        assert_eq!(shape, "x.x/x/x.(*X).X.un");
        assert!(function.strip_suffix(".func1").is_some() && !function.contains("shop") && !function.contains("Cart"));
        assert!(function.starts_with(renamer.function("github.com/me/shop.(*Cart).Checkout").as_str()));
        assert_eq!(renamer.function("net/http.(*conn).serve"), "net/http.(*conn).serve");
        assert_eq!(
            renamer.function("golang.org/x/net/http2.(*serverConn).serve"),
            "golang.org/x/net/http2.(*serverConn).serve"
        );
        assert!(renamer.function("main.main").starts_with("main.main"));
    }

    #[test]
    fn paths_keep_what_tells_whose_they_are() {
        let renamer = Renamer::with_key([7; 32]);
        let go = renamer.file("/home/me/go1.26/src/net/http/server.go", Some("net/http.(*conn).serve"));
        assert!(go.ends_with("/src/net/http/server.go") && !go.contains("home") && !go.contains("me/"), "{go}");
        let fetched = renamer.file("/go/pkg/mod/github.com/lib/pq@v1.10.9/conn.go", None);
        assert!(
            fetched.starts_with("/go/pkg/mod/")
                && fetched.contains("@v1.10.9/")
                && fetched.strip_suffix(".go").is_some()
        );
        assert!(!fetched.contains("pq") && !fetched.contains("conn"), "{fetched}");
    }

    #[test]
    fn another_key_gives_other_words() {
        assert_ne!(Renamer::new().text("user 4711"), Renamer::new().text("user 4711"));
        assert_eq!(Renamer::with_key([1; 32]).text("a"), Renamer::with_key([1; 32]).text("a"));
    }
}
