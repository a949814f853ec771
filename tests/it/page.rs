//! The HTML page: requests with their goroutines, and the sums that its browser tests must find (`web/browser`).

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]

use crate::common::{self, files, recordings, root, selector};
use gotrace_slice::pipeline::{self, Answer, Input, Options, Stacks};
use gotrace_slice::profile::{
    Edge, Exemplar, HandOver, Lane, LanePiece, Metric, Only, PathPiece, Precision, Profile, ProfileFrame, Request,
    Requests, RuntimeSpans, SLOWEST_EXEMPLARS, Sample, StackFilter, StackTree, TraceInfo, Wakeup, Weight,
};
use gotrace_slice::render::{self, Format};
use gotrace_slice::slice::RootBy;
use gotrace_slice::trace::error::Warning;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const WANTED: Options = Options {
    stacks: Stacks::Joined,
    threads: 1,
    metric: Metric::Latency,
    only: None,
    include_partial: false,
    request_stacks: true,
    undecided: true,
    exemplars: true,
};

fn profile_of(path: &Path, pattern: &str, options: Options) -> Option<Profile> {
    let bytes = std::fs::read(path).expect("a readable file");
    let name = path.file_name().expect("a name").to_string_lossy();
    let inputs = [Input::new(&*name, &bytes)];
    match pipeline::profile(&inputs, &selector(pattern, RootBy::default()), options, None) {
        Ok(Answer::Profile(profile)) => Some(*profile),
        _ => None,
    }
}

fn requests(profile: &Profile) -> &Requests {
    profile.requests.as_ref().expect("latency was asked for")
}

/// The path of a request has no gap, and takes as long as the request, state by state.
fn check_exemplar(what: &str, exemplar: &Exemplar, requests: &Requests) {
    let request = &requests.list[exemplar.request];
    let mut by_state: BTreeMap<&str, u64> = BTreeMap::new();
    let mut at = 0;
    for piece in &exemplar.path {
        assert_eq!(piece.start_ns, at, "{what}");
        at += piece.dur_ns;
        *by_state.entry(&piece.state).or_default() += piece.dur_ns;
        assert_eq!(piece.lane.map(|lane| exemplar.lanes[lane].goid), piece.lane.map(|_| piece.goid), "{what}");
    }
    // Also those that are older than the trace, as far as they were seen with a stack.
    assert!(exemplar.lanes.iter().all(|lane| !lane.entry.is_empty()), "{what}: a goroutine has no name");
    assert_eq!(exemplar.lanes.first().map(|lane| lane.goid), Some(request.goid), "{what}");
    if exemplar.more_pieces == 0 {
        let states = request.states.iter().map(|(state, ns)| (requests.state_names[usize::from(state)].as_str(), ns));
        assert_eq!((at, by_state), (request.dur_ns, states.collect()), "{what}: goroutine {}", request.goid);
    }
}

/// Who ended a wait is said where one ends, with its stack; and wherever the path goes on with a goroutine that waited. Gives how
/// many are said, and how many of these have a stack.
fn check_hand_overs(what: &str, exemplar: &Exemplar, requests: &Requests) -> [usize; 2] {
    let dur_ns = requests.list[exemplar.request].dur_ns;
    let waited = |lane: usize, until: u64| {
        let piece = exemplar.lanes[lane].pieces.iter().find(|piece| piece.start_ns + piece.dur_ns == until)?;
        let state = requests.state_names[usize::from(piece.state)].as_str();
        (!["running", "runnable", "syscall", "unknown"].contains(&state)).then_some((state, piece.stack))
    };
    assert!(exemplar.hand_overs.is_sorted_by_key(|over| over.at_ns), "{what}");
    for over in &exemplar.hand_overs {
        assert!(over.at_ns > 0 && over.at_ns <= dur_ns && over.from_goid != over.to_goid, "{what}: {over:?}");
        let lane = over.to.map(|lane| &exemplar.lanes[lane]).filter(|lane| lane.more_pieces == 0);
        if let Some(lane) = lane.filter(|_| over.state.is_empty()) {
            assert!(lane.pieces.first().is_none_or(|piece| piece.start_ns >= over.at_ns), "{what}: {over:?}");
        } else if lane.is_some() {
            let (state, stack) = waited(over.to.expect("a lane"), over.at_ns).expect("a wait");
            assert_eq!(state, over.state, "{what}");
            assert!(stack == StackTree::ROOT || stack == over.stack, "{what}: {over:?}");
        }
    }
    for pair in exemplar.path.windows(2).filter(|pair| pair[0].goid != pair[1].goid) {
        let (at, to) = (pair[1].start_ns, pair[1].goid);
        if pair[1].lane.is_some_and(|lane| waited(lane, at).is_some()) {
            let is_said = |over: &HandOver| over.at_ns == at && over.to_goid == to && !over.state.is_empty();
            assert!(exemplar.hand_overs.iter().any(is_said), "{what}: {at} {to}");
        }
    }
    let with_stack = exemplar.hand_overs.iter().filter(|over| over.stack != StackTree::ROOT).count();
    [exemplar.hand_overs.len(), with_stack]
}

