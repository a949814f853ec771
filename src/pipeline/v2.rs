//! One trace of Go 1.22 or later through both passes.

use super::in_order::{free, in_order, lock};
use super::parts::{Part, parts, plan, used};
use super::{Options, Ticker, annotations, crew, crew_after, is_among_last, notes_wanted};
use crate::error::{Error, ErrorKind, Result, Warning};
use crate::event::{Event, Sink};
use crate::format::limits::{MAX_SPAN_NS, USUAL_FREQUENCY};
use crate::format::v2::event::{ThreadBatches, known_codes};
use crate::format::v2::generation::Generation;
use crate::format::v2::index::{Index, read_index};
use crate::format::v2::tables::{Clock, IdTable, SyncData, Tables, WireSample, read_samples, read_sync, read_tables};
use crate::format::version::V2;
use crate::ids::{GIdx, GoId};
use crate::measure::{Beginning, GenerationMeasured, Measured, Measurer, Past, Task, WithoutPaths};
use crate::order::v2::cut::{Cut, moments};
use crate::order::v2::frontier::{Complaints, GenerationInput, Ordered, Workspace, order};
use crate::order::v2::lookahead::Lookahead;
use crate::order::v2::scheduler::Instances;
use crate::slice::Selector;
use crate::source::Source;
use crate::survey::annotations::Matches;
use crate::survey::build::{Builder, GenerationSurvey, Survey};
use crate::survey::classes::{Classifier, Function, PartialClass, StackClass};
use crate::survey::found::EvidenceMemory;
use crate::survey::scan::{Birth, Scan, ScanInput, groups, scan};
use crate::survey::server::Step;
use crate::time::Time;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::{Arc, Mutex};

/// A trace whose batches were found.
pub(super) struct Recording<'a> {
    source: &'a dyn Source,
    /// Where its batches stand.
    pub(super) index: Index,
    known: [bool; 256],
    clocks: Vec<Clock>,
    /// Wall clock of the trace's tick 0, in ns since the Unix epoch.
    pub(super) wall: Option<(Time, i64)>,
    /// What could not be read so far.
    pub(super) warnings: Vec<Warning>,
}

impl<'a> Recording<'a> {
    /// Finds the batches of the trace whose header stands at `start`.
    pub(super) fn open(source: &'a dyn Source, version: V2, start: u64) -> Result<Self> {
        let mut index = read_index(source, version, start)?;
        let mut warnings = std::mem::take(&mut index.warnings);
        let syncs = read_syncs(source, &index, &mut warnings)?;
        let clocks = clocks(&index, &syncs, &mut warnings);
        let wall = syncs.iter().zip(&clocks).find_map(|(s, c)| s.wall.map(|(ticks, ns)| (c.time(ticks), ns)));
        if index.generations.iter().all(|g| g.batches.is_empty()) {
            let message = "the trace has a header and nothing behind it: was it ever stopped (trace.Stop)?";
            return Err(Error::new(ErrorKind::NothingUsable(message.into())));
        }
        Ok(Self { source, index, known: known_codes(version), clocks, wall, warnings })
    }

    /// Pass 1.
    pub(super) fn survey(&self, selector: Option<&Selector>, options: Options, ticker: &Ticker<'_>) -> Result<Survey> {
        self.survey_keeping(false, selector, options, ticker)
    }

