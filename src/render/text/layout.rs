//! Columns, colours and glyphs of the terminal report. Widths are columns of a terminal, not bytes.

use crate::render::Options;
use crate::render::units::{self, Share};
use anstyle::{AnsiColor, Color, Style};
use std::io::{self, Write};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Everything the sections need to know about where they are written.
pub(crate) struct View<'a> {
    pub(crate) options: &'a Options,
    pub(crate) glyphs: &'static Glyphs,
}

/// The signs that a locale without UTF-8 needs replaced.
pub(crate) struct Glyphs {
    pub(crate) arrow: &'static str,
    pub(crate) dots: &'static str,
    pub(crate) separator: &'static str,
    pub(crate) at_most: &'static str,
    /// Bars of 1/n … n/n of a column.
    bar: &'static [&'static str],
}

static UNICODE: Glyphs =
    Glyphs {
        arrow: " → ", dots: "…", separator: " · ", at_most: "≤", bar: &["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]
    };

static ASCII: Glyphs = Glyphs { arrow: " -> ", dots: "...", separator: " | ", at_most: "<=", bar: &["#"] };

/// Titles of sections and numbers that matter.
pub(crate) const BOLD: Style = Style::new().bold();
/// What may be overlooked.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What must not be overlooked.
const ALERT: Style = color(AnsiColor::Yellow).bold();
/// The item of a trace that was not read whole.
pub(crate) const INCOMPLETE: &str = "INCOMPLETE";
/// Text as it is.
pub(crate) const PLAIN: Style = Style::new();

const fn color(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(color)))
}

/// The colour of a state: one of the 16 that the user's theme decides on.
pub(crate) fn state_style(state: &str) -> Style {
    match state {
        "running" => color(AnsiColor::Green),
        "runnable" => color(AnsiColor::Cyan),
        "network" => color(AnsiColor::BrightMagenta),
        "syscall" => color(AnsiColor::Red),
        "sync" => color(AnsiColor::BrightRed),
        "sleep" | "forever" | "unknown" => color(AnsiColor::BrightBlack),
        _ if state.starts_with("chan ") || state.starts_with("select") => color(AnsiColor::BrightYellow),
        _ if state.starts_with("sync") => color(AnsiColor::Yellow),
        _ if state.starts_with("GC") => color(AnsiColor::Magenta),
        _ => PLAIN,
    }
}

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

impl<'a> View<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        Self { options, glyphs: if options.unicode { &UNICODE } else { &ASCII } }
    }

    /// A duration in the unit asked for.
    pub(crate) fn time(&self, ns: u64) -> String {
        self.ascii(units::duration(ns, self.options.unit))
    }

    /// The one letter of our own that is not ASCII, where the locale has only that.
    pub(crate) fn ascii(&self, text: String) -> String {
        if self.options.unicode { text } else { text.replace('µ', "u") }
    }

    /// `text` in a style, or as it is without colours.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        if self.options.color && style != PLAIN && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// Cuts the end of a text that is wider than `max`.
    pub(crate) fn fit(&self, text: &str, max: usize) -> String {
        if width(text) <= max {
            return text.to_owned();
        }
        let mut room = max.saturating_sub(width(self.glyphs.dots));
        let kept: String = text
            .chars()
            .take_while(|c| {
                let w = c.width().unwrap_or(0);
                let fits = w <= room;
                room = room.saturating_sub(if fits { w } else { room });
                fits
            })
            .collect();
        kept + self.glyphs.dots
    }

    /// Cuts the beginning of a text that is wider than `max`.
    pub(crate) fn fit_end(&self, text: &str, max: usize) -> String {
        if width(text) <= max {
            return text.to_owned();
        }
        let mut room = max.saturating_sub(width(self.glyphs.dots));
        let mut from = text.len();
        for (i, c) in text.char_indices().rev() {
            let w = c.width().unwrap_or(0);
            if w > room {
                break;
            }
            room -= w;
            from = i;
        }
        format!("{}{}", self.glyphs.dots, &text[from..])
    }

    /// A bar as long as its share, all of it being `columns`. What is not zero shows.
    pub(crate) fn bar(&self, share: Share, columns: usize) -> String {
        let per_column = self.glyphs.bar.len();
        let all = columns * per_column * share.0 as usize;
        let mut parts = (all + 500) / 1000;
        if parts == 0 && share.0 > 0 {
            parts = 1;
        }
        let full = self.glyphs.bar[per_column - 1];
        let mut bar = full.repeat(parts / per_column);
        if !parts.is_multiple_of(per_column) {
            bar.push_str(self.glyphs.bar[parts % per_column - 1]);
        }
        bar
    }

    /// A section's title, and on its right the question that it answers.
    pub(crate) fn title(&self, out: &mut dyn Write, title: &str, question: &str) -> io::Result<()> {
        writeln!(out)?;
        write!(out, "{}", self.paint(BOLD, title))?;
        let gap = self.options.width.saturating_sub(width(title) + width(question)).min(62 - width(title).min(60));
        if self.options.hints && gap >= 2 {
            write!(out, "{:gap$}{}", "", self.paint(DIM, question))?;
        }
        writeln!(out)
    }

    /// A label and its items, continued on the next line where the width ends.
    pub(crate) fn items(&self, out: &mut dyn Write, label: &str, pad: usize, items: &[String]) -> io::Result<()> {
        write!(out, "{}{:gap$}", self.paint(BOLD, label), "", gap = pad.saturating_sub(width(label)))?;
        let mut at = pad;
        for (i, item) in items.iter().enumerate() {
            let item = self.fit(item, self.options.width.saturating_sub(pad));
            let separator = if i == 0 { "" } else { self.glyphs.separator };
            let columns = width(&item);
            let item = self.paint(if item == INCOMPLETE { ALERT } else { PLAIN }, &item);
            if i > 0 && at + width(separator) + columns > self.options.width {
                write!(out, "\n{:pad$}{item}", "")?;
                at = pad + columns;
            } else {
                write!(out, "{}{item}", self.paint(DIM, separator))?;
                at += width(separator) + columns;
            }
        }
        writeln!(out)
    }
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) style: Style,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: PLAIN }
    }

    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// A column's heading and the side that its cells stand on.
