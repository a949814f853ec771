//! Draws folded stacks as a flame graph. inferno places the boxes and brings the script for search and zoom; what is
//! written on the boxes and their colours are ours (see [`super::rewrite`]).

use super::boxes::{NarrowBoxes, narrow_boxes};
use super::model::{BoxStyle, Heading, PlacedBox, WeightedStack};
use super::{rewrite, theme};
use crate::render::units::{counted, share};
use inferno::flamegraph::{self, Direction, color};
use std::io::{self, Write};
use std::ops::Range;

/// The script of the SVG counts in floats, which are exact up to here.
const MAX_WIDTH: u128 = 1 << 53;

/// Characters of the title at most: what the picture's 1200 pixels hold.
const MAX_TITLE: usize = 110;

/// Draws lines. `look` is asked for each box, by its name and the lines that it spans.
pub(crate) fn draw(
    head: &Heading<'_>,
    lines: &[WeightedStack<'_>],
    look: &dyn Fn(&str, Range<usize>) -> BoxStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let drawn: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].ns > 0).collect();
    let total: u128 = drawn.iter().map(|&i| u128::from(lines[i].ns)).sum();
    let per = total.div_ceil(MAX_WIDTH).max(1);
    let widths: Vec<u64> = drawn.iter().map(|&i| (u128::from(lines[i].ns) / per).max(1) as u64).collect();
    let shown: Vec<WeightedStack<'_>> =
        drawn.iter().map(|&i| WeightedStack { stack: lines[i].stack, ns: lines[i].ns }).collect();
    let narrow = narrow_boxes(&shown, &widths);
    let svg = picture(head.title, &shown, &widths, &narrow)?;
    let starts = running_sums(widths.iter().copied());
    let style = |frame: &PlacedBox<'_>| {
        // A box begins and ends where lines do; `drawn` says which of the given lines they are.
        let line = |x: u64| starts.partition_point(|&start| start < u128::from(x));
        let (first, end) = (line(frame.x), line(frame.x + frame.width));
        let given = |i: usize| drawn.get(i).copied().unwrap_or(lines.len());
        look(frame.name, given(first).min(lines.len())..given(end))
    };
    let legend = theme::legend(head.legend, &remarks(head.note, &narrow, &starts));
    rewrite::write(&svg, &legend, &style, out)
}

/// The sum of all values before each, and of all.
pub(crate) fn running_sums(values: impl Iterator<Item = u64>) -> Vec<u128> {
    let mut sum = 0;
    let mut sums = vec![0];
    sums.extend(values.map(|v| {
        sum += u128::from(v);
        sum
    }));
    sums
}

fn remarks(note: &str, narrow: &NarrowBoxes, starts: &[u128]) -> String {
    let mut remarks: Vec<String> = Vec::new();
    if !note.is_empty() {
        remarks.push(note.to_owned());
    }
    if narrow.boxes > 0 {
        let total = starts.last().copied().unwrap_or(0);
        let frames = counted(narrow.boxes as u64, "frame");
        remarks.push(format!("{frames} narrower than {} not drawn", share(u128::from(narrow.below), total)));
    }
    remarks.join(" · ")
}

/// What inferno makes of the lines.
fn picture(title: &str, lines: &[WeightedStack<'_>], widths: &[u64], narrow: &NarrowBoxes) -> io::Result<String> {
    let total: u64 = widths.iter().sum();
    let mut options = flamegraph::Options::default();
    options.title = fitted(title);
    options.subtitle = Some(theme::LEGEND.to_owned());
    options.direction = Direction::Inverted;
    options.bgcolors = color::parse_hex_color(theme::PAPER).map(color::BackgroundColor::Flat);
    "ns".clone_into(&mut options.count_name);
    options.name_type = String::new();
    options.deterministic = true;
    options.no_sort = true;
    // In percent. Half a unit less, so that rounding drops no box that must stay.
    options.min_width = (narrow.below as f64 - 0.5).max(0.0) * 100.0 / total.max(1) as f64;
    let text: Vec<String> = lines.iter().zip(widths).map(|(line, width)| format!("{} {width}", line.stack)).collect();
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, text.iter().map(String::as_str), &mut svg)?;
    String::from_utf8(svg).map_err(io::Error::other)
}

/// A folded stack that inferno takes as it is: no comment, nothing that it trims, and nothing that XML has no place
/// for. Letters are exchanged one by one, and only those of names that no Go program has.
pub(crate) fn safe(stack: &str) -> String {
    let text = theme::xml_text(stack);
    match text.chars().next() {
        Some(first) if first == '#' || first.is_whitespace() => text.replacen(first, "_", 1),
        _ => text,
    }
}

fn fitted(title: &str) -> String {
    let title = theme::xml_text(title);
    if title.chars().count() <= MAX_TITLE {
        return title;
    }
    title.chars().take(MAX_TITLE - 1).chain(['…']).collect()
}

/// A picture of nothing, with the reason.
pub(crate) fn nothing(title: &str, reason: &str, out: &mut dyn Write) -> io::Result<()> {
    theme::nothing(&fitted(title), reason, out)
}
