//! One goroutine's evidence, in its order → the parts of its life that can be roots: requests between a server's
//! own borders, and stretches elsewhere.

use super::connections::{Connection, Moment, ServedRequest};
use super::servers::ServerStep;
use super::stretches::{StretchFound, Stretches};
use crate::survey::v2::evidence::Gap;
use crate::trace::ids::StackIdx;
use crate::trace::time::Time;

/// A part of a goroutine's life.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RootPart {
    /// Between borders.
    ServedRequest(ServedRequest),
    /// A matching function was on the stack; the borders are inferred.
    Stretch(StretchFound<StackIdx>),
}

/// Follows one goroutine.
#[derive(Clone, Debug, Default)]
pub struct RootTracker {
    stretches: Stretches<StackIdx>,
    /// Only of goroutines that serve a connection.
    connection: Option<Box<Connection>>,
}

impl RootTracker {
    /// A run that began in an earlier generation had its last gap there.
    pub fn continued_from(last_gap: Option<u64>) -> Self {
        Self { stretches: Stretches::continued_from(last_gap), connection: None }
    }

    /// Whether what comes next depends on what was.
    pub fn has_past(&self) -> bool {
        self.connection.is_some() || self.stretches.is_open()
    }

    /// A matching stack of no server.
    pub fn matched(&mut self, stack: StackIdx) {
        match &mut self.connection {
            Some(connection) => connection.matched(stack),
            None => self.stretches.matched(stack),
        }
    }

    /// A time without a matching stack; `time` is that of its end.
    pub fn gap(&mut self, gap: Gap, time: Option<Time>, found: &mut Vec<RootPart>) {
        if let Some(connection) = &mut self.connection {
            connection.resumed(Moment { pos: gap.last, time });
        }
        found.extend(self.stretches.gap(gap).map(RootPart::Stretch));
    }

    /// A stack of a connection's goroutine.
    pub fn seen(&mut self, step: ServerStep, stack: StackIdx, matches: bool, at: Moment, found: &mut Vec<RootPart>) {
        let connection = self.connection.get_or_insert_default();
        let was_serving = connection.is_serving();
        let ended = connection.seen(step, stack, matches, at);
        let border = connection.serving_since().unwrap_or(at).pos;
        // The pattern means what the server does outside of requests.
        if matches && matches!(step, ServerStep::Between | ServerStep::Reading | ServerStep::Finish) {
            if ended.is_some() {
                found.extend(self.stretches.gap(other(border)).map(RootPart::Stretch));
            }
            self.stretches.matched(stack);
        } else if !was_serving || ended.is_some() {
            found.extend(self.stretches.gap(other(border)).map(RootPart::Stretch));
        }
        found.extend(ended.map(RootPart::ServedRequest));
    }

    /// The goroutine created another.
    pub fn created(&mut self, birth: u32) {
        match &mut self.connection {
            Some(connection) if connection.is_serving() => connection.created(birth),
            _ => self.stretches.created(birth),
        }
    }

    /// The goroutine ends, and a stretch with it.
    pub fn stretch_ends(&mut self, pos: u64, found: &mut Vec<RootPart>) {
        found.extend(self.stretches.end(Some(pos)).map(RootPart::Stretch));
    }

    /// The goroutine ends.
    pub fn end(&mut self, at: Moment, found: &mut Vec<RootPart>) {
        found.extend(self.stretches.end(Some(at.pos)).map(RootPart::Stretch));
        found.extend(self.connection.take().and_then(|mut c| c.end(at)).map(RootPart::ServedRequest));
    }

    /// The trace ends.
    pub fn cut(&mut self, found: &mut Vec<RootPart>) {
        found.extend(self.stretches.end(None).map(RootPart::Stretch));
        found.extend(self.connection.take().and_then(|mut c| c.cut()).map(RootPart::ServedRequest));
    }
}

fn other(pos: u64) -> Gap {
    Gap { first: pos, last: pos, ticks: 0, other: true }
}
