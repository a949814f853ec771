//! The stacks that most time was spent in.

use super::layout::{DIM, View, state_style, width};
use super::lookalikes::{self, Look, StackRow};
use super::sentences;
use super::stack_line::{LineNames, StackLine};
use super::table::{Cell, Column, Table};
use crate::profile::{Metric, NodeIdx, Precision, Profile, ProfileFrame, Sample, Weight};
use crate::render::Options;
use crate::render::clean::clean;
use crate::render::units::{Share, count, counted, mean, shares};
use crate::render::{frames, sort_rows};
use rustc_hash::FxHashMap;
use std::io::{self, Write};
use std::rc::Rc;

/// Columns of a state's name.
const MAX_STATE: usize = 24;
/// The same on a line of at most [`NARROW`] columns.
const MAX_STATE_NARROW: usize = 14;
const NARROW: usize = 80;
/// Columns that names need beside the mark [`BELOW`].
const MIN_MARKED: usize = 12;
/// The mark of a stack that is known only in part. It shows at every width.
const BELOW: &str = " (or below)";
/// Columns of a place.
const MAX_PLACE: usize = 28;
/// Columns that a stack needs; a narrower line does without places.
const MIN_WHERE: usize = 18;

/// What looks the same on a line, added up.
struct SampleRow<'a> {
    sample: &'a Sample,
    chain: Rc<StackLine>,
    weight: Weight,
    share: Share,
}

impl StackRow for SampleRow<'_> {
    fn line(&self) -> &StackLine {
        &self.chain
    }

    fn set_line(&mut self, line: StackLine) {
        self.chain = Rc::new(line);
    }

    fn add(&mut self, other: &Self) {
        self.weight += other.weight;
        self.share.0 += other.share.0;
    }
}

pub(super) fn write(view: &View<'_>, profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = merged(view, profile);
    let shares: Vec<Share> = rows.iter().map(|row| row.share).collect();
    let sentence = match &profile.filtered {
        Some(filtered) => sentences::filtered(filtered, profile),
        None => sentences::stacks(&shares),
    };
    view.title(out, "TOP STACKS", &sentence)?;
    let metric = profile.metric;
    let name = |row: &SampleRow<'_>| row.chain.name().to_vec();
    sort_rows(&mut rows, view.options.sort, |r| r.weight.of(metric), |r| r.weight.events, name);
    let top = if view.options.top == 0 { usize::MAX } else { view.options.top };
    loop {
        let n = top.min(rows.len());
        let (table, looks) = table(view, profile, &rows[..n]);
        if !lookalikes::join(&mut rows, &looks) {
            table.write(view, out)?;
            return cut_line(view, &rows[n..], out);
        }
        sort_rows(&mut rows, view.options.sort, |r| r.weight.of(metric), |r| r.weight.events, name);
    }
}

fn table(view: &View<'_>, profile: &Profile, rows: &[SampleRow<'_>]) -> (Table, Vec<Look>) {
    let mut table = match requests(profile) {
        None => Table::new(&[("share", true), ("time", true), ("count", true), ("state", false)]),
        Some(1) => Table::new(&[("share", true), ("time", true), ("state", false)]),
        Some(_) => Table::new(&[("share", true), ("per request", true), ("state", false)]),
    };
    for row in rows {
        let mut cells = vec![Cell::new(row.share.to_string())];
        match requests(profile) {
            // How often is known of all goroutines only, so it stands beside their time.
            None => cells.extend([view.time(row.weight.goroutine_ns), count(row.weight.events)].map(Cell::new)),
            Some(n) => cells.push(Cell::new(view.time(mean(row.weight.latency_ns, n)))),
        }
        cells.push(state(view, row.sample));
        table.rows.push(cells);
    }
    let names = table.columns.len();
    add_where(view, &mut table, rows);
    let look = |cells: &Vec<Cell>| {
        let place = cells.get(names + 1).map(|c| c.text.clone()).unwrap_or_default();
        (format!("{}\n{}", cells[names - 1].text, cells[names].text), place)
    };
    let looks = table.rows.iter().map(look).collect();
    (table, looks)
}

/// How many requests the time is of; none when it is that of goroutines.
fn requests(profile: &Profile) -> Option<u64> {
    let of = |r: &crate::profile::Requests| r.latency.as_ref().map(|l| l.count);
    profile.requests.as_ref().filter(|_| profile.metric == Metric::Latency).and_then(of)
}

fn cut_line(view: &View<'_>, rest: &[SampleRow<'_>], out: &mut dyn Write) -> io::Result<()> {
    if rest.is_empty() {
        return Ok(());
    }
    let share = Share(rest.iter().map(|r| r.share.0).sum());
    let more = counted(rest.len() as u64, "more stack");
    let line = format!("  {} {more}, {share} together (-n 0 shows all)", view.glyphs.dots);
    writeln!(out, "{}", view.paint(DIM, &line))
}

