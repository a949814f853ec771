//! The rows of tables → requests, each with its time by stack.
//!
//! Rows of a request may come in any order: engines write them as they like. A request of which something is wrong (times
//! below zero, times that do not add up to how long it took) is left out, and counted.

use super::columns::Batch;
use super::limits::Limits;
use super::texts::{SampleKey, Texts};
use crate::profile::{Precision, ProfileFrame, RequestTotals, ShownWaits, TraceInfo};
use indexmap::IndexSet;
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use rustc_hash::{FxBuildHasher, FxHashMap};

/// What the detail of a state can be.
const DETAILS: [&str; 8] = ["", "mutex", "rwmutex", "once", "wait group", "runtime", "cgo", "mark assist"];
const SWEEP: &str = "sweep";

/// A request as its rows tell it.
#[derive(Clone, Debug, Default)]
pub(super) struct TableRequest {
    /// Position in [`Collected::traces`].
    pub(super) trace: u32,
    pub(super) goid: u64,
    /// From the trace's start, in ns.
    pub(super) start_ns: u64,
    /// On the machine's clock, in ns.
    pub(super) clock_ns: i64,
    /// None as long as its first row has not come.
    pub(super) dur_ns: Option<u64>,
    /// Number of its name among the texts.
    pub(super) root: u32,
    pub(super) partial: bool,
    pub(super) inferred: bool,
    pub(super) undecided: bool,
    pub(super) totals: RequestTotals,
    /// Positions in [`Collected::samples`], and ns.
    pub(super) pieces: Vec<(u32, u64)>,
    /// Time of which the stacks were not kept: number of the state, and ns.
    pub(super) more: Vec<(u32, u64)>,
    is_wrong: bool,
}

impl TableRequest {
    /// Whether its rows tell all of it, and nothing that cannot be.
    fn is_sound(&self) -> bool {
        let Some(dur_ns) = self.dur_ns.filter(|_| !self.is_wrong) else { return false };
        let pieces = self.pieces.iter().chain(&self.more).map(|(_, ns)| *ns);
        let sum = pieces.map(u128::from).sum::<u128>();
        (sum == u128::from(dur_ns) || self.undecided && sum == 0) && self.start_ns.checked_add(dur_ns).is_some()
    }
}

/// What tells a trace, by number: its recording, its name, its version, the labels with columns, and the other ones.
type TraceKey = ([u32; 6], Vec<(u32, u32)>);

/// Everything that tables have.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) traces: Vec<TraceInfo>,
    /// Of each trace, what the column `recording` has; empty in a table without it.
    pub(super) recordings: Vec<String>,
    pub(super) requests: Vec<TableRequest>,
    /// What time is spent in.
    pub(super) samples: IndexSet<SampleKey, FxBuildHasher>,
    pub(super) texts: Texts,
    /// Of each file with a request that is wanted, how many waits its stacks show, where it says that.
    shown: Vec<Option<ShownWaits>>,
    /// Requests that were left out because their rows cannot be true.
    pub(super) n_wrong: u64,
    /// The file that is read, as given.
    file: String,
    /// What it may still have.
    limits: Limits,
    /// By what tells a trace, in the file that is read.
    by_trace: FxHashMap<TraceKey, u32>,
    /// By trace and number, in the file that is read.
    by_number: FxHashMap<(u32, i64), u32>,
    /// Traces of the file that are known from its metadata, and not from rows yet: by recording and name.
    announced: FxHashMap<[String; 2], u32>,
}

/// Which requests are wanted.
pub(super) struct Wanted<'a> {
    pub(super) root: &'a dyn Fn(&str) -> bool,
    /// None for any.
    pub(super) goids: Vec<u64>,
}

impl Collected {
    /// Another file follows. `announced` are the traces that its metadata has.
    pub(super) fn begin_file(&mut self, name: &str, size: u64, announced: Vec<(TraceInfo, String)>) {
        self.limits = Limits::of_file(size);
        name.clone_into(&mut self.file);
        self.by_trace.clear();
        self.by_number.clear();
        self.announced.clear();
        for (trace, recording) in announced {
            let number = self.traces.len() as u32;
            self.announced.entry([recording.clone(), trace.name.to_string()]).or_insert(number);
            self.traces.push(TraceInfo { table: Some(name.to_owned()), ..trace });
            self.recordings.push(recording);
        }
    }

    /// How many waits all stacks show; none where a file does not say that.
    pub(super) fn shown(&self) -> Option<ShownWaits> {
        let all: Option<Vec<ShownWaits>> = self.shown.iter().copied().collect();
        all?.into_iter().reduce(ShownWaits::and)
    }

