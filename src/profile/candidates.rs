//! What could be selected: the answer to a trace given without `--root`.

use super::duration_list::find_hanging;
use super::name_groups::group_names;
use super::{DurationList, TraceInfo, Undecided};
use crate::trace::error::Warning;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The goroutines of one or several traces, grouped by what could select them.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// The traces, in the order given.
    pub traces: Vec<TraceInfo>,
    /// Handlers found under HTTP and gRPC requests: first those whose requests hang, longest first, then by total time,
    /// largest first.
    pub handlers: Vec<Handler>,
    /// User tasks and regions by type, in the same order.
    pub annotations: Vec<AnnotationCandidate>,
    /// Tasks of which the trace has events and not the beginning, and with it not the type: they are older.
    pub older_tasks: u64,
    /// HTTP requests whose handler left no stack.
    pub undecided: Undecided,
    /// Groups by total time, largest first.
    pub rows: Vec<Candidate>,
    /// Goroutines that exist since before the trace began: nothing says who created them.
    pub older: u64,
    /// All functions on the traces' stacks, each once, in no order; only where nothing matched, to suggest similar names.
    pub functions: Vec<String>,
    /// Those of them that are on stacks of the request that recorded a trace.
    pub of_recording: Vec<String>,
    /// The part of the traces that was looked at, as typed; none for all.
    pub time: Option<String>,
    /// What the reader of the result must know.
    pub warnings: Vec<Warning>,
}

/// Goroutines created at one place to run one function.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Candidate {
    /// Innermost function of the stack of the `go` statement; empty when unknown.
    pub creation_site: String,
    /// File of the `go` statement.
    pub file: String,
    /// Line of the `go` statement.
    pub line: u32,
    /// The function that the goroutines run.
    pub entry: String,
    /// What that calls as a value it was given, where it calls different functions so: the work of a pool, a test. Empty
    /// where the entry function says all.
    pub runs: String,
    /// How many goroutines.
    pub count: u64,
    /// Sum of their lives inside the trace, in ns.
    pub total_ns: u64,
    /// Longest life, in ns.
    pub max_ns: u64,
    /// Goroutines that they created, directly or not.
    pub children: u64,
    /// How many of them were still alive at the end.
    pub alive: u64,
    /// Whether they are the runtime's own, or those of the recording.
    pub is_gos_own: bool,
}

/// Requests that one handler served.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Handler {
    /// The handler: the first function below the server's own wrappers.
    pub function: String,
    /// Whether the function is a wrapper of the server's own: the stacks show no handler.
    pub hands_on: bool,
    /// How its requests come in: `HTTP/1`, `HTTP/2`, `gRPC`.
    pub protocol: &'static str,
    /// The row whose requests these are a part of; empty when no other row counts them.
    pub within: String,
    /// The whole requests of the row that are in none of the rows within it, because their stacks end before these.
    pub undecided: DurationList,
    /// How long its requests took.
    pub took: DurationList,
    /// Whole requests that go through the function too, and are in other rows: a selection by its name has them as well.
    pub elsewhere: Vec<Elsewhere>,
}

/// Requests of one row that go through the function of another.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Elsewhere {
    /// The function of the innermost row that they are in.
    pub function: String,
    /// The protocol of that row.
    pub protocol: &'static str,
    /// How many.
    pub count: u64,
}

impl Handler {
    /// Adds the requests of another row of the same name.
    pub fn absorb(&mut self, other: &Self) {
        self.undecided.absorb(&other.undecided);
        self.took.absorb(&other.took);
        for more in &other.elsewhere {
            let is_same = |known: &Elsewhere| (&known.function, known.protocol) == (&more.function, more.protocol);
            match self.elsewhere.iter_mut().find(|known| is_same(known)) {
                Some(known) => known.count += more.count,
                None => self.elsewhere.push(more.clone()),
            }
        }
    }
}

/// User tasks or regions of one type.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AnnotationCandidate {
    /// `task` or `region`.
    pub kind: &'static str,
    /// Their type, as given to `trace.NewTask` or `trace.StartRegion`.
    pub name: String,
    /// How long they took.
    pub took: DurationList,
    /// Of these, regions that no event of their own ends: they took at most so long.
    pub inferred: u64,
    /// Regions that are in others of the same task and type, and are not counted.
    pub inside: u64,
    /// Where the row stands for several names.
    pub group: Option<AnnotationGroup>,
}

