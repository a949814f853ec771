//! Tables of GitHub's Markdown, and text of a trace inside of them.

use crate::render::clean::clean;
use std::io::{self, Write};

/// A table. Cells are Markdown already.
pub(super) struct MarkdownTable {
    columns: Vec<(&'static str, bool)>,
    rows: Vec<Vec<String>>,
}

impl MarkdownTable {
    /// A table of these columns: headings, and whether their cells stand on the right.
    pub(super) fn new(columns: &[(&'static str, bool)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let headings: Vec<&str> = self.columns.iter().map(|c| c.0).collect();
        let sides: Vec<&str> = self.columns.iter().map(|c| if c.1 { "--:" } else { ":--" }).collect();
        writeln!(out, "| {} |\n|{}|", headings.join(" | "), sides.join("|"))?;
        self.rows.iter().try_for_each(|row| writeln!(out, "| {} |", row.join(" | ")))
    }
}

/// Text of a trace as a code span. GitHub finds the cells of a table before it looks for code, so a bar is escaped
/// even there. A span begins and ends with more backticks than there are in a row inside.
pub(super) fn code(name: &str) -> String {
    let name = clean(name).replace('|', "\\|");
    let longest = name.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A space is dropped at both ends, and only there where a backtick needs it.
    let pad = if longest > 0 || name.is_empty() { " " } else { "" };
    format!("{fence}{pad}{name}{pad}{fence}")
}

/// Text of a trace as plain text: what means something in Markdown or HTML is escaped.
pub(super) fn text(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in clean(name).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // So that no name calls a person or another issue.
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '|' | '[' | ']' | '~' | '!' | '$' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_cell() {
        for (name, expected) in [
            ("main.(*T[...]).M", "`main.(*T[...]).M`"),
            ("a|b", "`a\\|b`"),
            ("a`b", "`` a`b ``"),
            ("```", "```` ``` ````"),
            ("a\nb", "`a\\x0Ab`"),
            ("<img src=x>", "`<img src=x>`"),
            ("", "`  `"),
        ] {
            assert_eq!(code(name), expected);
        }
        assert_eq!(text("<b>_x_|@me #1 [a](b)"), "&lt;b&gt;\\_x\\_\\|&#64;me &#35;1 \\[a\\](b)");
    }
}