    /// The same; scans may have to keep all that they find.
    fn survey_keeping(
        &self,
        keeps_all: bool,
        selector: Option<&Selector>,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<Survey> {
        let first = &self.index.generations[0];
        let matches = selector.map(|s| |name: &str| s.roots.matches(name));
        let annotations = annotations(selector, matches.as_ref().map(|m| m as Matches<'_>));
        let builder = Builder::new(self.clocks[0].time(first.min_time), selector.is_none(), annotations);
        let n = self.index.generations.len();
        // Memory of scans, for further ones.
        let spare: Mutex<Vec<EvidenceMemory>> = Mutex::default();
        let scan = |i: usize, (): &mut ()| {
            let all = options.threads.max(1);
            let (size, left) = self.size_and_left(i);
            let threads = if is_among_last(size, left) { all } else { all.div_ceil(n - i) };
            let scanned = self.scan_generation(i, selector, Scanning { threads, spare: &spare, keeps_all });
            ticker.add(size);
            if i + all >= n {
                // Hardly any scan is still to begin.
                free(std::mem::take(&mut *lock(&spare)));
            }
            scanned
        };
        let add = |so_far: &mut Result<Builder<'_>>, i: usize, scanned: Result<(Tables, Scan)>, (): &mut ()| {
            let Ok(builder) = so_far else { return };
            let scanned = scanned.and_then(|(tables, scan)| {
                if !builder.misses(&scan) {
                    return Ok((tables, scan));
                }
                self.scan_generation(i, selector, Scanning { threads: options.threads, spare: &spare, keeps_all: true })
            });
            match scanned {
                Ok((tables, scan)) => {
                    if i == 0 {
                        // As many for each byte as in the first generation.
                        let (size, left) = self.size_and_left(i);
                        builder.expect((scan.births.len() as u64).saturating_mul(1 + left / size.max(1)) as usize);
                    }
                    builder.add(&tables, scan, self.clocks[i]);
                }
                Err(error) => *so_far = Err(error),
            }
        };
        in_order(n, options.threads, Ok(builder), || (), scan, add).map(Builder::finish)
    }

    /// Bytes of a generation, and of the file from there on to the end of the last one.
    fn size_and_left(&self, i: usize) -> (u64, u64) {
        let this = &self.index.generations[i];
        let end = self.index.generations.last().map_or(this.end, |last| last.end);
        (this.end - this.start, end.saturating_sub(this.end))
    }

    /// Scans a generation, once more and keeping all where what was left out is wanted.
    fn scan_generation(&self, i: usize, selector: Option<&Selector>, scanning: Scanning<'_>) -> Result<(Tables, Scan)> {
        let generation = Generation::new(self.source, &self.index.generations[i]);
        let mut warnings = Vec::new();
        let tables = read_tables(&generation, &mut warnings)?;
        let classes = classify(&tables, selector);
        let mut samples: FxHashMap<u64, Vec<WireSample>> = FxHashMap::default();
        if classes.is_some() {
            for sample in read_samples(&generation, &mut warnings)? {
                samples.entry(sample.thread).or_default().push(sample);
            }
        }
        let region = |id| {
            let name = tables.string(id).unwrap_or_default();
            selector.is_some_and(|s| s.roots.matches(&String::from_utf8_lossy(name)))
        };
        let notes = notes_wanted(selector, &region);
        let (known, classes) = (&self.known, classes.as_ref());
        let batches = ThreadBatches::new(&generation);
        let class = |stack| classes.and_then(|classes| classes.get(stack)).unwrap_or_default();
        let is_root = |birth: &Birth| {
            selector.is_some_and(|s| {
                s.root_by.creation && class(birth.creation_stack).surely_matches()
                    || s.root_by.entry && class(birth.entry_stack).surely_matches()
            })
        };
        let (generation, batches, samples) = (&generation, &batches, &samples);
        let scan = |keeps_all| {
            let input = ScanInput { generation, batches, known, classes, notes, samples, keeps_all };
            scan_groups(&input, scanning, &is_root)
        };
        let mut scanned = scan(scanning.keeps_all)?;
        if scanned.is_none() {
            scanned = scan(true)?;
        }
        let mut scan = scanned.unwrap_or_default();
        scan.warnings.extend(warnings);
        Ok((tables, scan))
    }

    /// Pass 2: measures all generations, several side by side, and takes them into the whole in their order.
    pub(super) fn measure(
        &self,
        survey: &Survey,
        task: Task<'_>,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Measured, Time, Vec<Warning>)> {
        // Tasks lead from one goroutine to another, whichever part that is in.
        let threads = if task.slice.marks.is_empty() { options.threads } else { 1 };
        let cuts = self.cuts(survey, &self.plan(threads))?;
        self.measure_from(survey, task, options, ticker, (&settled_times(survey), &cuts))
    }

    /// Measures each part of a generation by itself from its settled moment on; what is earlier is measured in order.
    /// `settled` has these moments of the generations, `cuts` has what cuts them into parts.
    fn measure_from<'t>(
        &self,
        survey: &Survey,
        task: Task<'t>,
        options: Options,
        ticker: &Ticker<'_>,
        (settled, cuts): (&[Time], &[Vec<Cut>]),
    ) -> Result<(Measured, Time, Vec<Warning>)> {
        let parts = parts(cuts);
        let measuring = Measuring { recording: self, survey, settled, parts: &parts };
        let measurer = Measurer::new(task);
        let memory = measurer.tape_memory();
        let whole =
            Whole { measurer, last: Time::MIN, complaints: Complaints::default(), parts: Vec::new(), failed: None };
        // Measurers of parts, for the next ones.
        let spare: Mutex<Vec<Measurer<'t>>> = Mutex::default();
        let measure = |i: usize, workspace: &mut Workspace| {
            let measurer = lock(&spare).pop().unwrap_or_else(|| Measurer::partial(task, &memory));
            measuring.measure(parts[i], measurer, workspace)
        };
        let take = |whole: &mut Whole<'t>, i: usize, measured: Result<PartMeasured<'t>>, workspace: &mut Workspace| {
            match measured {
                Ok(measured) => whole.parts.push((i, measured)),
                Err(error) => whole.failed = whole.failed.take().or(Some(error)),
            }
            if parts[i].until.is_some() {
                return;
            }
            match measuring.take_generation(whole, workspace) {
                Ok(measurers) => lock(&spare).extend(measurers),
                Err(error) => whole.failed = whole.failed.take().or(Some(error)),
            }
            let index = &self.index.generations[parts[i].generation];
            ticker.add(index.end - index.start);
        };
        let whole = in_order(parts.len(), options.threads, whole, Workspace::default, measure, take);
        if let Some(error) = whole.failed {
            return Err(error);
        }
        let Whole { measurer, last, complaints, .. } = whole;
        let warnings = complaints.warnings(survey.start);
        Ok((measurer.finish(last, crew()), last, warnings))
    }

    /// Orders all generations, several side by side, for nobody; gives the time of the last event.
    pub(super) fn check(&self, survey: &Survey, options: Options, ticker: &Ticker<'_>) -> Result<(Time, Vec<Warning>)> {
        let cuts = self.cuts(survey, &self.plan(options.threads))?;
        let parts = parts(&cuts);
        let work =
            |i: usize, workspace: &mut Workspace| self.order(survey, parts[i], Time::MIN, workspace, &mut Nobody);
        let nothing = (Vec::new(), Ok((Time::MIN, Complaints::default())));
        let take = |(of_generation, so_far): &mut (Vec<Ordered>, Result<(Time, Complaints)>),
                    i: usize,
                    ordered: Result<Ordered>,
                    _: &mut Workspace| {
            match ordered {
                Ok(ordered) => of_generation.push(ordered),
                Err(error) if so_far.is_ok() => *so_far = Err(error),
                Err(_) => {}
            }
            if parts[i].until.is_some() {
                return;
            }
            let index = &self.index.generations[parts[i].generation];
            ticker.add(index.end - index.start);
            let used = used(of_generation.iter());
            for ordered in of_generation.drain(..).take(used) {
                if let Ok((last, complaints)) = so_far {
                    *last = ordered.last.max(*last + ordered.emitted as i64);
                    complaints.add(ordered.complaints);
                }
            }
        };
        let (_, checked) = in_order(parts.len(), options.threads, nothing, Workspace::default, work, take);
        checked.map(|(last, complaints)| (last, complaints.warnings(survey.start)))
    }

    /// Adds to warnings about generations the time that they concern, from the trace's start on.
    pub(super) fn date(&self, survey: &Survey, warnings: &mut [Warning]) {
        for warning in warnings.iter_mut().filter(|w| w.data_lost) {
            let Some(number) = warning.generation else { continue };
            let Some(i) = self.index.generations.iter().position(|g| g.number == number) else { continue };
            let from = self.clocks[i].time(self.index.generations[i].min_time);
            let to = survey.generations.get(i).map_or(from, |g| g.latest.max(from));
            let seconds = |time: Time| crate::error::Seconds(time.since(survey.start));
            let message = &warning.message;
            warning.message = format!("{message}; generation {number}, from {} to {}", seconds(from), seconds(to));
        }
    }

    /// Into how many parts to cut each generation in the second pass.
    fn plan(&self, threads: usize) -> Vec<usize> {
        let sizes: Vec<u64> = self.index.generations.iter().map(|g| g.end - g.start).collect();
        plan(&sizes, threads)
    }

    /// What cuts each generation into so many parts, or fewer where it cannot be told.
    fn cuts(&self, survey: &Survey, parts: &[usize]) -> Result<Vec<Vec<Cut>>> {
        parts.iter().enumerate().map(|(i, &n)| self.cuts_of(survey, i, n)).collect()
    }

    fn cuts_of(&self, survey: &Survey, i: usize, n: usize) -> Result<Vec<Cut>> {
        // Which goroutine an id means that repeats is known only in order.
        if n < 2 || survey.forest.has_repeats() {
            return Ok(Vec::new());
        }
        let index = &self.index.generations[i];
        let generation = Generation::new(self.source, index);
        let batches = ThreadBatches::new(&generation);
        let n_goroutines = survey.forest.goroutines.len();
        let lookahead = |group| {
            let instances = GenerationInstances::new(survey, i as u32, &[]);
            let with = (&generation, &self.known, self.clocks[i]);
            Lookahead::new(with, &batches, group, n_goroutines, instances)
        };
        let mut groups: Vec<_> =
            groups(index, &batches, rayon::current_num_threads()).into_iter().map(lookahead).collect();
        let start = Cut::start(n_goroutines, index, survey.generations[i].first_gc);
        let mut cuts: Vec<Cut> = Vec::new();
        for moment in moments(index, self.clocks[i], n) {
            let seen: Vec<_> = groups.par_iter_mut().map(|group| group.advance(moment)).collect::<Result<Vec<_>>>()?;
            let Some(seen) = seen.into_iter().collect() else { break };
            let cut = cuts.last().unwrap_or(&start).then(moment, seen);
            cuts.push(cut);
        }
        Ok(cuts)
    }

    /// Hands the events of a part of a generation to `sink`, in causal order.
    fn order(
        &self,
        survey: &Survey,
        part: Part<'_>,
        last: Time,
        workspace: &mut Workspace,
        sink: &mut impl Sink,
    ) -> Result<Ordered> {
        let i = part.generation;
        let known = &survey.generations[i];
        let generation = Generation::new(self.source, &self.index.generations[i]);
        let samples = read_samples(&generation, &mut Vec::new())?;
        let input = GenerationInput {
            generation: &generation,
            clock: self.clocks[i],
            known: &self.known,
            samples: &samples,
            names: &known.names,
            first_gc: known.first_gc,
            from: part.from,
            until: part.until,
        };
        let mut instances = GenerationInstances::new(survey, i as u32, part.from.map_or(&[], Cut::births));
        let n = survey.forest.goroutines.len();
        order(&input, last, &mut instances, workspace, n, sink)
    }
}

/// Pass 2 of a recording.
struct Measuring<'r> {
    recording: &'r Recording<'r>,
    survey: &'r Survey,
    /// Per generation, from which moment on it is measured by itself.
    settled: &'r [Time],
    parts: &'r [Part<'r>],
}

