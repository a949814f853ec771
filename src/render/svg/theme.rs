//! What surrounds the boxes: style sheet, legend, and the picture of nothing. Light and dark as the reader's system
//! has it.

use super::colors::{DARK_TEXT, Fill, LIGHT_TEXT, text_on};
use crate::render::clean::is_hostile;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Stands where the legend goes.
pub(super) const LEGEND: &str = "legend";

/// Background where nothing says dark.
pub(super) const PAPER: &str = "#fdfdfb";

/// After inferno's own rules, so that these take precedence. Attributes of elements yield to any rule.
const STYLE: &str = "\
svg:root { color-scheme:light dark; background:#fdfdfb; }
#background stop { stop-color:#fdfdfb; }
#title, #subtitle, #details, #unzoom, #search, #matched { fill:#202020; }
#subtitle tspan.mark { stroke:#808080; stroke-width:0.5; }
#search, #search.show, #unzoom { opacity:1; text-decoration:underline; }
#frames > g > rect { stroke:#fdfdfb; stroke-width:0.5; }
#frames > *:hover { stroke:none; }
#frames > *:hover > rect { stroke:#202020; stroke-width:1; }
.parent { opacity:1; }
.parent > rect { fill-opacity:0.4; }
";

/// The same on dark. Boxes of functions keep their colours, and with them their text.
const DARK: &str = "\
@media (prefers-color-scheme: dark) {
svg:root { background:#1c1c1e; }
#background stop { stop-color:#1c1c1e; }
#title, #subtitle, #details, #unzoom, #search, #matched { fill:#e4e4e2; }
#frames > g > rect { stroke:#1c1c1e; }
#frames > *:hover > rect { stroke:#ffffff; }
";

/// The rules to add, given the colours of the boxes. A box and a mark have their colour on light paper as an attribute.
pub(super) fn style(fills: &BTreeSet<Fill>) -> String {
    let mut style = STYLE.to_owned();
    let _ = writeln!(style, "#frames text {{ fill:{DARK_TEXT}; }}");
    for Fill { light, .. } in fills.iter().filter(|fill| text_on(fill.light) == LIGHT_TEXT) {
        let _ = writeln!(style, "#frames rect[fill=\"{light}\"] + text {{ fill:{LIGHT_TEXT}; }}");
    }
    // A callee was zoomed at: its callers let the background through.
    let faded = |text: &str| format!("#frames .parent > rect + text {{ fill:{text}; }}\n");
    style + &faded("#202020") + DARK + &on_dark(fills) + &faded("#e4e4e2") + "}\n"
}

/// The rules for boxes and marks that have another colour on dark paper.
fn on_dark(fills: &BTreeSet<Fill>) -> String {
    let mut rules = String::new();
    for Fill { light, dark } in fills.iter().filter(|fill| fill.light != fill.dark) {
        let text = text_on(*dark);
        let _ = writeln!(rules, "#frames rect[fill=\"{light}\"], tspan.mark[fill=\"{light}\"] {{ fill:{dark}; }}");
        let _ = writeln!(rules, "#frames rect[fill=\"{light}\"] + text {{ fill:{text}; }}");
    }
    rules
}

/// The content of the line below the title.
pub(super) fn legend(items: &[(Option<Fill>, String)], note: &str) -> String {
    let mut out = String::new();
    for (i, (color, text)) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(if color.is_some() { "   " } else { " " });
        }
        if let Some(color) = color {
            let _ = write!(out, "<tspan class=\"mark\" fill=\"{}\">■</tspan> ", color.light);
        }
        out.push_str(&escaped(text));
    }
    if !note.is_empty() {
        out.push_str(" · ");
        out.push_str(&escaped(note));
    }
    // Without it, XML's readers make one space of several.
    format!("<tspan xml:space=\"preserve\">{out}</tspan>")
}

/// A picture without boxes.
pub(super) fn nothing(title: &str, reason: &str, out: &mut dyn Write) -> io::Result<()> {
    let (title, reason) = (escaped(title), escaped(reason));
    writeln!(
        out,
        "<?xml version=\"1.0\" standalone=\"no\"?>\n\
         <svg version=\"1.1\" width=\"1200\" height=\"90\" viewBox=\"0 0 1200 90\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <style>text {{ font-family:monospace; font-size:12px; fill:#202020; text-anchor:middle; }}\n\
         svg:root {{ color-scheme:light dark; background:{PAPER}; }}\n\
         @media (prefers-color-scheme: dark) {{ svg:root {{ background:#1c1c1e; }} text {{ fill:#e4e4e2; }} }}</style>\n\
         <text x=\"50%\" y=\"24\" font-size=\"17\">{title}</text>\n\
         <text x=\"50%\" y=\"60\">{reason}</text>\n</svg>"
    )
}

/// Text that is text in XML.
pub(super) fn escaped(text: &str) -> String {
    xml_text(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text without the characters that XML does not allow, and those that a terminal must not see.
pub(super) fn xml_text(text: &str) -> String {
    let stays = |c: char| !is_hostile(c) && !matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if stays(c) { c } else { '\u{fffd}' }).collect()
}
