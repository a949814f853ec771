//! The packets of the shared sample, decoded with our own messages.

use super::proto as pb;
use super::*;
use crate::render::testing::{empty, render, sample, sample_requests};
use prost::Message as _;

/// The sample's slowest request as exemplar, as a run that asks for exemplars has it.
fn with_path() -> Profile {
    let mut profile = sample_requests();
    let requests = profile.requests.as_mut().unwrap();
    requests.exemplars = requests.slowest.iter().cloned().collect();
    profile
}

fn packets(profile: &Profile) -> Vec<pb::TracePacket> {
    pb::Trace::decode(&render("perfetto", profile, &Options::default())[..]).unwrap().packet
}

/// By name of the track, the durations of its slices.
fn slices(packets: &[pb::TracePacket]) -> BTreeMap<String, Vec<u64>> {
    let mut names = BTreeMap::new();
    let mut open = BTreeMap::new();
    let mut slices: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for packet in packets {
        if let Some(track) = &packet.track_descriptor {
            names.insert(track.uuid, track.name.clone().unwrap());
        }
        let Some(event) = &packet.track_event else { continue };
        if event.r#type == Some(pb::SLICE_BEGIN) {
            assert_eq!(open.insert(event.track_uuid, packet.timestamp.unwrap()), None);
        } else {
            let start = open.remove(&event.track_uuid).unwrap();
            slices.entry(names[&event.track_uuid].clone()).or_default().push(packet.timestamp.unwrap() - start);
        }
    }
    assert!(open.is_empty());
    slices
}

#[test]
fn every_request_has_a_track_and_the_slowest_its_path_and_goroutines() {
    let profile = with_path();
    let requests = profile.requests.as_ref().unwrap();
    let exemplar = &requests.exemplars[0];
    let took = requests.list[exemplar.request].dur_ns;
    let slices = slices(&packets(&profile));
    let of_requests: u64 =
        slices.iter().filter(|(name, _)| name.contains(": ")).map(|(_, ns)| ns.iter().sum::<u64>()).sum();
    assert_eq!(of_requests, requests.list.iter().map(|request| request.dur_ns).sum::<u64>());
    assert_eq!(slices["critical path"].iter().sum::<u64>(), took);
    for lane in &exemplar.lanes {
        let track = &slices[&format!("goroutine {} {}", lane.goid, lane.entry)];
        assert_eq!(*track, lane.pieces.iter().map(|piece| piece.dur_ns).collect::<Vec<_>>());
    }
}

#[test]
fn the_end_of_a_long_path_is_one_piece() {
    let mut profile = with_path();
    profile.requests.as_mut().unwrap().exemplars[0].path.truncate(1);
    let requests = profile.requests.as_ref().unwrap();
    let path = &slices(&packets(&profile))["critical path"];
    assert_eq!((path.len(), path.iter().sum()), (2, requests.list[requests.exemplars[0].request].dur_ns));
}

#[test]
fn arrows_go_forward_and_each_ends_once() {
    let packets = packets(&with_path());
    let events = || packets.iter().filter_map(|packet| Some((packet.timestamp?, packet.track_event.as_ref()?)));
    let begin: BTreeMap<u64, u64> =
        events().flat_map(|(at, event)| event.flow_ids.iter().map(move |id| (*id, at))).collect();
    let end: Vec<(u64, u64)> =
        events().flat_map(|(at, event)| event.terminating_flow_ids.iter().map(move |id| (*id, at))).collect();
    assert!(!end.is_empty() && begin.len() == end.len());
    assert!(end.iter().all(|(id, at)| begin[id] < *at), "{begin:?} {end:?}");
}

#[test]
fn nothing_is_no_slice() {
    for profile in [sample(), empty()] {
        assert!(slices(&packets(&profile)).is_empty());
    }
}
