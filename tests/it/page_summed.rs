//! A page of more pieces than it holds: a made-up profile, and the sums that the browser must find (`web/browser/law.test.mjs`).

use gotrace_slice::profile::{
    Edge, Only, Precision, Profile, ProfileFrame, Request, RequestStacks, RequestTotals, Requests, Sample, StackTree,
    TraceInfo, Weight,
};
use gotrace_slice::render::{self, Format};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::PathBuf;

const REQUESTS: usize = 30_000;
const PIECES: usize = 40;
/// So many pieces a page holds (`docs/page.md`).
const HELD: usize = 1_000_000;
const SAMPLES: usize = 1_500;
const STATES: [&str; 5] = ["running", "runnable", "sync", "network", "chan receive"];

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Ascending positions of samples, and ns.
fn pieces(random: &mut Random) -> Vec<(u32, u64)> {
    let mut times = BTreeMap::new();
    // Most time is on few stacks, and requests differ a hundred times.
    let scale = 1 + random.below(100) * random.below(100);
    while times.len() < PIECES {
        let sample = random.below(SAMPLES as u64) * random.below(SAMPLES as u64) / SAMPLES as u64;
        times.insert(sample as u32, 1 + random.below(1_000 * scale));
    }
    times.into_iter().collect()
}

fn sample(profile: &mut Profile, i: usize) -> Sample {
    let mut stack = StackTree::ROOT;
    for function in ["main.handle".to_owned(), format!("main.step{}", i / 30), format!("main.f{i}")] {
        let frame = ProfileFrame { function: function.into(), file: "/home/me/main.go".into(), line: 7 };
        let frame = profile.tree.intern_frame(frame);
        stack = profile.tree.push(stack, frame);
    }
    let state = STATES[i % STATES.len()].into();
    let (detail, precision, weight) = ("", Precision::Exact, Weight::default());
    Sample { stack, state, detail, precision, root: "main.handle".into(), waited_in: "".into(), weight }
}

/// Requests that start evenly, each on forty stacks.
pub(crate) fn made_up() -> Profile {
    let mut profile = Profile::default();
    profile.samples = (0..SAMPLES).map(|i| sample(&mut profile, i)).collect();
    profile.selection.patterns = vec!["handle".into()];
    let duration_ns = REQUESTS as u64 * 100_000;
    profile.traces = vec![TraceInfo { name: "made-up".into(), duration_ns, ..TraceInfo::default() }];
    let state_names = STATES.map(String::from).to_vec();
    let mut requests = Requests { state_names, roots: vec!["main.handle".into()], ..Requests::default() };
    let (mut stacks, mut random) = (RequestStacks::default(), Random(7));
    for i in 0..REQUESTS as u64 {
        let times = pieces(&mut random);
        let mut states = [0; STATES.len()];
        for (sample, ns) in &times {
            states[*sample as usize % STATES.len()] += ns;
            let weight = &mut profile.samples[*sample as usize].weight;
            weight.latency_ns += ns;
            weight.goroutine_ns += ns;
            weight.events += 1;
        }
        let dur_ns = states.iter().sum();
        let states = (0..).zip(states).filter(|(_, ns)| *ns > 0).collect();
        requests.list.push(Request { goid: i + 1, start_ns: i * 100_000, dur_ns, states, ..Request::default() });
        stacks.push(RequestTotals::default(), times, []);
    }
    requests.stacks = Some(stacks);
    profile.requests = Some(requests);
    profile.finish();
    profile
}

/// Which requests the page has by stack: the slowest, as long as there is room.
fn whole(requests: &Requests) -> Vec<bool> {
    let mut order: Vec<usize> = (0..requests.list.len()).collect();
    order.sort_by_key(|&i| Reverse(requests.list[i].dur_ns));
    let mut whole = vec![false; order.len()];
    for i in order.into_iter().take(HELD / PIECES) {
        whole[i] = true;
    }
    whole
}