/// A part of a generation, measured by itself.
type PartMeasured<'t> = (GenerationMeasured<'t>, Ordered);

impl Measuring<'_> {
    fn measure<'t>(
        &self,
        part: Part<'_>,
        mut measurer: Measurer<'t>,
        workspace: &mut Workspace,
    ) -> Result<PartMeasured<'t>> {
        measurer.begin_partial(self.beginning(part)?);
        let ordered = match WithoutPaths::of(&mut measurer) {
            Some(mut sink) => self.recording.order(self.survey, part, Time::MIN, workspace, &mut sink)?,
            None => self.recording.order(self.survey, part, Time::MIN, workspace, &mut measurer)?,
        };
        Ok((measurer.end_partial(), ordered))
    }

    fn beginning(&self, part: Part<'_>) -> Result<Beginning> {
        let i = part.generation;
        let index = &self.recording.index.generations[i];
        let (generation, file_start, settled) = (i as u32, index.start, self.settled[i]);
        let Some(cut) = part.from else { return Ok(Beginning { generation, file_start, settled, inside: None }) };
        let bytes = Generation::new(self.recording.source, index);
        let clock = self.recording.clocks[i];
        let samples = read_samples(&bytes, &mut Vec::new())?;
        let before = samples.iter().filter(|sample| clock.time(sample.ticks) < cut.time).map(|sample| sample.pos);
        let places = cut.places(index, &ThreadBatches::new(&bytes));
        let inside = Some(Arc::new(Past::new(places, before, cut.goroutines(), cut.assisting())));
        Ok(Beginning { generation, file_start, settled: cut.time + SETTLING_NS, inside })
    }

    /// Takes a generation, the next in order, of which all parts were measured, into the whole. Gives what it was
    /// measured with, for another one.
    fn take_generation<'t>(&self, whole: &mut Whole<'t>, workspace: &mut Workspace) -> Result<Vec<Measurer<'t>>> {
        let mut parts = std::mem::take(&mut whole.parts);
        let Some(i) = parts.first().map(|(part, _)| self.parts[*part].generation) else { return Ok(Vec::new()) };
        let n = used(parts.iter().map(|(_, (_, ordered))| ordered));
        let mut measurers: Vec<_> = parts.drain(n..).map(|(_, (unused, _))| unused.into_measurer()).collect();
        let mut parts: Vec<_> = parts.into_iter().map(|(part, measured)| (self.parts[part], measured)).collect();
        // What is damaged is measured as it would be without cuts.
        if n > 1 && parts.iter().any(|(_, (_, ordered))| !ordered.is_sound()) {
            measurers.extend(parts.drain(..).map(|(_, (unused, _))| unused.into_measurer()));
            let whole = Part::whole(i);
            if let Some(measurer) = measurers.pop() {
                parts.push((whole, self.measure(whole, measurer, workspace)?));
            }
        }
        let clock = self.recording.clocks[i];
        let start = clock.time(self.recording.index.generations[i].min_time).max(whole.last + 1);
        let mut is_over = false;
        for (part, mut measured) in parts {
            if !is_over {
                is_over = self.absorb(part, start, whole, &mut measured, workspace)?;
            }
            measurers.push(measured.0.into_measurer());
        }
        let (size, left) = self.recording.size_and_left(i);
        whole.measurer.walk_if_due(whole.last, crew_after(size, left));
        Ok(measurers)
    }

    /// Takes a part of a generation that began at `start`, the next in order, into the whole. True if the rest of the
    /// generation was taken with it.
    fn absorb<'t>(
        &self,
        part: Part<'_>,
        start: Time,
        whole: &mut Whole<'t>,
        (measured, ordered): &mut PartMeasured<'t>,
        workspace: &mut Workspace,
    ) -> Result<bool> {
        let is_absorbed = whole.measurer.absorb(measured, whole.last, start);
        if is_absorbed {
            ordered.last = ordered.last.max(whole.last + ordered.emitted as i64);
        } else {
            // It began later than was thought: once more, knowing when. Where the rest begins was told by the cut, and
            // walks are due when they would be without one.
            whole.measurer.begin_generation(start);
            whole.measurer.hold_walks(part.from.is_some());
            let part = Part { until: None, ..part };
            *ordered = self.recording.order(self.survey, part, whole.last, workspace, &mut whole.measurer)?;
        }
        whole.measurer.hold_walks(false);
        whole.last = ordered.last;
        whole.complaints.add(ordered.complaints);
        Ok(!is_absorbed)
    }
}