    /// Adds rows. An error where the file has more than its size justifies.
    pub(super) fn add(&mut self, batch: &Batch, wanted: &Wanted<'_>) -> Result<()> {
        self.texts.begin_batch();
        let mut matches: FxHashMap<u32, bool> = FxHashMap::default();
        for row in 0..batch.n {
            let row = RowOf { batch, row };
            let root = self.number(row.text(5))?;
            let is_wanted = *matches.entry(root).or_insert_with(|| (wanted.root)(self.texts.text(root)));
            let goid = row.number(1).and_then(|goid| u64::try_from(goid).ok());
            let is_goid = wanted.goids.is_empty() || goid.is_some_and(|goid| wanted.goids.contains(&goid));
            if (is_wanted || row.flag(2)) && is_goid {
                self.add_row(&row, root)?;
            } else {
                // The trace was read nevertheless.
                let _ = self.trace(&row)?;
            }
        }
        Ok(())
    }

    fn number(&mut self, value: Option<&ByteArray>) -> Result<u32> {
        self.texts.number(value, &mut self.limits)
    }

    /// The file is at its end: requests of it that cannot be are left out. `shown` is how many waits its stacks show, which counts
    /// where it has stacks that are wanted: undecided requests have none.
    pub(super) fn end_file(&mut self, first: usize, shown: Option<ShownWaits>) {
        let before = self.requests.len();
        let mut at = 0;
        self.requests.retain(|request| {
            at += 1;
            at <= first || request.is_sound()
        });
        self.n_wrong += (before - self.requests.len()) as u64;
        if self.requests[first..].iter().any(|request| !request.undecided) {
            self.shown.push(shown);
        }
    }

    /// Traces that several tables have become one. Until then, they tell which of their requests are the same.
    pub(super) fn join_traces(&mut self) {
        let known = |at: &usize| {
            let of = &self.traces[*at];
            (&of.name, &of.version, of.clock_start_ns, &of.labels)
        };
        // Of a trace without requests nothing but its name is known.
        let mut order: Vec<usize> = (0..self.traces.len()).collect();
        order.sort_by(|a, b| known(a).cmp(&known(b)));
        let mut first: Vec<usize> = (0..self.traces.len()).collect();
        for same in order.chunk_by(|a, b| self.traces[*a].clock_start_ns != 0 && known(a) == known(b)) {
            // The tables of an engine do not say how long it was.
            let best = same.iter().copied().min_by_key(|at| (self.traces[*at].duration_ns == 0, *at));
            for at in same {
                first[*at] = best.unwrap_or(*at);
            }
        }
        let mut numbers = vec![0; first.len()];
        for (at, number) in (0..first.len()).filter(|at| first[*at] == *at).zip(0..) {
            numbers[at] = number;
        }
        for request in &mut self.requests {
            request.trace = numbers[first[request.trace as usize]];
        }
        let mut is_first = first.iter().enumerate().map(|(at, first)| at == *first);
        self.traces.retain(|_| is_first.next().unwrap_or(true));
        self.recordings.clear();
    }

    fn add_row(&mut self, row: &RowOf<'_>, root: u32) -> Result<()> {
        let trace = self.trace(row)?;
        let number = row.number(0);
        let next = self.requests.len() as u32;
        let at = *self.by_number.entry((trace, number.unwrap_or(-1))).or_insert(next);
        if at == next {
            self.limits.request()?;
            self.requests.push(row.request(trace, root));
        }
        let piece = row.number(9);
        let is_more = row.text(9).is_some_and(|stack| stack.data() == ProfileFrame::MORE.as_bytes());
        let state = self.number(row.text(6))?;
        let sample = if piece.is_some() && !is_more { Some(self.sample(row, state, root)?) } else { None };
        let request = &mut self.requests[at as usize];
        row.add_totals(request);
        let is_same = (request.root, request.partial, request.undecided) == (root, row.flag(0), row.flag(2));
        request.is_wrong |= !is_same || number.is_none();
        match (piece.map(u64::try_from), sample) {
            (None, _) => {}
            (Some(Err(_)), _) => request.is_wrong = true,
            (Some(Ok(ns)), None) => request.more.push((state, ns)),
            (Some(Ok(ns)), Some(sample)) => match request.pieces.last_mut().filter(|(last, _)| *last == sample) {
                Some((_, sum)) => *sum = sum.saturating_add(ns),
                None => request.pieces.push((sample, ns)),
            },
        }
        Ok(())
    }

    /// The position of what a row's time is spent in.
    fn sample(&mut self, row: &RowOf<'_>, state: u32, root: u32) -> Result<u32> {
        let detail = row.text(7).map_or(&[][..], ByteArray::data);
        let detail = DETAILS.iter().chain([&SWEEP]).find(|known| known.as_bytes() == detail).copied().unwrap_or("");
        let precision = row.text(8).map_or(&[][..], ByteArray::data);
        let all = [Precision::Exact, Precision::Bracketed, Precision::Sampled];
        let precision = all.into_iter().find(|of| of.name().as_bytes() == precision).unwrap_or_default();
        let (stack, lines) = (self.number(row.text(9))?, self.number(row.text(10))?);
        let waited_in = self.number(row.text(11))?;
        let (at, is_new) =
            self.samples.insert_full(SampleKey { state, detail, precision, root, stack, lines, waited_in });
        if is_new {
            self.limits.stack(row.text(9))?;
        }
        Ok(at as u32)
    }

