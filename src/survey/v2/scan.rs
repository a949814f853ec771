//! What pass 1 sees in one generation: a scan of each thread by itself, without ordering. HOT.
//!
//! What a thread creates is known from its own batches in their order. What binds a goroutine to a thread:
//! GoStart, GoSwitch, GoCreateSyscall, a Running or Syscall status of that very thread. After damage the
//! goroutine is unknown until the next binder.

use super::evidence::{RunEvidence, Who};
use super::evidence_store::{EvidenceMemory, EvidenceStore};
use super::scan_concat::{ScanConcat, ShiftBirths};
use crate::survey::annotations::notes::{AnnotationKind, Note, Notes, NotesWanted};
use crate::survey::roots::classify::{StackClass, StackVerdicts};
use crate::trace::error::{Result, Warning};
use crate::trace::ids::{GoId, ThreadId};
use crate::trace::v2::batch::GenerationIndex;
use crate::trace::v2::generation::{Generation, ThreadBatches};
use crate::trace::v2::id_table::IdTable;
use crate::trace::v2::reader::{ScanEvent, ScanReader};
use crate::trace::v2::split::{NoObserver, ScanObserver};
use crate::trace::v2::tables::WireSample;
use crate::trace::wire::event_spec::{EVENTS, MAX_ARGS, NO_STACK, code};
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::Range;

/// The creation of a goroutine.
#[derive(Clone, Copy, Debug)]
pub struct Birth {
    /// The new goroutine.
    pub id: GoId,
    /// The goroutine that created it; [`GoId::NONE`] when none did.
    pub parent: Who,
    /// Wire id of the creator's stack.
    pub creation_stack: u64,
    /// Wire id of the new goroutine's stack: its entry function.
    pub entry_stack: u64,
    /// When, in ticks.
    pub ticks: u64,
    /// Whether it appeared out of a cgo callback.
    pub from_c: bool,
}

/// The end of a goroutine.
#[derive(Clone, Copy, Debug)]
pub struct Death {
    /// The goroutine.
    pub who: Who,
    /// Where in the file.
    pub pos: u64,
    /// When, in ticks.
    pub ticks: u64,
}

impl ShiftBirths for Birth {
    fn behind(self, births: u32) -> Self {
        Self { parent: self.parent.behind(births), ..self }
    }
}

impl ShiftBirths for Death {
    fn behind(self, births: u32) -> Self {
        Self { who: self.who.behind(births), ..self }
    }
}

/// What a scan of a generation's threads, or of some of them, found.
#[derive(Default, Debug)]
pub struct Scan {
    /// Creations, thread by thread in the order of the generation's index, each thread's in its order.
    pub births: ScanConcat<Birth>,
    /// Number of creations per thread.
    pub births_per_thread: Vec<u32>,
    /// Ends, in no order.
    pub deaths: ScanConcat<Death>,
    /// Goroutines that a status announced.
    pub announced: Vec<GoId>,
    /// What was on goroutines' own stacks; empty when no selection by stack was asked for.
    pub evidence: EvidenceStore,
    /// Tasks and regions; empty when nothing asks for them.
    pub notes: Notes,
    /// Goroutines with a stack whose outer end was cut off; may repeat.
    pub cut: Vec<Who>,
    /// Goroutines that were on a thread when the generation ended, with the place of their last gap.
    pub unfinished: Vec<(Who, Option<u64>)>,
    /// Wire ids of the strings that events name.
    pub strings: FxHashSet<u64>,
    /// Least number of a collector event.
    pub first_gc: Option<u64>,
    /// The last value of GOMAXPROCS, with its time in ticks.
    pub procs: Option<(u64, u64)>,
    /// Timed events.
    pub events: u64,
    /// Latest time of an event, in ticks.
    pub latest: Option<u64>,
    /// What could not be read.
    pub warnings: Vec<Warning>,
}