pub(crate) struct Column {
    pub(crate) heading: &'static str,
    pub(crate) right: bool,
}

/// Aligned columns, two spaces between them and before the first.
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) const GAP: usize = 2;

    pub(crate) fn new(columns: &[(&'static str, bool)]) -> Self {
        let columns = columns.iter().map(|&(heading, right)| Column { heading, right }).collect();
        Self { columns, rows: Vec::new() }
    }

    fn widths(&self) -> Vec<usize> {
        let cell = |row: &Vec<Cell>, i: usize| row.get(i).map_or(0, |c| width(&c.text));
        let widest = |i: usize| self.rows.iter().map(|r| cell(r, i)).max().unwrap_or(0);
        (0..self.columns.len()).map(|i| widest(i).max(width(self.columns[i].heading))).collect()
    }

    /// Columns left on a line of `line` columns beside all columns of this table.
    pub(crate) fn room(&self, line: usize) -> usize {
        line.saturating_sub(self.widths().iter().map(|w| w + Self::GAP).sum())
    }

    pub(crate) fn write(&self, view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
        let widths = self.widths();
        if self.columns.iter().any(|c| !c.heading.is_empty()) {
            let headings: Vec<Cell> = self.columns.iter().map(|c| Cell::styled(c.heading, DIM)).collect();
            self.line(view, &widths, &headings, out)?;
        }
        self.rows.iter().try_for_each(|row| self.line(view, &widths, row, out))
    }

    fn line(&self, view: &View<'_>, widths: &[usize], row: &[Cell], out: &mut dyn Write) -> io::Result<()> {
        let last = row.iter().rposition(|c| !c.text.is_empty()).unwrap_or(0);
        for (i, cell) in row.iter().enumerate().take(last + 1) {
            let pad = widths[i].saturating_sub(width(&cell.text));
            let (before, after) = if self.columns[i].right { (pad, 0) } else { (0, pad) };
            let after = if i == last { 0 } else { after };
            let text = view.paint(cell.style, &cell.text);
            write!(out, "{:gap$}{text}{:after$}", "", "", gap = Self::GAP + before)?;
        }
        writeln!(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_counts_columns() {
        let options = Options::default();
        let view = View::new(&options);
        assert_eq!(view.fit("main.main", 9), "main.main");
        assert_eq!(view.fit("main.main", 5), "main…");
        assert_eq!(view.fit_end("main.main", 5), "…main");
        assert_eq!(view.fit("世界世界", 5), "世界…");
        assert_eq!(view.fit_end("世界世界", 4), "…界");
    }

    #[test]
    fn bars_are_as_long_as_their_share() {
        let options = Options::default();
        let view = View::new(&options);
        assert_eq!(view.bar(Share(1000), 4), "████");
        assert_eq!(view.bar(Share(1), 4), "▏");
        assert_eq!(view.bar(Share(0), 4), "");
        let options = Options { unicode: false, ..options };
        assert_eq!(View::new(&options).bar(Share(500), 4), "##");
    }
}