/// Names that differ in nothing but ids, as one row.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AnnotationGroup {
    /// How many names.
    pub names: u64,
    /// A regular expression that matches all of them.
    pub pattern: String,
}

impl AnnotationCandidate {
    /// Adds those of another row of the same type.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.took.absorb(&other.took);
        self.inferred += other.inferred;
        self.inside += other.inside;
    }
}

impl Candidates {
    /// Makes one row of tasks, and one of regions, whose names differ in nothing but ids.
    pub fn group_annotations(&mut self) {
        let (mut tasks, mut regions) = (Vec::new(), Vec::new());
        for row in std::mem::take(&mut self.annotations) {
            if row.kind == "task" { tasks.push(row) } else { regions.push(row) }
        }
        self.annotations = grouped(tasks);
        self.annotations.extend(grouped(regions));
    }

    /// Tells each handler of the requests that other protocols have in rows of its name. Called once, when all traces are
    /// added.
    pub fn add_other_protocols(&mut self) {
        let mut by_name: HashMap<String, BTreeMap<&'static str, u64>> = HashMap::new();
        for row in &self.handlers {
            *by_name.entry(row.function.clone()).or_default().entry(row.protocol).or_default() += row.took.count();
        }
        let mut known = HashSet::new();
        for row in self.handlers.iter_mut().filter(|row| known.insert((row.function.clone(), row.protocol))) {
            let others = by_name[&row.function].iter().filter(|&(&protocol, &n)| protocol != row.protocol && n > 0);
            let function = &row.function;
            let others = others.map(|(&protocol, &count)| Elsewhere { function: function.clone(), protocol, count });
            row.elsewhere.extend(others);
        }
    }

    /// Puts the groups, the handlers and the annotations in their documented order.
    pub fn sort(&mut self) {
        for handler in &mut self.handlers {
            handler.undecided.sort();
        }
        let mut of_handlers: Vec<_> = self.handlers.iter_mut().map(|h| &mut h.took).collect();
        let mut of_annotations: Vec<_> = self.annotations.iter_mut().map(|a| &mut a.took).collect();
        for lists in [&mut of_handlers, &mut of_annotations] {
            for list in lists.iter_mut() {
                list.sort();
            }
            find_hanging(lists);
        }
        self.annotations
            .sort_by(|a, b| b.took.rank().cmp(&a.took.rank()).then_with(|| (&a.name, a.kind).cmp(&(&b.name, b.kind))));
        self.handlers.sort_by(|a, b| {
            let names = |h: &Handler| (h.function.clone(), h.protocol);
            b.took.rank().cmp(&a.took.rank()).then_with(|| names(a).cmp(&names(b)))
        });
        self.rows.sort_by(|a, b| {
            let names =
                |c: &Candidate| (c.creation_site.clone(), c.file.clone(), c.line, c.entry.clone(), c.runs.clone());
            b.total_ns.cmp(&a.total_ns).then_with(|| names(a).cmp(&names(b)))
        });
    }
}

/// One row for names that differ in nothing but ids; the others as they are.
fn grouped(rows: Vec<AnnotationCandidate>) -> Vec<AnnotationCandidate> {
    let (group_of, groups) = group_names(rows.iter().map(|row| row.name.as_str()));
    let mut alone = Vec::new();
    let mut pooled = vec![AnnotationCandidate::default(); groups.len()];
    for (row, group) in rows.into_iter().zip(group_of) {
        let Some(i) = group else {
            alone.push(row);
            continue;
        };
        let into = &mut pooled[i];
        into.kind = row.kind;
        into.absorb(&row);
        into.group.get_or_insert_default().names += 1;
    }
    for (row, group) in pooled.iter_mut().zip(&groups) {
        row.name = group.name();
        row.group.get_or_insert_default().pattern = group.pattern();
    }
    alone.extend(pooled);
    alone
}

impl Candidate {
    /// Adds the goroutines of another group of the same kind.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.count += other.count;
        self.total_ns = self.total_ns.saturating_add(other.total_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
        self.children += other.children;
        self.alive += other.alive;
    }
}
