//! Pass 1: generations are scanned, several side by side, and put together in their order.

use super::V2Trace;
use super::predictions::{GenerationPredictions, Predictions};
use crate::pipeline::Options;
use crate::pipeline::annotations::{annotations, notes_wanted};
use crate::pipeline::in_order::{free, in_order, lock};
use crate::pipeline::progress::Ticker;
use crate::pipeline::threads::is_among_last;
use crate::slice::Selector;
use crate::survey::annotations::roots::Matches;
use crate::survey::collect::{Builder, Survey};
use crate::survey::roots::classify::{Classifier, Function, PartialClass, StackClass};
use crate::survey::roots::servers::ServerStep;
use crate::survey::v2::evidence_store::EvidenceMemory;
use crate::survey::v2::scan::{Birth, Scan, ScanInput, groups, scan};
use crate::trace::error::Result;
use crate::trace::time::Time;
use crate::trace::v2::generation::{Generation, ThreadBatches};
use crate::trace::v2::id_table::IdTable;
use crate::trace::v2::scan_observer::NoObserver;
use crate::trace::v2::split::predictor::{ObservedState, StatePredictor};
use crate::trace::v2::tables::{Tables, WireSample, read_samples, read_tables};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Mutex;

impl V2Trace<'_> {
    /// Pass 1, and what it saw that tells how generations can be cut in the second one.
    pub(in crate::pipeline) fn survey(
        &self,
        selector: Option<&Selector>,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Survey, Predictions)> {
        // Tasks lead from one goroutine to another, whichever part that is in.
        let has_tasks = selector.is_some_and(|s| s.root_by.task);
        let n_parts = self.plan(if has_tasks { 1 } else { options.threads });
        self.survey_with(&n_parts, false, selector, options, ticker)
    }

    /// The same for generations that may be cut into so many parts; scans may have to keep all that they find.
    pub(super) fn survey_with(
        &self,
        n_parts: &[usize],
        keeps_all: bool,
        selector: Option<&Selector>,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Survey, Predictions)> {
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
            let moments = self.moments(i, n_parts[i]);
            let scanned = self.scan_generation(i, selector, &moments, Scanning { threads, spare: &spare, keeps_all });
            ticker.add(size);
            if i + all >= n {
                // Hardly any scan is still to begin.
                free(std::mem::take(&mut *lock(&spare)));
            }
            scanned.map(|(tables, scan, seen)| (tables, scan, GenerationPredictions { moments, seen }))
        };
        let add = |so_far: &mut Result<SoFar<'_>>,
                   i: usize,
                   scanned: Result<(Tables, Scan, GenerationPredictions)>,
                   (): &mut ()| {
            let Ok((builder, predictions)) = so_far else { return };
            let scanned = scanned.and_then(|(tables, scan, foreseen)| {
                predictions.add(foreseen);
                if !builder.misses(&scan) {
                    return Ok((tables, scan));
                }
                let scanning = Scanning { threads: options.threads, spare: &spare, keeps_all: true };
                self.scan_generation(i, selector, &[], scanning).map(|(tables, scan, _)| (tables, scan))
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
        let nothing = Ok((builder, Predictions::default()));
        let done = in_order(n, options.threads, nothing, || (), scan, add);
        done.map(|(builder, predictions)| (builder.finish(), predictions))
    }

    /// Scans a generation, once more and keeping all where what was left out is wanted. Gives also what was seen before
    /// some moments.
    fn scan_generation(
        &self,
        i: usize,
        selector: Option<&Selector>,
        moments: &[Time],
        scanning: Scanning<'_>,
    ) -> Result<(Tables, Scan, Vec<Vec<ObservedState>>)> {
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
        let predictor = || {
            (!moments.is_empty()).then(|| StatePredictor::new((generation, known, self.clocks[i]), batches, moments))
        };
        let scan = |keeps_all| {
            let input = ScanInput { generation, batches, known, classes, notes, samples, keeps_all };
            scan_groups(&input, scanning, &is_root, &predictor)
        };
        let mut scanned = scan(scanning.keeps_all)?;
        if scanned.is_none() {
            scanned = scan(true)?;
        }
        let (mut scan, seen) = scanned.unwrap_or_default();
        scan.warnings.extend(warnings);
        Ok((tables, scan, seen))
    }
}

/// The generations taken so far.
type SoFar<'b> = (Builder<'b>, Predictions);

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

/// Scans the threads of a generation in groups, and looks ahead. None where something was left out that is wanted.
fn scan_groups<'l>(
    input: &ScanInput<'_>,
    Scanning { threads, spare, .. }: Scanning<'_>,
    is_root: &impl Fn(&Birth) -> bool,
    predictor: &(impl Fn() -> Option<StatePredictor<'l>> + Sync),
) -> Result<Option<(Scan, Vec<Vec<ObservedState>>)>> {
    let memory = || lock(spare).pop().unwrap_or_default();
    let groups = groups(input.generation.index, input.batches, threads);
    let scans = groups.into_par_iter().map(|group| {
        Ok(match predictor() {
            Some(mut predictor) => (scan(input, group, memory(), &mut predictor)?, predictor.finish()?),
            None => (scan(input, group, memory(), &mut NoObserver)?, Vec::new()),
        })
    });
    let (scans, seen): (Vec<Scan>, Vec<_>) = scans.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let mut scans = scans.into_iter();
    let mut scan = scans.next().unwrap_or_default();
    scans.for_each(|next| scan.join(next));
    let Some(memory) = scan.evidence.settle(&scan.births, &scan.announced, is_root) else { return Ok(None) };
    lock(spare).extend(memory);
    Ok(Some((scan, seen)))
}

/// What each stack of a generation says; one look at each function name. None when nothing asks for that.
pub(super) fn classify(tables: &Tables, selector: Option<&Selector>) -> Option<IdTable<StackClass>> {
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
        serves |= class.step != ServerStep::None;
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