/// How a generation is scanned.
#[derive(Clone, Copy)]
struct Scanning<'s> {
    /// At most so many threads do it.
    threads: usize,
    /// Memory of other scans.
    spare: &'s Mutex<Vec<EvidenceMemory>>,
    /// Whether to keep what hardly anybody will ask for, too.
    keeps_all: bool,
}

/// Scans the threads of a generation in groups. None where something was left out that is wanted.
fn scan_groups(
    input: &ScanInput<'_>,
    Scanning { threads, spare, .. }: Scanning<'_>,
    is_root: &impl Fn(&Birth) -> bool,
) -> Result<Option<Scan>> {
    let memory = || lock(spare).pop().unwrap_or_default();
    let groups = groups(input.generation.index, input.batches, threads);
    let scans = groups.into_par_iter().map(|group| scan(input, group, memory()));
    let mut scans = scans.collect::<Result<Vec<Scan>>>()?.into_iter();
    let mut scan = scans.next().unwrap_or_default();
    scans.for_each(|next| scan.join(next));
    let Some(memory) = scan.evidence.settle(&scan.births, &scan.announced, is_root) else { return Ok(None) };
    lock(spare).extend(memory);
    Ok(Some(scan))
}

/// Wants no event.
struct Nobody;

impl Sink for Nobody {
    fn wants(&self, _: GIdx) -> bool {
        false
    }

    fn event(&mut self, _: &Event, _: u64) {}
}

/// The generations taken so far.
struct Whole<'t> {
    measurer: Measurer<'t>,
    /// Time of the last event.
    last: Time,
    complaints: Complaints,
    /// The parts of the next one that were measured.
    parts: Vec<(usize, PartMeasured<'t>)>,
    failed: Option<Error>,
}

/// How long after a generation's last event, in ns, the next one may still have to make way for it: events of
/// one tick follow each other at 1 ns, and the statuses at a generation's end share a few ticks.
const SETTLING_NS: i64 = 100_000;

/// Per generation, the moment at which those before it are certainly over.
fn settled_times(survey: &Survey) -> Vec<Time> {
    let alive = survey.forest.goroutines.len() as i64;
    let over = |latest: &mut Time, g: &GenerationSurvey| {
        let before = *latest;
        *latest = before.max(g.latest);
        Some(if before == Time::MIN { before } else { before + SETTLING_NS.min(alive) + SETTLING_NS })
    };
    survey.generations.iter().scan(Time::MIN, over).collect()
}

