//! Pass 1: generations are scanned, several side by side, and collected in their order.
//!
//! Where there are fewer generations left than threads, threads share a generation: its traced threads are scanned in
//! groups of about as many bytes, whose findings are joined in the order of the threads. So is a generation that is
//! followed by less than half of its size, because other threads will soon have nothing to do.

use super::V2Trace;
use crate::pipeline::Options;
use crate::pipeline::in_order::{free, in_order, lock};
use crate::pipeline::progress::Ticker;
use crate::pipeline::threads::is_among_last;
use crate::pipeline::wanted::{annotation_sink, notes_wanted, stack_classifier};
use crate::profile::Metric;
use crate::slice::Selector;
use crate::survey::roots::servers::ServerStep;
use crate::survey::roots::stack_class::StackClass;
use crate::survey::v2::classes::classify;
use crate::survey::v2::collect::ScanCollector;
use crate::survey::v2::collections::out_of_turn;
use crate::survey::v2::evidence_store::EvidenceMemory;
use crate::survey::v2::scan::{Birth, Scan, ScanInput, UndefinedStacks};
use crate::survey::v2::thread_groups::{scan_threads, thread_groups};
use crate::survey::v2::undefined::undefined_stacks;
use crate::survey::{NameMatcher, Survey};
use crate::trace::error::{Result, Warning};
use crate::trace::id_table::IdTable;
use crate::trace::time::Time;
use crate::trace::v2::batch::GenerationIndex;
use crate::trace::v2::generation::{Generation, ThreadBatches};
use crate::trace::v2::split::{GenerationPredictions, NoObserver, Plan, Predictions, PredictorInput, StatePredictor};
use crate::trace::v2::tables::{Tables, WireSample, read_samples, read_tables};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::sync::Mutex;

impl V2Trace<'_> {
    /// Pass 1: the survey, and what predicts the states at which pass 2 can split generations.
    pub(in crate::pipeline) fn survey(
        &self,
        selector: Option<&Selector>,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Survey, Predictions)> {
        // A task leads from one goroutine to another, in whichever part: then nothing is split.
        let has_tasks = selector.is_some_and(|s| s.root_by.task);
        let sizes: Vec<u64> = self.index.generations.iter().map(|g| g.end - g.start).collect();
        // Parts walk critical paths, and where very many chains of waits meet, what is told of them depends on who else is
        // walked. So with paths the parts are the same for any number of threads.
        let has_paths = selector.is_some() && options.metric == Metric::Latency;
        let plan = match (has_tasks, has_paths) {
            (true, _) => Plan::new(&sizes, 1),
            (false, true) => Plan::for_any_threads(&sizes),
            (false, false) => Plan::new(&sizes, options.threads),
        };
        self.survey_with(&plan, false, selector, options, ticker)
    }

    /// The same for a given plan. With `keeps_all`, scans keep also what is hardly ever needed.
    pub(super) fn survey_with(
        &self,
        plan: &Plan,
        keeps_all: bool,
        selector: Option<&Selector>,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Survey, Predictions)> {
        let matches = selector.map(|s| |name: &str| s.roots.matches(name));
        let annotations = annotation_sink(selector, matches.as_ref().map(|m| m as NameMatcher<'_>));
        let start = self.clocks[0].time(self.index.generations[0].min_time);
        let collector = ScanCollector::new(start, selector.is_none(), annotations);
        let threads = options.threads.max(1);
        let surveying = Surveying { trace: self, plan, selector, threads, keeps_all, spare: Mutex::default() };
        let scan = |i: usize, (): &mut ()| {
            let scanned = surveying.scan(i);
            ticker.add(self.size_and_left(i).0);
            surveying.free_spare_after(i);
            scanned
        };
        let add = |so_far: &mut Result<Collected<'_>>, i: usize, scanned: Result<GenerationScan>, (): &mut ()| {
            let Ok(collected) = so_far else { return };
            if let Err(error) = scanned.and_then(|scanned| surveying.collect(collected, i, scanned)) {
                *so_far = Err(error);
            }
        };
        let nothing = Ok(Collected { collector, predictions: Predictions::default() });
        let done = in_order(self.index.generations.len(), options.threads, nothing, || (), scan, add);
        done.map(|Collected { collector, predictions }| (collector.finish(), predictions))
    }
}

/// What is collected of the generations so far.
struct Collected<'b> {
    collector: ScanCollector<'b>,
    predictions: Predictions,
}

/// What scanning a generation gave.
struct GenerationScan {
    tables: Tables,
    scan: Scan,
    predictions: GenerationPredictions,
}

