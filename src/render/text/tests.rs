//! The text report of the shared samples, line by line.

use super::*;
use crate::render::Sort;
use crate::render::clean::is_hostile;
use crate::render::testing::{check_golden, empty, render, sample};
use crate::render::units::Unit;
use std::time::Duration;

fn options(width: usize) -> Options {
    Options { width, ..Options::default() }
}

#[test]
fn goldens() {
    check_golden("sample-100.txt", &render("text", &sample(), &options(100)));
    check_golden("sample-120.txt", &render("text", &sample(), &Options { top: 3, ..options(120) }));
    check_golden("sample-80-ascii.txt", &render("text", &sample(), &Options { unicode: false, ..options(80) }));
    check_golden("sample-color.txt", &render("text", &sample(), &Options { color: true, ..options(100) }));
    let full = Options { full_names: true, sort: Sort::Name, unit: Unit::Ms, hints: false, ..options(140) };
    check_golden("sample-full.txt", &render("text", &sample(), &full));
    check_golden("empty.txt", &render("text", &empty(), &options(100)));
}

#[test]
fn no_line_is_wider_than_asked() {
    for width in [60, 80, 100, 200] {
        for unicode in [true, false] {
            let text = String::from_utf8(render("text", &sample(), &Options { unicode, ..options(width) })).unwrap();
            for line in text.lines() {
                assert!(layout::width(line) <= width, "{width}: {line}");
                assert!(unicode || line.is_ascii(), "{line}");
            }
        }
    }
}

#[test]
fn nothing_of_the_trace_reaches_the_terminal_as_a_control() {
    let text = String::from_utf8(render("text", &sample(), &options(300))).unwrap();
    assert!(!text.replace('\n', "").contains(is_hostile), "{text}");
}

#[test]
fn colours_change_nothing_but_colours() {
    let plain = render("text", &sample(), &options(100));
    let colored = render("text", &sample(), &Options { color: true, ..options(100) });
    assert_eq!(anstream::adapter::strip_bytes(&colored).into_vec(), plain);
}

#[test]
fn the_time_of_reading_is_shown_when_known() {
    let options = Options { read_in: Some(Duration::from_millis(610)), ..options(200) };
    let text = String::from_utf8(render("text", &sample(), &options)).unwrap();
    assert!(text.contains("read in 610 ms"), "{text}");
}
