//! What one generation's scan notes of user tasks and regions. On the hot path.
//!
//! One thread's events are in order, a goroutine's are spread over threads. So notes are kept by *run*, a goroutine's
//! time on a thread, and a goroutine's runs are put in order by its sequence numbers, as all evidence is.

use super::evidence::GoroutineRef;
use super::scan_concat::ShiftBirths as _;
use crate::survey::annotations::kind::AnnotationKind;
use crate::trace::wire::event_spec::{MAX_ARGS, code};

/// What is noted.
#[derive(Clone, Copy)]
pub(crate) struct NotesWanted {
    /// The beginnings and ends of tasks.
    pub(crate) tasks: bool,
    /// All that is done in tasks: their regions and logs.
    pub(crate) work: bool,
    /// The beginnings and ends of regions, whatever their names: the end of one says that those inside are over.
    pub(crate) regions: bool,
    /// Creations of goroutines.
    pub(crate) children: bool,
}

impl NotesWanted {
    /// What is noted of an event, by its code and arguments; none for nothing.
    pub(crate) fn kind(self, code: u8, [task, second, third, _]: [u64; MAX_ARGS]) -> Option<AnnotationKind<u64, u32>> {
        Some(match code {
            code::USER_TASK_BEGIN if self.tasks => AnnotationKind::TaskBegin { task, parent: second, name: third },
            code::USER_TASK_END if self.tasks => AnnotationKind::TaskEnd { task },
            code::USER_LOG if self.work && task != 0 => AnnotationKind::Log { task },
            code::USER_REGION_BEGIN | code::USER_REGION_END if self.work && task != 0 || self.regions => {
                if code == code::USER_REGION_BEGIN {
                    AnnotationKind::RegionBegin { task, name: second }
                } else {
                    AnnotationKind::RegionEnd { task, name: second }
                }
            }
            _ => return None,
        })
    }
}

/// One note.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note {
    /// File position of its event.
    pub(crate) pos: u64,
    /// When, in ticks.
    pub(crate) ticks: u64,
    /// What it says.
    pub(crate) kind: AnnotationKind<u64, u32>,
}

/// The notes of one run: `n` from the index `first` on.
#[derive(Clone, Copy, Debug)]
struct Run {
    g: GoroutineRef,
    seq: u64,
    first: usize,
    n: usize,
}

/// The notes of one generation.
#[derive(Debug)]
pub(crate) struct Notes {
    list: Vec<Note>,
    runs: Vec<Run>,
    /// The goroutine that runs now, and its sequence number when the run began.
    now: (GoroutineRef, u64),
    /// Whether its run has notes.
    run_has_any: bool,
}

impl Default for Notes {
    fn default() -> Self {
        Self { list: Vec::new(), runs: Vec::new(), now: (GoroutineRef::NONE, 0), run_has_any: false }
    }
}

impl Notes {
    /// A run begins; with [`GoroutineRef::NONE`], nothing is noted until the next one.
    #[inline]
    pub(crate) fn begin(&mut self, g: GoroutineRef, seq: u64) {
        self.now = (g, seq);
        self.run_has_any = false;
    }

    /// Adds a note of the current run.
    pub(crate) fn add(&mut self, note: Note) {
        let (g, seq) = self.now;
        if g == GoroutineRef::NONE {
            return;
        }
        if !self.run_has_any {
            self.run_has_any = true;
            self.runs.push(Run { g, seq, first: self.list.len(), n: 0 });
        }
        if let Some(run) = self.runs.last_mut() {
            run.n += 1;
        }
        self.list.push(note);
    }

    /// Adds the notes of the following threads, whose scan has `births` births before its own.
    pub(crate) fn join(&mut self, next: Self, births: u32) {
        let before = self.list.len();
        self.list.extend(next.list.into_iter().map(|note| {
            let kind = if let AnnotationKind::Created(birth) = note.kind {
                AnnotationKind::Created(birth + births)
            } else {
                note.kind
            };
            Note { kind, ..note }
        }));
        let shifted = |run: Run| Run { g: run.g.shift_births(births), first: run.first + before, ..run };
        self.runs.extend(next.runs.into_iter().map(shifted));
    }

    /// All notes, each with its goroutine, in the order of the scan.
    pub(crate) fn all(&self) -> impl Iterator<Item = (GoroutineRef, &Note)> {
        self.runs.iter().flat_map(|run| self.of(run).iter().map(|note| (run.g, note)))
    }

    fn of(&self, run: &Run) -> &[Note] {
        &self.list[run.first..run.first + run.n]
    }

    /// One goroutine after the other, each one's notes in its own order.
    pub(crate) fn by_goroutine(&mut self, mut take: impl FnMut(GoroutineRef, &Note)) {
        self.runs.sort_by_key(|run| (run.g, run.seq));
        for run in &self.runs {
            for note in self.of(run) {
                take(run.g, note);
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
        let note = |pos| Note { pos, ticks: 0, kind: AnnotationKind::Log { task: 1 } };
        let (a, b) = (GoroutineRef::by_id(GoId(1)), GoroutineRef::by_id(GoId(2)));
        notes.add(note(99));
        for (g, seq, positions) in [(a, 5, [7, 8]), (b, 1, [1, 2]), (a, 2, [3, 4])] {
            notes.begin(g, seq);
            for pos in positions {
                notes.add(note(pos));
            }
        }
        let mut order = Vec::new();
        notes.by_goroutine(|g, note| order.push((g.id.0, note.pos)));
        assert_eq!(order, [(1, 3), (1, 4), (1, 7), (1, 8), (2, 1), (2, 2)]);
    }
}