/// Pass 1 of a trace.
struct Surveying<'s> {
    trace: &'s V2Trace<'s>,
    plan: &'s Plan,
    selector: Option<&'s Selector>,
    /// Threads that work; at least 1.
    threads: usize,
    /// Whether all evidence is kept from the start, also what is hardly ever needed.
    keeps_all: bool,
    /// Memory of finished scans, for further ones.
    spare: Mutex<Vec<EvidenceMemory>>,
}

/// How a generation is scanned.
#[derive(Clone, Copy)]
struct ScanOptions<'t> {
    /// At most this many threads share it.
    threads: usize,
    /// Times at which its state is predicted.
    split_times: &'t [Time],
    /// Whether all evidence is kept.
    keeps_all: bool,
}

impl Surveying<'_> {
    /// Scans a generation for the first time.
    fn scan(&self, i: usize) -> Result<GenerationScan> {
        let (size, left) = self.trace.size_and_left(i);
        let generations_left = self.trace.index.generations.len() - i;
        let threads = if is_among_last(size, left) { self.threads } else { self.threads.div_ceil(generations_left) };
        let split_times = self.plan.split_times(i, &self.trace.index.generations[i], self.trace.clocks[i]);
        self.scan_generation(i, ScanOptions { threads, split_times: &split_times, keeps_all: self.keeps_all })
    }

    /// Frees the memory of finished scans, once hardly any scan has still to begin.
    fn free_spare_after(&self, i: usize) {
        if i + self.threads >= self.trace.index.generations.len() {
            free(std::mem::take(&mut *lock(&self.spare)), self.threads);
        }
    }

    /// Adds a generation, the next in order. It is scanned again if evidence was left out that earlier generations turn
    /// out to need.
    fn collect(&self, collected: &mut Collected<'_>, i: usize, scanned: GenerationScan) -> Result<()> {
        let Collected { collector, predictions } = collected;
        predictions.push(scanned.predictions);
        let (mut tables, mut scan) = (scanned.tables, scanned.scan);
        if collector.misses(&scan) {
            let again = ScanOptions { threads: self.threads, split_times: &[], keeps_all: true };
            GenerationScan { tables, scan, .. } = self.scan_generation(i, again)?;
        }
        if i == 0 {
            // Expect as many goroutines for each byte as in the first generation.
            let (size, left) = self.trace.size_and_left(i);
            collector.expect((scan.births.len() as u64).saturating_mul(1 + left / size.max(1)) as usize);
        }
        let unknown = collector.add(&tables, scan, self.trace.clocks[i]);
        if unknown > 0 && i > 0 {
            let GenerationIndex { start, number, .. } = self.trace.index.generations[i];
            collector.warn(not_known_before(unknown, start).in_generation(number));
        }
        Ok(())
    }

    /// Scans a generation; once more and keeping all evidence, if evidence was left out that the generation itself turns
    /// out to need.
    fn scan_generation(&self, i: usize, options: ScanOptions<'_>) -> Result<GenerationScan> {
        let V2Trace { source, index, known, clocks, .. } = self.trace;
        let generation = &Generation::new(*source, &index.generations[i]);
        let mut warnings = Vec::new();
        let tables = read_tables(generation, &mut warnings)?;
        let classes = classify_stacks(&tables, self.selector);
        let classes = classes.as_ref();
        let samples = read_samples(generation, &mut warnings)?;
        let undefined_samples = samples.iter().filter(|sample| !tables.defines_stack(sample.stack));
        let mut undefined = UndefinedStacks::default();
        undefined_samples.for_each(|sample| undefined.add(sample.pos));
        let samples = &if classes.is_some() { by_thread(samples) } else { FxHashMap::default() };
        let notes = notes_wanted(self.selector);
        let (batches, tables_read) = (&ThreadBatches::new(generation), &tables);
        let ScanOptions { split_times, .. } = options;
        let predictor_input = PredictorInput { generation, batches, known, clock: clocks[i], split_times };
        let is_first = i == 0;
        let scan = |keeps_all| {
            let (tables, clock) = (tables_read, clocks[i]);
            let input =
                ScanInput { is_first, generation, batches, tables, known, clock, classes, notes, samples, keeps_all };
            self.scan_groups(&input, options.threads, predictor_input)
        };
        let mut scanned = scan(options.keeps_all)?;
        if scanned.is_none() {
            scanned = scan(true)?;
        }
        let (mut scan, predictions) = scanned.unwrap_or_default();
        let collections = out_of_turn(std::mem::take(&mut scan.collections));
        warnings.extend(collections.map(|w| w.in_generation(generation.index.number)));
        warnings.extend(undefined_strings(&scan, &tables, generation.index));
        if classes.is_none() && scan.highest_stack >= tables.first_undefined_stack() {
            undefined.join(undefined_stacks(generation, &tables, known, clocks[i])?);
        }
        undefined.join(scan.undefined_stacks);
        warnings.extend(undefined_stacks_warning(undefined).map(|w| w.in_generation(generation.index.number)));
        scan.warnings.extend(warnings);
        scan.serves = classes.is_some_and(serves);
        Ok(GenerationScan { tables, scan, predictions })
    }

    /// Scans the threads of a generation in groups and predicts its state at the split times. None if evidence was left
    /// out that is needed.
    fn scan_groups(
        &self,
        input: &ScanInput<'_>,
        threads: usize,
        predictor_input: PredictorInput<'_>,
    ) -> Result<Option<(Scan, GenerationPredictions)>> {
        let memory = || lock(&self.spare).pop().unwrap_or_default();
        let split_times = predictor_input.split_times;
        let groups = thread_groups(input.generation.index, input.batches, threads);
        let scans = groups.into_par_iter().map(|group| {
            if split_times.is_empty() {
                return Ok((scan_threads(input, group, memory(), &mut NoObserver)?, Vec::new()));
            }
            let mut predictor = StatePredictor::new(predictor_input);
            Ok((scan_threads(input, group, memory(), &mut predictor)?, predictor.finish()?))
        });
        let (scans, observed): (Vec<Scan>, Vec<_>) = scans.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let mut scans = scans.into_iter();
        let mut scan = scans.next().unwrap_or_default();
        scans.for_each(|next| scan.join(next));
        let is_root = |birth: &Birth| self.is_root_by_birth(birth, input.classes);
        let Some(memory) = scan.evidence.select_relevant(&scan.births, &scan.announced, is_root) else {
            return Ok(None);
        };
        lock(&self.spare).extend(memory);
        Ok(Some((scan, GenerationPredictions::new(split_times, observed))))
    }

    /// Whether a new goroutine is a root whatever it does later: by where it was created, or by its entry function.
    fn is_root_by_birth(&self, birth: &Birth, classes: Option<&IdTable<StackClass>>) -> bool {
        let class = |stack| classes.and_then(|classes| classes.get(stack)).unwrap_or_default();
        self.selector.is_some_and(|s| {
            s.root_by.creation && class(birth.creation_stack).surely_matches()
                || s.root_by.entry && class(birth.entry_stack).surely_matches()
        })
    }
}

