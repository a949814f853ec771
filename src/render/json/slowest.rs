//! What the JSON report says of the slowest request.

use super::rows::{RowContext, RowList};
use super::{FrameRow, stack_frames};
use crate::profile::{Exemplar, Lane, LanePiece, NodeIdx, PathPiece};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// A request with its goroutines and its critical path.
pub(super) struct SlowestRow<'a>(pub(super) RowContext<'a>, pub(super) &'a Exemplar);

impl Serialize for SlowestRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (context, s) = (self.0, self.1);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("request", &s.request)?;
        map.serialize_entry("lanes", &RowList { context, items: &s.lanes, row: LaneRow })?;
        map.serialize_entry("more_lanes", &s.more_lanes)?;
        map.serialize_entry("path", &PathRows(context, s))?;
        map.serialize_entry("more_pieces", &s.more_pieces)?;
        map.end()
    }
}

struct LaneRow<'a>(RowContext<'a>, &'a Lane);

impl Serialize for LaneRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (context, l) = (self.0, self.1);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("goid", &l.goid)?;
        map.serialize_entry("entry", &l.entry)?;
        map.serialize_entry("runs", &l.runs)?;
        map.serialize_entry("parent", &l.parent)?;
        map.serialize_entry("kind", l.kind.name())?;
        map.serialize_entry("path_ns", &l.path_ns)?;
        map.serialize_entry("pieces", &RowList { context, items: &l.pieces, row: LaneInterval })?;
        map.serialize_entry("more_pieces", &l.more_pieces)?;
        map.end()
    }
}

struct LaneInterval<'a>(RowContext<'a>, &'a LanePiece);

impl Serialize for LaneInterval<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let &LanePiece { start_ns, dur_ns, state, .. } = self.1;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("start_ns", &start_ns)?;
        map.serialize_entry("dur_ns", &dur_ns)?;
        map.serialize_entry("state", self.0.state(state))?;
        map.end()
    }
}

/// The path of a request, whose pieces say where it waited itself.
struct PathRows<'a>(RowContext<'a>, &'a Exemplar);

impl Serialize for PathRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (context, exemplar) = (self.0, self.1);
        let mut list = serializer.serialize_seq(Some(exemplar.path.len()))?;
        for piece in &exemplar.path {
            list.serialize_element(&PathRow { context, piece, waiting: exemplar.own_wait(piece) })?;
        }
        list.end()
    }
}

struct PathRow<'a> {
    context: RowContext<'a>,
    piece: &'a PathPiece,
    waiting: Option<NodeIdx>,
}

impl Serialize for PathRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (p, tree) = (self.piece, &self.context.profile.tree);
        let frames: Vec<FrameRow<'_>> = stack_frames(tree, p.stack);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("start_ns", &p.start_ns)?;
        map.serialize_entry("dur_ns", &p.dur_ns)?;
        map.serialize_entry("lane", &p.lane)?;
        map.serialize_entry("goid", &p.goid)?;
        map.serialize_entry("state", &p.state)?;
        map.serialize_entry("frames", &frames)?;
        if let Some(waiting) = self.waiting {
            map.serialize_entry("waiting", &stack_frames(tree, waiting))?;
        }
        map.end()
    }
}
