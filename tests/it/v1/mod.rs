//! Helpers of the tests of old traces.

pub(crate) mod builder;
pub(crate) mod text;

use gotrace_slice::trace::event::{Event, EventKind, GoState, GoTransition};
use gotrace_slice::trace::ids::{GIdx, StackIdx};
use gotrace_slice::trace::testing::{OldTrace, read_old_trace};
use gotrace_slice::trace::time::Time;
use gotrace_slice::trace::version::{Dialect, HEADER_SIZE, Header, V1, read_header};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The old version of a trace, if it is one.
pub(crate) fn version(bytes: &[u8]) -> Option<V1> {
    match read_header(bytes.get(..HEADER_SIZE)?) {
        Header::Known(version) => match version.dialect {
            Dialect::V1(v1) => Some(v1),
            Dialect::V2(_) => None,
        },
        _ => None,
    }
}

/// Reads a trace that must have an old header.
pub(crate) fn open(bytes: &[u8]) -> gotrace_slice::trace::error::Result<OldTrace> {
    read_old_trace(&bytes.to_vec(), version(bytes).expect("an old header"), None)
}

/// The folder of foreign traces, if it is there.
pub(crate) fn corpus() -> Option<PathBuf> {
    let dir = std::env::var_os("GOTRACE_SLICE_CORPUS").map_or_else(|| PathBuf::from("../shared/corpus"), PathBuf::from);
    dir.join("expected.tsv").exists().then_some(dir)
}

/// All files below a folder whose first bytes are an old trace's, sorted.
pub(crate) fn old_traces(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
            } else if std::fs::read(&path).is_ok_and(|bytes| version(&bytes).is_some()) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What one goroutine did.
struct Account {
    created: bool,
    parent: Option<u64>,
    entry: String,
    creation: String,
    since: Time,
    state: Option<String>,
    sums: BTreeMap<String, (i64, u64)>,
}

impl Account {
    fn leave(&mut self, time: Time) {
        if let Some(state) = self.state.take() {
            self.sums.entry(state).or_default().0 += time.since(self.since) as i64;
        }
    }

    fn enter(&mut self, state: String, time: Time) {
        self.sums.entry(state.clone()).or_default().1 += 1;
        self.state = Some(state);
        self.since = time;
    }
}

/// Sums per goroutine and state, by the rules and in the form of `streamref -mode=states`, with `-stacks` or without.
pub(crate) fn states(trace: &OldTrace, stacks: bool) -> String {
    let mut accounts: BTreeMap<GIdx, Account> = BTreeMap::new();
    trace.walk(|event| {
        if let EventKind::Transition(to) = event.kind {
            note(trace, &mut accounts, event, to);
        }
    });
    let mut incarnations: BTreeMap<u64, u64> = BTreeMap::new();
    let mut rows: Vec<(u64, u64, String)> = Vec::new();
    for (g, account) in &mut accounts {
        account.leave(trace.end);
        let id = trace.goroutines[g.at()].0;
        let nth = incarnations.entry(id).or_default();
        let parent = account.parent.map_or("-1".to_owned(), |p| p.to_string());
        let created = u8::from(account.created);
        for (state, (ns, n)) in &account.sums {
            let mut row = format!("{id}\t{nth}\t{created}\t{parent}\t{}\t{state}\t{ns}\t{n}", account.entry);
            if stacks {
                let _ = write!(row, "\t{}", account.creation);
            }
            row.push('\n');
            rows.push((id, *nth, row));
        }
        *nth += 1;
    }
    rows.sort_by_key(|(id, nth, _)| (*id, *nth));
    rows.into_iter().map(|(_, _, row)| row).collect()
}

fn note(trace: &OldTrace, accounts: &mut BTreeMap<GIdx, Account>, event: &Event, to: GoTransition) {
    if to.from == to.to {
        return;
    }
    let is_new = !accounts.contains_key(&to.g);
    let created = to.from == GoState::NotExist;
    let account = accounts.entry(to.g).or_insert_with(|| Account {
        created,
        parent: created.then(|| trace.goroutines.get(event.g.at()).map(|id| id.0)).flatten(),
        entry: if created { root(trace, to.stack) } else { String::new() },
        creation: if created { joined(trace, event.stack) } else { String::new() },
        since: trace.start,
        state: None,
        sums: BTreeMap::new(),
    });
    if is_new && !created {
        let was = if to.from == GoState::Undetermined { to.to } else { to.from };
        account.enter(name(was, ""), trace.start);
        if to.from == GoState::Undetermined {
            return;
        }
    }
    account.leave(event.time);
    if to.to != GoState::NotExist {
        account.enter(name(to.to, trace.symbols.text(to.reason)), event.time);
    }
}

fn root(trace: &OldTrace, stack: StackIdx) -> String {
    trace.symbols.frames(stack).last().map_or(String::new(), |f| trace.symbols.function(f).to_owned())
}

fn joined(trace: &OldTrace, stack: StackIdx) -> String {
    let mut names: Vec<&str> = trace.symbols.frames(stack).map(|f| trace.symbols.function(f)).collect();
    names.reverse();
    names.join(";")
}

fn name(state: GoState, reason: &str) -> String {
    match state {
        GoState::Running => "running",
        GoState::Runnable => "runnable",
        GoState::Syscall => "syscall",
        GoState::Waiting if !reason.is_empty() => reason,
        _ => "unknown",
    }
    .to_owned()
}

/// Every event, in the form of `streamref -mode=events -stacks` as far as both say the same.
pub(crate) fn events(trace: &OldTrace) -> String {
    let mut out = String::new();
    trace.walk(|event| {
        let id = |g: GIdx| trace.goroutines.get(g.at()).map_or("-1".to_owned(), ToString::to_string);
        let _ = write!(out, "{}\tg={}", event.time.0, id(event.g));
        if let EventKind::Transition(t) = event.kind {
            let reason = trace.symbols.text(t.reason);
            let _ = write!(out, "\tGoroutine({})\t{:?}->{:?}\t{reason:?}", id(t.g), t.from, t.to);
        }
        let _ = writeln!(out, "\t{}", joined(trace, event.stack));
    });
    out
}

/// All events, in order.
pub(crate) fn list(trace: &OldTrace) -> Vec<Event> {
    let mut list = Vec::new();
    trace.walk(|event| list.push(*event));
    list
}

/// Numbers of things in a trace.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) events: usize,
    pub(crate) goroutines: usize,
    pub(crate) created: usize,
    pub(crate) tasks: usize,
    pub(crate) samples: usize,
}

/// Counts what Go's readers count too.
pub(crate) fn counts(trace: &OldTrace) -> Counts {
    let mut counts = Counts { goroutines: trace.goroutines.len(), ..Counts::default() };
    let mut last = trace.start;
    trace.walk(|event| {
        assert!(event.time > last, "times must rise");
        last = event.time;
        counts.events += 1;
        match event.kind {
            EventKind::Transition(t) if t.from == GoState::NotExist => counts.created += 1,
            EventKind::TaskBegin { .. } => counts.tasks += 1,
            EventKind::Sample => counts.samples += 1,
            _ => {}
        }
    });
    counts
}
