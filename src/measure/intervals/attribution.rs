//! Which stack an interval belongs to: closed intervals → sums. On the hot path.

use super::aggregate::{Aggregate, Key, Signature, SumIdx};
use super::cpu_evidence::{CpuEvidence, LONG_RUN_NS};
use super::log::IntervalLog;
use super::states::{StateKey, only_blocks, polls_file};
use super::timeline::{CollectorWork, IntervalKind, PieceEnd, Timeline};
use crate::profile::Precision;
use crate::slice::spawn_chains::SpawnChainIdx;
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::symbols::Symbols;
use rustc_hash::FxHashMap;

/// The sums that a piece was added to.
enum CountedIn {
    /// All of it in one sum.
    One(SumIdx),
    /// Split equally over several.
    Several(Vec<SumIdx>),
}

/// The share of part `i` of `n` equal parts; the last takes the rest.
pub(crate) fn share_of(ns: u64, i: u64, n: u64) -> u64 {
    if i == n - 1 { ns - ns / n * (n - 1) } else { ns / n }
}

/// Stands in a signature for running time in which the goroutine sweeps: twice a state's number for running, never so large.
const SWEEP: u32 = u32::MAX;

/// Slots of the cache of brackets.
const BRACKET_BITS: u32 = 12;

/// A bracket: the stacks before and after, what was on the stack all along, and whether its line is known.
type Bracket = (StackIdx, StackIdx, StackIdx, bool);

/// Adds closed intervals up, each with the stack that owns it.
pub(crate) struct Attribution<'a> {
    symbols: &'a Symbols,
    /// Sums so far.
    pub(crate) aggregate: Aggregate,
    /// Empty until the first one is found.
    brackets: Vec<Bracket>,
    /// Whether what ran had a CPU.
    pub(crate) cpu: CpuEvidence,
    /// CPU samples in open pieces of running time.
    samples: FxHashMap<GIdx, Vec<StackIdx>>,
}

impl<'a> Attribution<'a> {
    /// Starts empty.
    pub(crate) fn new(symbols: &'a Symbols) -> Self {
        Self {
            symbols,
            aggregate: Aggregate::default(),
            brackets: Vec::new(),
            cpu: CpuEvidence::default(),
            samples: FxHashMap::default(),
        }
    }

    /// Forgets all sums.
    pub(crate) fn clear(&mut self) {
        self.aggregate.clear();
        self.samples.clear();
        self.cpu = CpuEvidence::default();
    }

    /// Adds what is open of a timeline up to `end`, as far as it is inside `clip`. An interval counts once, with its
    /// first piece that has time inside `clip`. With a log, the piece is written there, inside or not. Gives the
    /// nanoseconds added.
    pub(crate) fn close(&mut self, line: &mut Timeline, close: PieceEnd, log: Option<&mut IntervalLog>) -> u64 {
        let PieceEnd { end, next, clip, ends } = close;
        let ns = clip.overlap(line.since, end);
        let is_logged = log.is_some() && end > line.since;
        line.since = end;
        if ns >= LONG_RUN_NS && line.key == StateKey::RUNNING {
            self.cpu.note_long_run(ns);
        }
        if ns > 0 || is_logged {
            let events = u64::from(ns > 0 && line.uncounted);
            line.uncounted &= ns == 0;
            let counted = if line.sampled || line.serves.is_some() {
                self.add_known_better(line, next, events, ns)
            } else {
                CountedIn::One(self.add(line, next, events, ns))
            };
            if is_logged && let Some(log) = log {
                let sum = match counted {
                    CountedIn::One(sum) => sum,
                    CountedIn::Several(sums) => log.add_split(sums),
                };
                log.push(end, line.g, sum);
            }
        }
        if line.sampled {
            self.forget_samples(line);
        }
        if next != StackIdx::EMPTY {
            line.set_served_by(StringIdx::NONE);
        }
        line.uncounted |= ends;
        ns
    }

    /// Adds one interval, or a piece of one, to what is open of a timeline; gives its sum.
    fn add(&mut self, line: &Timeline, next: StackIdx, events: u64, ns: u64) -> SumIdx {
        let what = IntervalKind { running: line.key == StateKey::RUNNING, collector: line.collector_work() };
        self.add_known(line, what, next, (events, ns))
    }

    /// The same where it is known what the interval is. Running time carries no stack of its own: what was on the stack
    /// before and after tells.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what is closed stays in registers")]
    pub(crate) fn add_known(
        &mut self,
        line: &Timeline,
        IntervalKind { running, collector }: IntervalKind,
        next: StackIdx,
        (events, ns): (u64, u64),
    ) -> SumIdx {
        debug_assert_eq!((running, collector), (line.key == StateKey::RUNNING, line.collector_work()));
        let (stack, next) = if running { (line.own, next) } else { (line.stack, StackIdx::EMPTY) };
        let state = if running { StateKey::RUNNING } else { line.key };
        let state = match collector {
            CollectorWork::Sweep if running => SWEEP,
            CollectorWork::MarkAssist if running => state.number() << 1 | 1,
            _ => state.number() << 1,
        };
        let packed = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        let signature = Signature(line.chain | u64::from(stack.0), packed(next.0, state));
        if let Some(sum) = self.aggregate.add_cached(signature, events, ns) {
            return sum;
        }
        let sum = self.find_sum(line, next, signature);
        self.aggregate.add_to(sum, events, ns);
        sum
    }

