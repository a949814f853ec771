//! Aligned columns.

use super::hyperlink::SourceFile;
use super::layout::{DIM, PLAIN, View, width};
use anstyle::Style;
use std::borrow::Cow;
use std::io::{self, Write};

/// A cell of a table. Its text may have several lines.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) style: Style,
    /// The file that it names, if it links to one.
    pub(crate) file: Option<SourceFile>,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::styled(text, PLAIN)
    }

    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style, file: None }
    }

    /// A cell that links to a file.
    pub(crate) fn linked(text: impl Into<String>, style: Style, file: SourceFile) -> Self {
        Self { file: Some(file), ..Self::styled(text, style) }
    }
}

/// A column's heading and the side that its cells stand on.
pub(crate) struct Column {
    pub(crate) heading: Cow<'static, str>,
    pub(crate) right: bool,
}

/// Aligned columns, two spaces between them and before the first.
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) const GAP: usize = 2;

    pub(crate) fn new<H: Into<Cow<'static, str>> + Clone>(columns: &[(H, bool)]) -> Self {
        let column = |(heading, right): &(H, bool)| Column { heading: heading.clone().into(), right: *right };
        Self { columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }

    fn widths(&self) -> Vec<usize> {
        let lines = |c: &Cell| c.text.split('\n').map(width).max().unwrap_or(0);
        let cell = |row: &Vec<Cell>, i: usize| row.get(i).map_or(0, lines);
        let widest = |i: usize| self.rows.iter().map(|r| cell(r, i)).max().unwrap_or(0);
        (0..self.columns.len()).map(|i| widest(i).max(width(&self.columns[i].heading))).collect()
    }

    /// Columns left on a line of `line` columns beside all columns of this table.
    pub(crate) fn room(&self, line: usize) -> usize {
        line.saturating_sub(self.widths().iter().map(|w| w + Self::GAP).sum())
    }

    pub(crate) fn write(&self, view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.write_with(view, out, |_, _| Ok(()))
    }

    /// The same, with something of the caller's below each row.
    pub(crate) fn write_with(
        &self,
        view: &View<'_>,
        out: &mut dyn Write,
        mut below: impl FnMut(usize, &mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let widths = self.widths();
        if self.columns.iter().any(|c| !c.heading.is_empty()) {
            let headings: Vec<Cell> = self.columns.iter().map(|c| Cell::styled(&*c.heading, DIM)).collect();
            self.line(view, &widths, &headings, out)?;
        }
        self.rows.iter().enumerate().try_for_each(|(i, row)| {
            let n_lines = row.iter().map(|c| c.text.split('\n').count()).max().unwrap_or(1);
            (0..n_lines).try_for_each(|n| self.line(view, &widths, &nth_lines(row, n), out))?;
            below(i, out)
        })
    }

    fn line(&self, view: &View<'_>, widths: &[usize], row: &[Cell], out: &mut dyn Write) -> io::Result<()> {
        let last = row.iter().rposition(|c| !c.text.is_empty()).unwrap_or(0);
        for (i, cell) in row.iter().enumerate().take(last + 1) {
            let pad = widths[i].saturating_sub(width(&cell.text));
            let (before, after) = if self.columns[i].right { (pad, 0) } else { (0, pad) };
            let after = if i == last { 0 } else { after };
            let text = match &cell.file {
                Some(file) => view.link(file, &view.paint(cell.style, &cell.text)),
                None => view.paint(cell.style, &view.link_places(&cell.text)),
            };
            write!(out, "{:gap$}{text}{:after$}", "", "", gap = Self::GAP + before)?;
        }
        writeln!(out)
    }
}

/// The n-th line of each cell; empty where it has no such line.
fn nth_lines(row: &[Cell], n: usize) -> Vec<Cell> {
    let nth = |cell: &Cell| Cell { text: cell.text.split('\n').nth(n).unwrap_or_default().to_owned(), ..cell.clone() };
    row.iter().map(nth).collect()
}