/// Who ended the waits of each request adds up to who ended those of all. Gives how many sums there are.
fn check_waits(what: &str, requests: &Requests) -> usize {
    let waits = requests.waits.as_ref().expect("they were asked for");
    assert_eq!(waits.len(), requests.list.len(), "{what}");
    let mut sums = vec![(0, 0, 0); requests.wakeups.len()];
    for wait in (0..waits.len()).flat_map(|i| waits.of(i)) {
        let (count, ns, max_ns) = &mut sums[wait.wakeup as usize];
        (*count, *ns, *max_ns) = (*count + wait.count, *ns + wait.ns, wait.max_ns.max(*max_ns));
    }
    let all: Vec<(u64, u64, u64)> = requests.wakeups.iter().map(|w| (w.count, w.wait_ns, w.max_ns)).collect();
    assert_eq!(sums, all, "{what}");
    waits.sums()
}

#[test]
fn requests_are_kept_with_their_goroutines() {
    let (mut exemplars, mut with_others, mut hand_overs, mut waits) = (0, 0, [0, 0], 0);
    let paths = ["problems", "kinds"].map(recordings).concat();
    for path in paths {
        for pattern in ["main\\.", "Handler|ServeHTTP|Order"] {
            let what = format!("{} {pattern}", path.display());
            let Some(profile) = profile_of(&path, pattern, WANTED) else { continue };
            let all = requests(&profile);
            for exemplar in &all.exemplars {
                check_exemplar(&what, exemplar, all);
                let found = check_hand_overs(&what, exemplar, all);
                hand_overs = [hand_overs[0] + found[0], hand_overs[1] + found[1]];
                with_others += usize::from(exemplar.lanes.len() > 1);
            }
            exemplars += all.exemplars.len();
            waits += check_waits(&what, all);
            // The slowest is measured twice, with all others and by itself.
            assert!(all.exemplars.first() == all.slowest.as_ref(), "{what}");
            let n = all.list.len();
            assert!(all.exemplars.len() >= n.min(SLOWEST_EXEMPLARS), "{what}");
            let three = profile_of(&path, pattern, Options { threads: 3, ..WANTED }).expect("the same");
            assert!(requests(&three).exemplars == all.exemplars, "{what}: threads change the result");
            assert!(requests(&three).waits == all.waits, "{what}: threads change the result");
            assert!(requests(&three).runtime_spans == all.runtime_spans, "{what}: threads change the result");
            let stopped: u64 = all.runtime_spans.stopped.iter().map(|span| span.dur_ns).sum();
            assert_eq!(stopped, all.overlap.stw_window_ns, "{what}");
            let collected: u64 = all.runtime_spans.collector.iter().map(|span| span.dur_ns).sum();
            assert_eq!(collected, all.overlap.gc_window_ns, "{what}");
        }
    }
    assert!(exemplars > 1_000 && with_others > 300, "{exemplars} {with_others}");
    assert!(waits > 1_000, "{waits}");
    assert!(hand_overs[0] > 1_000 && hand_overs[1] * 2 > hand_overs[0], "{hand_overs:?}");
}