    #[cold]
    fn find_sum(&mut self, line: &Timeline, next: StackIdx, signature: Signature) -> SumIdx {
        let key = if line.key == StateKey::RUNNING {
            let (stack, known) = self.bracket(line.own, next);
            Self::key(line, stack, Precision::Bracketed, known)
        } else {
            self.key_of_stay(line)
        };
        self.aggregate.cache(signature, key)
    }

    /// The sum that the open interval of a timeline would be added to if it ended now.
    pub(crate) fn provisional(&mut self, line: &Timeline) -> SumIdx {
        let key = if line.key == StateKey::RUNNING {
            let (stack, known) = self.bracket(line.own, StackIdx::EMPTY);
            Self::key(line, stack, Precision::Bracketed, known)
        } else {
            self.key_of_stay(line)
        };
        self.aggregate.add(key, 0, 0)
    }

    /// What an interval is counted under that has a stack of its own.
    fn key_of_stay(&self, line: &Timeline) -> Key {
        let key = Self::key(line, line.stack, Precision::Exact, true);
        let frames = self.symbols.frames(line.stack).map(|frame| self.symbols.function(frame));
        let is_pipe = line.key.name(self.symbols) == "network" && polls_file(frames);
        if is_pipe { Key { state: StateKey::PIPE, ..key } } else { key }
    }

    /// The sum of time that nothing is known of.
    pub(crate) fn unknown_sum(&mut self) -> SumIdx {
        let state = StateKey::UNKNOWN;
        let stack = StackIdx::EMPTY;
        self.aggregate.add(
            Key {
                chain: SpawnChainIdx::FIRST,
                stack,
                state,
                precision: Precision::Exact,
                line_known: true,
                collector: CollectorWork::None,
            },
            0,
            0,
        )
    }

    #[inline]
    fn key(line: &Timeline, stack: StackIdx, precision: Precision, line_known: bool) -> Key {
        let runs = line.key == StateKey::RUNNING;
        let collector = if runs { line.collector_work() } else { CollectorWork::None };
        Key { chain: line.chain(), stack, state: line.key, precision, line_known, collector }
    }

    /// More is known than what was on the stack before and after: CPU samples, or which handler the server called.
    #[cold]
    fn add_known_better(&mut self, line: &Timeline, next: StackIdx, events: u64, ns: u64) -> CountedIn {
        let running = line.key == StateKey::RUNNING;
        if running && line.sampled {
            return CountedIn::Several(self.add_sampled(line, events, ns));
        }
        let served = if running { self.symbols.outermost(next, line.serves) } else { StackIdx::NONE };
        CountedIn::One(if served.is_some() {
            self.aggregate.add(Self::key(line, served, Precision::Bracketed, false), events, ns)
        } else {
            self.add(line, next, events, ns)
        })
    }

    /// A CPU sample says what the open piece of running time ran.
    pub(crate) fn sample(&mut self, line: &mut Timeline, stack: StackIdx) {
        line.sample(true);
        self.samples.entry(line.g).or_default().push(stack);
    }

    /// The open piece is over.
    #[cold]
    pub(crate) fn forget_samples(&mut self, line: &mut Timeline) {
        line.sample(false);
        self.samples.remove(&line.g);
    }

    /// Removes the samples of an open piece, for the measurer that goes on with it.
    pub(crate) fn take_samples(&mut self, g: GIdx) -> Vec<StackIdx> {
        self.samples.remove(&g).unwrap_or_default()
    }

    #[cold]
    fn add_sampled(&mut self, line: &Timeline, events: u64, ns: u64) -> Vec<SumIdx> {
        let samples = self.samples.get(&line.g).cloned().unwrap_or_default();
        let n = samples.len() as u64;
        let mut sums = Vec::with_capacity(samples.len());
        for (i, &stack) in samples.iter().enumerate() {
            let last = i as u64 == n - 1;
            let share = share_of(ns, i as u64, n);
            let key = Self::key(line, stack, Precision::Sampled, true);
            sums.push(self.aggregate.add(key, if last { events } else { 0 }, share));
        }
        sums
    }

    /// What was on the stack all along from one own stack to the next, and whether its line is known. `after` is empty
    /// after the last one.
    #[inline]
    fn bracket(&mut self, before: StackIdx, after: StackIdx) -> (StackIdx, bool) {
        let mixed = (u64::from(before.0) << 32 | u64::from(after.0)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        if self.brackets.is_empty() {
            let nothing = (StackIdx::NONE, StackIdx::NONE, StackIdx::EMPTY, true);
            self.brackets.resize(1 << BRACKET_BITS, nothing);
        }
        let slot = &mut self.brackets[(mixed >> (64 - BRACKET_BITS)) as usize];
        if (slot.0, slot.1) != (before, after) {
            let (stack, known) = find_bracket(self.symbols, before, after);
            *slot = (before, after, stack, known);
        }
        (slot.2, slot.3)
    }
}

/// The outermost frame alone after the last stack: where in it the time was spent is not known.
fn find_bracket(symbols: &Symbols, before: StackIdx, after: StackIdx) -> (StackIdx, bool) {
    if after == StackIdx::EMPTY {
        return (symbols.root_frame(before), false);
    }
    let (mut stack, mut known) = symbols.bracket(before, after);
    // A wait at the same place before and after is over in between, and what blocked has returned.
    while symbols.leaf(stack).is_some_and(|leaf| only_blocks(symbols.function(leaf)))
        && symbols.parent(stack) != StackIdx::EMPTY
    {
        (stack, known) = (symbols.parent(stack), false);
    }
    (stack, known)
}
