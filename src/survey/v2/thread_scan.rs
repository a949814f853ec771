//! The scan of one thread by itself, without ordering. On the hot path.
//!
//! What a thread creates is known from its own batches in their order. What binds a goroutine to a thread: GoStart,
//! GoSwitch, GoCreateSyscall, a Running or Syscall status of that very thread. After damage the goroutine is unknown
//! until the next of these events. `scan_fast.rs` has the fast path for the most frequent events.

use super::evidence::GoroutineRef;
use super::notes::Note;
use super::run_evidence::{RunEvidence, StackAt};
use super::scan::{Birth, Death, Scan, ScanInput};
use super::scan_fast::FastScan;
use super::verdicts::StackVerdicts;
use crate::survey::annotations::kind::AnnotationKind;
use crate::survey::roots::stack_class::StackClass;
use crate::trace::error::{Result, Warning};
use crate::trace::ids::GoId;
use crate::trace::v2::batch::ThreadId;
use crate::trace::v2::reader::{BadEvent, ScanEvent, ScanReader};
use crate::trace::v2::resume::DamagedBatch;
use crate::trace::v2::split::{NoObserver, ScanObserver};
use crate::trace::v2::tables::WireSample;
use crate::trace::wire::event_spec::{EVENTS, MAX_ARGS, NO_STACK, code};

/// The scan of one thread, up to some event.
pub(crate) struct ThreadScan<'a, 's> {
    input: &'a ScanInput<'a>,
    /// The verdicts on the input's classes.
    verdicts: Option<&'s StackVerdicts>,
    /// The thread's position among the generation's, and its id.
    thread: usize,
    id: ThreadId,
    scan: &'s mut Scan,
    /// The goroutine that executes; [`GoroutineRef::NONE`] when none does, or none is known to.
    current: GoroutineRef,
    /// The goroutine of this thread's cgo callback: its id repeats, its birth does not.
    callback: GoroutineRef,
    run: RunEvidence,
    samples: std::slice::Iter<'a, WireSample>,
    next_sample: Option<WireSample>,
    /// Ids below 64 of strings that were noted, a bit each: the runtime's reasons have the first ids of a generation
    /// (`traceRegisterLabelsAndReasons`, `runtime/trace.go`, Go 1.27).
    noted_strings: u64,
    last_string: u64,
    /// Whether this thread has stopped the world; `None` if that is not known.
    stops_world: Option<bool>,
}

impl<'a, 's> ThreadScan<'a, 's> {
    /// Nothing was scanned of a thread yet, which is the generation's `thread`-th. What is found is added to `scan`.
    pub(crate) fn new(
        input: &'a ScanInput<'a>,
        verdicts: Option<&'s StackVerdicts>,
        thread: usize,
        scan: &'s mut Scan,
    ) -> Self {
        let id = input.generation.index.threads[thread];
        let mut samples = input.samples.get(&id.0).map_or(&[][..], |samples| samples).iter();
        let next_sample = samples.next().copied();
        let run = RunEvidence::default();
        Self {
            input,
            verdicts,
            thread,
            id,
            scan,
            current: GoroutineRef::NONE,
            callback: GoroutineRef::NONE,
            run,
            samples,
            next_sample,
            noted_strings: 0,
            last_string: 0,
            stops_world: input.is_first.then_some(false),
        }
    }

    /// Scans the thread's batches. `bytes` is memory for one.
    pub(crate) fn run(mut self, bytes: &mut Vec<u8>, observer: &mut impl ScanObserver) -> Result<()> {
        let mut latest = None;
        let ScanInput { generation, batches, known, clock, .. } = *self.input;
        let batches = batches.of(self.thread);
        for (nth, &batch) in batches.iter().enumerate() {
            let batch = &generation.index.batches[batch as usize];
            generation.read(batch, bytes)?;
            let opened =
                DamagedBatch { batch, bytes, bound: generation.bound(batches.get(nth + 1).copied()), known, clock };
            let of_batch =
                if observer.begin_batch() { self.batch(opened, observer) } else { self.batch(opened, &mut NoObserver) };
            latest = latest.max(of_batch);
        }
        if self.current != GoroutineRef::NONE && self.input.classes.is_some() {
            self.scan.unfinished.push((self.current, self.run.last_gap()));
            self.run.keep_details();
        }
        self.leave();
        self.scan.latest = self.scan.latest.max(latest);
        Ok(())
    }

