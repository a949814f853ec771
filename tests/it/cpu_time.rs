//! Running time that had no CPU of the operating system, on requests whose threads measured it (`testdata/gen/nocpu`).

use crate::common::{files, root, selector};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::Requests;
use gotrace_slice::slice::RootBy;
use serde_json::Value;
use std::path::Path;

/// How far the program's own clock may be off, in ns: what a request does before and after it.
const TOLERANCE_NS: u64 = 25_000_000;

fn requests(bytes: &[u8], function: &str, threads: usize) -> Requests {
    let source = bytes.to_vec();
    let inputs = [Input { name: "test".into(), source: &source, resolver: None }];
    let selector = selector(&format!("^{function}$"), RootBy::default());
    match pipeline::profile(&inputs, &selector, Options { threads, ..Options::default() }, None) {
        Ok(Answer::Profile(profile)) => profile.requests.expect("requests"),
        _ => panic!("nothing matches {function}"),
    }
}

fn check(path: &Path) {
    let trace = std::fs::read(path).expect("a trace");
    let truth: Value =
        serde_json::from_slice(&std::fs::read(path.with_extension("json")).expect("a truth")).expect("JSON");
    let has_samples = path.ends_with("nocpu-samples.trace");
    for (function, truth) in truth["functions"].as_object().expect("functions") {
        let what = format!("{}: {function}", path.display());
        let requests = requests(&trace, function, 1);
        let ids: Vec<&str> = requests.findings.iter().map(|finding| finding.id).collect();
        assert_eq!(ids.contains(&"no-cpu"), function == "main.Starved", "{what}: {ids:?}");
        assert_eq!(ids.contains(&"cpu-bound"), function == "main.Alone", "{what}: {ids:?}");
        let on_cpu = truth["on_cpu_ns"].as_u64().expect("ns");
        let (least, most) = requests.cpu.on_cpu_interval();
        let agrees = least <= on_cpu + TOLERANCE_NS && on_cpu <= most + TOLERANCE_NS;
        assert!(!has_samples || agrees, "{what}: {on_cpu}, samples say {least} to {most}");
        assert_eq!(requests.cpu.samples > 0, has_samples && function != "main.Idle", "{what}");
    }
}

#[test]
fn running_without_a_cpu_is_told() {
    let all = files(&root().join("testdata/traces"), "trace");
    let is_one = |path: &&std::path::PathBuf| path.ends_with("nocpu.trace") || path.ends_with("nocpu-samples.trace");
    let recordings: Vec<_> = all.iter().filter(is_one).collect();
    assert!(recordings.len() >= 10);
    for path in recordings {
        check(path);
    }
}

#[test]
fn any_number_of_threads_finds_the_same() {
    let all = files(&root().join("testdata/traces"), "trace");
    for path in all.iter().filter(|path| path.ends_with("nocpu-samples.trace") || path.ends_with("cpuprof.trace")) {
        let trace = std::fs::read(path).expect("a trace");
        let [one, many] = [1, 4].map(|threads| requests(&trace, "main.*", threads).cpu);
        assert_eq!(one, many, "{}", path.display());
    }
}
