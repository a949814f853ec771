//! The slowest request: its goroutines over a common axis of time, and the critical path through them.

use super::axis::{self, Axis, Fill};
use super::lanes::{self, DrawnLane};
use super::layout::{DIM, PLAIN, View, state_style, width};
use super::sentences;
use super::stacks::{stack_line_below, stack_line_of};
use super::table::{Cell, Column, Table};
use crate::profile::{Exemplar, PathPiece, Profile, Requests};
use crate::render::clean::clean;
use crate::render::names;
use crate::render::question;
use crate::render::units::counted;
use std::io::{self, Write};

/// Pieces of the path shown unless `-n 0` asks for all: the longest.
const MAX_PIECES: usize = 8;
/// Columns of a goroutine's name, at most and at least.
const LABEL: (usize, usize) = (34, 16);
/// Columns that an axis needs to be one.
const MIN_AXIS: usize = 16;
/// Columns of a state's name.
const MAX_STATE: usize = 20;
/// The same on a line of fewer columns than [`NARROW`].
const MAX_STATE_NARROW: usize = 10;
const NARROW: usize = 80;

pub(super) fn write(view: &View<'_>, profile: &Profile, requests: &Requests, out: &mut dyn Write) -> io::Result<()> {
    let Some(slowest) = &requests.slowest else { return Ok(()) };
    let Some(request) = requests.list.get(slowest.request) else { return Ok(()) };
    let title = if requests.list.len() == 1 { "THIS REQUEST" } else { "SLOWEST REQUEST" };
    view.title(out, title, &sentences::slowest(view, requests, request))?;
    head(view, profile, requests, slowest, out)?;
    let shown = lanes::choose(slowest, view.options.top == 0);
    if !shown.is_empty() && request.dur_ns > 0 {
        drawing(view, requests, slowest, &shown, out)?;
    }
    path(view, profile, slowest, out)?;
    let command = if requests.list.len() > 1 { question::again(profile, request) } else { None };
    command.map_or(Ok(()), |command| writeln!(out, "  {} {command}", view.paint(DIM, "again:")))
}

fn head(
    view: &View<'_>,
    profile: &Profile,
    requests: &Requests,
    slowest: &Exemplar,
    out: &mut dyn Write,
) -> io::Result<()> {
    let request = &requests.list[slowest.request];
    let mut items = vec![format!("goroutine {}", request.goid), view.time(request.dur_ns)];
    let root = requests.roots.get(request.root as usize).map_or("", String::as_str);
    if !root.is_empty() {
        items.push(names::function(root, view.options.full_names).into_owned());
    }
    items.push(format!("{} after the start", view.time(request.start_ns)));
    if let Some(trace) = profile.traces.get(request.trace as usize).filter(|_| profile.traces.len() > 1) {
        items.push(format!("in {}", clean(&trace.name)));
    }
    if request.partial {
        items.push("cut by an edge".to_owned());
    }
    if let Some(at_least_ns) = request.at_least_ns.get() {
        // Of a region that never ended nothing is certain but its beginning.
        let at_least = if at_least_ns > 0 { format!(", at least {}", view.time(at_least_ns)) } else { String::new() };
        items.push(format!("its edges are inferred{at_least}"));
    }
    if request.may_be_several {
        items.push("may be several calls".to_owned());
    }
    view.items(out, "", 2, &items)
}

fn drawing(
    view: &View<'_>,
    requests: &Requests,
    slowest: &Exemplar,
    shown: &[DrawnLane],
    out: &mut dyn Write,
) -> io::Result<()> {
    let labels: Vec<String> = shown.iter().map(|s| lanes::label(view, slowest, s)).collect();
    let times: Vec<String> = shown.iter().map(|s| on_path(view, slowest.lanes[s.lane].path_ns)).collect();
    let notes: Vec<String> = shown.iter().map(|s| lanes::note(slowest, s)).collect();
    let widest = |texts: &[String]| texts.iter().map(|t| width(t)).max().unwrap_or(0);
    let heading = "on path";
    let time = widest(&times).max(heading.len());
    let label = widest(&labels).min(LABEL.0.min(view.options.width / 3)).max(LABEL.1);
    let beside = |columns: usize| if columns > 0 { columns + Table::GAP } else { 0 };
    let free = view.options.width.saturating_sub(2 + label + 2 + beside(time));
    // Without room for the notes, the drawing goes without them.
    let note = Some(widest(&notes)).filter(|&n| free >= 2 * MIN_AXIS + beside(n)).unwrap_or(0);
    let axis = Axis { dur_ns: requests.list[slowest.request].dur_ns, columns: (free - beside(note)).max(MIN_AXIS) };
    let scale = scale(view, axis);
    writeln!(out, "  {:label$}  {}  {}", "", view.paint(DIM, &scale), view.paint(DIM, &format!("{heading:>time$}")))?;
    let path = axis.path(&slowest.path);
    let mut drawn = Vec::new();
    for (((lane, name), on_path), note_text) in shown.iter().zip(&labels).zip(&times).zip(&notes) {
        let fills = axis.fills(&slowest.lanes[lane.lane], lane.lane, &slowest.path);
        let name = view.fit(name, label);
        let pad = label - width(&name);
        let note_text = if note > 0 { note_text.as_str() } else { "" };
        let after = if on_path.is_empty() && note_text.is_empty() { 0 } else { time };
        let tail = format!("  {on_path:>after$}  {}", view.paint(DIM, note_text));
        let line = format!("  {name}{:pad$}  {}{tail}", "", axis::draw(view, &fills, &requests.state_names));
        writeln!(out, "{}", line.trim_end())?;
        let marks: String = path.iter().map(|&on| if on == Some(lane.lane) { mark(view) } else { ' ' }).collect();
        if !marks.trim().is_empty() {
            writeln!(out, "  {:label$}  {}", "", marks.trim_end())?;
        }
        drawn.push(fills);
    }
    legend(view, requests, &drawn, out)?;
    hidden(view, slowest, shown.len(), out)
}