#[test]
fn nothing_else_changes_where_they_are_asked_for() {
    let mut waits = 0;
    for path in files(&root().join("testdata/traces/go1.26"), "trace") {
        let Some(mut profile) = profile_of(&path, "main\\.", WANTED) else { continue };
        let plain = profile_of(&path, "main\\.", Options { exemplars: false, ..WANTED }).expect("the same");
        assert!(requests(&plain).exemplars.is_empty());
        waits += check_waits(&path.display().to_string(), requests(&profile));
        let of = profile.requests.as_mut().expect("latency was asked for");
        (of.exemplars, of.runtime_spans, of.waits) = (Vec::new(), RuntimeSpans::default(), None);
        assert!(common::digest(&plain) == common::digest(&profile), "{}", path.display());
    }
    assert!(waits > 300, "{waits}");
}

fn html(profile: &Profile) -> String {
    let mut page = Vec::new();
    let format = Format::by_name("html").expect("a format");
    (format.profile)(profile, &render::Options::default(), &mut page).expect("it is written to memory");
    String::from_utf8(page).expect("a page is text")
}

/// The time of chosen requests by stack, its frames innermost first, and state.
fn by_stack(profile: &Profile, is_chosen: impl Fn(usize) -> bool) -> Value {
    let requests = requests(profile);
    let whole = profile.whole_time();
    let stacks = whole.stacks.as_ref().expect("they were asked for");
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    let (mut count, mut total_ns) = (0, 0);
    for i in (0..requests.list.len()).filter(|i| is_chosen(*i)) {
        count += 1;
        total_ns += requests.list[i].dur_ns;
        for (sample, ns) in stacks.of(i) {
            let sample = &whole.samples[sample];
            let mut key: Vec<&str> = profile.tree.stack(sample.stack).map(|f| f.function.as_str()).collect();
            let state = format!("[{}]", sample.state);
            key.push(&state);
            *sums.entry(key.join("\n")).or_default() += ns;
        }
    }
    let waits = requests.waits.as_ref().expect("they were asked for");
    let mut by_waker: BTreeMap<u32, [u64; 3]> = BTreeMap::new();
    for wait in (0..requests.list.len()).filter(|i| is_chosen(*i)).flat_map(|i| waits.of(i)) {
        let [count, ns, max_ns] = by_waker.entry(wait.wakeup).or_default();
        (*count, *ns, *max_ns) = (*count + wait.count, *ns + wait.ns, wait.max_ns.max(*max_ns));
    }
    json!({ "requests": count, "total_ns": total_ns, "stacks": sums, "waits": by_waker })
}

fn band(profile: &Profile, name: &str, from: Option<u32>, to: Option<u32>) -> Value {
    let durations: Vec<u64> = requests(profile).list.iter().map(|r| r.dur_ns).collect();
    let edge = |percent: u32| Edge::Percentile(percent * 1_000);
    let chosen = Only::Range { from: from.map(edge), to: to.map(edge) }.choose(&durations);
    json!({ "selection": { "kind": "band", "band": name }, "expected": by_stack(profile, |i| chosen[i]) })
}

/// A brush around a part of the requests: edges are those of requests, and in it.
fn brush(profile: &Profile, tenths: [usize; 4]) -> Value {
    let list = &requests(profile).list;
    let mut starts: Vec<u64> = list.iter().map(|r| r.start_ns).collect();
    let mut durations: Vec<u64> = list.iter().map(|r| r.dur_ns).collect();
    starts.sort_unstable();
    durations.sort_unstable();
    let at = |sorted: &[u64], tenth: usize| sorted[(sorted.len() - 1) * tenth / 10];
    let [from, to] = [at(&starts, tenths[0]), at(&starts, tenths[1])];
    let [min, max] = [at(&durations, tenths[2]), at(&durations, tenths[3])];
    let is_chosen = |i: usize| (from..=to).contains(&list[i].start_ns) && (min..=max).contains(&list[i].dur_ns);
    let selection = json!({ "kind": "brush", "fromNs": from, "toNs": to, "minNs": min, "maxNs": max });
    json!({ "selection": selection, "expected": by_stack(profile, is_chosen) })
}

