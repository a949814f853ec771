//! Scans of generations → one survey. Takes the scans in the order of the generations, and gives every goroutine that a
//! scan names its index.

use super::evidence::{EvidenceKind, GoroutineRef};
use super::evidence_store::EvidenceStore;
use super::names::StringCache;
use super::notes::Notes;
use super::relevant_runs::RunOrder;
use super::scan::{Birth, Death, Scan};
use super::scan_concat::ScanConcat;
use crate::survey::Survey;
use crate::survey::annotations::kind::AnnotationKind;
use crate::survey::annotations::sink::AnnotationSink;
use crate::survey::collect::Collector;
use crate::survey::forest::{Goroutine, Origin};
use crate::survey::roots::connections::{Moment, ServerStack};
use crate::survey::roots::stack_evidence::Match;
use crate::survey::roots::stretches::Before;
use crate::survey::roots::tracker::RootEvidence;
use crate::survey::spans::Life;
use crate::trace::error::Warning;
use crate::trace::ids::{GIdx, GoId};
use crate::trace::symbols::Symbols;
use crate::trace::time::Time;
use crate::trace::v2::clock::Clock;
use crate::trace::v2::order::translate::GenerationNames;
use crate::trace::v2::tables::Tables;
use rustc_hash::{FxHashMap, FxHashSet};

/// What pass 2 needs to know of a generation.
#[derive(Debug)]
pub(crate) struct GenerationSurvey {
    /// Its stacks and strings as indexes of the symbols.
    pub(crate) names: GenerationNames,
    /// Least number of a collector event; none when there is no such event.
    pub(crate) first_gc: Option<u64>,
    /// Per thread: the goroutine of its first creation; the others follow in order.
    pub(crate) births: Vec<GIdx>,
    /// Latest time of an event in it, on its thread's own clock; [`Time::MIN`] when it has no event.
    pub(crate) latest: Time,
}

/// Takes scans in the order of their generations.
#[derive(Default)]
pub(crate) struct ScanCollector<'a> {
    collector: Collector<'a>,
    /// Whether it matters when goroutines lived: for lists, and for what servers served.
    with_lives: bool,
    /// Whether all that servers served is listed.
    lists_handlers: bool,
    /// The last value of GOMAXPROCS, with its time.
    procs: Option<(Time, u64)>,
    /// Ids of the goroutines of which something is open.
    open_ids: FxHashSet<GoId>,
    /// Runs that crossed the last border between generations, with the file position where their last gap ended.
    unfinished: FxHashMap<GIdx, Option<u64>>,
    /// Goroutines that are older than the trace, and of which no generation so far had a stack that does not match.
    never_outside: FxHashSet<GIdx>,
    strings: StringCache,
}

/// What the numbers in a scan mean.
#[derive(Clone, Copy)]
struct ScanTerms<'n> {
    /// Position of the generation in the trace.
    generation: u32,
    /// Index of the goroutine of its first birth.
    first_birth: u32,
    names: &'n GenerationNames,
    clock: Clock,
}

impl ScanTerms<'_> {
    fn birth(&self, number: u32) -> GIdx {
        GIdx(self.first_birth + number)
    }

    fn moment(&self, pos: u64, ticks: u64) -> Moment {
        Moment { pos, time: Some(self.clock.time(ticks)) }
    }

    /// The time of a piece of evidence; none when it was not kept, which is written as 0 ticks.
    fn kept_time(&self, ticks: u64) -> Option<Time> {
        (ticks != 0).then(|| self.clock.time(ticks))
    }

    fn evidence(&self, piece: EvidenceKind) -> RootEvidence {
        match piece {
            EvidenceKind::Match(Match { stack, call, first, last, holds }) => {
                RootEvidence::Match(Match { stack: self.names.stack(stack), call, first, last, holds })
            }
            EvidenceKind::Gap(gap) => RootEvidence::Gap(gap.gap(), self.kept_time(gap.ticks)),
            EvidenceKind::Created(birth) => RootEvidence::Created(self.birth(birth)),
            EvidenceKind::Server(seen) => RootEvidence::Server(ServerStack {
                step: seen.step,
                matches: seen.matches,
                call: seen.call,
                stack: self.names.stack(seen.stack),
                at: Moment { pos: seen.pos, time: self.kept_time(seen.ticks) },
                last: seen.last(),
                holds: seen.holds,
            }),
            EvidenceKind::End(pos) => RootEvidence::End(pos),
        }
    }
}

impl<'a> ScanCollector<'a> {
    /// Begins a survey of a trace that starts at `start`. With `lists_handlers`, all that its servers served is listed.
    /// `annotations` takes events about tasks and regions; none when they do not matter.
    pub(crate) fn new(start: Time, lists_handlers: bool, annotations: Option<AnnotationSink<'a>>) -> Self {
        let with_lives = lists_handlers || annotations.is_some();
        let collector = Collector::new(start, Symbols::default(), annotations);
        Self { collector, with_lives, lists_handlers, ..Self::default() }
    }

