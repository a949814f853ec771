//! Puts the scans of all generations together, in order: the forest, the symbols, and what pass 2 needs to know
//! of each generation.

use super::annotations::notes::{AnnotationKind, Notes};
use super::annotations::sink::AnnotationSink;
use super::forest::{Forest, Goroutine, Life, Origin};
use super::roots::connections::Moment;
use super::roots::served::Served;
use super::roots::tracker::{RootPart, RootTracker};
use super::v2::evidence::{Evidence, EvidenceKind, Who};
use super::v2::evidence_store::EvidenceStore;
use super::v2::scan::{Birth, Death, Scan};
use super::v2::scan_concat::ScanConcat;
use crate::profile;
use crate::trace::error::Warning;
use crate::trace::ids::{FrameIdx, GIdx, GoId, StackIdx, StringIdx};
use crate::trace::symbols::{Frame, Symbols};
use crate::trace::time::Time;
use crate::trace::v2::clock::Clock;
use crate::trace::v2::id_table::IdTable;
use crate::trace::v2::order::translate::GenerationNames;
use crate::trace::v2::tables::{Tables, WireFrame};
use rustc_hash::{FxHashMap, FxHashSet};

/// What pass 2 needs to know of a generation.
#[derive(Debug)]
pub struct GenerationSurvey {
    /// Its stacks and strings as indexes of the symbols.
    pub names: GenerationNames,
    /// Least number of a collector event.
    pub first_gc: Option<u64>,
    /// Per thread: the goroutine of its first creation; the others follow in order.
    pub births: Vec<GIdx>,
    /// Latest time of an event in it, on its thread's own clock.
    pub latest: Time,
}

/// All that pass 1 learns.
#[derive(Default, Debug)]
pub struct Survey {
    /// Who created whom.
    pub forest: Forest,
    /// Names of everything.
    pub symbols: Symbols,
    /// What servers served.
    pub served: Served,
    /// The user tasks and regions that there are, by type, in no order; empty with a selection.
    pub annotations: Vec<profile::Annotation>,
    /// Goroutines with a stack whose outer end was cut off.
    pub cut: FxHashSet<GIdx>,
    /// Per generation.
    pub generations: Vec<GenerationSurvey>,
    /// Timed events.
    pub events: u64,
    /// The trace's first moment.
    pub start: Time,
    /// Latest time on a thread's own clock.
    pub end: Time,
    /// The last value of GOMAXPROCS.
    pub gomaxprocs: Option<u64>,
    /// What could not be read.
    pub warnings: Vec<Warning>,
}

/// Takes scans in the order of their generations.
#[derive(Default)]
pub struct Builder<'a> {
    survey: Survey,
    annotations: Option<AnnotationSink<'a>>,
    /// Whether anybody asks when goroutines lived.
    with_lives: bool,
    procs: Option<(Time, u64)>,
    /// Goroutines of which something is still open.
    open: FxHashMap<GIdx, RootTracker>,
    /// Their ids.
    open_ids: FxHashSet<GoId>,
    /// Runs that crossed the last border between generations, with their last gap.
    unfinished: FxHashMap<GIdx, Option<u64>>,
    strings: StringCache,
    parts: Vec<RootPart>,
}

/// Wire ids of one generation's strings → symbols; filled as they are needed.
type StringCache = FxHashMap<u64, StringIdx>;

impl<'a> Builder<'a> {
    /// Begins a survey of a trace that starts at `start`; with `lists_handlers` of what its servers served.
    /// `annotations` takes tasks and regions, where these are asked for.
    pub fn new(start: Time, lists_handlers: bool, annotations: Option<AnnotationSink<'a>>) -> Self {
        let served = Served::new(lists_handlers);
        let with_lives = lists_handlers || annotations.is_some();
        let survey = Survey { start, end: start, served, ..Survey::default() };
        Self { survey, annotations, with_lives, ..Self::default() }
    }

    /// There will be about so many goroutines.
    pub fn expect(&mut self, n: usize) {
        self.survey.forest.expect(n, self.with_lives);
    }

    /// Whether the scan of the next generation left something out about goroutines of which something is open.
    pub fn misses(&self, scan: &Scan) -> bool {
        self.open_ids.iter().any(|&id| scan.evidence.has_skipped(id))
    }