/// CPU samples by the id of the thread, each thread's in order of time as before.
fn by_thread(samples: Vec<WireSample>) -> FxHashMap<u64, Vec<WireSample>> {
    let mut by_thread: FxHashMap<u64, Vec<WireSample>> = FxHashMap::default();
    for sample in samples {
        by_thread.entry(sample.thread).or_default().push(sample);
    }
    by_thread
}

/// Whether a stack is a server's.
fn serves(classes: &IdTable<StackClass>) -> bool {
    let of_server = |class: &Option<StackClass>| class.is_some_and(|class| class.step != ServerStep::None);
    classes.dense().iter().any(of_server)
}

/// What each stack of a generation says; none when the selection does not look at stacks, or no stack says anything.
pub(super) fn classify_stacks(tables: &Tables, selector: Option<&Selector>) -> Option<IdTable<StackClass>> {
    let matches = selector.map(|s| |name: &str| s.roots.matches(name));
    let classifier = stack_classifier(selector, matches.as_ref().map(|m| m as NameMatcher<'_>))?;
    classify(tables, &classifier)
}

/// The warning about `n` goroutines of a generation after the first that were neither there before nor created.
fn not_known_before(n: u64, start: u64) -> Warning {
    let message = match n {
        1 => "a goroutine has a status here that was neither there before nor created".to_owned(),
        n => format!("{n} goroutines have a status here that were neither there before nor created"),
    };
    Warning::lost("unknown-goroutine", message, start, 0)
}

/// A warning if events name strings that no table of their generation defines.
fn undefined_strings(scan: &Scan, tables: &Tables, generation: &GenerationIndex) -> Option<Warning> {
    let n = scan.strings.iter().filter(|id| **id != 0 && tables.string(**id).is_none()).count();
    let message = match n {
        0 => return None,
        1 => "events name a string that no table defines: a state or an annotation has no name".to_owned(),
        n => format!("events name {n} strings that no table defines: states or annotations have no names"),
    };
    Some(Warning::lost("undefined-string", message, generation.start, 0).in_generation(generation.number))
}

/// A warning if events name stacks that no table of their generation defines.
fn undefined_stacks_warning(undefined: UndefinedStacks) -> Option<Warning> {
    let UndefinedStacks { events, first } = undefined;
    let message = match events {
        1 => "an event names a stack that no table defines: its functions are not known".to_owned(),
        n => format!("{n} events name stacks that no table defines: their functions are not known"),
    };
    first.map(|first| Warning::lost("undefined-stack", message, first, 0))
}
