//! The report of the sample comparison, line by line; and what the other formats make of it.

use super::*;
use crate::render::clean::is_hostile;
use crate::render::testing::{check_golden, render_comparison, sample_comparison};
use crate::render::text::layout::width;
use crate::render::units::Unit;

fn options(width: usize) -> Options {
    Options { width, ..Options::default() }
}

#[test]
fn goldens() {
    let comparison = sample_comparison();
    for width in [80, 100, 120] {
        check_golden(&format!("compare-{width}.txt"), &render_comparison("text", &comparison, &options(width)));
    }
    let ascii = Options { unicode: false, ..options(80) };
    check_golden("compare-80-ascii.txt", &render_comparison("text", &comparison, &ascii));
    let full = Options { full_names: true, top: 0, unit: Unit::Us, hints: false, color: true, ..options(140) };
    check_golden("compare-full.txt", &render_comparison("text", &comparison, &full));
    check_golden("compare.json", &render_comparison("json", &comparison, &options(100)));
    check_golden("compare.md", &render_comparison("md", &comparison, &options(100)));
    check_golden("compare.folded", &render_comparison("folded", &comparison, &options(100)));
}

#[test]
fn lines_fit_and_hold_nothing_hostile() {
    for columns in [60, 80, 100, 200] {
        let text = render_comparison("text", &sample_comparison(), &options(columns));
        let text = String::from_utf8(text).unwrap();
        for line in text.lines() {
            assert!(width(line) <= columns && !line.contains(is_hostile), "{columns}: {line}");
        }
    }
    let ascii = Options { unicode: false, ..options(80) };
    let text = String::from_utf8(render_comparison("text", &sample_comparison(), &ascii)).unwrap();
    let names_aside: Vec<&str> = text.lines().filter(|l| !l.contains("evil") && !l.contains("red")).collect();
    assert!(names_aside.iter().all(|l| l.is_ascii()), "{text}");
}