    /// Takes all events of a batch. Returns the latest time, in ticks; none without events.
    #[inline(always)]
    // Out of line, its loop took 4 more instructions an event.
    fn batch(&mut self, opened: DamagedBatch<'_>, observer: &mut impl ScanObserver) -> Option<u64> {
        let mut reader = ScanReader::new(opened.batch, opened.bytes);
        let mut event = ScanEvent { pos: 0, ticks: 0, code: 0, args: [0; MAX_ARGS] };
        let mut latest = None;
        loop {
            latest = latest.max(self.events_fast(&mut reader, observer));
            match reader.next(self.input.known, &mut event) {
                Ok(true) => {
                    latest = latest.max(Some(event.ticks));
                    self.event(&event);
                    observer.event(event.code, event.args);
                }
                Ok(false) => return latest,
                Err(bad) => {
                    observer.lose_track();
                    if !self.damage(&opened, &mut reader, bad) {
                        return latest;
                    }
                }
            }
        }
    }

    /// An event cannot be decoded. Goes to where the batch can be read on; returns false if there is no such place.
    #[cold]
    fn damage(&mut self, opened: &DamagedBatch<'_>, reader: &mut ScanReader<'_>, bad: BadEvent) -> bool {
        let (end, resumed) = (reader.end(), opened.read_on(reader, bad));
        self.scan.warnings.push(bad.warning(end, resumed, self.input.generation.index.number));
        self.leave();
        self.stops_world = None;
        resumed.is_some()
    }

