//! The JSON report: its goldens, and that its numbers are the profile's.

use super::*;
use crate::render::testing::{check_golden, empty, render, sample, sample_candidates, sample_requests};

#[test]
fn goldens() {
    check_golden("sample.json", &render("json", &sample(), &Options::default()));
    check_golden("requests.json", &render("json", &sample_requests(), &Options::default()));
    check_golden("empty.json", &render("json", &empty(), &Options::default()));
    let mut out = Vec::new();
    write_candidates(&sample_candidates(), &Options::default(), &mut out).unwrap();
    check_golden("candidates.json", &out);
}

#[test]
fn numbers_agree_with_the_profile() {
    let profile = sample();
    let json: serde_json::Value = serde_json::from_slice(&render("json", &profile, &Options::default())).unwrap();
    let sum = |list: &str| -> u64 {
        json[list].as_array().unwrap().iter().map(|s| s["goroutine_ns"].as_u64().unwrap()).sum()
    };
    assert_eq!(sum("states"), profile.total.goroutine_ns);
    assert_eq!(sum("stacks"), profile.total.goroutine_ns);
    assert_eq!(json["trace"]["duration_ns"], 5_003_000_000_u64);
    assert_eq!(json["complete"], false);
}

#[test]
fn hostile_text_survives_without_reaching_the_terminal() {
    let name = "a\x1b[2J\u{9b}\u{202e}\"é";
    let mut out = Vec::new();
    document(&name, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(!text.trim_end().contains(clean::is_hostile), "{text}");
    assert_eq!(serde_json::from_str::<String>(&text).unwrap(), name);
}

#[test]
fn requests_add_up() {
    let json: serde_json::Value =
        serde_json::from_slice(&render("json", &sample_requests(), &Options::default())).unwrap();
    let ns = |value: &serde_json::Value| value.as_u64().unwrap();
    let sum = |list: &str, field: &str| json[list].as_array().unwrap().iter().map(|r| ns(&r[field])).sum::<u64>();
    let total = ns(&json["total"]["latency_ns"]);
    assert_eq!(ns(&json["latency"]["total_ns"]), total);
    assert_eq!(sum("states", "latency_ns"), total);
    assert_eq!(sum("stacks", "latency_ns"), total);
    assert_eq!(sum("requests", "dur_ns"), total);
    assert_eq!(sum("tail", "all_ns"), total);
    for request in json["requests"].as_array().unwrap() {
        let states: u64 = request["states"].as_object().unwrap().values().map(ns).sum();
        assert_eq!(states, ns(&request["dur_ns"]));
    }
    let path: u64 = json["slowest"]["path"].as_array().unwrap().iter().map(|p| ns(&p["dur_ns"])).sum();
    assert_eq!(path, ns(&json["latency"]["max_ns"]));
    assert_eq!(json["findings"][0]["id"], "sync-tail");
}

#[test]
fn what_was_not_computed_is_absent() {
    let json: serde_json::Value = serde_json::from_slice(&render("json", &sample(), &Options::default())).unwrap();
    assert_eq!(json["metric"], "goroutine");
    assert!(json["latency"].is_null());
    assert!(json.get("requests").is_none() && json["total"].get("latency_ns").is_none());
}