fn read_syncs(source: &dyn Source, index: &Index, warnings: &mut Vec<Warning>) -> Result<Vec<SyncData>> {
    index.generations.iter().map(|g| read_sync(source, g, warnings)).collect()
}

/// A clock per generation; one that lost its frequency takes another's, or the usual one.
fn clocks(index: &Index, syncs: &[SyncData], warnings: &mut Vec<Warning>) -> Vec<Clock> {
    let any = syncs.iter().find_map(|s| s.frequency);
    if any.is_none()
        && let Some(first) = index.generations.first()
    {
        let message = format!(
            "the trace lost its clock's frequency; {USUAL_FREQUENCY} ticks per second are assumed, so times are a guess"
        );
        warnings.push(Warning::lost("no-frequency", message, first.end, 0).in_generation(first.number));
    }
    let fallback = any.unwrap_or(USUAL_FREQUENCY);
    syncs.iter().map(|s| Clock::new(s.frequency.unwrap_or(fallback))).collect()
}

/// What each stack of a generation says; one look at each function name. None when nothing asks for that.
fn classify(tables: &Tables, selector: Option<&Selector>) -> Option<IdTable<StackClass>> {
    if selector.is_some_and(|s| !s.root_by.stack) {
        return None;
    }
    let matches = selector.map(|s| |name: &str| s.roots.matches(name));
    let classifier = Classifier::new(matches.as_ref().map(|m| m as &(dyn Fn(&str) -> bool + Sync)));
    let mut functions: FxHashMap<u64, Function> = FxHashMap::default();
    let mut serves = false;
    // Outermost functions of stacks that say more than what they exclude.
    let mut telling: FxHashSet<u64> = FxHashSet::default();
    let classes = tables.stacks.map(|stack| {
        let outermost_first = tables.frames(stack).iter().rev();
        let class = classifier.class(outermost_first.fold(PartialClass::default(), |outer, frame| {
            let function = functions.entry(frame.function).or_insert_with(|| {
                let name = tables.string(frame.function).unwrap_or_default();
                let function = classifier.function(&String::from_utf8_lossy(name));
                // What has no name gets one later, and what is no text another.
                if name.is_empty() || std::str::from_utf8(name).is_err() { function.unnamed() } else { function }
            });
            outer.enter(*function)
        }));
        serves |= class.step != Step::None;
        let outermost = tables.frames(stack).last().map(|frame| frame.function);
        if !class.is_plain() {
            telling.extend(outermost);
        }
        (class, outermost)
    });
    let dull = |(class, outermost): (StackClass, Option<u64>)| {
        let dull = class.excludes() && outermost.is_some_and(|outermost| !telling.contains(&outermost));
        StackClass { dull, ..class }
    };
    (selector.is_some() || serves).then(|| classes.map(dull))
}

/// Which goroutine an id means inside one generation.
struct GenerationInstances<'a> {
    survey: &'a Survey,
    generation: u32,
    next_birth: Vec<GIdx>,
    /// The first of ids that follow each other, and the goroutine of each.
    first: u64,
    in_a_row: &'a [GIdx],
    /// For ids that repeat: the instance created last in this generation.
    recent: FxHashMap<u64, GIdx>,
}

impl<'a> GenerationInstances<'a> {
    /// From where each thread has created so many goroutines; from the generation's start for no threads.
    fn new(survey: &'a Survey, generation: u32, before: &[u32]) -> Self {
        let mut next_birth = survey.generations[generation as usize].births.clone();
        next_birth.iter_mut().zip(before).for_each(|(next, before)| next.0 += before);
        let (GoId(first), in_a_row) = survey.forest.in_a_row();
        Self { survey, generation, next_birth, first, in_a_row, recent: FxHashMap::default() }
    }

    /// The same where ids repeat, or do not follow each other.
    #[inline(never)]
    fn current_instance(&self, id: u64) -> GIdx {
        let forest = &self.survey.forest;
        if !forest.repeats(GoId(id)) {
            return forest.latest(GoId(id));
        }
        self.recent.get(&id).copied().unwrap_or_else(|| forest.alive_at(GoId(id), self.generation))
    }
}

impl Instances for GenerationInstances<'_> {
    #[inline]
    fn current(&self, id: u64) -> GIdx {
        match self.in_a_row.get(id.wrapping_sub(self.first) as usize) {
            Some(&g) if g.is_some() => g,
            _ => self.current_instance(id),
        }
    }

    fn created(&mut self, thread: usize, id: u64) -> GIdx {
        let Some(next) = self.next_birth.get_mut(thread) else { return GIdx::NONE };
        let g = *next;
        next.0 += 1;
        // A file that changed between the passes must not mix goroutines up.
        let forest = &self.survey.forest;
        if forest.goroutines.get(g.at()).is_none_or(|known| known.id != GoId(id)) {
            return GIdx::NONE;
        }
        if forest.repeats(GoId(id)) {
            self.recent.insert(id, g);
        }
        g
    }
}

impl Complaints {
    fn add(&mut self, other: Self) {
        self.forced += other.forced;
        self.broken += other.broken;
        self.first_forced = self.first_forced.or(other.first_forced);
        self.first_broken = self.first_broken.or(other.first_broken);
    }

