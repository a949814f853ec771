//! The bytes of the pprof output: what its readers insist on.

use super::*;
use crate::render::testing::{empty, render, sample, sample_requests};
use std::io::Read as _;

fn decode(profile: &Profile) -> pb::Profile {
    let bytes = render("pprof", profile, &Options::default());
    let mut raw = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut raw).unwrap();
    pb::Profile::decode(raw.as_slice()).unwrap()
}

#[test]
fn totals_equal_those_of_the_profile() {
    for (profile, default) in [(sample(), "goroutine"), (sample_requests(), "latency"), (empty(), "goroutine")] {
        let p = decode(&profile);
        let sum = |i: usize| p.sample.iter().map(|s| s.value[i]).sum::<i64>();
        assert_eq!(sum(0), profile.total.events as i64);
        assert_eq!(sum(1), profile.total.goroutine_ns as i64);
        assert_eq!(sum(2), profile.total.latency_ns as i64);
        let types: Vec<&str> = p.sample_type.iter().map(|t| p.string_table[t.r#type as usize].as_str()).collect();
        assert_eq!(types, ["events", "goroutine", "latency"]);
        assert_eq!(p.string_table[p.default_sample_type as usize], default);
    }
}

#[test]
fn no_pseudo_frame_has_a_system_name() {
    let p = decode(&sample_requests());
    let name = |i: i64| p.string_table[i as usize].as_str();
    let (ours, theirs): (Vec<&pb::Function>, Vec<_>) = p.function.iter().partition(|f| name(f.name).starts_with('['));
    assert!(ours.iter().all(|f| f.system_name == 0) && theirs.iter().all(|f| f.system_name == f.name));
    let waiting = ours.iter().find(|f| name(f.name) == ProfileFrame::WAITING_FOR).unwrap();
    assert_eq!(name(waiting.filename), "other goroutine");
    assert!(comments(&sample_requests(), false).contains(&"mean per request: add -divide_by=60".to_owned()));
}

#[test]
fn tables_are_as_strict_readers_want_them() {
    for profile in [sample(), sample_requests(), empty()] {
        let p = decode(&profile);
        assert_eq!(p.string_table[0], "");
        assert!(p.location.iter().zip(1..).all(|(l, id)| l.id == id && l.mapping_id == 1 && l.line.len() == 1));
        assert!(p.function.iter().zip(1..).all(|(f, id)| f.id == id));
        assert_eq!(p.mapping.len(), 1);
        assert!(p.period_type.is_some() && p.period == 1);
        assert!(p.location.iter().all(|l| l.line[0].function_id > 0));
    }
}

#[test]
fn state_frames_are_leaves_that_no_demangler_touches() {
    let p = decode(&sample());
    for s in &p.sample {
        let leaf = &p.location[s.location_id[0] as usize - 1];
        let function = &p.function[leaf.line[0].function_id as usize - 1];
        let name = &p.string_table[function.name as usize];
        assert!(name.starts_with('['), "{name}");
        assert_eq!(function.system_name, 0);
        assert_eq!(p.string_table[function.filename as usize], "state");
        let state = s.label.iter().find(|l| p.string_table[l.key as usize] == "state").unwrap();
        assert_eq!(*name, format!("[{}]", p.string_table[state.str as usize]));
    }
}

#[test]
fn two_exports_are_the_same_bytes() {
    let export = || render("pprof", &sample(), &Options::default());
    assert_eq!(export(), export());
}

/// For a look with the real reader: `PPROF_OUT=s.pb.gz cargo test pprof_file`.
#[test]
fn pprof_file() {
    if let Some(path) = std::env::var_os("PPROF_OUT") {
        std::fs::write(path, render("pprof", &sample_requests(), &Options::default())).unwrap();
    }
}
