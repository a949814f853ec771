//! Changes inferno's drawing: our style sheet, our legend, and on each box our text and colour.
//!
//! inferno colours by the name of a frame and counts in one unit; a state's colour, a change's shade and a time that
//! people read are none of that. So its output is gone through once, box by box. Boxes come with their number, and get their
//! name here; those without one are the room of narrow ones, and go.

use super::colors::Fill;
use super::model::DrawnBox;
use super::theme;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

const BOX: &str = "<g><title>";
const BOX_END: &str = "</g>";
const STYLE_END: &str = "</style>";

/// Writes `svg` with everything exchanged. With the legend come the colours of its marks.
pub(super) fn write<'a>(
    svg: &str,
    (legend, mut fills): (&str, BTreeSet<Fill>),
    drawn: &dyn Fn(&str) -> Option<DrawnBox<'a>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (head, boxes) = svg.split_at(svg.find(BOX).unwrap_or(svg.len()));
    let mut body = String::with_capacity(boxes.len() + boxes.len() / 4);
    let mut rest = boxes;
    while let Some(start) = rest.find(BOX) {
        let end = rest[start..].find(BOX_END).map_or(rest.len(), |i| start + i + BOX_END.len());
        body.push_str(&rest[..start]);
        if let Some((text, fill)) = restyled(&rest[start..end], drawn) {
            body.push_str(&text);
            fills.insert(fill);
        }
        rest = &rest[end..];
    }
    body.push_str(rest);
    let style = theme::style(&fills);
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
fn restyled<'a>(text: &str, drawn: &dyn Fn(&str) -> Option<DrawnBox<'a>>) -> Option<(String, Fill)> {
    let (title, after) = text.strip_prefix(BOX)?.split_once("</title>")?;
    let (number, _) = title.rsplit_once(" (")?;
    let DrawnBox { name, fits, style } = drawn(number)?;
    let (rect, rest) = after.split_once("<text")?;
    let fill = attribute_of(rect, " fill=\"")?;
    let rect = rect.replacen(&format!(" fill=\"{fill}\""), &format!(" fill=\"{}\"", style.fill.light), 1);
    let (place, _) = rest.split_once('>')?;
    let mut out = String::with_capacity(text.len() + name.len() + 16);
    let (title, label) = (theme::escaped(name), theme::escaped(&fitted(name, fits)));
    let _ = write!(out, "{BOX}{title} ({})</title>{rect}<text{place}>{label}</text>{BOX_END}", style.text);
    Some((out, style.fill))
}

/// As much of a name as its box has room for, as inferno's script cuts it too.
fn fitted(name: &str, fits: usize) -> Cow<'_, str> {
    if fits < 3 {
        return "".into();
    }
    if name.len() < fits {
        return name.into();
    }
    name.chars().take(fits - 2).chain("..".chars()).collect()
}

/// The value of an attribute, given as ` name="`.
fn attribute_of<'a>(text: &'a str, attribute: &str) -> Option<&'a str> {
    let start = text.find(attribute)? + attribute.len();
    text[start..].split_once('"').map(|(value, _)| value)
}