    fn warnings(self, start: Time) -> Vec<Warning> {
        let at = |time: Time| crate::error::Seconds(time.since(start));
        let mut warnings = Vec::new();
        if let Some((pos, time, rule)) = self.first_broken {
            let message = match self.broken {
                1 => format!("1 event, at {}, contradicts the scheduler's rules: {rule}", at(time)),
                n => format!("{n} events contradict the scheduler's rules, the first at {}: {rule}", at(time)),
            };
            warnings.push(Warning::lost("broken-rule", message, pos, 0));
        }
        if let Some((pos, time)) = self.first_forced {
            let message = match self.forced {
                1 => format!("1 event, at {}, never had its turn: what comes before it is missing", at(time)),
                n => {
                    format!("{n} events, from {} on, never had their turn: what comes before them is missing", at(time))
                }
            };
            warnings.push(Warning::lost("broken-order", message, pos, 0));
        }
        warnings
    }
}

/// A warning about a trace whose times cannot be right.
pub(super) fn implausible_span(ns: u64) -> Option<Warning> {
    (ns > MAX_SPAN_NS).then(|| {
        let message = format!("the trace seems to last {}; its clock is damaged", crate::error::Seconds(ns));
        Warning::lost("implausible-span", message, 0, 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::version::{Dialect, Header, read_header};
    use crate::measure::MAX_PIECES;
    use crate::pipeline::testing::{found, selector, sums, task, trace};
    use crate::slice::{RootBy, select};
    use crate::time::Window;

    /// Side by side, also in parts, or one after the other with nothing measured by itself: the same sums.
    #[allow(clippy::ptr_arg, reason = "a vector is a source, a slice of unknown size is not")]
    fn compare(bytes: &Vec<u8>, root_by: RootBy, pattern: &str, whole_life: bool) {
        let Header::Known(version) = read_header(bytes) else { panic!("no trace") };
        let Dialect::V2(row) = version.dialect else { return };
        let selector = selector(pattern, root_by, whole_life);
        let ticker = Ticker::new(&[], 1, &|_| {});
        let options = Options { threads: 2, ..Options::default() };
        let recording = Recording::open(bytes, row, 0).expect("a sound trace");
        let survey = recording.survey(Some(&selector), options, &ticker).expect("a sound trace");
        let in_groups = Options { threads: 16, ..options };
        let in_groups = recording.survey(Some(&selector), in_groups, &ticker).expect("a sound trace");
        assert!(format!("{survey:?}") == format!("{in_groups:?}"), "a survey in groups of threads differs");
        let slice = select(&survey.forest, &survey.symbols, &selector);
        let whole = task(&survey, &slice, whole_life);
        let measure = |task: Task<'_>, settled: &[Time], n_parts: usize| {
            let cuts = recording.cuts(&survey, &vec![n_parts; settled.len()]).expect("a sound trace");
            let (measured, last, _) =
                recording.measure_from(&survey, task, options, &ticker, (settled, &cuts)).expect("a sound trace");
            (measured, last)
        };
        let in_order = vec![Time::MAX; survey.generations.len()];
        let settled = settled_times(&survey);
        // A part of the trace, too, that ends exactly when something happened.
        let (measured, last) = measure(whole, &in_order, 1);
        let requests = measured.paths.expect("paths").requests;
        let end = requests.get(requests.len() / 2).map_or(last, |request| request.span.end);
        let part = Window { start: survey.start + end.since(survey.start) as i64 / 3, end };
        for looked_at in [Window::ALL, part] {
            let sums = [true, false].map(|latency| {
                let task = Task { looked_at, latency, ..whole };
                let one_by_one = measure(task, &in_order, 1);
                let sums = sums(&one_by_one.0);
                let one_by_one = (found(one_by_one.0), one_by_one.1);
                for n_parts in [1, 2, 7] {
                    let side_by_side = measure(task, &settled, n_parts);
                    let side_by_side = (found(side_by_side.0), side_by_side.1);
                    let other = side_by_side.0.0.iter().zip(&one_by_one.0.0).find(|(a, b)| a != b);
                    let same = side_by_side == one_by_one;
                    assert!(same, "--root '{pattern}', {looked_at:?}, {latency}, {n_parts} parts: {other:?}");
                }
                sums
            });
            assert!(sums[0] == sums[1], "--root '{pattern}', {looked_at:?}: paths change what goroutines did");
        }
    }

    #[test]
    fn measuring_side_by_side_changes_nothing() {
        for (name, pattern) in [
            ("go1.22/waits-long", "main."),
            ("go1.23/waits-long", "sync|chan"),
            ("go1.25/waits-long", "KnownWaits"),
            ("go1.26/waits-long", "main."),
            ("go1.26/server", "Handler"),
            ("go1.26/cpuprof", "Burn"),
            ("go1.26/iterators", "main."),
            ("go1.26/pools", "ServeHTTP"),
            ("go1.22/http1", "Handler"),
            ("go1.26/http1", "main.NoBodyHandler"),
            ("go1.26/http2", "main.SpawnHandler"),
        ] {
            let bytes = trace(name);
            compare(&bytes, RootBy::default(), pattern, false);
            compare(&bytes, RootBy::default(), pattern, true);
        }
        let (task, region) = (RootBy { task: true, ..RootBy::NONE }, RootBy { region: true, ..RootBy::NONE });
        for (name, root_by, pattern) in [
            ("go1.22/tasks-long", task, "long"),
            ("go1.23/tasks-long", region, "haul"),
            ("go1.25/tasks-long", task, "."),
            ("go1.26/tasks", task, "."),
            ("go1.26/tasks", region, "."),
            ("go1.26/tasks-misuse", region, "."),
            ("go1.26/annotations", task, "."),
        ] {
            let bytes = trace(name);
            compare(&bytes, root_by, pattern, false);
            compare(&bytes, root_by, pattern, true);
        }
    }

    /// What goes on over a cut goes on behind it.
    #[test]
    fn measuring_in_parts_goes_on_over_cuts() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/text");
        let text = std::fs::read_to_string(folder.join("over-batches.txt")).expect("a text of the repository");
        let (_, text) = text.split_once("\nTrace ").expect("a trace");
        let bytes = crate::format::text::from_text(&format!("Trace {text}")).expect("a sound trace");
        let cut = order_parts(&bytes, cut_into(2));
        assert!(cut[0].len() == 2 && cut[0][0].was_cut);
        for pattern in [".", "main.assist", "main.reader", "main.root", "main.hot"] {
            compare(&bytes, RootBy::default(), pattern, false);
            compare(&bytes, RootBy::default(), pattern, true);
        }
    }

    /// A trace, and its generations cut into parts: what ordering says of each part.
    #[allow(clippy::ptr_arg, reason = "a vector is a source, a slice of unknown size is not")]
    fn order_parts(bytes: &Vec<u8>, cuts: impl Fn(&Recording<'_>, &Survey) -> Vec<Vec<Cut>>) -> Vec<Vec<Ordered>> {
        let Header::Known(version) = read_header(bytes) else { panic!("no trace") };
        let Dialect::V2(row) = version.dialect else { panic!("an old one") };
        let ticker = Ticker::new(&[], 1, &|_| {});
        let recording = Recording::open(bytes, row, 0).expect("something usable");
        let survey = recording.survey(None, Options::default(), &ticker).expect("bytes in memory");
        let cuts = cuts(&recording, &survey);
        let mut ordered: Vec<Vec<Ordered>> = survey.generations.iter().map(|_| Vec::new()).collect();
        for part in parts(&cuts) {
            let done = recording.order(&survey, part, Time::MIN, &mut Workspace::default(), &mut Nobody);
            ordered[part.generation].push(done.expect("bytes in memory"));
        }
        ordered
    }

    fn cut_into(n: usize) -> impl Fn(&Recording<'_>, &Survey) -> Vec<Vec<Cut>> {
        move |recording, survey| recording.cuts(survey, &vec![n; survey.generations.len()]).expect("bytes in memory")
    }

    /// Looking ahead finds what ordering finds, and parts have all events.
    #[test]
    fn generations_are_as_their_cuts_tell() {
        for name in [
            "go1.22/waits-long",
            "go1.23/server",
            "go1.25/http1",
            "go1.26/http2",
            "go1.26/iterators",
            "go1.26/cpuprof",
            "go1.26/waits-long",
        ] {
            let bytes = trace(name);
            let whole = order_parts(&bytes, |_, survey| survey.generations.iter().map(|_| Vec::new()).collect());
            let mut n_cuts = 0;
            for (parts, whole) in order_parts(&bytes, cut_into(5)).iter().zip(&whole) {
                assert_eq!(used(parts.iter()), parts.len(), "{name}");
                assert_eq!(parts.iter().map(|part| part.emitted).sum::<u64>(), whole[0].emitted, "{name}");
                assert_eq!(parts.last().map(|part| part.last), Some(whole[0].last), "{name}");
                n_cuts += parts.len() - 1;
            }
            assert!(n_cuts > 0, "{name}");
        }
    }

    /// Where a generation is not as a cut tells, its order goes on.
    #[test]
    fn a_cut_that_is_not_true_cuts_nothing() {
        let bytes = trace("go1.26/waits-long");
        let whole = order_parts(&bytes, |_, survey| survey.generations.iter().map(|_| Vec::new()).collect());
        let wrong = |recording: &Recording<'_>, survey: &Survey| {
            let cuts = cut_into(3)(recording, survey);
            // The state of the first cut, at the moment of the second one.
            let later = |mut cuts: Vec<Cut>| {
                cuts[0].time = cuts[1].time;
                cuts.truncate(1);
                cuts
            };
            cuts.into_iter().map(later).collect()
        };
        for (parts, whole) in order_parts(&bytes, wrong).iter().zip(&whole) {
            assert_eq!(used(parts.iter()), 1);
            assert_eq!((parts[0].emitted, parts[0].last), (whole[0].emitted, whole[0].last));
            assert!(parts[0].is_sound());
        }
    }

    /// Damaged traces are measured as if they were not cut.
    #[test]
    fn damage_makes_parts_a_whole() {
        for (name, pattern) in [("go1.22/server", "Handler"), ("go1.26/waits-long", "main."), ("go1.25/http1", ".")] {
            let sound = trace(name);
            for every in [509, 4093, 40_009] {
                let bytes: Vec<u8> =
                    (0..sound.len()).map(|i| if i % every == every - 1 { 0xff } else { sound[i] }).collect();
                let Header::Known(version) = read_header(&bytes) else { panic!("no trace") };
                let Dialect::V2(row) = version.dialect else { panic!("an old one") };
                let selector = selector(pattern, RootBy::default(), false);
                let ticker = Ticker::new(&[], 1, &|_| {});
                let options = Options { threads: 2, ..Options::default() };
                let recording = Recording::open(&bytes, row, 0).expect("something usable");
                let survey = recording.survey(Some(&selector), options, &ticker).expect("bytes in memory");
                let slice = select(&survey.forest, &survey.symbols, &selector);
                let measure = |n_parts: usize| {
                    let (settled, cuts) = (settled_times(&survey), cut_into(n_parts)(&recording, &survey));
                    let task = task(&survey, &slice, false);
                    let measured = recording.measure_from(&survey, task, options, &ticker, (&settled, &cuts));
                    let (measured, last, warnings) = measured.expect("bytes in memory");
                    (found(measured), last, warnings.iter().map(|w| w.message.clone()).collect::<Vec<_>>())
                };
                let whole = measure(1);
                for n_parts in [2, 5] {
                    assert!(measure(n_parts) == whole, "{name}, every {every}th byte, {n_parts} parts");
                }
            }
        }
    }

    /// What scans leave out is never missing.
    #[test]
    fn scans_leave_out_what_nobody_asks_for() {
        let compare = |name: &str, bytes: &Vec<u8>, pattern: &str| {
            let Header::Known(version) = read_header(bytes) else { panic!("no trace") };
            let Dialect::V2(row) = version.dialect else { return };
            let recording = Recording::open(bytes, row, 0).expect("something usable");
            let ticker = Ticker::new(&[], 1, &|_| {});
            let selector = selector(pattern, RootBy { stack: true, ..RootBy::NONE }, false);
            let survey = |keeps_all, threads| {
                let options = Options { threads, ..Options::default() };
                let survey = recording.survey_keeping(keeps_all, Some(&selector), options, &ticker);
                format!("{:?}", survey.expect("bytes in memory"))
            };
            assert!(survey(true, 1) == survey(false, 2), "{name}, --root '{pattern}'");
        };
        let patterns = ["main.deep", "main.[a-f]", "Handler|handler", "sync", "net/http", "os.read"];
        for name in ["go1.22/server", "go1.23/waits-long", "go1.25/http1", "go1.26/http2", "go1.26/iterators"] {
            let bytes = trace(name);
            for pattern in patterns {
                compare(name, &bytes, pattern);
            }
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/text");
        for file in std::fs::read_dir(folder).expect("a folder of the repository") {
            let path = file.expect("a file of the repository").path();
            let text = std::fs::read_to_string(&path).expect("a text");
            let Some((_, text)) = text.split_once("\nTrace ") else { continue };
            let Ok(bytes) = crate::format::text::from_text(&format!("Trace {text}")) else { continue };
            for pattern in patterns {
                compare(&path.display().to_string(), &bytes, pattern);
            }
        }
    }

    /// Usual events on their short way say what they do on the long one.
    #[test]
    fn usual_events_of_a_scan_say_the_same() {
        for (name, pattern) in [
            ("go1.22/server", "Handler"),
            ("go1.23/waits-long", "main."),
            ("go1.25/http1", "Handler"),
            ("go1.26/http2", "Handler"),
            ("go1.26/iterators", "main."),
        ] {
            let sound = trace(name);
            // Damage in the middle of batches, too: their rest is lost, and so is who runs.
            let every = |n: usize| (0..sound.len()).map(|i| if i % n == n - 1 { 0xff } else { sound[i] }).collect();
            for bytes in [sound.clone(), every(4096), every(1023)] {
                same_on_both_ways(&bytes, name, pattern);
            }
        }
    }

    #[allow(clippy::ptr_arg, reason = "a vector is a source, a slice of unknown size is not")]
    fn same_on_both_ways(bytes: &Vec<u8>, name: &str, pattern: &str) {
        let Header::Known(version) = read_header(bytes) else { panic!("no trace") };
        let Dialect::V2(row) = version.dialect else { panic!("an old one") };
        let recording = Recording::open(bytes, row, 0).expect("something usable");
        let selector = selector(pattern, RootBy::default(), false);
        for index in &recording.index.generations {
            let generation = Generation::new(bytes, index);
            let tables = read_tables(&generation, &mut Vec::new()).expect("bytes in memory");
            let scanned = |samples: &FxHashMap<u64, Vec<WireSample>>| {
                let batches = ThreadBatches::new(&generation);
                let classes = classify(&tables, Some(&selector));
                let (known, classes) = (&recording.known, classes.as_ref());
                let generation = &generation;
                let batches = &batches;
                let input = ScanInput { generation, batches, known, classes, notes: None, samples, keeps_all: true };
                let scan = scan(&input, 0..index.threads.len(), EvidenceMemory::default());
                format!("{:?}", scan.expect("bytes in memory"))
            };
            // A sample that never comes keeps its thread on the long way.
            let never = |thread| WireSample { pos: 0, ticks: u64::MAX, thread, goroutine: 0, stack: 0 };
            let never = index.threads.iter().map(|thread| (thread.0, vec![never(thread.0)])).collect();
            assert!(scanned(&FxHashMap::default()) == scanned(&never), "{name}");
        }
    }

    /// With hardly any room for open requests, paths are cut: it is said, and they still add up.
    #[test]
    fn paths_that_find_no_room_add_up_too() {
        let bytes = trace("go1.26/waits-long");
        let Header::Known(version) = read_header(&bytes) else { panic!("no trace") };
        let Dialect::V2(row) = version.dialect else { panic!("an old one") };
        let selector = selector("main.", RootBy::default(), false);
        let ticker = Ticker::new(&[], 1, &|_| {});
        let options = Options { threads: 1, ..Options::default() };
        let recording = Recording::open(&bytes, row, 0).expect("a sound trace");
        let survey = recording.survey(Some(&selector), options, &ticker).expect("a sound trace");
        let slice = select(&survey.forest, &survey.symbols, &selector);
        let paths = |max_pieces| {
            let task = Task { max_pieces, ..task(&survey, &slice, false) };
            let (measured, ..) = recording.measure(&survey, task, options, &ticker).expect("a sound trace");
            measured.paths.expect("paths")
        };
        let (roomy, cramped) = (paths(MAX_PIECES), paths(10));
        assert_eq!(roomy.capped, 0);
        assert!(cramped.capped > 0);
        assert_eq!(roomy.requests.len(), cramped.requests.len());
        for request in &cramped.requests {
            let sum: u64 = request.states.iter().map(|(_, ns)| ns).sum();
            assert_eq!(sum, request.span.end.since(request.span.start));
        }
    }
}
