//! Changes inferno's drawing: our style sheet, our legend, and on each box our text and colour.
//!
//! inferno colours by the name of a frame and counts in one unit; a state's colour, a change's shade and a time that
//! people read are none of that. So its output is gone through once, box by box. What is not found as expected stays
//! as it is: the picture is then plainer, not wrong.

use super::model::{BoxStyle, PlacedBox};
use super::theme;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

const BOX: &str = "<g><title>";
const BOX_END: &str = "</g>";
const STYLE_END: &str = "</style>";

/// Writes `svg` with everything exchanged.
pub(super) fn write(
    svg: &str,
    legend: &str,
    look: &dyn Fn(&PlacedBox<'_>) -> BoxStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (head, boxes) = svg.split_at(svg.find(BOX).unwrap_or(svg.len()));
    let mut fills = BTreeSet::new();
    let mut body = String::with_capacity(boxes.len() + boxes.len() / 4);
    let mut rest = boxes;
    while let Some(start) = rest.find(BOX) {
        let end = rest[start..].find(BOX_END).map_or(rest.len(), |i| start + i + BOX_END.len());
        body.push_str(&rest[..start]);
        match restyled(&rest[start..end], look) {
            Some((text, fill)) => {
                body.push_str(&text);
                fills.insert(fill);
            }
            None => body.push_str(&rest[start..end]),
        }
        rest = &rest[end..];
    }
    body.push_str(rest);
    let style = theme::style(fills);
    let head = head.replacen(STYLE_END, &format!("{style}{STYLE_END}"), 1);
    let head = head.replacen(&format!(">{}<", theme::LEGEND), &format!(">{legend}<"), 1);
    out.write_all(with_match_above(&head).as_bytes())?;
    out.write_all(body.as_bytes())?;
    writeln!(out)
}

/// The share that a search has found goes above the boxes, opposite the details: below a deep picture it is off the
/// screen.
fn with_match_above(head: &str) -> String {
    let moved = || {
        let (_, details) = head.split_once("id=\"details\"")?;
        let (before, matched) = head.split_once("id=\"matched\"")?;
        let (from, to) = (attribute_of(matched, " y=\"")?, attribute_of(details, " y=\"")?);
        let matched = matched.replacen(&format!(" y=\"{from}\""), &format!(" y=\"{to}\""), 1);
        Some(format!("{before}id=\"matched\"{matched}"))
    };
    moved().unwrap_or_else(|| head.to_owned())
}

/// One box with its words and colour.
fn restyled(text: &str, look: &dyn Fn(&PlacedBox<'_>) -> BoxStyle) -> Option<(String, super::Rgb)> {
    let (title, after) = text.strip_prefix(BOX)?.split_once("</title>")?;
    let (name, _) = title.rsplit_once(" (")?;
    let number = |attribute: &str| attribute_of(after, attribute)?.parse().ok();
    let frame = PlacedBox { name, x: number(" fg:x=\"")?, width: number(" fg:w=\"")? };
    let fill = attribute_of(after, " fill=\"")?;
    let look = look(&frame);
    let after = after.replacen(&format!(" fill=\"{fill}\""), &format!(" fill=\"{}\"", look.fill), 1);
    let mut out = String::with_capacity(text.len() + 16);
    let _ = write!(out, "{BOX}{name} ({})</title>{after}", look.text);
    Some((out, look.fill))
}

/// The value of an attribute, given as ` name="`.
fn attribute_of<'a>(text: &'a str, attribute: &str) -> Option<&'a str> {
    let start = text.find(attribute)? + attribute.len();
    text[start..].split_once('"').map(|(value, _)| value)
}
