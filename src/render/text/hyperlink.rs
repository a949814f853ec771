//! Links to files (OSC 8), where the terminal shows them: a place in a report opens the file.

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
}