    /// Adds the next generation, of which nothing is missing.
    pub fn add(&mut self, tables: &Tables, mut scan: Scan, clock: Clock) {
        let generation = self.survey.generations.len() as u32;
        let names = self.intern_names(tables, &scan.strings);
        for &id in &scan.announced {
            self.announce(id, generation);
        }
        let base = self.survey.forest.goroutines.len() as u32;
        for birth in scan.births.iter() {
            self.add_birth(&birth, generation, &names, clock);
        }
        for (i, birth) in scan.births.iter().enumerate() {
            let child = GIdx(base + i as u32);
            let parent = self.resolve(birth.parent, base, generation);
            self.survey.forest.goroutines[child.at()].parent = if parent == child { GIdx::NONE } else { parent };
        }
        for death in scan.deaths.iter() {
            let g = self.resolve(death.who, base, generation);
            if g.is_some() {
                self.survey.forest.died(g, clock.time(death.ticks));
                self.survey.forest.goroutines[g.at()].ended = generation;
            }
        }
        self.find_parts(&mut scan.evidence, base, generation, &names, clock);
        self.end_parts(&scan.deaths, base, generation, clock);
        self.take_notes(scan.notes, &scan.deaths, base, generation, &names, clock);
        for &who in &scan.cut {
            let g = self.resolve(who, base, generation);
            if g.is_some() {
                self.survey.cut.insert(g);
            }
        }
        // A run that shows nothing in a whole generation keeps the gap from before.
        let mut unfinished = FxHashMap::default();
        for &(who, gap) in &scan.unfinished {
            let g = self.resolve(who, base, generation);
            unfinished.insert(g, gap.or_else(|| self.unfinished.get(&g).copied().flatten()));
        }
        self.unfinished = unfinished;
        let survey = &mut self.survey;
        survey.events += scan.events;
        let latest = scan.latest.map_or(Time::MIN, |ticks| clock.time(ticks));
        survey.end = survey.end.max(latest);
        survey.warnings.extend(scan.warnings);
        self.procs = self.procs.max(scan.procs.map(|(ticks, procs)| (clock.time(ticks), procs)));
        let births = first_births(base, &scan.births_per_thread);
        survey.generations.push(GenerationSurvey { names, first_gc: scan.first_gc, births, latest });
    }

    /// Ends the survey.
    pub fn finish(mut self) -> Survey {
        let mut open: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        open.sort_unstable_by_key(|(g, _)| *g);
        for (g, mut tracker) in open {
            tracker.cut(&mut self.parts);
            self.add_parts(g);
        }
        self.survey.gomaxprocs = self.procs.map(|(_, procs)| procs);
        if let Some(annotations) = self.annotations {
            annotations.finish(&mut self.survey);
        }
        self.survey
    }

    fn announce(&mut self, id: GoId, generation: u32) {
        if id != GoId::NONE && !self.survey.forest.latest(id).is_some() {
            self.add_older(id, generation);
        }
    }

    fn add_older(&mut self, id: GoId, generation: u32) -> GIdx {
        let goroutine = Goroutine {
            id,
            parent: GIdx::NONE,
            creation: StackIdx::EMPTY,
            entry: StackIdx::EMPTY,
            generation,
            ended: Goroutine::ALIVE,
            stretch: Goroutine::NO_STRETCH,
            previous: GIdx::NONE,
            origin: Origin::Older,
        };
        self.survey.forest.add(goroutine, self.with_lives.then_some(Life { born: self.survey.start, died: None }))
    }

    fn add_birth(&mut self, birth: &Birth, generation: u32, names: &GenerationNames, clock: Clock) {
        let goroutine = Goroutine {
            id: birth.id,
            parent: GIdx::NONE,
            creation: names.stack(birth.creation_stack),
            entry: names.stack(birth.entry_stack),
            generation,
            ended: Goroutine::ALIVE,
            stretch: Goroutine::NO_STRETCH,
            previous: GIdx::NONE,
            origin: if birth.from_c { Origin::Callback } else { Origin::Created },
        };
        let life = self.with_lives.then(|| Life { born: clock.time(birth.ticks), died: None });
        self.survey.forest.add(goroutine, life);
    }

    /// The goroutine that a scan means. One that is only ever seen running, never announced, is older.
    fn resolve(&mut self, who: Who, base: u32, generation: u32) -> GIdx {
        if who == Who::NOBODY {
            return GIdx::NONE;
        }
        if who.birth != Who::ANY {
            return GIdx(base + who.birth);
        }
        let forest = &self.survey.forest;
        if forest.repeats(who.id) {
            return forest.alive_at(who.id, generation);
        }
        let g = forest.latest(who.id);
        if g.is_some() { g } else { self.add_older(who.id, generation) }
    }

    fn find_parts(
        &mut self,
        found: &mut EvidenceStore,
        base: u32,
        generation: u32,
        names: &GenerationNames,
        clock: Clock,
    ) {
        let evidence = found.relevant(&self.open_ids);
        for of_one in evidence.chunk_by(|a, b| a.who == b.who) {
            let g = self.resolve(of_one[0].who, base, generation);
            // Of an id that repeats, damage can leave a run that is nobody's.
            if g.is_some() {
                self.parts_of(g, of_one, base, names, clock);
            }
        }
    }

