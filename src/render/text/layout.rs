//! Columns, colours and glyphs of the terminal report. Widths are columns of a terminal, not bytes.

use super::hyperlink::{Places, SourceFile};
use crate::profile::StackTree;
use crate::render::Options;
use crate::render::palette;
use crate::render::units::{self, Share};
use anstyle::{AnsiColor, Color, Style};
use std::io::{self, Write};
use unicode_width::UnicodeWidthChar as _;

pub(crate) use crate::render::wrap::{width, wrapped};

/// Everything the sections need to know about where they are written.
pub(crate) struct View<'a> {
    pub(crate) options: &'a Options,
    pub(crate) glyphs: &'static Glyphs,
    /// The places that are links; none where the terminal shows no links.
    places: Places<'a>,
}

/// The signs for which a locale without UTF-8 needs others.
pub(crate) struct Glyphs {
    pub(crate) arrow: &'static str,
    pub(crate) dots: &'static str,
    pub(crate) separator: &'static str,
    pub(crate) at_most: &'static str,
    pub(crate) at_least: &'static str,
    /// Before the name of what ended a wait.
    pub(crate) by: &'static str,
    /// Beside what stands out.
    pub(crate) mark: &'static str,
    /// Bars of 1/n … n/n of a column.
    bar: &'static [&'static str],
}

static UNICODE: Glyphs = Glyphs {
    arrow: " → ",
    dots: "…",
    separator: " · ",
    at_most: "≤",
    at_least: "≥",
    by: "← ",
    mark: "◀",
    bar: &["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
};

static ASCII: Glyphs = Glyphs {
    arrow: " -> ",
    dots: "...",
    separator: " | ",
    at_most: "<=",
    at_least: ">=",
    by: "<- ",
    mark: "<",
    bar: &["#"],
};

/// Columns between a section's title and its sentence.
const TITLE_GAP: usize = 2;

/// Titles of sections and numbers that matter.
pub(crate) const BOLD: Style = Style::new().bold();
/// Secondary text.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What the reader must see.
pub(crate) const ALERT: Style = color(AnsiColor::Yellow).bold();
/// The item of a trace that was not read whole.
pub(crate) const INCOMPLETE: &str = "INCOMPLETE";
/// Text as it is.
pub(crate) const PLAIN: Style = Style::new();

const fn color(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(color)))
}

/// The colour of a state.
pub(crate) fn state_style(state: &str) -> Style {
    palette::of_state(state).terminal.map_or(PLAIN, color)
}

impl<'a> View<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        Self { options, glyphs: if options.unicode { &UNICODE } else { &ASCII }, places: Places::default() }
    }

    /// A view in which places of these stacks are links.
    pub(crate) fn with_places(self, tree: &'a StackTree) -> Self {
        Self {
            places: if self.options.hyperlinks { Places::of(tree.frames().iter()) } else { Places::default() },
            ..self
        }
    }

    /// A duration in the unit asked for.
    pub(crate) fn time(&self, ns: u64) -> String {
        self.ascii(units::duration(ns, self.options.unit))
    }

    /// The letters of our own numbers that are not ASCII, where the locale has only that.
    pub(crate) fn ascii(&self, text: String) -> String {
        if self.options.unicode {
            text
        } else {
            text.replace('µ', "u").replace('×', "x").replace('−', "-").replace('≥', ">=")
        }
    }

    /// `text` in a style, or as it is without colours.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        if self.options.color && style != PLAIN && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// A text with a link to a file around it, where the terminal shows links.
    pub(crate) fn link(&self, file: &SourceFile, text: &str) -> String {
        if self.options.hyperlinks { file.link(text) } else { text.to_owned() }
    }

    /// A line with a link around each place that it names.
    pub(crate) fn link_places(&self, line: &str) -> String {
        self.places.link(line)
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

    /// A section's title, and beside it one sentence about what it shows.
    pub(crate) fn title(&self, out: &mut dyn Write, title: &str, sentence: &str) -> io::Result<()> {
        writeln!(out)?;
        write!(out, "{}", self.paint(BOLD, title))?;
        let room = self.options.width.saturating_sub(width(title) + TITLE_GAP);
        if self.options.hints && !sentence.is_empty() && room > 0 {
            write!(out, "{:TITLE_GAP$}{}", "", self.paint(DIM, &self.fit(sentence, room)))?;
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
