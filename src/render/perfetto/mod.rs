//! Perfetto's protobuf: requests as tracks, for <https://ui.perfetto.dev> and trace processor.
//!
//! ```text
//!   roots · trace.out                     a group for each trace; times are from its start
//!   ├── garbage collector, stopped world
//!   ├── 1: 23.2 ms · main.Handler         a track for each request, the slowest first: one slice
//!   │   ├── critical path                 slices that add up to the request, each with its stack
//!   │   ├── goroutine 33 (*conn).serve    its goroutines: a slice for each state
//!   │   └── goroutine 70 …                arrows where the path goes from one to another: who woke whom
//!   ├── 2: 17.0 ms · main.Handler
//! ```
//!
//! To read: this file (what is on which track), `writer` (packets), `interned` (what is referred to by number), `proto`.

mod flows;
mod interned;
mod proto;
#[cfg(test)]
mod tests;
mod writer;

use super::units::{Unit, duration};
use super::{Options, question};
use crate::profile::{Exemplar, Lane, LanePiece, PathPiece, Profile, Request, Requests, RuntimeSpan};
use flows::LaneFlows;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};
use writer::{Fact, Slice, TraceWriter, Track};

/// Stands for the end of a path that has too many pieces.
const MORE: &str = "[further pieces]";

/// Writes the requests of a profile.
pub(super) fn write(profile: &Profile, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = TraceWriter::new(&profile.tree, out);
    let none = Requests::default();
    let requests = profile.requests.as_ref().unwrap_or(&none);
    let mut view = View { profile, requests, exemplars: BTreeMap::new(), n_flows: 0 };
    view.exemplars = requests.exemplars.iter().map(|exemplar| (exemplar.request, exemplar)).collect();
    for trace in 0..profile.traces.len() {
        view.trace(trace, &mut writer)?;
    }
    Ok(())
}

/// What is written, and how many arrows there were so far.
struct View<'a> {
    profile: &'a Profile,
    requests: &'a Requests,
    /// Requests with goroutines, by position.
    exemplars: BTreeMap<usize, &'a Exemplar>,
    n_flows: u64,
}

impl<'a> View<'a> {
    fn trace(&mut self, trace: usize, writer: &mut TraceWriter<'a>) -> io::Result<()> {
        let name = format!("{} · {}", self.profile.selection.patterns.join(" or "), self.profile.traces[trace].name);
        let filter =
            self.profile.filtered.iter().map(|filtered| format!(" · {}", question::stack_options(&filtered.options)));
        let group = writer.track(&(name + &filter.collect::<String>()), None, trace)?;
        let spans = &self.requests.runtime_spans;
        for (rank, (name, spans)) in
            [("garbage collector", &spans.collector), ("stopped world", &spans.stopped)].into_iter().enumerate()
        {
            runtime(name, spans.iter().filter(|span| span.trace as usize == trace), (group, rank), writer)?;
        }
        let of_trace = self.requests.list.iter().enumerate().filter(|(_, request)| request.trace as usize == trace);
        let mut slowest_first: Vec<(usize, &Request)> = of_trace.collect();
        slowest_first.sort_by_key(|(_, request)| Reverse(request.dur_ns));
        for (rank, (position, request)) in (1..).zip(slowest_first) {
            self.request((rank, position), request, group, writer)?;
        }
        Ok(())
    }

    fn request(
        &mut self,
        (rank, position): (usize, usize),
        request: &Request,
        group: Track,
        writer: &mut TraceWriter<'a>,
    ) -> io::Result<()> {
        let root = self.requests.roots.get(request.root as usize).map_or("", String::as_str);
        let name = format!("{rank}: {} · {root}", duration(request.dur_ns, Unit::Auto));
        // The runtime's two tracks stand before.
        let track = writer.track(&name, Some(group), rank + 1)?;
        writer.slice(
            track,
            &Slice {
                category: "request",
                name: root,
                start_ns: request.start_ns,
                dur_ns: request.dur_ns,
                facts: &[("goroutine", Fact::Number(request.goid)), ("dur_ns", Fact::Number(request.dur_ns))],
                ..Slice::default()
            },
        )?;
        let Some(exemplar) = self.exemplars.get(&position) else { return Ok(()) };
        self.path(exemplar, request, track, writer)?;
        let flows = LaneFlows::of(exemplar, &mut self.n_flows);
        for (i, lane) in exemplar.lanes.iter().enumerate() {
            self.lane((i, lane), request.start_ns, (track, &flows), writer)?;
        }
        Ok(())
    }

    /// The critical path: it is as long as the request.
    fn path(
        &self,
        exemplar: &Exemplar,
        request: &Request,
        above: Track,
        writer: &mut TraceWriter<'a>,
    ) -> io::Result<()> {
        let track = writer.track("critical path", Some(above), 0)?;
        for piece in &exemplar.path {
            writer.slice(
                track,
                &Slice {
                    category: "critical path",
                    name: &self.name_of(piece),
                    start_ns: request.start_ns.saturating_add(piece.start_ns),
                    dur_ns: piece.dur_ns,
                    stack: Some((piece.stack, &piece.state)),
                    facts: &[("state", Fact::Text(&piece.state)), ("goroutine", Fact::Number(piece.goid))],
                    ..Slice::default()
                },
            )?;
        }
        let shown = exemplar.path.last().map_or(0, |piece| piece.start_ns.saturating_add(piece.dur_ns));
        let Some(rest) = request.dur_ns.checked_sub(shown).filter(|rest| *rest > 0) else { return Ok(()) };
        let start_ns = request.start_ns.saturating_add(shown);
        writer
            .slice(track, &Slice { category: "critical path", name: MORE, start_ns, dur_ns: rest, ..Slice::default() })
    }

    /// The innermost own function, or the innermost at all, and the state.
    fn name_of(&self, piece: &PathPiece) -> String {
        let stack = || self.profile.tree.goroutine(piece.stack);
        let own = stack().find(|frame| self.profile.own_code.has(frame)).or_else(|| stack().next());
        match own {
            Some(frame) => format!("{} [{}]", frame.function, piece.state),
            None => format!("[{}]", piece.state),
        }
    }

    fn lane(
        &self,
        (i, lane): (usize, &Lane),
        from_ns: u64,
        (above, flows): (Track, &LaneFlows),
        writer: &mut TraceWriter<'a>,
    ) -> io::Result<()> {
        let track = writer.track(&format!("goroutine {} {}", lane.goid, lane.entry), Some(above), i + 1)?;
        for (at, &LanePiece { start_ns, dur_ns, state, .. }) in lane.pieces.iter().enumerate() {
            writer.slice(
                track,
                &Slice {
                    category: "state",
                    name: self.requests.state_names.get(usize::from(state)).map_or("", String::as_str),
                    start_ns: from_ns.saturating_add(start_ns),
                    dur_ns,
                    flows: flows.of_piece(i, at),
                    facts: &[("goroutine", Fact::Number(lane.goid))],
                    ..Slice::default()
                },
            )?;
        }
        Ok(())
    }
}

/// What the runtime did to all goroutines.
fn runtime<'s>(
    name: &str,
    spans: impl Iterator<Item = &'s RuntimeSpan>,
    (group, rank): (Track, usize),
    writer: &mut TraceWriter<'_>,
) -> io::Result<()> {
    let track = writer.track(name, Some(group), rank)?;
    for span in spans {
        let (start_ns, dur_ns) = (span.start_ns, span.dur_ns);
        writer.slice(track, &Slice { category: "runtime", name, start_ns, dur_ns, ..Slice::default() })?;
    }
    Ok(())
}
