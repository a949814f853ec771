//! Requests on a server go before goroutines that match too, and both are listed by what matched.

use crate::common::{recordings, root};
use gotrace_slice::pipeline::{self, Answer, Input, Options, Stacks};
use gotrace_slice::profile::{MatchedFunction, Profile, WakerKind};
use gotrace_slice::slice::{RootKind, Selector, SelectorBuilder};
use serde_json::Value;
use std::path::PathBuf;

const TIMER: &str = "main.flushPrice";
const REFRESHER: &str = "main.(*PriceCache).refresher";
const HANDLER: &str = "main.PriceHandler";

fn slice(trace: &PathBuf, builder: SelectorBuilder) -> Profile {
    let bytes = std::fs::read(trace).expect("a trace");
    let input = [Input { name: "test".into(), source: &bytes, resolver: None }];
    let options = Options { stacks: Stacks::Own, threads: 1, ..Options::default() };
    match pipeline::profile(&input, &builder.build().expect("a valid selection"), options, None) {
        Ok(Answer::Profile(profile)) => *profile,
        other => panic!("{}: {other:?}", trace.display()),
    }
}

/// Each recording of a program with what it said.
fn all(program: &str) -> impl Iterator<Item = (PathBuf, Value)> {
    recordings(program).into_iter().map(|trace| {
        let said = std::fs::read_to_string(trace.with_extension("json")).expect("what the program said");
        (trace, serde_json::from_str(&said).expect("JSON"))
    })
}

fn row(said: &Value, function: &str, by: &'static str) -> MatchedFunction {
    let requests = said[function].as_u64().expect("a count");
    MatchedFunction { function: function.to_owned(), by, requests, ..MatchedFunction::default() }
}

fn requests(profile: &Profile) -> u64 {
    profile.requests.as_ref().expect("requests").list.len() as u64
}

#[test]
fn requests_on_a_server_go_before_timers_and_refreshers() {
    for (trace, said) in all("matching") {
        let profile = slice(&trace, Selector::builder().root("Price"));
        let handler = row(&said, HANDLER, "stack");
        assert_eq!(requests(&profile), handler.requests, "{}", trace.display());
        assert_eq!(profile.selection.matched, [handler]);
        assert_eq!(profile.selection.others, [row(&said, TIMER, "entry"), row(&said, REFRESHER, "entry")]);
    }
}

#[test]
fn without_requests_on_a_server_all_goroutines_count() {
    for (trace, said) in all("matching-timers") {
        let profile = slice(&trace, Selector::builder().root("Price"));
        let rows = [row(&said, TIMER, "entry"), row(&said, REFRESHER, "entry")];
        assert_eq!(requests(&profile), rows[0].requests + rows[1].requests, "{}", trace.display());
        assert_eq!(profile.selection.matched, rows);
        assert_eq!(profile.selection.others, []);
    }
}

#[test]
fn kinds_that_were_asked_for_are_taken_as_asked() {
    for (trace, said) in all("matching") {
        let entry = slice(&trace, Selector::builder().root("Price").root_by([RootKind::Entry]));
        assert_eq!(entry.selection.matched, [row(&said, TIMER, "entry"), row(&said, REFRESHER, "entry")]);
        let kinds = [RootKind::Creation, RootKind::Entry, RootKind::Stack];
        let all = slice(&trace, Selector::builder().root("Price").root_by(kinds));
        assert_eq!(requests(&all), requests(&entry) + row(&said, HANDLER, "stack").requests, "{}", trace.display());
        assert_eq!(all.selection.others, []);
    }
}

/// A comparison says of both sides what matched, in every output for people and in JSON.
#[test]
fn comparisons_tell_what_matched_on_both_sides() {
    let folder = root().join("testdata/traces");
    let run = |format: &str| {
        let args = ["-q", "-f", format, "--root", "Price", "--vs", "go1.25/matching.trace", "go1.26/matching.trace"];
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
        let output = command.current_dir(&folder).env("LANG", "C.UTF-8").args(args).output().expect("a run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "");
    for format in ["text", "md"] {
        let text = words(&run(format));
        for part in ["matched: 5 by stack: main.PriceHandler", "not counted, on no server: 7 by entry: main.flushPrice"]
        {
            assert_eq!(text.matches(part).count(), 2, "{part}: {text}");
        }
    }
    let json: Value = serde_json::from_str(&run("json")).expect("JSON");
    for side in ["base", "new"] {
        let selection = &json[side]["selection"];
        assert_eq!(selection["matched"][0]["function"], HANDLER);
        assert_eq!(selection["others"][0]["function"], TIMER);
    }
}

/// Who ended the waits for a lock.
fn holders(trace: &PathBuf, builder: SelectorBuilder) -> Vec<WakerKind> {
    let profile = slice(trace, builder);
    let wakeups = profile.requests.expect("requests").wakeups;
    wakeups.iter().filter(|wakeup| wakeup.is_lock()).map(|wakeup| wakeup.waker).collect()
}

/// A goroutine whose name matches too and that is on no server is outside of the requests, and so is the lock that it
/// holds. Where goroutines were asked for as well, it is a request; and so is a handler that holds another one's lock.
#[test]
fn who_holds_a_lock_is_another_request_only_if_it_counts() {
    for (trace, _) in all("problems") {
        let price = || Selector::builder().root("Price");
        assert_eq!(holders(&trace, price()), [WakerKind::Outside], "{}", trace.display());
        let kinds = [RootKind::Entry, RootKind::Stack];
        assert_eq!(holders(&trace, price().root_by(kinds)), [WakerKind::Sibling], "{}", trace.display());
    }
    for (trace, _) in all("causes") {
        let contend = Selector::builder().root("^main.Contend$");
        assert_eq!(holders(&trace, contend), [WakerKind::Sibling], "{}", trace.display());
    }
}
