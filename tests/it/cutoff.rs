//! What an edge of the recording cuts, and what nothing ends: `testdata/gen/cutoff` says what it did, and the report never
//! says less.

use crate::common::{recordings, root_by, selector, version};
use gotrace_slice::compare::{LatencyFigure, LatencyRule, Limit, RuleOutcome, check_rule};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::{Candidates, CutRequest, Edge, Only, Profile, Requests};
use gotrace_slice::render::{self, Format};
use gotrace_slice::slice::Selector;
use serde_json::Value;

const MS: u64 = 1_000_000;

struct Recording {
    version: String,
    trace: Vec<u8>,
    said: Value,
}

impl Recording {
    fn all() -> impl Iterator<Item = Self> {
        recordings("cutoff").into_iter().map(|path| {
            let trace = std::fs::read(&path).expect("a trace");
            let said = std::fs::read_to_string(path.with_extension("json")).expect("what the program said");
            Self { version: version(&path).to_owned(), trace, said: serde_json::from_str(&said).expect("JSON") }
        })
    }

    fn said(&self, field: &str) -> u64 {
        self.said[field].as_u64().expect("a number")
    }

    /// How long regions of a type took at most, ascending.
    fn regions(&self, name: &str) -> Vec<u64> {
        let list = self.said["regions"][name].as_array().expect("a list");
        let mut list: Vec<u64> = list.iter().map(|ns| ns.as_u64().expect("a number")).collect();
        list.sort_unstable();
        list
    }

    fn slice(&self, selector: &Selector, options: Options) -> Option<Profile> {
        let inputs = [Input { name: "test".into(), source: &self.trace, resolver: None }];
        match pipeline::profile(&inputs, selector, options, None) {
            Ok(Answer::Profile(profile)) => Some(*profile),
            Ok(Answer::NoMatch(_)) => None,
            Err(error) => panic!("{}: {error}", self.version),
        }
    }

    fn handler(&self, name: &str, options: Options) -> Option<Profile> {
        self.slice(&selector(&format!(r"^main\.{name}Handler$"), root_by("stack")), options)
    }

    fn region(&self, name: &str) -> Profile {
        let selector = selector(&format!("^{name}$"), root_by("region"));
        self.slice(&selector, Options::default()).unwrap_or_else(|| panic!("{}: no region {name}", self.version))
    }

    fn candidates(&self) -> Candidates {
        let inputs = [Input { name: "test".into(), source: &self.trace, resolver: None }];
        pipeline::candidates(&inputs, None, Options::default(), None).expect("a sound trace")
    }

    /// Whether its format shows where a goroutine is that waits all the time: from Go 1.23 on.
    fn shows_what_waits(&self) -> bool {
        &*self.version >= "go1.23"
    }
}

fn requests(profile: &Profile) -> &Requests {
    profile.requests.as_ref().expect("latency was asked for")
}

fn only_cut(profile: &Profile) -> &CutRequest {
    assert_eq!(requests(profile).cut.len(), 1);
    &requests(profile).cut[0]
}

