//! Links to files (OSC 8), where the terminal shows them: a place in a report opens the file.

use crate::profile::ProfileFrame;
use crate::render::names;
use rustc_hash::FxHashMap;
use std::fmt::Write as _;

/// The file of a place, if it is known where it is. Which one it is does not show: stacks that differ in it alone look the
/// same.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceFile(Option<String>);

impl PartialEq for SourceFile {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for SourceFile {}

impl SourceFile {
    /// A file by its path in the trace. Of one that was built with `-trimpath` it is not known where it is.
    pub(crate) fn of(path: &str) -> Self {
        let is_drive = matches!(path.as_bytes(), [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic());
        Self((path.starts_with('/') || is_drive).then(|| path.to_owned()))
    }

    /// The text with a link around it; the text alone where there is none.
    pub(crate) fn link(&self, text: &str) -> String {
        match &self.0 {
            Some(path) if !text.is_empty() => format!("\x1b]8;;{}\x1b\\{text}\x1b]8;;\x1b\\", address(path)),
            _ => text.to_owned(),
        }
    }
}

/// The places that sentences may name, as they name them (`main.go:12`), and their files.
#[derive(Default)]
pub(crate) struct Places<'a>(FxHashMap<String, Option<&'a str>>);

impl<'a> Places<'a> {
    pub(crate) fn of(frames: impl IntoIterator<Item = &'a ProfileFrame>) -> Self {
        let mut places = FxHashMap::default();
        for frame in frames {
            let file = places.entry(names::place(&frame.file, frame.line)).or_insert(Some(frame.file.as_str()));
            // Two files of one name: a sentence does not tell which one it means.
            *file = file.filter(|known| *known == frame.file.as_str());
        }
        Self(places)
    }

    /// The text with a link around each place in it.
    pub(crate) fn link(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let is_between = |c: char| c.is_whitespace() || "(),;".contains(c);
        let linked = |word: &str| {
            let name = word.trim_end_matches(is_between);
            let file = self.0.get(name).copied().flatten();
            file.map_or_else(|| word.to_owned(), |file| SourceFile::of(file).link(name) + &word[name.len()..])
        };
        text.split_inclusive(is_between).map(linked).collect()
    }
}

/// `file:///app/main.go`. All that could end it, or do anything else, is encoded.
fn address(path: &str) -> String {
    let mut address = String::from(if path.starts_with('/') { "file://" } else { "file:///" });
    for byte in path.bytes() {
        match byte {
            b'\\' => address.push('/'),
            _ if byte.is_ascii_alphanumeric() || b"/-._~:@+".contains(&byte) => address.push(char::from(byte)),
            _ => drop(write!(address, "%{byte:02X}")),
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_links() {
        let link = |path| SourceFile::of(path).link("main.go:12");
        assert_eq!(link("/app/main.go"), "\x1b]8;;file:///app/main.go\x1b\\main.go:12\x1b]8;;\x1b\\");
        assert_eq!(link("example.com/app/main.go"), "main.go:12");
        assert_eq!(address(r"C:\app\x y.go"), "file:///C:/app/x%20y.go");
        assert_eq!(SourceFile::of("/app/main.go").link(""), "");
    }

    #[test]
    fn no_path_ends_its_link() {
        assert_eq!(address("/a\x1b\\\x07;é\u{202e}"), "file:///a%1B/%07%3B%C3%A9%E2%80%AE");
    }

    #[test]
    fn places_in_sentences_are_links_where_one_file_has_them() {
        let frame = |file: &str, line| ProfileFrame { function: "main.f".into(), file: file.into(), line };
        let frames = [frame("/a/one.go", 1), frame("/a/two.go", 2), frame("/b/two.go", 2), frame("rel/three.go", 3)];
        let link = |text| Places::of(&frames).link(text);
        let one = SourceFile::of("/a/one.go").link("one.go:1");
        assert_eq!(
            link("in main.f (one.go:1), two.go:2 or three.go:3"),
            format!("in main.f ({one}), two.go:2 or three.go:3")
        );
        assert_eq!(link("(one.go:1 27.7%, one.go:12)  one.go:1"), format!("({one} 27.7%, one.go:12)  {one}"));
        assert_eq!(Places::default().link("one.go:1"), "one.go:1");
    }
}