/// A row of the list for another format: the same rows, in the same order.
pub(crate) struct MergedStack {
    /// The stack on one line.
    pub(crate) stack: String,
    /// `user.go:12` of its innermost frame of the user's own.
    pub(crate) place: String,
    /// The state, and its detail if there is one.
    pub(crate) state: String,
    /// Whether the time may have been spent in what the stack called.
    pub(crate) bracketed: bool,
    /// How much.
    pub(crate) weight: Weight,
    /// The share in the whole.
    pub(crate) share: Share,
}

/// All rows, with stacks of `max` columns at most.
pub(crate) fn merged_stacks(profile: &Profile, options: &Options, max: usize) -> Vec<MergedStack> {
    let view = View::new(options);
    let mut rows = merged(&view, profile);
    let look = |r: &SampleRow<'_>| {
        (format!("{}\n{}\n{}", state_text(r.sample), r.chain.fit(&view, max), below(r)), r.chain.place.clone())
    };
    loop {
        let name = |row: &SampleRow<'_>| row.chain.name().to_vec();
        sort_rows(&mut rows, options.sort, |r| r.weight.of(profile.metric), |r| r.weight.events, name);
        let looks: Vec<Look> = rows.iter().map(look).collect();
        if !lookalikes::join(&mut rows, &looks) {
            break;
        }
    }
    let owned = |row: &SampleRow<'_>| MergedStack {
        stack: row.chain.fit(&view, max),
        place: row.chain.place.clone(),
        state: state_text(row.sample),
        bracketed: row.sample.precision == Precision::Bracketed,
        weight: row.weight,
        share: row.share,
    };
    rows.iter().map(owned).collect()
}

/// Samples that look the same on a line, added up, most time first. Their roots and creators may differ.
fn merged<'a>(view: &View<'_>, profile: &'a Profile) -> Vec<SampleRow<'a>> {
    let mut rows: Vec<SampleRow<'a>> = Vec::new();
    let mut by_look = FxHashMap::default();
    let mut chains = StackLines::new(view, profile);
    for sample in profile.shown().samples {
        let (number, chain) = chains.of(sample.stack);
        let row = *by_look.entry((number, &sample.state, sample.detail, sample.precision)).or_insert_with(|| {
            rows.push(SampleRow { sample, chain: chain.clone(), weight: Weight::default(), share: Share::default() });
            rows.len() - 1
        });
        rows[row].weight += sample.weight;
    }
    let metric = profile.metric;
    if metric == Metric::Latency {
        // What no request waited for is not in its latency.
        rows.retain(|r| r.weight.latency_ns > 0);
    }
    rows.sort_by_key(|r| std::cmp::Reverse(r.weight.of(metric)));
    let mut times: Vec<u64> = rows.iter().map(|r| r.weight.of(metric)).collect();
    // Shares are of all stacks, also where not all are shown.
    times.push(profile.total.of(metric).saturating_sub(profile.shown().total.of(metric)));
    for (row, share) in rows.iter_mut().zip(shares(&times)) {
        row.share = share;
    }
    rows
}

/// The chains of many stacks, each made once. Most stacks look like others: they differ in who created their goroutine.
struct StackLines<'p> {
    profile: &'p Profile,
    names: LineNames,
    /// Per frame, whether it ends the goroutine's own stack, and whether it is the user's own.
    frames: Vec<(bool, bool)>,
    by_frames: FxHashMap<Vec<u32>, usize>,
    by_chain: FxHashMap<Rc<StackLine>, usize>,
    list: Vec<Rc<StackLine>>,
    /// Of the stack at hand, the frames that decide how it looks.
    stack: Vec<u32>,
}

impl<'p> StackLines<'p> {
    fn new(view: &View<'_>, profile: &'p Profile) -> Self {
        let is_user = |frame: &ProfileFrame| profile.own_code.has(frame);
        let kind = |frame: &ProfileFrame| (frame.is_pseudo(), is_user(frame));
        Self {
            profile,
            names: LineNames::new(view.options.full_names),
            frames: profile.tree.frames().iter().map(kind).collect(),
            by_frames: FxHashMap::default(),
            by_chain: FxHashMap::default(),
            list: Vec::new(),
            stack: Vec::new(),
        }
    }

    /// The chain of a stack, and its number: equal chains have the same.
    fn of(&mut self, leaf: NodeIdx) -> (usize, &Rc<StackLine>) {
        self.decide(leaf);
        let number = match self.by_frames.get(&self.stack) {
            Some(&number) => number,
            None => self.add(),
        };
        (number, &self.list[number])
    }

    fn add(&mut self) -> usize {
        let all = self.profile.tree.frames();
        let frames: Vec<&ProfileFrame> = self.stack.iter().map(|&i| &all[i as usize]).collect();
        let chain = Rc::new(StackLine::new(&frames, &self.profile.own_code, &self.names));
        let next = self.list.len();
        let number = *self.by_chain.entry(chain.clone()).or_insert(next);
        if number == next {
            self.list.push(chain);
        }
        self.by_frames.insert(self.stack.clone(), number);
        number
    }