fn text(profile: &Profile) -> String {
    let mut out = Vec::new();
    let format = Format::by_name("text").expect("text");
    (format.profile)(profile, &render::Options::default(), &mut out).expect("written");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn a_request_that_is_not_over_took_at_least_what_was_seen() {
    for recording in Recording::all() {
        let what = &*recording.version;
        let least = recording.said("late_inside_ns");
        for include_partial in [false, true] {
            let options = Options { include_partial, ..Options::default() };
            let profile = recording.handler("Late", options).expect(what);
            let cut = only_cut(&profile);
            assert!((cut.cut_start, cut.cut_end) == (false, true), "{what}");
            assert!((least..least + 5 * MS).contains(&cut.at_least_ns), "{what}: {} {least}", cut.at_least_ns);
            assert_eq!((cut.root.as_str(), requests(&profile).partial), ("main.LateHandler", 1), "{what}");
            assert_eq!(requests(&profile).list.len(), 1 + usize::from(include_partial), "{what}");
            let at_least = requests(&profile).at_least.as_ref();
            assert_eq!(at_least.map(|l| l.max_ns), (!include_partial).then_some(cut.at_least_ns), "{what}");
        }
        let report = text(&recording.handler("Late", Options::default()).expect(what));
        assert!(report.contains("1 whole · 1 not over at the end: ≥ "), "{what}: {report}");
        let first = report.split("\n\n").next().unwrap_or_default();
        assert!(first.contains("not over at the end: ≥ ") && first.contains("--include-partial"), "{what}: {first}");
        assert!(report.contains("that of the whole ones; one that is cut took ≥ "), "{what}: {report}");
        // Its twin has nothing to say of that kind.
        let quick = recording.handler("Quick", Options::default()).expect(what);
        assert!(requests(&quick).cut.is_empty() && requests(&quick).at_least.is_none(), "{what}");
        assert!(text(&quick).contains("3 whole"), "{what}");
        assert!(!text(&quick).contains('≥'), "{what}: {}", text(&quick));
    }
}

#[test]
fn a_request_that_began_before_is_cut_at_its_start() {
    for recording in Recording::all() {
        let what = &*recording.version;
        let profile = recording.handler("Early", Options::default()).expect(what);
        let cut = only_cut(&profile);
        assert!((cut.cut_start, cut.cut_end, cut.start_ns) == (true, false, 0), "{what}: {cut:?}");
        let (low, high) = (recording.said("early_inside_ns"), recording.said("early_around_ns") + 3 * MS);
        assert!((low..high).contains(&cut.at_least_ns), "{what}: {low} {} {high}", cut.at_least_ns);
        assert!(text(&profile).contains("0 whole · 1 began before the recording: ≥ "), "{what}");
        let held = recording.handler("Held", Options::default());
        assert_eq!(held.is_some(), recording.shows_what_waits(), "{what}");
        if let Some(held) = held {
            let cut = only_cut(&held);
            assert!(cut.cut_start && cut.cut_end, "{what}");
            assert!(cut.at_least_ns >= recording.said("inside_ns"), "{what}");
            assert!(cut.at_least_ns <= recording.said("around_ns"), "{what}");
            assert!(text(&held).contains("1 under way all the time: ≥ "), "{what}");
        }
    }
}

/// A call on no server counts from the recording's start where its goroutine did not run since: the status says where it
/// is. That a worker waited before its first event says nothing, since the call may have begun after.
#[test]
fn a_call_lasted_since_the_recording_began_where_that_is_certain() {
    for recording in Recording::all() {
        let what = &*recording.version;
        let call = |name: &str| recording.slice(&selector(name, root_by("stretch")), Options::default());
        let held = call(r"^main\.HeldJob$");
        assert_eq!(held.is_some(), recording.shows_what_waits(), "{what}");
        if let Some(held) = held {
            let cut = only_cut(&held);
            assert!((cut.cut_start, cut.cut_end, cut.start_ns) == (true, true, 0), "{what}: {cut:?}");
            let all = recording.said("inside_ns")..=recording.said("around_ns");
            assert!(all.contains(&cut.at_least_ns), "{what}: {} {all:?}", cut.at_least_ns);
        }
        let late = call(r"^main\.LateJob$").expect(what);
        let (at_least, took) = (only_cut(&late).at_least_ns, recording.said("late_job_ns"));
        assert!(at_least <= took && at_least + MS > took, "{what}: {at_least} {took}");
    }
}

#[test]
fn a_choice_does_not_deny_what_is_cut_and_a_limit_counts_it() {
    for recording in Recording::all() {
        let what = &*recording.version;
        let chosen = |ns| {
            let only = Some(Only::Range { from: Some(Edge::Time(ns)), to: None });
            let mut profile = recording.handler("Late", Options { only, ..Options::default() }).expect(what);
            profile.requests.as_mut().expect("requests").only = Some("--only X".into());
            profile
        };
        let (below, beyond) = (chosen(10 * MS), chosen(10_000 * MS));
        assert!(requests(&below).list.is_empty() && only_cut(&below).is_chosen, "{what}");
        assert!(text(&below).contains("but 1 request that an edge cuts did"), "{what}: {}", text(&below));
        assert!(!only_cut(&beyond).is_chosen, "{what}");
        assert!(text(&beyond).contains("may have taken longer"), "{what}: {}", text(&beyond));
        let broken = |profile: &Profile, limit| {
            let rule = LatencyRule { figure: LatencyFigure::Max, limit: Limit::Above(limit) };
            check_rule(&rule, profile)
        };
        let late = recording.handler("Late", Options::default()).expect(what);
        let seen = only_cut(&late).at_least_ns;
        assert_eq!(broken(&late, seen - 1), RuleOutcome::AboveWithCut(seen), "{what}");
        assert_eq!(broken(&late, seen), RuleOutcome::Kept, "{what}");
        assert_eq!(broken(&below, seen - 1), RuleOutcome::AboveWithCut(seen), "{what}");
        assert_eq!(broken(&beyond, 0), RuleOutcome::Kept, "{what}");
    }
}

#[test]
fn handlers_that_hang_come_first() {
    for recording in Recording::all() {
        let what = &*recording.version;
        let listed = recording.candidates();
        let of = |name: &str| listed.handlers.iter().find(|h| h.function == format!("main.{name}Handler"));
        let first: Vec<&str> = listed.handlers.iter().take_while(|h| h.took.hangs).map(|h| &*h.function).collect();
        let hanging = ["main.HeldHandler", "main.LateHandler"];
        assert_eq!(first, hanging[usize::from(!recording.shows_what_waits())..], "{what}");
        assert!(of("Late").is_some_and(|h| h.took.open_max_ns >= recording.said("late_inside_ns")), "{what}");
        assert!(
            of("Early").is_some_and(|h| (h.took.partial, h.took.open_max_ns, h.took.hangs) == (1, 0, false)),
            "{what}"
        );
        assert!(of("Quick").is_some_and(|h| (h.took.count(), h.took.partial) == (3, 0)), "{what}");
    }
}

#[test]
fn regions_are_over_with_what_is_around_them() {
    for recording in Recording::all() {
        let listed = recording.candidates();
        for (name, inferred) in [("around", 0), ("kept", 0), ("twice", 0), ("lost", 3), ("batch", 0), ("orphan", 1)] {
            let what = format!("{} {name}", recording.version);
            let profile = recording.region(name);
            let at_most = recording.regions(name);
            let mut took: Vec<u64> = requests(&profile).list.iter().map(|r| r.dur_ns).collect();
            took.sort_unstable();
            assert_eq!(took.len(), at_most.len(), "{what}");
            // The clock of an old trace is as coarse as a microsecond. A lost region ends with the one around it, which
            // the program's clock reads a little before.
            let slack = if inferred > 0 { MS } else { 1_000 };
            assert!(
                took.iter().zip(&at_most).all(|(t, m)| *t >= MS && *t <= m + slack),
                "{what}: {took:?} {at_most:?}"
            );
            assert_eq!((requests(&profile).inferred, requests(&profile).partial), (inferred, 0), "{what}");
            assert_eq!(profile.selection.regions_inside, 0, "{what}");
            let row = listed.annotations.iter().find(|a| a.kind == "region" && a.name == name).expect(&what);
            let of_row = (row.took.count() as usize, row.took.partial, row.inferred, row.inside);
            assert_eq!(of_row, (took.len(), 0, inferred, 0), "{what}");
        }
        // Without a task, regions that overlap cannot be told from regions that nest.
        let what = &*recording.version;
        let melted = recording.region("melted");
        assert_eq!((requests(&melted).list.len(), melted.selection.regions_inside), (1, 2), "{what}");
        let row = listed.annotations.iter().find(|a| a.name == "melted").expect(what);
        assert_eq!((row.took.count(), row.inside), (1, 2), "{what}");
        let open = recording.region("open");
        assert!((only_cut(&open).cut_start, only_cut(&open).cut_end) == (false, true), "{what}");
    }
}

/// Each region of a batch has its own critical path; the goroutine's time counts once.
#[test]
fn regions_that_overlap_share_a_goroutine() {
    for recording in Recording::all() {
        let what = &*recording.version;
        let profile = recording.region("batch");
        let list = &requests(&profile).list;
        assert!(list.iter().all(|r| r.states.iter().map(|(_, ns)| ns).sum::<u64>() == r.dur_ns), "{what}");
        let ends = list.iter().map(|r| r.start_ns + r.dur_ns).max().expect("regions");
        let first = list.iter().map(|r| r.start_ns).min().expect("regions");
        assert_eq!(profile.total.goroutine_ns, ends - first, "{what}");
        assert_eq!(profile.total.latency_ns, list.iter().map(|r| r.dur_ns).sum::<u64>(), "{what}");
    }
}

/// A goroutine that is asked for by its id is a root for all its life, whatever it does.
#[test]
fn a_goroutine_alone_is_all_of_it() {
    for recording in Recording::all() {
        let alone = |goid| {
            let selector = Selector::builder().goid(goid).build().expect("a selector");
            recording.slice(&selector, Options::default())
        };
        let mut whole = 0;
        for profile in (1..40).filter_map(alone) {
            let requests = requests(&profile);
            let what = format!("{} goroutine {}", recording.version, profile.selection.goids[0]);
            assert_eq!((profile.selection.roots, requests.list.len() + requests.cut.len()), (1, 1), "{what}");
            if let Some(cut) = requests.cut.iter().find(|cut| cut.cut_start && cut.cut_end) {
                assert_eq!(cut.at_least_ns, profile.traces[0].duration_ns, "{what}");
                assert!(profile.total.goroutine_ns >= cut.at_least_ns, "{what}");
                whole += 1;
            }
            let shared = |s: &gotrace_slice::profile::Sample| {
                profile.tree.stack(s.stack).any(|f| f.function.contains("backgroundRead"))
                    && !s.root.contains("backgroundRead")
            };
            assert!(!profile.samples.iter().any(shared), "{what}");
        }
        assert!(whole >= 4, "{}: {whole}", recording.version);
    }
}