/// What a scan reads.
pub struct ScanInput<'a> {
    /// The generation.
    pub generation: &'a Generation<'a>,
    /// Its batches by thread.
    pub batches: &'a ThreadBatches,
    /// The event codes of the file's version.
    pub known: &'a [bool; 256],
    /// What each stack says about a selection by stack and about servers; none when nothing asks for that.
    pub classes: Option<&'a IdTable<StackClass>>,
    /// What is written down of tasks and regions; none when nothing asks for them.
    pub notes: Option<NotesWanted<'a>>,
    /// The CPU samples of each thread, by its id, in order of time; none when they do not matter.
    pub samples: &'a FxHashMap<u64, Vec<WireSample>>,
    /// Whether evidence is kept that hardly anybody will ask for, too.
    pub keeps_all: bool,
}

impl Scan {
    /// Adds what the threads behind this scan's said.
    pub fn join(&mut self, next: Self) {
        let births = self.births.len() as u32;
        let of_both = |who: Who| who.behind(births);
        self.births.join(next.births, births);
        self.births_per_thread.extend(next.births_per_thread);
        self.deaths.join(next.deaths, births);
        self.announced.extend(next.announced);
        self.evidence.join(next.evidence, births);
        self.notes.join(next.notes, births);
        self.cut.extend(next.cut.into_iter().map(of_both));
        self.unfinished.extend(next.unfinished.into_iter().map(|(who, gap)| (of_both(who), gap)));
        self.strings.extend(next.strings);
        self.first_gc = self.first_gc.into_iter().chain(next.first_gc).min();
        self.procs = self.procs.max(next.procs);
        self.events += next.events;
        self.latest = self.latest.max(next.latest);
        self.warnings.extend(next.warnings);
    }
}

/// A generation's threads in at most `n` groups that follow each other, with about as many bytes each.
pub fn groups(index: &GenerationIndex, batches: &ThreadBatches, n: usize) -> Vec<Range<usize>> {
    let of_threads: Vec<u64> = (0..index.threads.len()).map(|thread| bytes(index, batches, thread)).collect();
    let all: u64 = of_threads.iter().sum();
    let (mut groups, mut start, mut so_far) = (Vec::new(), 0, 0);
    for (thread, bytes) in of_threads.iter().enumerate() {
        so_far += bytes;
        // A group ends where that is nearest to its share.
        let next = of_threads.get(thread + 1).unwrap_or(&0);
        let full = groups.len() + 1 < n && (2 * so_far + next) * n as u64 >= 2 * all * (groups.len() as u64 + 1);
        if full || thread + 1 == of_threads.len() {
            groups.push(start..thread + 1);
            start = thread + 1;
        }
    }
    groups
}

/// Bytes of a thread's batches.
fn bytes(index: &GenerationIndex, batches: &ThreadBatches, thread: usize) -> u64 {
    batches.of(thread).iter().map(|b| u64::from(index.batches[*b as usize].size)).sum()
}

/// Scans some threads of a generation.
#[inline(never)]
pub fn scan(
    input: &ScanInput<'_>,
    threads: Range<usize>,
    memory: EvidenceMemory,
    watch: &mut impl ScanObserver,
) -> Result<Scan> {
    let index = input.generation.index;
    let size = threads.clone().map(|thread| bytes(index, input.batches, thread)).sum();
    let memory = if input.classes.is_some() { memory.for_bytes(size) } else { memory };
    let evidence = EvidenceStore::new(index.start, memory, (!input.keeps_all).then_some(size));
    let mut scan = Scan { evidence, ..Scan::default() };
    let mut bytes = Vec::new();
    let gists = input.classes.map(StackVerdicts::new);
    for thread in threads {
        let id = input.generation.index.threads[thread];
        let before = scan.births.len();
        watch.begin_thread(thread);
        ThreadScan::new(input, gists.as_ref(), id, &mut scan).run(input.batches.of(thread), &mut bytes, watch)?;
        watch.end_thread();
        scan.births_per_thread.push((scan.births.len() - before) as u32);
    }
    Ok(scan)
}

