//! What pooled goroutines were started for (`testdata/gen/started`).

use crate::common::{recordings, selector};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::slice::RootBy;
use serde_json::Value;

/// Goroutines of a pool are told apart by what they run. A worker that runs one thing after the other is one row.
#[test]
fn pooled_goroutines_are_told_apart_by_what_they_run() {
    for path in recordings("started") {
        let what = path.display();
        let trace = std::fs::read(&path).expect("a trace");
        let said = std::fs::read(path.with_extension("json")).expect("the truth");
        let truth: Value = serde_json::from_slice(&said).expect("JSON");
        let inputs = [Input { name: "test".into(), source: &trace, resolver: None }];
        let candidates = pipeline::candidates(&inputs, Options::default(), None).expect("a sound trace");
        let pool = candidates.rows.iter().filter(|row| row.entry == "main.(*group).Go.func1");
        let counts: Vec<(&str, u64)> = pool.map(|row| (row.runs.as_str(), row.count)).collect();
        for (function, count) in truth["pool"].as_object().expect("counts") {
            let row = (function.as_str(), count.as_u64().expect("a count"));
            assert!(counts.contains(&row), "{what}: {row:?} is not in {counts:?}");
        }
        assert_eq!(counts.len(), 3, "{what}: {counts:?}");
        let whole_program = selector("^main.main$", RootBy { stack: true, ..RootBy::NONE });
        let options = Options { include_partial: true, ..Options::default() };
        let Ok(Answer::Profile(profile)) = pipeline::profile(&inputs, &whole_program, options, None) else {
            panic!("{what}: no profile");
        };
        let lanes = &profile.requests.as_ref().expect("requests").slowest.as_ref().expect("a slowest request").lanes;
        let pool: Vec<&str> =
            lanes.iter().filter(|l| l.entry == "main.(*group).Go.func1").map(|l| l.runs.as_str()).collect();
        for function in ["main.users", "main.orders", "main.ads"] {
            assert!(pool.contains(&function), "{what}: no lane of {function} in {pool:?}");
        }
        assert!(lanes.iter().filter(|l| l.entry == "main.worker").all(|l| l.runs.is_empty()), "{what}");
        let worker = candidates.rows.iter().filter(|row| row.creation_site == "main.main");
        assert!(worker.clone().count() == 1 && worker.clone().all(|row| row.runs.is_empty()), "{what}");
    }
}
