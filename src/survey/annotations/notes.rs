//! What one generation's scan writes down of user tasks and regions. HOT.
//!
//! One thread's events are in order, a goroutine's are spread over threads. So notes are kept by *run*, a goroutine's
//! time on a thread, and a goroutine's runs are put in order by its sequence numbers, as all evidence is.

use crate::survey::v2::evidence::Who;
use crate::survey::v2::scan_concat::ShiftBirths as _;

/// What is written down.
#[derive(Clone, Copy)]
pub struct NotesWanted<'a> {
    /// Where tasks begin and end.
    pub tasks: bool,
    /// All that is done in tasks: their regions and logs.
    pub work: bool,
    /// Regions, as far as `matches` lets them pass.
    pub regions: bool,
    /// Which names of regions, by the generation's ids of strings; none for all.
    pub matches: Option<&'a (dyn Fn(u64) -> bool + Sync)>,
    /// What goroutines create.
    pub children: bool,
}

/// What a note says. `S` is a name: the generation's id of a string, or a symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AnnotationKind<S> {
    /// A task begins.
    TaskBegin {
        /// Its id.
        task: u64,
        /// The id of the task that it is part of; 0 for none.
        parent: u64,
        /// Its type.
        name: S,
    },
    /// A task ends.
    TaskEnd {
        /// Its id.
        task: u64,
    },
    /// Something is logged for a task.
    Log {
        /// Its id; 0 is the background task.
        task: u64,
    },
    /// A region begins.
    RegionBegin {
        /// The task that it belongs to; 0 is the background task.
        task: u64,
        /// Its type.
        name: S,
    },
    /// A region ends.
    RegionEnd {
        /// The task that it belongs to; 0 is the background task.
        task: u64,
        /// Its type.
        name: S,
    },
    /// The goroutine created another: its birth in the scan.
    Created(u32),
}

impl<S> AnnotationKind<S> {
    /// The same with another kind of name.
    pub fn map<T>(self, mut to: impl FnMut(S) -> T) -> AnnotationKind<T> {
        match self {
            Self::TaskBegin { task, parent, name } => AnnotationKind::TaskBegin { task, parent, name: to(name) },
            Self::TaskEnd { task } => AnnotationKind::TaskEnd { task },
            Self::Log { task } => AnnotationKind::Log { task },
            Self::RegionBegin { task, name } => AnnotationKind::RegionBegin { task, name: to(name) },
            Self::RegionEnd { task, name } => AnnotationKind::RegionEnd { task, name: to(name) },
            Self::Created(birth) => AnnotationKind::Created(birth),
        }
    }
}

/// One note.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// Where its event stands in the file.
    pub pos: u64,
    /// When, in ticks.
    pub ticks: u64,
    /// What it says.
    pub said: AnnotationKind<u64>,
}

/// The notes of one run.
#[derive(Clone, Copy, Debug)]
struct Run {
    who: Who,
    seq: u64,
    first: usize,
    n: usize,
}

/// The notes of one generation.
#[derive(Debug)]
pub struct Notes {
    list: Vec<Note>,
    runs: Vec<Run>,
    /// The run at hand.
    now: (Who, u64),
    /// Whether it has notes.
    noted: bool,
}

impl Default for Notes {
    fn default() -> Self {
        Self { list: Vec::new(), runs: Vec::new(), now: (Who::NOBODY, 0), noted: false }
    }
}

impl Notes {
    /// A run begins; of nobody's, nothing is noted.
    #[inline]
    pub fn begin(&mut self, who: Who, seq: u64) {
        self.now = (who, seq);
        self.noted = false;
    }

    /// Adds a note of the run at hand.
    pub fn add(&mut self, note: Note) {
        let (who, seq) = self.now;
        if who == Who::NOBODY {
            return;
        }
        if !self.noted {
            self.noted = true;
            self.runs.push(Run { who, seq, first: self.list.len(), n: 0 });
        }
        if let Some(run) = self.runs.last_mut() {
            run.n += 1;
        }
        self.list.push(note);
    }

    /// Adds what was noted of the threads behind these, whose scan has `births` births before its own.
    pub(crate) fn join(&mut self, next: Self, births: u32) {
        let before = self.list.len();
        self.list.extend(next.list.into_iter().map(|note| {
            let said = if let AnnotationKind::Created(birth) = note.said {
                AnnotationKind::Created(birth + births)
            } else {
                note.said
            };
            Note { said, ..note }
        }));
        let behind = |run: Run| Run { who: run.who.behind(births), first: run.first + before, ..run };
        self.runs.extend(next.runs.into_iter().map(behind));
    }

    /// All notes, in no order of goroutines.
    pub fn all(&self) -> impl Iterator<Item = (Who, &Note)> {
        self.runs.iter().flat_map(|run| self.of(run).iter().map(|note| (run.who, note)))
    }

    fn of(&self, run: &Run) -> &[Note] {
        &self.list[run.first..run.first + run.n]
    }

    /// One goroutine after the other, each one's notes in its own order.
    pub fn by_goroutine(&mut self, mut take: impl FnMut(Who, &Note)) {
        self.runs.sort_by_key(|run| (run.who, run.seq));
        for run in &self.runs {
            for note in self.of(run) {
                take(run.who, note);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ids::GoId;

    #[test]
    fn runs_on_several_threads_are_put_in_order() {
        let mut notes = Notes::default();
        let note = |pos| Note { pos, ticks: 0, said: AnnotationKind::Log { task: 1 } };
        let (a, b) = (Who::named(GoId(1)), Who::named(GoId(2)));
        notes.add(note(99));
        for (who, seq, places) in [(a, 5, [7, 8]), (b, 1, [1, 2]), (a, 2, [3, 4])] {
            notes.begin(who, seq);
            for pos in places {
                notes.add(note(pos));
            }
        }
        let mut order = Vec::new();
        notes.by_goroutine(|who, note| order.push((who.id.0, note.pos)));
        assert_eq!(order, [(1, 3), (1, 4), (1, 7), (1, 8), (2, 1), (2, 2)]);
    }
}