pub(crate) struct ThreadScan<'a, 's> {
    pub(crate) input: &'a ScanInput<'a>,
    /// The gists of the input's classes.
    pub(crate) gists: Option<&'s StackVerdicts>,
    thread: ThreadId,
    pub(crate) scan: &'s mut Scan,
    /// The goroutine that executes.
    pub(crate) current: Who,
    /// A cgo callback's goroutine of this thread: its id repeats, its birth does not.
    pub(crate) callback: Who,
    pub(crate) run: RunEvidence,
    samples: std::slice::Iter<'a, WireSample>,
    pub(crate) next_sample: Option<WireSample>,
    /// Ids below 64 of strings that were noted, a bit each: the runtime's reasons have the first ids of a generation
    /// (`traceRegisterLabelsAndReasons`, `runtime/trace.go`, Go 1.27).
    pub(crate) noted: u64,
    last_string: u64,
    /// Names of regions, and whether they match.
    matching: FxHashMap<u64, bool>,
}

impl<'a, 's> ThreadScan<'a, 's> {
    fn new(input: &'a ScanInput<'a>, gists: Option<&'s StackVerdicts>, thread: ThreadId, scan: &'s mut Scan) -> Self {
        let mut samples = input.samples.get(&thread.0).map_or(&[][..], |samples| samples).iter();
        let next_sample = samples.next().copied();
        let run = RunEvidence::default();
        Self {
            input,
            gists,
            thread,
            scan,
            current: Who::NOBODY,
            callback: Who::NOBODY,
            run,
            samples,
            next_sample,
            noted: 0,
            last_string: 0,
            matching: FxHashMap::default(),
        }
    }

    fn run(mut self, batches: &[u32], bytes: &mut Vec<u8>, watch: &mut impl ScanObserver) -> Result<()> {
        let mut latest = None;
        for &batch in batches {
            let batch = &self.input.generation.index.batches[batch as usize];
            self.input.generation.read(batch, bytes)?;
            let reader = ScanReader::new(batch, bytes);
            let of_batch =
                if watch.begin_batch() { self.batch(reader, watch) } else { self.batch(reader, &mut NoObserver) };
            latest = latest.max(of_batch);
        }
        if self.current != Who::NOBODY && self.input.classes.is_some() {
            self.scan.unfinished.push((self.current, self.run.last_gap()));
            self.run.goes_on();
        }
        self.leave();
        self.scan.latest = self.scan.latest.max(latest);
        Ok(())
    }