    /// Reads the frames of a stack that decide how it looks: its own with one of the user's, what ends it, and what
    /// follows; else all.
    fn decide(&mut self, leaf: NodeIdx) {
        let tree = &self.profile.tree;
        let (mut has_users, mut enough) = (false, usize::MAX);
        self.stack.clear();
        for frame in tree.frame_indexes(leaf).take(frames::MAX_FRAMES) {
            self.stack.push(frame);
            let (is_pseudo, is_user) = self.frames[frame as usize];
            let is_leaf = self.stack.len() == 1;
            if is_leaf && tree.frames()[frame as usize].function == ProfileFrame::AFTER_LAST_STACK {
                continue;
            }
            if !is_pseudo {
                has_users |= is_user && enough == usize::MAX;
            } else if enough == usize::MAX {
                let pseudo = &tree.frames()[frame as usize];
                let waited_for = pseudo.is_waiting_for() || pseudo.function == ProfileFrame::MORE;
                enough = if has_users && !waited_for { self.stack.len() + 1 } else { usize::MAX - 1 };
            }
            if self.stack.len() >= enough {
                break;
            }
        }
    }
}

/// The stack that ends at a node, ready for a line.
pub(super) fn stack_line_of(view: &View<'_>, profile: &Profile, leaf: NodeIdx) -> StackLine {
    StackLine::new(&frames_of(profile, leaf), &profile.own_code, &LineNames::new(view.options.full_names))
}

/// The same below another goroutine's, which waited meanwhile.
pub(super) fn stack_line_below(view: &View<'_>, profile: &Profile, waiting: NodeIdx, leaf: NodeIdx) -> StackLine {
    let (function, file) = (ProfileFrame::WAITING_FOR.into(), ProfileFrame::OTHER_GOROUTINE.into());
    let waits = ProfileFrame { function, file, line: 0 };
    let of_creator = |frame: &&ProfileFrame| frame.function == ProfileFrame::GO;
    // Of who worked its own stack, not that of its creator.
    let worked = frames_of(profile, leaf).into_iter().take_while(|frame| !of_creator(frame));
    let stack: Vec<&ProfileFrame> = worked.chain([&waits]).chain(frames_of(profile, waiting)).collect();
    StackLine::new(&stack, &profile.own_code, &LineNames::new(view.options.full_names))
}

/// A stack, innermost frame first.
fn frames_of(profile: &Profile, leaf: NodeIdx) -> Vec<&ProfileFrame> {
    let all = profile.tree.frames();
    let (indexes, _) = frames::leaf_first(&profile.tree, leaf);
    indexes.iter().map(|&i| &all[i as usize]).collect()
}

fn state(view: &View<'_>, sample: &Sample) -> Cell {
    let text = state_text(sample);
    let max = if view.options.width <= NARROW { MAX_STATE_NARROW } else { MAX_STATE };
    Cell::styled(view.fit(&text, max), state_style(&sample.state))
}

fn state_text(sample: &Sample) -> String {
    let state = clean(&sample.state);
    match sample.detail {
        "" => state.into_owned(),
        detail => format!("{state} ({detail})"),
    }
}

/// The columns `where` and the place, in the room that the others leave.
fn add_where(view: &View<'_>, table: &mut Table, rows: &[SampleRow<'_>]) {
    let room = table.room(view.options.width).saturating_sub(Table::GAP);
    let places: Vec<String> = rows.iter().map(|r| view.fit_end(&r.chain.place, MAX_PLACE)).collect();
    let widest = places.iter().map(|p| width(p)).max().unwrap_or(0);
    let marked = rows.iter().map(|r| below(r).len()).max().unwrap_or(0);
    let lines = rows.iter().map(|r| r.chain.min_room()).max().unwrap_or(0);
    let needed = MIN_WHERE.max(marked + MIN_MARKED).max(marked + lines);
    let with_place = widest > 0 && room >= needed + Table::GAP + widest;
    let room = if with_place { room - Table::GAP - widest } else { room };
    table.columns.push(Column { heading: "where".into(), right: false });
    if with_place {
        table.columns.push(Column { heading: "".into(), right: false });
    }
    for ((cells, row), place) in table.rows.iter_mut().zip(rows).zip(places) {
        let below = below(row);
        let text = row.chain.wrap(view, room.saturating_sub(below.len()).max(6));
        cells.push(Cell::new(text + below));
        if with_place {
            cells.push(Cell::linked(place, DIM, row.chain.file.clone()));
        }
    }
}

/// What ran between two stacks is known to be these frames or called by them.
fn below(row: &SampleRow<'_>) -> &'static str {
    let leaf = row.chain.ends_with(ProfileFrame::AFTER_LAST_STACK);
    if row.sample.precision == Precision::Bracketed && !leaf { BELOW } else { "" }
}
