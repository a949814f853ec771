//! The differential flame graph: both sides in one picture, so that what is gone stays as visible as what is new.
//!
//! A box is as wide as its time on the base and on the new side together, at every depth; that is pprof's rule too.
//! Its colour is the net change: red took longer, blue less, and the fuller the colour, the larger the part that
//! changed. So a box that is new is all red, one that is gone all blue, and one that stayed is grey. Swapping the
//! sides keeps the places of all boxes and exchanges the colours.

use super::colors::{self, FASTER, Fill, SLOWER};
use super::flame::{draw, nothing};
use super::model::{BoxStyle, Heading};
use crate::compare::Comparison;
use crate::render::Options;
use crate::render::clean::clean;
use crate::render::differential::Differential;
use crate::render::units::{Unit, change, duration};
use std::io::{self, Write};

/// Writes the picture of a comparison.
pub(in crate::render) fn write_comparison(
    comparison: &Comparison,
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<()> {
    write(&Differential::of(comparison), options.unit, out)
}

/// Writes the picture of both sides.
pub(super) fn write(differential: &Differential, unit: Unit, out: &mut dyn Write) -> io::Result<()> {
    let title = clean(&differential.labels.title);
    if differential.stacks.total() == 0 {
        return nothing(&title, "No time was spent on either side.", out);
    }
    let look = |_: &str, [base, new]: [u64; 2]| BoxStyle {
        text: sides(base, new, unit),
        fill: colors::of_change(base.into(), new.into()),
    };
    let head = Heading { title: &title, legend: &legend(differential), note: "" };
    draw(&head, &differential.stacks, &look, out)
}

/// `15.1 ms → 17.9 ms: +2.80 ms`, and whether it is new or gone.
fn sides(base_ns: u64, new_ns: u64, unit: Unit) -> String {
    let delta = change(base_ns, new_ns, unit);
    match (base_ns, new_ns) {
        (0, 1..) => format!("new, {delta}"),
        (1.., 0) => format!("gone, {delta}"),
        _ => format!("{} → {}, {delta}", duration(base_ns, unit), duration(new_ns, unit)),
    }
}

fn legend(differential: &Differential) -> Vec<(Option<Fill>, String)> {
    let labels = &differential.labels;
    let (metric, base, new) = (clean(&labels.metric), clean(&labels.base), clean(&labels.new));
    let whole = format!("{metric}: {base} → {new}   width: both together");
    let color = |color| Some(Fill::on_both(color));
    vec![(None, whole), (color(SLOWER), "longer or new".to_owned()), (color(FASTER), "shorter or gone".to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::folded_stacks::FoldedBuilder;
    use crate::render::testing::{check_golden, differential};

    fn svg(differential: &Differential) -> String {
        let mut out = Vec::new();
        write(differential, Unit::Auto, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The boxes: what they say, and their colour.
    fn boxes(svg: &str) -> Vec<(&str, &str)> {
        svg.split("<g><title>")
            .skip(1)
            .map(|part| {
                let title = part.split_once("</title>").unwrap().0;
                (title, part.split_once("fill=\"").unwrap().1.split_once('"').unwrap().0)
            })
            .collect()
    }

    #[test]
    fn goldens() {
        check_golden("diff.svg", svg(&differential()).as_bytes());
    }

    #[test]
    fn what_is_gone_is_as_visible_as_what_is_new() {
        let svg = svg(&differential());
        let boxes = boxes(&svg);
        let (slower, faster) = (SLOWER.to_string(), FASTER.to_string());
        assert!(boxes.contains(&("main.loadCart (new, +5.30 ms)", slower.as_str())), "{boxes:#?}");
        assert!(boxes.contains(&("time.Sleep (gone, −100 µs)", faster.as_str())), "{boxes:#?}");
        assert!(boxes.iter().any(|b| b.0 == "all (19.0 ms → 26.3 ms, +7.30 ms)"), "{boxes:#?}");
    }

    #[test]
    fn swapping_the_sides_keeps_the_places() {
        let there = differential();
        let mut back = FoldedBuilder::default();
        let swap = |line: &str, [base, new]: [u64; 2]| {
            let (functions, state) = line.rsplit_once(';').unwrap();
            back.add_stack(functions.split(';'), state.trim_matches(['[', ']']), [new, base]);
            Ok(())
        };
        there.stacks.each_line(swap).unwrap();
        let back = Differential { labels: there.labels.clone(), stacks: back.finish() };
        let places = |svg: &str| -> Vec<String> {
            svg.match_indices("fg:x=").map(|(i, _)| svg[i..].split_once('/').unwrap().0.to_owned()).collect()
        };
        assert_eq!(places(&svg(&there)), places(&svg(&back)));
        assert!(svg(&back).contains("main.loadCart (gone, −5.30 ms)"));
    }

    #[test]
    fn nothing_is_a_picture_too() {
        assert!(svg(&Differential::default()).contains("No time was spent"));
    }
}