    /// The number of a row's trace.
    fn trace(&mut self, row: &RowOf<'_>) -> Result<u32> {
        let mut texts = [0; 6];
        for (column, number) in [12, 0, 1, 2, 3, 4].into_iter().zip(&mut texts) {
            *number = self.number(row.text(column))?;
        }
        let mut others = Vec::new();
        for (label, value) in &row.batch.labels[row.row] {
            others.push((self.number(Some(label))?, self.number(Some(value))?));
        }
        let key = (texts, others);
        if let Some(&known) = self.by_trace.get(&key) {
            return Ok(known);
        }
        // A trace is known by as much as a request, and has texts of its own.
        self.limits.request()?;
        let own = [row.text(12), row.text(0), row.text(1)].map(|text| text.map_or(0, ByteArray::len));
        self.limits
            .trace(own.iter().sum::<usize>() + self.file.len(), key.1.len() + super::schema::LABEL_COLUMNS.len())?;
        let [recording, name, go, columns @ ..] = texts;
        let own = [recording, name].map(|text| self.texts.text(text).as_str().to_owned());
        let announced = self.announced.remove(&own);
        let number = announced.unwrap_or(self.traces.len() as u32);
        if announced.is_none() {
            let (table, complete) = (Some(self.file.clone()), true);
            self.traces.push(TraceInfo { complete, table, ..TraceInfo::default() });
            self.recordings.push(own.into_iter().next().unwrap_or_default());
        }
        let trace = &mut self.traces[number as usize];
        trace.name = self.texts.text(name).clone();
        trace.version = self.texts.text(go).as_str().to_owned().into();
        let text = |number: u32| self.texts.text(number).clone();
        trace.labels = key.1.iter().map(|(label, value)| (text(*label), text(*value))).collect();
        for (label, text) in super::schema::LABEL_COLUMNS.into_iter().zip(columns) {
            let text = self.texts.text(text);
            if !text.is_empty() {
                trace.labels.insert(label.into(), text.clone());
            }
        }
        let [start, clock, wall] = [2, 3, 4].map(|column| row.number(column));
        trace.clock_start_ns = clock.unwrap_or(0).saturating_sub(start.unwrap_or(0));
        trace.wall_start_ns = wall.map(|wall| wall.saturating_sub(start.unwrap_or(0)));
        self.by_trace.insert(key, number);
        Ok(number)
    }
}

/// One row of a batch.
struct RowOf<'b> {
    batch: &'b Batch,
    row: usize,
}

impl RowOf<'_> {
    fn text(&self, column: usize) -> Option<&ByteArray> {
        self.batch.texts[column].get(self.row)?.as_ref()
    }

    fn number(&self, column: usize) -> Option<i64> {
        self.batch.numbers[column].get(self.row).copied().flatten()
    }

    fn flag(&self, column: usize) -> bool {
        self.batch.flags[column].get(self.row).copied().flatten().unwrap_or(false)
    }

    /// What a request's every row has.
    fn request(&self, trace: u32, root: u32) -> TableRequest {
        let numbers = [1, 2].map(|column| self.number(column).and_then(|n| u64::try_from(n).ok()));
        let clock_ns = self.number(3);
        let [partial, inferred, undecided] = [0, 1, 2].map(|column| self.flag(column));
        TableRequest {
            trace,
            goid: numbers[0].unwrap_or(0),
            start_ns: numbers[1].unwrap_or(0),
            clock_ns: clock_ns.unwrap_or(0),
            root,
            partial,
            inferred,
            undecided,
            is_wrong: numbers.contains(&None) || clock_ns.is_none(),
            ..TableRequest::default()
        }
    }

    /// Adds what stands on a request's first row alone.
    fn add_totals(&self, request: &mut TableRequest) {
        let Some(dur_ns) = self.number(5) else { return };
        let totals = [5, 6, 7, 8].map(|column| u64::try_from(self.number(column).unwrap_or(0)));
        request.is_wrong |= request.dur_ns.is_some() || totals.iter().any(Result::is_err);
        let [_, goroutine_ns, gc_ns, stw_ns] = totals.map(Result::unwrap_or_default);
        request.dur_ns = Some(u64::try_from(dur_ns).unwrap_or(0));
        request.totals = RequestTotals { goroutine_ns, gc_ns, stw_ns };
    }
}