fn on_path(view: &View<'_>, ns: u64) -> String {
    if ns == 0 { String::new() } else { view.time(ns) }
}

/// Below the signs of a lane while the critical path is on it.
fn mark(view: &View<'_>) -> char {
    if view.options.unicode { '▔' } else { '^' }
}

/// Start, middle and end of the axis.
fn scale(view: &View<'_>, axis: Axis) -> String {
    let (middle, end) = (view.time(axis.dur_ns / 2), view.time(axis.dur_ns));
    let mut scale = "0".to_owned();
    let at = axis.columns / 2;
    if axis.columns >= 3 * (width(&middle) + width(&end)) {
        scale = format!("0{:gap$}{middle}", "", gap = (at - width(&middle) / 2).saturating_sub(1));
    }
    let gap = axis.columns.saturating_sub(width(&scale) + width(&end)).max(1);
    format!("{scale}{:gap$}{end}", "")
}

fn legend(view: &View<'_>, requests: &Requests, drawn: &[Vec<Fill>], out: &mut dyn Write) -> io::Result<()> {
    let mut entries = axis::legend(view, drawn, &requests.state_names);
    entries.push((mark(view), PLAIN, "critical path".to_owned()));
    let mut at = 0;
    for (sign, style, text) in entries {
        let text = view.fit(&text, view.options.width.saturating_sub(4));
        if at > 0 && at + 4 + width(&text) > view.options.width {
            writeln!(out)?;
            at = 0;
        }
        write!(out, "  {} {}", view.paint(style, &sign.to_string()), view.paint(DIM, &text))?;
        at += 4 + width(&text);
    }
    writeln!(out)
}

/// Says which goroutines are not drawn.
fn hidden(view: &View<'_>, slowest: &Exemplar, shown: usize, out: &mut dyn Write) -> io::Result<()> {
    let kept = (slowest.lanes.len() - shown) as u64;
    let mut texts = Vec::new();
    if kept > 0 {
        texts.push(format!("{} (-n 0 shows all)", counted(kept, "more goroutine")));
    }
    if slowest.more_lanes > 0 {
        texts.push(format!("{} too many to keep", counted(slowest.more_lanes, "goroutine")));
    }
    left_out(view, &texts, out)
}

/// Says what is left out, on one line where that has room.
fn left_out(view: &View<'_>, texts: &[String], out: &mut dyn Write) -> io::Result<()> {
    let line = |text: &str| format!("  {} {text}", view.glyphs.dots);
    let one = line(&texts.join(view.glyphs.separator));
    let fits = width(&one) <= view.options.width;
    let lines = if fits { vec![one] } else { texts.iter().map(|text| line(text)).collect() };
    lines.iter().filter(|_| !texts.is_empty()).try_for_each(|line| writeln!(out, "{}", view.paint(DIM, line)))
}

/// The longest pieces of the path, in their order.
fn path(view: &View<'_>, profile: &Profile, slowest: &Exemplar, out: &mut dyn Write) -> io::Result<()> {
    if slowest.path.is_empty() {
        return Ok(());
    }
    let mut longest: Vec<usize> = (0..slowest.path.len()).collect();
    longest.sort_by_key(|&i| std::cmp::Reverse(slowest.path[i].dur_ns));
    let shown = if view.options.top == 0 { longest.len() } else { longest.len().min(MAX_PIECES) };
    let rest = longest.split_off(shown);
    longest.sort_unstable();
    let mut table = Table::new(&[("at", true), ("for", true), ("goroutine", true), ("state", false)]);
    for piece in longest.iter().map(|&i| &slowest.path[i]) {
        table.rows.push(cells(view, piece));
    }
    let room = table.room(view.options.width).saturating_sub(Table::GAP).max(6);
    table.columns.push(Column { heading: "critical path".into(), right: false });
    for (cells, &i) in table.rows.iter_mut().zip(&longest) {
        let piece = &slowest.path[i];
        let line = match slowest.own_wait(piece) {
            Some(waiting) => stack_line_below(view, profile, waiting, piece.stack),
            None => stack_line_of(view, profile, piece.stack),
        };
        cells.push(Cell::new(line.wrap(view, room)));
    }
    table.write(view, out)?;
    let ns = rest.iter().fold(0_u64, |sum, &i| sum.saturating_add(slowest.path[i].dur_ns));
    let mut texts = Vec::new();
    if !rest.is_empty() {
        let pieces = counted(rest.len() as u64, "shorter piece");
        texts.push(format!("{pieces}, {} together (-n 0 shows all)", view.time(ns)));
    }
    if slowest.more_pieces > 0 {
        texts.push(format!("{} too many to keep", counted(slowest.more_pieces, "piece")));
    }
    left_out(view, &texts, out)
}

fn cells(view: &View<'_>, piece: &PathPiece) -> Vec<Cell> {
    let max = if view.options.width < NARROW { MAX_STATE_NARROW } else { MAX_STATE };
    vec![
        Cell::new(view.time(piece.start_ns)),
        Cell::new(view.time(piece.dur_ns)),
        Cell::new(piece.goid.to_string()),
        Cell::styled(view.fit(&clean(&piece.state), max), state_style(&piece.state)),
    ]
}