    /// Takes all events of a batch. Gives the latest time.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "out of line, its loop took 4 more instructions an event")]
    fn batch(&mut self, mut reader: ScanReader<'_>, watch: &mut impl ScanObserver) -> Option<u64> {
        let mut event = ScanEvent { pos: 0, ticks: 0, code: 0, args: [0; MAX_ARGS] };
        let mut latest = None;
        loop {
            latest = latest.max(self.usual(&mut reader, watch));
            match reader.next(self.input.known, &mut event) {
                Ok(true) => {
                    latest = latest.max(Some(event.ticks));
                    self.event(&event);
                    watch.event(event.code, event.args);
                }
                Ok(false) => return latest,
                Err(bad) => {
                    let number = self.input.generation.index.number;
                    self.scan.warnings.push(bad.warning(reader.end(), number));
                    self.leave();
                    watch.lose_track();
                    return latest;
                }
            }
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one loop")]
    fn event(&mut self, ev: &ScanEvent) {
        self.scan.events += 1;
        if self.next_sample.is_some() {
            self.take_samples(ev.ticks);
        }
        if self.input.classes.is_some() {
            self.own_stack(ev);
        }
        match ev.code {
            code::GO_BLOCK | code::GO_STOP => {
                self.name(ev.args[0]);
                self.leave();
            }
            code::GO_SYSCALL_END => self.run.resume(ev.pos, ev.ticks),
            code::GO_SYSCALL_END_BLOCKED => self.leave(),
            code::GO_CREATE | code::GO_CREATE_BLOCKED => self.create(ev),
            code::GO_DESTROY => self.end(ev),
            code::GO_START | code::GO_SWITCH => self.bind(GoId(ev.args[0]), ev.args[1], Some((ev.pos, ev.ticks))),
            code::GO_SWITCH_DESTROY => {
                self.end(ev);
                self.bind(GoId(ev.args[0]), ev.args[1], Some((ev.pos, ev.ticks)));
            }
            code::GO_STATUS | code::GO_STATUS_STACK => self.status(ev),
            code::GO_CREATE_SYSCALL => self.create_from_c(ev),
            code::GO_DESTROY_SYSCALL => {
                self.end(ev);
                self.callback = Who::NOBODY;
            }
            code::GC_ACTIVE | code::GC_BEGIN | code::GC_END => {
                let first = self.scan.first_gc.unwrap_or(u64::MAX);
                self.scan.first_gc = Some(first.min(ev.args[0]));
            }
            code::PROCS_CHANGE => self.scan.procs = self.scan.procs.max(Some((ev.ticks, ev.args[0]))),
            code::STW_BEGIN => self.name(ev.args[0]),
            code::USER_TASK_BEGIN => {
                self.name(ev.args[2]);
                self.annotation(ev);
            }
            code::USER_REGION_BEGIN | code::USER_REGION_END => {
                self.name(ev.args[1]);
                self.annotation(ev);
            }
            code::USER_TASK_END | code::USER_LOG => self.annotation(ev),
            _ => {}
        }
    }

    #[inline]
    fn name(&mut self, string: u64) {
        let known = string < 64 && self.noted >> string & 1 == 1;
        if !known && string != self.last_string {
            self.last_string = string;
            if string < 64 {
                self.noted |= 1 << string;
            }
            self.scan.strings.insert(string);
        }
    }

    /// Writes down a task's or a region's event, if it is asked for.
    fn annotation(&mut self, ev: &ScanEvent) {
        let Some(wanted) = self.input.notes else { return };
        let [task, second, third, _] = ev.args;
        let said = match ev.code {
            code::USER_TASK_BEGIN if wanted.tasks => AnnotationKind::TaskBegin { task, parent: second, name: third },
            code::USER_TASK_END if wanted.tasks => AnnotationKind::TaskEnd { task },
            code::USER_LOG if wanted.work && task != 0 => AnnotationKind::Log { task },
            code::USER_REGION_BEGIN | code::USER_REGION_END
                if wanted.work && task != 0 || wanted.regions && self.region_matches(wanted, second) =>
            {
                if ev.code == code::USER_REGION_BEGIN {
                    AnnotationKind::RegionBegin { task, name: second }
                } else {
                    AnnotationKind::RegionEnd { task, name: second }
                }
            }
            _ => return,
        };
        self.scan.notes.add(Note { pos: ev.pos, ticks: ev.ticks, said });
    }

    fn region_matches(&mut self, wanted: NotesWanted<'_>, name: u64) -> bool {
        wanted.matches.is_none_or(|matches| *self.matching.entry(name).or_insert_with(|| matches(name)))
    }

    fn class(&self, stack: u64) -> StackClass {
        self.input.classes.and_then(|c| c.get(stack)).unwrap_or_default()
    }

    /// Records what the executing goroutine's stack says.
    #[inline]
    fn own_stack(&mut self, ev: &ScanEvent) {
        let at = EVENTS[ev.code as usize].own_stack;
        if at != NO_STACK && self.current != Who::NOBODY {
            let creates = matches!(ev.code, code::GO_CREATE | code::GO_CREATE_BLOCKED);
            self.take_stack(ev.args[at as usize], creates, ev.pos, ev.ticks);
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; out of line it cost 20 instructions an event")]
    fn take_stack(&mut self, stack: u64, creates: bool, pos: u64, ticks: u64) {
        let class = self.class(stack);
        let class = if creates { class } else { class.without_creation() };
        self.run.stack(class, stack, pos, ticks);
        if class.cut && self.scan.cut.last() != Some(&self.current) {
            self.scan.cut.push(self.current);
        }
    }

    /// CPU samples of this thread that come before `ticks` are own stacks of whatever executes.
    fn take_samples(&mut self, ticks: u64) {
        while let Some(sample) = self.next_sample.filter(|s| s.ticks < ticks) {
            if self.current != Who::NOBODY && sample.goroutine == self.current.id.0 {
                self.take_stack(sample.stack, false, sample.pos, sample.ticks);
            }
            self.next_sample = self.samples.next().copied();
        }
    }

    fn bind(&mut self, id: GoId, seq: u64, resumed_at: Option<(u64, u64)>) {
        self.leave();
        self.current = if id == self.callback.id { self.callback } else { Who::named(id) };
        if self.input.classes.is_some() {
            self.run.begin(self.current, seq, resumed_at);
        }
        if self.input.notes.is_some() {
            self.scan.notes.begin(self.current, seq);
        }
    }

    /// Nothing executes on the thread any more, or nothing is known to.
    fn leave(&mut self) {
        if self.current != Who::NOBODY {
            self.run.finish(None, &mut self.scan.evidence);
            self.leave_behind();
        }
    }

    fn end(&mut self, ev: &ScanEvent) {
        if self.current != Who::NOBODY {
            self.scan.deaths.push(Death { who: self.current, pos: ev.pos, ticks: ev.ticks });
            self.run.finish(Some(ev.pos), &mut self.scan.evidence);
            self.leave_behind();
        }
    }

    fn leave_behind(&mut self) {
        self.current = Who::NOBODY;
        self.scan.notes.begin(Who::NOBODY, 0);
    }

    fn create(&mut self, ev: &ScanEvent) {
        let birth = self.scan.births.len() as u32;
        self.scan.births.push(Birth {
            id: GoId(ev.args[0]),
            parent: self.current,
            creation_stack: ev.args[2],
            entry_stack: ev.args[1],
            ticks: ev.ticks,
            from_c: false,
        });
        self.run.created(birth, self.class(ev.args[2]));
        if self.input.notes.is_some_and(|wanted| wanted.children) {
            self.scan.notes.add(Note { pos: ev.pos, ticks: ev.ticks, said: AnnotationKind::Created(birth) });
        }
    }

    fn create_from_c(&mut self, ev: &ScanEvent) {
        let birth = self.scan.births.len() as u32;
        let id = GoId(ev.args[0]);
        self.leave();
        let nobody = Who::NOBODY;
        self.scan.births.push(Birth {
            id,
            parent: nobody,
            creation_stack: 0,
            entry_stack: 0,
            ticks: ev.ticks,
            from_c: true,
        });
        self.callback = Who { id, birth };
        self.bind(id, 0, None);
    }

    fn status(&mut self, ev: &ScanEvent) {
        let (id, thread, status) = (GoId(ev.args[0]), ev.args[1], ev.args[2]);
        self.scan.announced.push(id);
        if ev.code == code::GO_STATUS_STACK && self.input.classes.is_some() {
            let class = self.class(ev.args[3]).without_creation();
            RunEvidence::announced(Who::named(id), class, ev.args[3], ev.pos, ev.ticks, &mut self.scan.evidence);
        }
        let here = thread == self.thread.0;
        // Running (2) is always the emitting thread's; Syscall (3) only when it says so.
        if status == 2 || status == 3 && here {
            self.bind(id, 0, None);
        }
    }
}