/// Each endpoint alone, where there are several.
fn endpoints(profile: &Profile) -> Vec<Value> {
    let requests = requests(profile);
    let roots = (0..requests.roots.len() as u32).filter(|_| requests.roots.len() > 1);
    let of = |root: u32| {
        let expected = by_stack(profile, |i| requests.list[i].root == root);
        json!({ "selection": { "kind": "all" }, "endpoint": requests.roots[root as usize], "expected": expected })
    };
    roots.map(of).collect()
}

/// The latency on stacks with a function that holds a text, or in a state that does.
fn search(profile: &Profile, text: &str) -> Value {
    let has = |name: &str| name.to_lowercase().contains(&text.to_lowercase());
    let found = profile.shown().samples.iter().filter(|sample| {
        profile.tree.stack(sample.stack).any(|frame| has(&frame.function)) || has(&format!("[{}]", sample.state))
    });
    json!({ "text": text, "ns": found.map(|sample| sample.weight.latency_ns).sum::<u64>() })
}

/// Where the browser tests read pages and what they must find in them.
fn law_folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("page-law");
    std::fs::create_dir_all(&folder).expect("a folder of the target");
    folder
}

/// A page of some stacks alone.
const FILTERED: &str = "filtered";

/// Leaves some stacks; the time of each request in each state stays.
fn filter(profile: &mut Profile) {
    let by_state = |profile: &Profile| {
        let whole = profile.whole_time();
        let stacks = whole.stacks.as_ref().expect("they were asked for");
        let sums = |i| {
            let mut sums: BTreeMap<String, u64> = BTreeMap::new();
            for (sample, ns) in stacks.of(i) {
                *sums.entry(whole.samples[sample].state.to_string()).or_default() += ns;
            }
            sums
        };
        (0..stacks.len()).map(sums).collect::<Vec<_>>()
    };
    let before = by_state(profile);
    let focus = Some(regex::Regex::new("database/sql|Mutex").expect("an expression"));
    profile.filter_stacks(&StackFilter { focus, ..StackFilter::default() });
    assert_eq!(by_state(profile), before);
    let whole = profile.whole_time();
    assert!(whole.left_out > 0 && whole.left_out < whole.samples.len(), "some is left and some is left out");
}

#[test]
fn pages_and_their_sums_are_written_for_the_browser() {
    for (name, trace, pattern) in [
        ("order", "go1.26/problems", r"\(\*server\)\.Order"),
        ("price", "go1.25/problems", r"\(\*server\)\.Price"),
        ("page", "go1.22/problems", r"\(\*server\)\.Page"),
        ("v1", "go1.21/problems", r"\(\*server\)\.Order"),
        ("kinds", "go1.26/kinds", "Handler|Starts"),
        ("grpc", "go1.25/grpc", "Handler"),
        ("server", "go1.26/server", "HashAndWriteHandler"),
        ("kinds-old", "go1.22/kinds", "Handler"),
        (FILTERED, "go1.26/problems", r"\(\*server\)\.Order"),
    ] {
        let path = root().join("testdata/traces").join(trace).with_extension("trace");
        let mut profile = profile_of(&path, pattern, WANTED).expect("a root matches");
        if name == FILTERED {
            filter(&mut profile);
        }
        let mut selections = vec![
            json!({ "selection": { "kind": "all" }, "expected": by_stack(&profile, |_| true) }),
            band(&profile, "p0-50", None, Some(50)),
            band(&profile, "p50-95", Some(50), Some(95)),
            band(&profile, "p95-100", Some(95), None),
            brush(&profile, [0, 10, 3, 8]),
            brush(&profile, [2, 6, 0, 10]),
            brush(&profile, [1, 9, 5, 10]),
        ];
        selections.extend(endpoints(&profile));
        let searches = ["runtime", "main.", "sync.(*Mutex).Lock", "[running]", "select", "net/http"];
        let searches: Vec<Value> = searches.iter().map(|text| search(&profile, text)).collect();
        let law = json!({ "selections": selections, "searches": searches });
        assert!(!requests(&profile).list.is_empty(), "{name}");
        std::fs::write(law_folder().join(name).with_extension("html"), html(&profile)).expect("it is written");
        std::fs::write(law_folder().join(name).with_extension("json"), law.to_string()).expect("it is written");
    }
}