/// What the page must find of chosen requests: their states; how much is known by state alone; and the stacks of the others.
fn expected(profile: &Profile, whole: &[bool], is_chosen: impl Fn(usize) -> bool) -> Value {
    let requests = profile.requests.as_ref().expect("they are made up");
    let stacks = requests.stacks.as_ref().expect("they are made up");
    let (mut states, mut by_stack): (BTreeMap<&str, u64>, BTreeMap<String, u64>) = Default::default();
    let (mut count, mut total_ns, mut summed_ns) = (0, 0, 0);
    for (i, request) in requests.list.iter().enumerate().filter(|(i, _)| is_chosen(*i)) {
        (count, total_ns) = (count + 1, total_ns + request.dur_ns);
        for (sample, ns) in stacks.of(i) {
            let sample = &profile.samples[sample];
            *states.entry(&sample.state).or_default() += ns;
            if whole[i] {
                let mut key: Vec<&str> = profile.tree.stack(sample.stack).map(|f| f.function.as_str()).collect();
                let state = format!("[{}]", sample.state);
                key.push(&state);
                *by_stack.entry(key.join("\n")).or_default() += ns;
            }
        }
        summed_ns += if whole[i] { 0 } else { request.dur_ns };
    }
    json!({ "requests": count, "total_ns": total_ns, "states": states, "summed_ns": summed_ns, "stacks": by_stack })
}

#[test]
fn beyond_a_million_pieces_states_and_whole_requests_stay_exact() {
    let profile = made_up();
    let requests = profile.requests.as_ref().expect("they are made up");
    let whole = whole(requests);
    let durations: Vec<u64> = requests.list.iter().map(|r| r.dur_ns).collect();
    let band = |name: &str, from: u32, to: u32| {
        let inner = |percent: u32| Some(percent).filter(|percent| !percent.is_multiple_of(100));
        let edge = |percent: u32| inner(percent).map(|percent| Edge::Percentile(percent * 1_000));
        let chosen = Only::Range { from: edge(from), to: edge(to) }.choose(&durations);
        json!({ "selection": { "kind": "band", "band": name }, "expected": expected(&profile, &whole, |i| chosen[i]) })
    };
    let brush = |[from, to, min, max]: [u64; 4]| {
        let list = &requests.list;
        let inside = |i: usize| (from..=to).contains(&list[i].start_ns) && (min..=max).contains(&list[i].dur_ns);
        let selection = json!({ "kind": "brush", "fromNs": from, "toNs": to, "minNs": min, "maxNs": max });
        json!({ "selection": selection, "expected": expected(&profile, &whole, inside) })
    };
    let mut sorted = durations.clone();
    sorted.sort_unstable();
    let at = |percent: usize| sorted[sorted.len() * percent / 100];
    let end = requests.list[REQUESTS - 1].start_ns;
    let selections = [
        band("p0-50", 0, 50),
        band("p50-95", 50, 95),
        band("p95-100", 95, 100),
        brush([end / 4, end / 2, at(2), at(40)]),
        brush([0, end, at(0), at(3)]),
        brush([end / 3, end, at(60), at(99)]),
    ];
    let summed = |of: &Value| of["expected"]["summed_ns"].as_u64().expect("a number");
    // Some are known by state alone, some in part, some whole.
    assert!(summed(&selections[0]) > 0 && summed(&selections[2]) == 0 && summed(&selections[3]) > 0);
    assert_eq!(selections[4]["expected"]["stacks"], json!({}));
    let mut page = Vec::new();
    let format = Format::by_name("html").expect("a format");
    (format.profile)(&profile, &render::Options::default(), &mut page).expect("it is written to memory");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("page-summed");
    std::fs::create_dir_all(&folder).expect("a folder of the target");
    std::fs::write(folder.join("page.html"), page).expect("it is written");
    std::fs::write(folder.join("law.json"), json!({ "selections": selections }).to_string()).expect("it is written");
}