    #[inline(always)]
    fn event(&mut self, ev: &ScanEvent) {
        self.scan.events += 1;
        if self.next_sample.is_some() {
            self.take_samples(ev.ticks);
        }
        self.own_stack(ev);
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
                self.callback = GoroutineRef::NONE;
            }
            code::GC_ACTIVE | code::GC_BEGIN | code::GC_END => {
                let first = self.scan.first_gc.unwrap_or(u64::MAX);
                self.scan.first_gc = Some(first.min(ev.args[0]));
                self.scan.collections.push((ev.args[0], ev.code, ev.pos));
            }
            code::PROCS_CHANGE => self.scan.procs = self.scan.procs.max(Some((ev.ticks, ev.args[0]))),
            code::STW_BEGIN => {
                self.name(ev.args[0]);
                self.stop_world(true, ev.pos);
            }
            code::STW_END => self.stop_world(false, ev.pos),
            code::GO_LABEL => self.name(ev.args[0]),
            code::USER_TASK_BEGIN => {
                self.name(ev.args[2]);
                self.scan.task_ids.begin(ev.args[0], ev.pos);
                self.annotation(ev);
            }
            code::USER_REGION_BEGIN | code::USER_REGION_END => {
                self.name(ev.args[1]);
                self.annotation(ev);
            }
            code::USER_TASK_END => self.annotation(ev),
            code::USER_LOG => {
                self.name(ev.args[1]);
                self.name(ev.args[2]);
                self.annotation(ev);
            }
            _ => {}
        }
    }

    /// Takes events as long as the fast path can. Returns the latest time, in ticks; none when it took none.
    #[inline(always)]
    fn events_fast(&mut self, reader: &mut ScanReader<'_>, observer: &mut impl ScanObserver) -> Option<u64> {
        let verdicts = self.verdicts?;
        let is_idle = self.current == GoroutineRef::NONE;
        let mut running = if is_idle { None } else { Some(self.run.gap_only()?) };
        if self.input.notes.is_some() || self.next_sample.is_some() {
            return None;
        }
        let fast = FastScan { verdicts, known_reasons: self.noted_strings, callback: self.callback.id };
        let (events, latest) = fast.take_all(reader, &mut running, &mut self.scan.evidence, observer);
        if events > 0 {
            observer.set_running(running.map(|run| (run.id, run.seq)));
        }
        self.scan.events += events;
        self.current = running.map_or(GoroutineRef::NONE, |run| GoroutineRef::by_id(run.id));
        match running {
            Some(run) => self.run.restore(run),
            None => self.run.clear(),
        }
        (events > 0).then_some(latest)
    }

    /// Notes that an event names a string.
    #[inline]
    fn name(&mut self, string: u64) {
        let known = string < 64 && self.noted_strings >> string & 1 == 1;
        if !known && string != self.last_string {
            self.last_string = string;
            if string < 64 {
                self.noted_strings |= 1 << string;
            }
            self.scan.strings.insert(string);
        }
    }

    /// The world is stopped, or started again: by the same thread, and each in its turn.
    fn stop_world(&mut self, begins: bool, pos: u64) {
        if self.stops_world.replace(begins) == Some(begins) {
            let message = if begins {
                "contradicts the scheduler's rules: the world is stopped that is stopped already"
            } else {
                "contradicts the scheduler's rules: the world is started that was not stopped"
            };
            let warning = Warning::lost("broken-rule", format!("1 event {message}"), pos, 0);
            self.scan.warnings.push(warning.in_generation(self.input.generation.index.number));
        }
    }

    /// Notes an event of a task or a region, if that is wanted.
    fn annotation(&mut self, ev: &ScanEvent) {
        let Some(wanted) = self.input.notes else { return };
        if let Some(kind) = wanted.kind(ev.code, ev.args) {
            self.scan.notes.add(Note { pos: ev.pos, ticks: ev.ticks, kind });
        }
    }

    #[inline]
    fn class(&self, stack: u64) -> StackClass {
        self.input.classes.and_then(|c| c.get(stack)).unwrap_or_default()
    }

    /// Takes the executing goroutine's stack, if the event carries it.
    #[inline(always)]
    // Out of line, with `RunEvidence::stack` that it calls, it cost a tenth of all instructions without paths.
    fn own_stack(&mut self, ev: &ScanEvent) {
        let at = EVENTS[ev.code as usize].own_stack;
        if at == NO_STACK {
            return;
        }
        if self.input.classes.is_none() {
            self.scan.highest_stack = self.scan.highest_stack.max(ev.args[at as usize]);
        } else if self.current == GoroutineRef::NONE {
            self.check_stack(ev.args[at as usize], ev.pos);
        } else {
            let creates = matches!(ev.code, code::GO_CREATE | code::GO_CREATE_BLOCKED);
            let at = StackAt { stack: ev.args[at as usize], pos: ev.pos, ticks: ev.ticks, code: ev.code };
            let class = self.class(at.stack);
            if !class.present {
                self.check_stack(at.stack, at.pos);
            }
            let class = if creates { class } else { class.without_creation() };
            self.take_stack(at, if ev.code == code::GO_STOP { class.at_stop() } else { class });
        }
    }

    /// Notes a stack that no table defines. For stacks that have no class, or were not looked up.
    #[cold]
    fn check_stack(&mut self, stack: u64, pos: u64) {
        if !self.input.tables.defines_stack(stack) {
            self.scan.undefined_stacks.add(pos);
        }
    }

    #[inline(always)]
    // Out of line, it cost 20 instructions an event.
    fn take_stack(&mut self, at: StackAt, class: StackClass) {
        self.run.stack(class, at);
        if class.truncated && self.scan.truncated.last() != Some(&self.current) {
            self.scan.truncated.push(self.current);
        }
    }

    /// CPU samples of this thread that come before `ticks` are own stacks of the executing goroutine.
    fn take_samples(&mut self, ticks: u64) {
        while let Some(sample) = self.next_sample.filter(|s| s.ticks < ticks) {
            if self.current != GoroutineRef::NONE && sample.goroutine == self.current.id.0 {
                let WireSample { stack, pos, ticks, .. } = sample;
                let (at, class) = (StackAt { stack, pos, ticks, code: code::CPU_SAMPLE }, self.class(stack));
                self.take_stack(at, class.without_creation().at_sample());
            }
            self.next_sample = self.samples.next().copied();
        }
    }

    /// A goroutine begins to execute on the thread.
    fn bind(&mut self, id: GoId, seq: u64, resumed_at: Option<(u64, u64)>) {
        self.leave();
        self.current = if id == self.callback.id { self.callback } else { GoroutineRef::by_id(id) };
        if self.input.classes.is_some() {
            self.run.begin(self.current, seq, resumed_at);
        }
        if self.input.notes.is_some() {
            self.scan.notes.begin(self.current, seq);
        }
    }

    /// Nothing executes on the thread any more, or nothing is known to.
    fn leave(&mut self) {
        if self.current != GoroutineRef::NONE {
            self.run.finish(None, &mut self.scan.evidence);
            self.end_run();
        }
    }

    /// The executing goroutine ends.
    fn end(&mut self, ev: &ScanEvent) {
        if self.current != GoroutineRef::NONE {
            self.scan.deaths.push(Death { g: self.current, pos: ev.pos, ticks: ev.ticks });
            self.run.finish(Some(ev.pos), &mut self.scan.evidence);
            self.end_run();
        }
    }

    fn end_run(&mut self) {
        self.current = GoroutineRef::NONE;
        self.scan.notes.begin(GoroutineRef::NONE, 0);
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
        if self.input.classes.is_none() {
            self.scan.highest_stack = self.scan.highest_stack.max(ev.args[1]);
        } else if !self.class(ev.args[1]).present {
            self.check_stack(ev.args[1], ev.pos);
        }
        if self.input.notes.is_some_and(|wanted| wanted.children) {
            self.scan.notes.add(Note { pos: ev.pos, ticks: ev.ticks, kind: AnnotationKind::Created(birth) });
        }
    }

    fn create_from_c(&mut self, ev: &ScanEvent) {
        let birth = self.scan.births.len() as u32;
        let id = GoId(ev.args[0]);
        self.leave();
        self.scan.births.push(Birth {
            id,
            parent: GoroutineRef::NONE,
            creation_stack: 0,
            entry_stack: 0,
            ticks: ev.ticks,
            from_c: true,
        });
        self.callback = GoroutineRef { id, birth };
        self.bind(id, 0, None);
    }

    fn status(&mut self, ev: &ScanEvent) {
        let (id, thread, status) = (GoId(ev.args[0]), ev.args[1], ev.args[2]);
        self.scan.announced.push(id);
        if ev.code == code::GO_STATUS_STACK && self.input.classes.is_none() {
            self.scan.highest_stack = self.scan.highest_stack.max(ev.args[3]);
        } else if ev.code == code::GO_STATUS_STACK {
            let at = StackAt { stack: ev.args[3], pos: ev.pos, ticks: ev.ticks, code: ev.code };
            let class = self.class(at.stack);
            if !class.present {
                self.check_stack(at.stack, at.pos);
            }
            let class = class.without_creation().at_stop();
            RunEvidence::status(GoroutineRef::by_id(id), class, at, &mut self.scan.evidence);
        }
        let here = thread == self.id.0;
        // Running (2) is always the emitting thread's; Syscall (3) only when it says so.
        if status == 2 || status == 3 && here {
            self.bind(id, 0, None);
        }
    }
}
