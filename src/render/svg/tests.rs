//! The flame graph of the shared samples, and of names that try to be more than text.

use super::*;
use crate::profile::{Precision, ProfileFrame, Sample, StackTree, Weight};
use crate::render::testing::{check_golden, empty, render, sample};

fn svg(profile: &Profile) -> String {
    String::from_utf8(render("svg", profile, &Options::default())).unwrap()
}

/// A profile of these stacks, outermost frame first.
fn profile_of(stacks: &[(&[&str], &str, u64)]) -> Profile {
    let mut tree = StackTree::default();
    let mut samples = Vec::new();
    for (names, state, goroutine_ns) in stacks {
        let stack = names.iter().fold(StackTree::ROOT, |at, name| {
            let frame = tree.intern_frame(ProfileFrame { function: (*name).into(), file: "".into(), line: 0 });
            tree.push(at, frame)
        });
        samples.push(Sample {
            stack,
            state: (*state).into(),
            detail: "",
            precision: Precision::Exact,
            root: "".into(),
            waited_in: "".into(),
            weight: Weight { events: 1, goroutine_ns: *goroutine_ns, latency_ns: 0 },
        });
    }
    let metric = crate::profile::Metric::Goroutine;
    let mut profile = Profile { tree, metric, samples, ..Profile::default() };
    profile.finish();
    profile
}

/// What the boxes say, without the text around it.
fn titles(svg: &str) -> Vec<&str> {
    svg.split("<g><title>").skip(1).filter_map(|rest| rest.split_once("</title>").map(|t| t.0)).collect()
}

#[test]
fn goldens() {
    check_golden("sample.svg", &render("svg", &sample(), &Options::default()));
    check_golden("empty.svg", &render("svg", &empty(), &Options::default()));
}

#[test]
fn boxes_say_times_and_states_have_their_colours() {
    let svg = svg(&sample());
    let titles = titles(&svg);
    assert!(titles.contains(&"all (6.06 s, 100.0%)"), "{titles:?}");
    assert!(titles.contains(&"[network] (4.00 s, 66.0%)"), "{titles:?}");
    let network = svg.split("<g><title>[network]").nth(1).unwrap();
    assert!(network.split_once("</g>").unwrap().0.contains("fill=\"#bd6e79\""), "{network}");
    // On dark paper, the box and the mark of the legend are lighter.
    assert!(svg.contains("#frames rect[fill=\"#bd6e79\"], tspan.mark[fill=\"#bd6e79\"] { fill:#ec9ea8; }"), "{svg}");
    let boxes = &svg[svg.find("<g>").unwrap()..];
    assert!(!boxes.contains("rgb("), "a box kept inferno's colour");
    assert!(!svg.contains(&format!(">{}<", theme::LEGEND)), "the legend is missing");
}

#[test]
fn a_name_cannot_leave_its_place() {
    let evil = "</title><script>alert(1)</script>]]>&\"'--> 17 18";
    let svg = svg(&profile_of(&[
        (&["# comment", evil], "a\u{ffff}b", 700),
        (&[" trimmed "], "]]> 5", 200),
        (&["", evil], "running", 100),
    ]));
    assert_eq!(svg.matches("<script").count(), 1);
    assert!(titles(&svg).contains(&"all (1.00 µs, 100.0%)"), "{:?}", titles(&svg));
    assert!(svg.contains("&lt;/title&gt;&lt;script&gt;") && !svg.contains('\u{ffff}'));
}

#[test]
fn sums_beyond_all_measure_are_drawn() {
    let svg = svg(&profile_of(&[(&["a"], "running", u64::MAX), (&["b"], "sync", u64::MAX), (&["c"], "sleep", 1)]));
    assert!(svg.contains("<g><title>a ("), "{svg}");
}

#[test]
fn very_many_stacks_are_cut_and_the_picture_says_so() {
    let names: Vec<String> = (0..30_000).map(|i| format!("main.f{i:05}")).collect();
    let frames: Vec<[&str; 1]> = names.iter().map(|n| [n.as_str()]).collect();
    let stacks: Vec<(&[&str], &str, u64)> =
        frames.iter().zip(1..).map(|(f, i)| (&f[..], "running", 1_000 + i)).collect();
    let svg = svg(&profile_of(&stacks));
    assert!(titles(&svg).len() <= 10_001, "{}", titles(&svg).len());
    assert!(svg.len() < 10 << 20 && svg.contains("not drawn"));
}
