//! The text report of the shared samples, line by line.

use super::*;
use crate::profile::{Request, TraceInfo};
use crate::render::Sort;
use crate::render::clean::is_hostile;
use crate::render::testing::{check_golden, empty, render, sample, sample_requests};
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
fn goldens_of_requests() {
    let requests = sample_requests();
    for width in [80, 100, 120] {
        check_golden(&format!("requests-{width}.txt"), &render("text", &requests, &options(width)));
    }
    check_golden("requests-80-ascii.txt", &render("text", &requests, &Options { unicode: false, ..options(80) }));
    check_golden("requests-color.txt", &render("text", &requests, &Options { color: true, ..options(100) }));
    let full = Options { full_names: true, top: 0, unit: Unit::Us, hints: false, ..options(140) };
    check_golden("requests-full.txt", &render("text", &requests, &full));
    check_golden("requests-one.txt", &render("text", &one_request(), &options(100)));
}

/// The slowest request alone, cut by an edge of the second of two traces.
fn one_request() -> Profile {
    let mut profile = sample_requests();
    profile.traces.push(TraceInfo { name: "other.out".into(), duration_ns: 1, ..TraceInfo::default() });
    let requests = profile.requests.as_mut().unwrap();
    let request = requests.list[38].clone();
    requests.list = vec![Request { trace: 1, partial: true, at_least_ns: Some(1_000_000).into(), ..request }];
    requests.slowest.as_mut().unwrap().request = 0;
    (requests.only, requests.include_partial, requests.goroutine_ns) = (Some("--slowest 1".into()), true, None);
    (requests.overlap, requests.wakeups) = Default::default();
    profile.finish();
    profile
}

#[test]
fn other_metrics_leave_requests_alone() {
    let mut profile = sample_requests();
    profile.metric = Metric::Goroutine;
    profile.finish();
    let text = String::from_utf8(render("text", &profile, &options(100))).unwrap();
    assert!(!text.contains("LATENCY") && !text.contains("\nrequests "), "{text}");
    profile.metric = Metric::Events;
    profile.finish();
    let text = String::from_utf8(render("text", &profile, &options(100))).unwrap();
    assert!(text.contains("running") && !text.contains("LATENCY"), "{text}");
}

#[test]
fn without_requests_the_report_says_why() {
    let mut profile = sample_requests();
    let requests = profile.requests.as_mut().unwrap();
    requests.list.clear();
    requests.slowest = None;
    profile.finish();
    let text = String::from_utf8(render("text", &profile, &options(80))).unwrap();
    assert!(text.contains("--include-partial counts those"), "{text}");
    assert!(text.lines().all(|l| layout::width(l) <= 80 || is_command(l)), "{text}");
}

fn is_command(line: &str) -> bool {
    ["again: ", "next: ", "alone: "].iter().any(|label| line.contains(label))
}

#[test]
fn no_line_is_wider_than_asked() {
    for width in [60, 80, 100, 200] {
        for unicode in [true, false] {
            for profile in [sample(), sample_requests(), one_request()] {
                let options = Options { unicode, ..options(width) };
                let text = String::from_utf8(render("text", &profile, &options)).unwrap();
                for line in text.lines() {
                    // A command is not cut: it would not work.
                    assert!(layout::width(line) <= width || is_command(line), "{width}: {line}");
                    assert!(unicode || line.is_ascii(), "{line}");
                }
            }
        }
    }
}

#[test]
fn nothing_of_the_trace_reaches_the_terminal_as_a_control() {
    for profile in [sample(), sample_requests()] {
        let text = String::from_utf8(render("text", &profile, &options(300))).unwrap();
        assert!(!text.replace('\n', "").contains(is_hostile), "{text}");
    }
}

#[test]
fn colours_change_nothing_but_colours() {
    for profile in [sample(), sample_requests()] {
        let plain = render("text", &profile, &options(100));
        let colored = render("text", &profile, &Options { color: true, ..options(100) });
        assert_eq!(anstream::adapter::strip_bytes(&colored).into_vec(), plain);
    }
}

#[test]
fn the_time_of_reading_is_shown_when_known() {
    let options = Options { read_in: Some(Duration::from_millis(610)), ..options(200) };
    let text = String::from_utf8(render("text", &sample(), &options)).unwrap();
    assert!(text.contains("read in 610 ms"), "{text}");
}

#[test]
fn many_traces_have_one_line() {
    let head = |n: usize| {
        let mut profile = sample();
        let trace = crate::profile::TraceInfo { complete: true, ..profile.traces[0].clone() };
        profile.traces = vec![trace; n];
        profile.traces[0].complete = false;
        let text = String::from_utf8(render("text", &profile, &options(200))).unwrap();
        text.lines().take_while(|line| !line.starts_with("roots")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(head(4).len(), 4);
    let pooled = head(240);
    assert_eq!(pooled.len(), 1, "{pooled:?}");
    assert!(pooled[0].starts_with("240 traces") && pooled[0].contains("1 INCOMPLETE"), "{pooled:?}");
}

#[test]
fn no_next_step_names_hundreds_of_files() {
    let next = |n: usize| {
        let mut profile = sample_requests();
        profile.traces = vec![profile.traces[0].clone(); n];
        profile.traces.iter_mut().enumerate().for_each(|(i, trace)| trace.name = format!("{i}.trace").into());
        profile.requests.as_mut().unwrap().findings.clear();
        let text = String::from_utf8(render("text", &profile, &Options { hints: true, ..options(100) })).unwrap();
        text.lines().find(|line| line.starts_with("next: ")).map(str::to_owned)
    };
    let [few, many] = [3, 240].map(|n| next(n).expect("a next step"));
    assert!(few.starts_with("next: gotrace-slice ") && few.contains(" 2.trace"), "{few}");
    assert!(many.starts_with("next: the same command with -"), "{many}");
}

/// For a look in a terminal: `TEXT_OUT=DIR cargo test text_files`, then `cat` one of them.
#[test]
fn text_files() {
    let Some(folder) = std::env::var_os("TEXT_OUT") else { return };
    for (name, unicode) in [("unicode", true), ("ascii", false)] {
        for width in [60, 80, 120] {
            let options = Options { color: true, unicode, ..options(width) };
            let path = std::path::Path::new(&folder).join(format!("requests-{name}-{width}.txt"));
            std::fs::write(path, render("text", &sample_requests(), &options)).unwrap();
        }
    }
}