    fn parts_of(&mut self, g: GIdx, evidence: &[Evidence], base: u32, names: &GenerationNames, clock: Clock) {
        let continued = self.unfinished.get(&g).copied().flatten();
        self.open_ids.remove(&self.survey.forest.get(g).id);
        let mut tracker = self.open.remove(&g).unwrap_or_else(|| RootTracker::continued_from(continued));
        let kept = |ticks: u64| (ticks != 0).then(|| clock.time(ticks));
        for piece in evidence {
            let parts = &mut self.parts;
            match piece.says {
                EvidenceKind::Match(stack) => tracker.matched(names.stack(stack)),
                EvidenceKind::Gap(gap) => tracker.gap(gap, kept(gap.ticks), parts),
                EvidenceKind::Created(birth) => tracker.created(base + birth),
                EvidenceKind::Server(seen) => {
                    let stack = names.stack(seen.stack);
                    let Survey { served, forest, .. } = &mut self.survey;
                    if !served.see(forest, g, seen.step, stack, seen.matches) {
                        let at = Moment { pos: seen.pos, time: kept(seen.ticks) };
                        tracker.seen(seen.step, stack, seen.matches, at, parts);
                    }
                }
                // Its time is among the deaths, and a request that is open then ends there.
                EvidenceKind::End(pos) => tracker.stretch_ends(pos, parts),
            }
            self.add_parts(g);
        }
        if tracker.has_past() {
            self.open_ids.insert(self.survey.forest.get(g).id);
            self.open.insert(g, tracker);
        }
    }

    /// What is open of goroutines that ended, ends with them.
    fn end_parts(&mut self, deaths: &ScanConcat<Death>, base: u32, generation: u32, clock: Clock) {
        for death in deaths.iter() {
            if self.open.is_empty() {
                return;
            }
            let g = self.resolve(death.who, base, generation);
            if let Some(mut tracker) = self.open.remove(&g) {
                self.open_ids.remove(&self.survey.forest.get(g).id);
                let at = Moment { pos: death.pos, time: Some(clock.time(death.ticks)) };
                tracker.end(at, &mut self.parts);
                self.add_parts(g);
            }
        }
    }

    /// Takes what was noted of tasks and regions, and ends the regions of goroutines that ended.
    fn take_notes(
        &mut self,
        mut notes: Notes,
        deaths: &ScanConcat<Death>,
        base: u32,
        generation: u32,
        names: &GenerationNames,
        clock: Clock,
    ) {
        let Some(mut annotations) = self.annotations.take() else { return };
        let at = |pos, ticks| Moment { pos, time: Some(clock.time(ticks)) };
        // Threads are not in order, but a task's id is larger than that of the task that it is part of.
        let mut begins: Vec<(u64, u64, StringIdx, Who, Moment)> = Vec::new();
        for (who, note) in notes.all() {
            if let AnnotationKind::TaskBegin { task, parent, name } = note.said {
                begins.push((task, parent, names.string(name), who, at(note.pos, note.ticks)));
            }
        }
        begins.sort_by_key(|(task, ..)| *task);
        for (task, parent, name, who, at) in begins {
            let g = self.resolve(who, base, generation);
            if g.is_some() {
                annotations.begin_task((task, parent, name), g, at, &self.survey.symbols);
            }
        }
        let mut last = (Who::NOBODY, GIdx::NONE);
        notes.by_goroutine(|who, note| {
            if who != last.0 {
                last = (who, self.resolve(who, base, generation));
            }
            if !last.1.is_some() {
                return;
            }
            let said = match note.said.map(|name| names.string(name)) {
                AnnotationKind::Created(birth) => AnnotationKind::Created(base + birth),
                said => said,
            };
            let older = self.survey.forest.get(last.1).origin == Origin::Older;
            annotations.note(last.1, older, at(note.pos, note.ticks), said, &self.survey.symbols);
        });
        for death in deaths.iter() {
            let g = self.resolve(death.who, base, generation);
            if g.is_some() {
                annotations.died(g, at(death.pos, death.ticks));
            }
        }
        self.annotations = Some(annotations);
    }

    fn add_parts(&mut self, g: GIdx) {
        let Survey { served, forest, .. } = &mut self.survey;
        for part in self.parts.drain(..) {
            served.add(forest, g, part);
        }
    }

    fn intern_names(&mut self, tables: &Tables, wanted: &FxHashSet<u64>) -> GenerationNames {
        self.strings.clear();
        let Self { survey: Survey { symbols, .. }, strings, .. } = self;
        let mut frames = Vec::new();
        let stacks = tables.stacks.map(|range| {
            frames.clear();
            frames.extend(tables.frames(range).iter().map(|f| intern_frame(symbols, strings, tables, f)));
            symbols.intern_stack(&frames)
        });
        // However the set came about, symbols get the same numbers.
        let mut wanted: Vec<u64> = wanted.iter().copied().collect();
        wanted.sort_unstable();
        let named: Vec<(u64, StringIdx)> = wanted
            .into_iter()
            .filter_map(|id| tables.string(id).map(|bytes| (id, symbols.intern_bytes(bytes))))
            .collect();
        GenerationNames::new(stacks, IdTable::new(&named))
    }
}

fn intern_frame(symbols: &mut Symbols, cache: &mut StringCache, tables: &Tables, frame: &WireFrame) -> FrameIdx {
    let mut string = |id: u64, missing: &dyn Fn() -> String| {
        *cache.entry(id).or_insert_with(|| match tables.string(id) {
            Some(bytes) => symbols.intern_bytes(bytes),
            None => symbols.intern(&missing()),
        })
    };
    let function = string(frame.function, &|| format!("0x{:x}", frame.pc));
    let file = string(frame.file, &String::new);
    symbols.intern_frame(Frame { function, file, line: u32::try_from(frame.line).unwrap_or(0) })
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
