//! Packets on their way to the file: tracks, and slices on them.

use super::interned::Interned;
use super::proto as pb;
use crate::profile::{NodeIdx, StackTree};
use crate::render::clean::clean;
use prost::Message as _;
use std::io::{self, Write};

/// All packets are of one sequence: interned numbers are known in it alone.
const SEQUENCE: u32 = 1;

/// A track, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Track(u64);

/// A stretch of time on a track, in ns.
#[derive(Default)]
pub(super) struct Slice<'a> {
    pub(super) category: &'a str,
    pub(super) name: &'a str,
    pub(super) start_ns: u64,
    pub(super) dur_ns: u64,
    /// The stack it was spent on, and the state.
    pub(super) stack: Option<(NodeIdx, &'a str)>,
    /// Arrows that begin here, and that end here.
    pub(super) flows: (&'a [u64], &'a [u64]),
    /// What the details show beside.
    pub(super) facts: &'a [(&'a str, Fact<'a>)],
}

/// A value of the details.
#[derive(Clone, Copy)]
pub(super) enum Fact<'a> {
    Number(u64),
    Text(&'a str),
}

/// Writes packets one after the other.
pub(super) struct TraceWriter<'a> {
    out: &'a mut dyn Write,
    interned: Interned<'a>,
    n_tracks: u64,
    is_first: bool,
}

impl<'a> TraceWriter<'a> {
    pub(super) fn new(tree: &'a StackTree, out: &'a mut dyn Write) -> Self {
        Self { out, interned: Interned::new(tree), n_tracks: 0, is_first: true }
    }

    /// Adds a track below another one; `rank` is its place among those.
    pub(super) fn track(&mut self, name: &str, parent: Option<Track>, rank: usize) -> io::Result<Track> {
        self.n_tracks += 1;
        let track = Track(self.n_tracks);
        let descriptor = pb::TrackDescriptor {
            uuid: Some(track.0),
            name: Some(clean(name).into_owned()),
            parent_uuid: parent.map(|parent| parent.0),
            child_ordering: Some(pb::EXPLICIT),
            sibling_order_rank: Some(i32::try_from(rank).unwrap_or(i32::MAX)),
            sibling_merge_behavior: Some(pb::MERGE_NONE),
        };
        self.packet(pb::TracePacket { track_descriptor: Some(descriptor), ..Default::default() })?;
        Ok(track)
    }

    /// Adds a slice. Those of a track come in order of time.
    pub(super) fn slice(&mut self, track: Track, slice: &Slice<'_>) -> io::Result<()> {
        let interned = &mut self.interned;
        let annotation = |&(name, fact): &(&str, Fact<'_>)| pb::DebugAnnotation {
            name_iid: Some(interned.annotation(name)),
            uint_value: if let Fact::Number(number) = fact { Some(number) } else { None },
            string_value: if let Fact::Text(text) = fact { Some(text.to_owned()) } else { None },
        };
        let begin = pb::TrackEvent {
            debug_annotations: slice.facts.iter().map(annotation).collect(),
            category_iids: vec![self.interned.category(slice.category)],
            r#type: Some(pb::SLICE_BEGIN),
            name_iid: Some(self.interned.name(&clean(slice.name))),
            track_uuid: Some(track.0),
            flow_ids: slice.flows.0.to_vec(),
            terminating_flow_ids: slice.flows.1.to_vec(),
            callstack_iid: slice.stack.map(|(stack, state)| self.interned.callstack(stack, state)),
            callstack_weight: slice.stack.map(|_| slice.dur_ns as f64),
        };
        let end = pb::TrackEvent { r#type: Some(pb::SLICE_END), track_uuid: Some(track.0), ..Default::default() };
        self.event(slice.start_ns, begin)?;
        self.event(slice.start_ns.saturating_add(slice.dur_ns), end)
    }

    fn event(&mut self, at_ns: u64, event: pb::TrackEvent) -> io::Result<()> {
        let timestamp = Some(at_ns.min(i64::MAX as u64));
        self.packet(pb::TracePacket { timestamp, track_event: Some(event), ..Default::default() })
    }

    fn packet(&mut self, packet: pb::TracePacket) -> io::Result<()> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        let flags = if is_first { pb::INCREMENTAL_STATE_CLEARED } else { 0 } | pb::NEEDS_INCREMENTAL_STATE;
        let packet = pb::TracePacket {
            trusted_packet_sequence_id: Some(SEQUENCE),
            sequence_flags: Some(flags),
            first_packet_on_sequence: is_first.then_some(true),
            interned_data: self.interned.take_fresh(),
            ..packet
        };
        self.out.write_all(&pb::Trace { packet: vec![packet] }.encode_to_vec())
    }
}