    /// About how many goroutines there will be.
    pub(crate) fn expect(&mut self, n: usize) {
        self.collector.survey.forest.expect(n, self.with_lives);
    }

    /// Whether the next generation's scan left out evidence about goroutines of which something is open.
    pub(crate) fn misses(&self, scan: &Scan) -> bool {
        self.open_ids.iter().any(|&id| scan.evidence.has_skipped(id))
    }

    /// Adds the scan of the next generation, which misses nothing. Returns how many of the goroutines that a status names
    /// were not known: after the first generation, none should be.
    pub(crate) fn add(&mut self, tables: &Tables, mut scan: Scan, clock: Clock) -> u64 {
        if scan.serves && !self.with_lives {
            self.begin_lives();
        }
        let generation = self.collector.survey.generations.len() as u32;
        let names = self.strings.names(&mut self.collector.survey.symbols, tables, &scan.strings);
        let known = self.collector.survey.forest.goroutines.len();
        for &id in &scan.announced {
            self.announce(id, generation);
        }
        let unknown = self.collector.survey.forest.goroutines.len() - known;
        let first_birth = self.collector.survey.forest.goroutines.len() as u32;
        let terms = ScanTerms { generation, first_birth, names: &names, clock };
        self.add_births(&scan.births, terms);
        for death in scan.deaths.iter() {
            let g = self.goroutine(death.g, terms);
            if g.is_some() {
                self.collector.survey.forest.died(g, clock.time(death.ticks), generation);
            }
        }
        self.add_evidence(&mut scan.evidence, terms);
        self.end_dead(&scan.deaths, terms);
        if self.collector.has_annotations() {
            self.add_notes(scan.notes, &scan.deaths, terms);
        }
        for &g in &scan.truncated {
            let g = self.goroutine(g, terms);
            if g.is_some() {
                self.collector.survey.truncated.insert(g);
            }
        }
        // A run without evidence in a whole generation keeps the gap from before.
        let mut unfinished = FxHashMap::default();
        for &(g, gap) in &scan.unfinished {
            let g = self.goroutine(g, terms);
            unfinished.insert(g, gap.or_else(|| self.unfinished.get(&g).copied().flatten()));
        }
        self.unfinished = unfinished;
        self.procs = self.procs.max(scan.procs.map(|(ticks, procs)| (clock.time(ticks), procs)));
        let survey = &mut self.collector.survey;
        survey.events += scan.events;
        let latest = scan.latest.map_or(Time::MIN, |ticks| clock.time(ticks));
        survey.end = survey.end.max(latest);
        survey.warnings.append(scan.warnings);
        let births = first_births(first_birth, &scan.births_per_thread);
        survey.generations.push(GenerationSurvey { names, first_gc: scan.first_gc, births, latest });
        self.collector.task_ids.join(scan.task_ids);
        unknown as u64
    }

    /// Adds a warning.
    pub(crate) fn warn(&mut self, warning: Warning) {
        self.collector.survey.warnings.push(warning);
    }

    /// Ends the survey.
    pub(crate) fn finish(self) -> Survey {
        let mut survey = self.collector.finish();
        if !self.lists_handlers {
            // Only lists tell when goroutines lived.
            survey.forest.lives = Vec::new();
        }
        survey.gomaxprocs = self.procs.map(|(_, procs)| procs);
        survey
    }

    /// From here on it matters when goroutines lived. Of those so far no server's stack was seen.
    fn begin_lives(&mut self) {
        self.with_lives = true;
        let Survey { forest, start, .. } = &mut self.collector.survey;
        forest.lives.resize(forest.goroutines.len(), Life::since(*start));
    }

    fn announce(&mut self, id: GoId, generation: u32) {
        if id != GoId::NONE && !self.collector.survey.forest.latest(id).is_some() {
            self.add_older(id, generation);
        }
    }

    fn add_older(&mut self, id: GoId, generation: u32) -> GIdx {
        let survey = &mut self.collector.survey;
        let life = Life::since(survey.start);
        let g = survey.forest.add(Goroutine::older(id, generation), self.with_lives.then_some(life));
        self.never_outside.insert(g);
        g
    }

