//! Draws folded stacks as a flame graph. inferno places the boxes and brings the script for search and zoom; what is
//! written on the boxes and their colours are ours (see [`super::rewrite`]). It knows boxes by their numbers alone.

use super::boxes::Boxes;
use super::colors::ALL;
use super::model::{BoxStyle, DrawnBox, Heading};
use super::{rewrite, theme};
use crate::render::folded_stacks::FoldedStacks;
use crate::render::units::{counted, share};
use inferno::flamegraph::{self, Direction, color};
use std::io::{self, Write};

/// Characters of the title at most: what the picture's 1200 pixels hold.
const MAX_TITLE: usize = 110;

/// Pixels of the picture, as inferno has it.
const IMAGE_WIDTH: f64 = 1200.0;

/// Draws stacks. `look` is asked for each box, by its name and what it counts on each side.
pub(crate) fn draw(
    head: &Heading<'_>,
    stacks: &FoldedStacks,
    look: &dyn Fn(&str, [u64; 2]) -> BoxStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let boxes = Boxes::of(stacks);
    let mut options = options(head.title);
    let svg = picture(&mut options, &boxes.lines)?;
    let per_char = options.font_size as f64 * options.font_width / IMAGE_WIDTH * boxes.width as f64;
    let drawn = |number: &str| {
        if number == ALL {
            return Some(DrawnBox { name: ALL, fits: 0, style: look(ALL, boxes.sides) });
        }
        let of = boxes.list.get(number.parse::<usize>().ok()?)?;
        let name = stacks.name(&of.node);
        Some(DrawnBox { name, fits: (of.width as f64 / per_char) as usize, style: look(name, of.sides) })
    };
    let legend = theme::legend(head.legend, &remarks(head.note, &boxes));
    let marks = head.legend.iter().filter_map(|(color, _)| *color).collect();
    rewrite::write(&svg, (&legend, marks), &drawn, out)
}

fn remarks(note: &str, boxes: &Boxes) -> String {
    let mut remarks: Vec<String> = Vec::new();
    if !note.is_empty() {
        remarks.push(note.to_owned());
    }
    if boxes.narrow.boxes > 0 {
        let frames = counted(boxes.narrow.boxes as u64, "frame");
        let below = share(u128::from(boxes.narrow.below), u128::from(boxes.width));
        remarks.push(format!("{frames} narrower than {below} not drawn"));
    }
    remarks.join(" · ")
}

fn options(title: &str) -> flamegraph::Options<'static> {
    let mut options = flamegraph::Options::default();
    options.title = fitted(title);
    options.subtitle = Some(theme::LEGEND.to_owned());
    options.direction = Direction::Inverted;
    options.bgcolors = color::parse_hex_color(theme::PAPER).map(color::BackgroundColor::Flat);
    "ns".clone_into(&mut options.count_name);
    options.name_type = String::new();
    options.deterministic = true;
    // Keeps the order of lines, which is not that of their bytes.
    options.flame_chart = true;
    // What is narrow is left out already.
    options.min_width = 0.0;
    options
}

/// What inferno makes of the lines; it takes the last one first.
fn picture(options: &mut flamegraph::Options<'_>, lines: &[String]) -> io::Result<String> {
    let mut svg = Vec::new();
    flamegraph::from_lines(options, lines.iter().rev().map(String::as_str), &mut svg)?;
    String::from_utf8(svg).map_err(io::Error::other)
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