/// What of a page comes from a trace is a title, an answer and base64: no markup.
fn check_markup(page: &str) {
    let (head, rest) = page.split_once("<template id=\"data\">").expect("data");
    let (data, tail) = rest.split_once("</template>").expect("an end of the data");
    assert!(data.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b)));
    let title = head.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).expect("a title").0;
    let answer = head.split_once("<noscript>").and_then(|(_, rest)| rest.split_once("</noscript>")).expect("a note").0;
    let tags: Vec<&str> = answer.split('<').skip(1).map(|tag| tag.split('>').next().expect("a tag")).collect();
    assert!(!title.contains(['<', '>']) && tags == ["p", "/p", "p", "/p"], "{title} {answer}");
    assert!(!head.contains(|c: char| c.is_control() && c != '\n'));
    assert_eq!(tail.matches("<script>").count(), 1);
}

const HOSTILE: [&str; 6] = [
    "</title></template><script>alert(1)</script>",
    "a\u{202e}b\u{1b}[31m<img src=x onerror=alert(2)>",
    "&lt;b&gt;\u{0}\u{7f}\u{2028}\u{feff}",
    "javascript:alert(3)",
    "\"><svg onload=alert(4)>",
    "__proto__",
];

/// A profile in which every name is that of somebody who means ill.
fn hostile(name: &str) -> Profile {
    let mut profile = Profile::default();
    let text = || name.to_owned();
    let frame = profile.tree.intern_frame(ProfileFrame { function: name.into(), file: name.into(), line: 7 });
    let stack = profile.tree.push(StackTree::ROOT, frame);
    profile.traces =
        vec![TraceInfo { name: text().into(), version: text().into(), duration_ns: 100, ..TraceInfo::default() }];
    profile.selection.patterns = vec![text()];
    let weight = Weight { events: 1, goroutine_ns: 9, latency_ns: 9 };
    let (detail, precision) = ("", Precision::Exact);
    let (state, root, waited_in) = (name.into(), name.into(), name.into());
    profile.samples = vec![Sample { stack, state, detail, precision, root, waited_in, weight }];
    let list = vec![Request { dur_ns: 9, states: [(0, 9)].into_iter().collect(), ..Request::default() }];
    let lane = Lane {
        entry: text(),
        runs: text(),
        pieces: vec![LanePiece { dur_ns: 9, ..LanePiece::default() }],
        ..Lane::default()
    };
    let path = PathPiece { dur_ns: 9, lane: Some(0), state: text(), stack, ..PathPiece::default() };
    let over = HandOver { at_ns: 5, from: Some(0), to: Some(0), state: text(), stack, ..HandOver::default() };
    let slowest = Some(Exemplar { lanes: vec![lane], path: vec![path], hand_overs: vec![over], ..Exemplar::default() });
    let wakeup = Wakeup { waiting: stack, waker_stack: stack, state: text(), waker_entry: text(), ..Wakeup::default() };
    let wakeups = vec![Wakeup { count: 1, wait_ns: 9, max_ns: 9, ..wakeup }];
    let (state_names, roots, only) = (vec![text()], vec![text()], Some(text()));
    let requests = Requests { list, state_names, roots, only, slowest, wakeups, ..Requests::default() };
    profile.requests = Some(requests);
    profile.finish();
    profile.warnings.push(Warning::lost("id", text(), 0, 0));
    profile
}

#[test]
fn no_name_of_a_trace_is_markup() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("page-hostile");
    std::fs::create_dir_all(&folder).expect("a folder of the target");
    for (i, name) in HOSTILE.iter().enumerate() {
        let page = html(&hostile(name));
        check_markup(&page);
        std::fs::write(folder.join(format!("{i}.html")), page).expect("it is written");
    }
    let folders = common::corpus().into_iter().chain([root().join("testdata/corrupt")]);
    for path in folders.flat_map(|folder| files(&folder, "trace")) {
        if std::fs::metadata(&path).expect("a file").len() < 200_000
            && let Some(profile) = profile_of(&path, ".", WANTED)
        {
            check_markup(&html(&profile));
        }
    }
}