    fn add_births(&mut self, births: &ScanConcat<Birth>, terms: ScanTerms<'_>) {
        for birth in births.iter() {
            let goroutine = Goroutine {
                creation: terms.names.stack(birth.creation_stack),
                entry: terms.names.stack(birth.entry_stack),
                origin: if birth.from_c { Origin::Callback } else { Origin::Created },
                ..Goroutine::older(birth.id, terms.generation)
            };
            let life = self.with_lives.then(|| Life::since(terms.clock.time(birth.ticks)));
            self.collector.survey.forest.add(goroutine, life);
        }
        for (i, birth) in births.iter().enumerate() {
            let child = terms.birth(i as u32);
            let parent = self.goroutine(birth.parent, terms);
            let of_child = &mut self.collector.survey.forest.goroutines[child.at()];
            of_child.parent = if parent == child { GIdx::NONE } else { parent };
        }
    }

    /// The goroutine that a scan names. One that was only ever seen running, and in no status, is older than the trace.
    fn goroutine(&mut self, g: GoroutineRef, terms: ScanTerms<'_>) -> GIdx {
        if g == GoroutineRef::NONE {
            return GIdx::NONE;
        }
        if g.birth != GoroutineRef::NO_BIRTH {
            return terms.birth(g.birth);
        }
        let forest = &self.collector.survey.forest;
        if forest.repeats(g.id) {
            return forest.alive_at(g.id, terms.generation);
        }
        let latest = forest.latest(g.id);
        if latest.is_some() { latest } else { self.add_older(g.id, terms.generation) }
    }

    fn add_evidence(&mut self, store: &mut EvidenceStore, terms: ScanTerms<'_>) {
        store.add_open(&self.open_ids);
        let mut order = RunOrder::new();
        for part in &store.relevant.parts {
            let g = self.goroutine(part.g, terms);
            // Where an id repeats, damage can leave a run of no known goroutine.
            if !g.is_some() {
                continue;
            }
            let last_gap = self.unfinished.get(&g).copied().flatten();
            let was_seen = self.collector.survey.forest.get(g).generation != terms.generation;
            let before = Before { last_gap, was_outside: !self.never_outside.contains(&g), was_seen };
            let runs = store.relevant.runs(part, &mut order);
            let pieces = runs.flat_map(|run| run.pieces()).map(|piece| terms.evidence(piece));
            let (is_open, was_outside) = self.collector.evidence_of_generation(g, pieces, before);
            if was_outside {
                self.never_outside.remove(&g);
            }
            let id = self.collector.survey.forest.get(g).id;
            if is_open {
                self.open_ids.insert(id);
            } else {
                self.open_ids.remove(&id);
            }
        }
        let forest = &self.collector.survey.forest;
        self.never_outside.retain(|g| !store.was_outside(forest.get(*g).id));
    }

    /// What is open of goroutines that ended, ends with them.
    fn end_dead(&mut self, deaths: &ScanConcat<Death>, terms: ScanTerms<'_>) {
        for death in deaths.iter() {
            if !self.collector.has_open() {
                return;
            }
            let g = self.goroutine(death.g, terms);
            if self.collector.end(g, terms.moment(death.pos, death.ticks)) {
                self.open_ids.remove(&self.collector.survey.forest.get(g).id);
            }
        }
    }

    /// Takes what was noted of tasks and regions, and ends the regions of goroutines that ended.
    fn add_notes(&mut self, mut notes: Notes, deaths: &ScanConcat<Death>, terms: ScanTerms<'_>) {
        let resolve =
            |kind: AnnotationKind<u64, u32>| kind.map(|name| terms.names.string(name), |birth| terms.birth(birth));
        // Threads are not in order, but a task's id is larger than that of the task that it is part of.
        let mut task_begins: Vec<_> = notes
            .all()
            .filter_map(|(g, note)| match note.kind {
                AnnotationKind::TaskBegin { task, .. } => Some((task, g, *note)),
                _ => None,
            })
            .collect();
        task_begins.sort_by_key(|(task, ..)| *task);
        for (_, g, note) in task_begins {
            let g = self.goroutine(g, terms);
            if g.is_some() {
                self.collector.begin_task(g, terms.moment(note.pos, note.ticks), resolve(note.kind));
            }
        }
        let mut last = (GoroutineRef::NONE, GIdx::NONE);
        notes.by_goroutine(|g, note| {
            if g != last.0 {
                last = (g, self.goroutine(g, terms));
            }
            if last.1.is_some() {
                self.collector.annotation(last.1, terms.moment(note.pos, note.ticks), resolve(note.kind));
            }
        });
        for death in deaths.iter() {
            let g = self.goroutine(death.g, terms);
            if g.is_some() {
                self.collector.end_annotations(g, terms.moment(death.pos, death.ticks));
            }
        }
    }
}

/// Per thread, the goroutine of its first creation.
fn first_births(base: u32, per_thread: &[u32]) -> Vec<GIdx> {
    per_thread
        .iter()
        .scan(base, |next, n| {
            let first = *next;
            *next += n;
            Some(GIdx(first))
        })
        .collect()
}
