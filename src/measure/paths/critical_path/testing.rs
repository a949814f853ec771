//! Random schedules with requests on them.

use super::WalkInput;
use crate::measure::intervals::aggregate::{Aggregate, Key, SumIdx};
use crate::measure::intervals::log::{IntervalLog, Link, LinkKind};
use crate::measure::intervals::states::StateKey;
use crate::measure::paths::runtime_ranges::Ranges;
use crate::measure::paths::segment::PathSegment;
use crate::measure::paths::work_borders::{WorkBorder, WorkBorderKind, in_order};
use crate::measure::windows::WindowTable;
use crate::profile::{Precision, StateTimes};
use crate::slice::spawn_chains::SpawnChainIdx;
use crate::slice::{RootWindow, Slice, WindowIdx};
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::time::{Time, Window};

/// A random schedule, and requests on it.
pub(crate) struct Scenario {
    pub(crate) log: IntervalLog,
    pub(crate) intervals: Vec<Interval>,
    pub(crate) open: Vec<(GIdx, SumIdx)>,
    pub(crate) aggregate: Aggregate,
    unknown: SumIdx,
    ranges: Ranges,
    pub(crate) slice: Slice,
    windows: WindowTable,
    pub(crate) segments: Vec<PathSegment>,
    /// Whether they are user tasks: these can overlap.
    pub(crate) are_tasks: bool,
    /// Where work for requests begins and ends, in the order of time.
    pub(crate) borders: Vec<WorkBorder>,
}

impl Scenario {
    fn new(schedule: Schedule, open: Vec<(GIdx, SumIdx)>, slice: Slice, segments: Vec<PathSegment>) -> Self {
        let Schedule { log, intervals, mut aggregate, .. } = schedule;
        let unknown = aggregate.add(key(StackIdx::EMPTY, StateKey::UNKNOWN), 0, 0);
        let ranges = Ranges::default();
        let (are_tasks, borders) = (false, Vec::new());
        let windows = WindowTable::of(&[]);
        Self { log, intervals, open, aggregate, unknown, ranges, slice, windows, segments, are_tasks, borders }
    }

    /// What a walk reads.
    pub(crate) fn input(&self, logged: Option<WindowIdx>) -> WalkInput<'_, '_> {
        let Self { log, open, aggregate, unknown, ranges, slice, windows, borders, .. } = self;
        let (unknown, label) = (*unknown, StringIdx::NONE);
        WalkInput { slice, windows, aggregate, ranges, borders, unknown, label, log, open, logged }
    }
}

fn key(stack: StackIdx, state: StateKey) -> Key {
    Key {
        chain: SpawnChainIdx::FIRST,
        stack,
        state,
        precision: Precision::Exact,
        line_known: true,
        collector: crate::measure::intervals::timeline::CollectorWork::None,
    }
}

/// An interval, for the definition; it ends where the goroutine's next one starts.
#[derive(Clone, Copy)]
pub(crate) struct Interval {
    pub(crate) since: Time,
    pub(crate) g: GIdx,
    pub(crate) sum: SumIdx,
    pub(crate) link: Option<Link>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    NotCreated,
    Running,
    Waiting,
    Runnable,
    Ended,
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// Makes up a schedule and writes it to a log.
struct Schedule {
    log: IntervalLog,
    intervals: Vec<Interval>,
    aggregate: Aggregate,
    /// Per goroutine: its state, since when, and the position of its interval.
    current: Vec<(State, Time, usize)>,
    created: Vec<Time>,
    /// Which goroutine began to run, and when.
    runs: Vec<(usize, Time)>,
}

impl Schedule {
    /// So many goroutines that do not exist yet.
    fn new(n: usize) -> Self {
        Self {
            log: IntervalLog::default(),
            intervals: Vec::new(),
            aggregate: Aggregate::default(),
            current: vec![(State::NotCreated, Time(0), 0); n],
            created: vec![Time(0); n],
            runs: Vec::new(),
        }
    }

    fn sum(&mut self, g: usize, state: State) -> SumIdx {
        let state = match state {
            State::Running => StateKey::RUNNING,
            State::Runnable => StateKey::RUNNABLE,
            _ => StateKey::waiting(StringIdx(5 + g as u32 % 2)),
        };
        self.aggregate.add(key(StackIdx(g as u32 + 1), state), 0, 0)
    }

    fn close(&mut self, g: usize, time: Time) {
        let (state, since, interval) = self.current[g];
        if !matches!(state, State::NotCreated | State::Ended) && since < time {
            let sum = self.sum(g, state);
            self.intervals[interval].sum = sum;
            self.log.push(time, GIdx(g as u32), sum);
        }
    }

    fn enter(&mut self, g: usize, state: State, time: Time) {
        if self.current[g].0 == State::NotCreated {
            self.log.push(time, GIdx(g as u32), SumIdx::NOT_CREATED);
        }
        self.close(g, time);
        if state == State::Running {
            self.runs.push((g, time));
        }
        let sum = if state == State::Ended { SumIdx::ENDED } else { SumIdx::NOT_CREATED };
        self.intervals.push(Interval { since: time, g: GIdx(g as u32), sum, link: None });
        self.current[g] = (state, time, self.intervals.len() - 1);
    }

    fn link(&mut self, g: usize, by: Option<usize>, kind: LinkKind) {
        let by = by.map_or(GIdx::NONE, |u| GIdx(u as u32));
        if by.is_some() || kind == LinkKind::Creation {
            let link = Link { by, stack: StackIdx::EMPTY, kind };
            let (_, since, interval) = self.current[g];
            self.intervals[interval].link = Some(link);
            self.log.link(since, GIdx(g as u32), link);
        }
    }

    /// The schedule ends.
    fn finish(&mut self, end: Time) -> Vec<(GIdx, SumIdx)> {
        for g in 0..self.current.len() {
            self.close(g, end);
        }
        let exists =
            |(_, (state, ..)): &(usize, &(State, Time, usize))| !matches!(state, State::NotCreated | State::Ended);
        let open = self.current.iter().enumerate().filter(exists);
        open.map(|(g, (.., interval))| (GIdx(g as u32), self.intervals[*interval].sum)).collect()
    }

    fn step(&mut self, random: &mut Random, time: Time) {
        let n = self.current.len() as u64;
        let (g, u) = (random.below(n) as usize, random.below(n) as usize);
        let by = Some(u).filter(|u| self.current[*u].0 == State::Running && *u != g);
        match (self.current[g].0, random.below(8)) {
            (State::NotCreated, _) if by.is_some() || random.below(4) == 0 => {
                self.created[g] = time;
                self.enter(g, State::Runnable, time);
                self.link(g, by, LinkKind::Creation);
            }
            (State::Running, 0) if random.below(6) == 0 => self.enter(g, State::Ended, time),
            (State::Running, 1..=5) => self.enter(g, State::Waiting, time),
            (State::Waiting, 0) => self.enter(g, State::Runnable, time),
            (State::Waiting, 1..=6) if by.is_some() => {
                self.enter(g, State::Runnable, time);
                let kind = if random.below(8) == 0 { LinkKind::Bystander } else { LinkKind::Wake };
                self.link(g, by, kind);
            }
            (State::Running | State::Runnable, _) => self.enter(g, State::Running, time),
            _ => {}
        }
    }
}

pub(crate) fn scenario(seed: u64) -> Scenario {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let n = 2 + random.below(10) as usize;
    let mut schedule = Schedule::new(n);
    for g in 0..=(n / 2) {
        schedule.enter(g, State::Running, Time(0));
    }
    let mut time = Time(0);
    for _ in 0..20 + random.below(300) {
        time = time + 1 + random.below(4) as i64;
        schedule.step(&mut random, time);
    }
    let end = time + 1;
    let mut slice = Slice { owner: vec![WindowIdx::NONE; n], tracked: vec![false; n], ..Slice::default() };
    let mut segments = Vec::new();
    let open = schedule.finish(end);
    // User tasks can overlap, and end anywhere; they are no borders of a goroutine's work.
    let are_tasks = random.below(2) == 0;
    for g in 0..n {
        let (state, since, _) = schedule.current[g];
        let life = Window { start: schedule.created[g], end: if state == State::Ended { since } else { end } };
        let mut from = life.start.0;
        while state != State::NotCreated && from < life.end.0 && random.below(3) > 0 {
            let start = from + random.below((life.end.0 - from) as u64) as i64;
            let own = schedule.runs.iter().filter(|(runner, since)| *runner == g && since.0 > start);
            let end = own.map(|(_, since)| since.0).nth(random.below(3) as usize).unwrap_or(life.end.0);
            let end = if are_tasks { start + 1 + random.below((life.end.0 - start) as u64) as i64 } else { end };
            let window = WindowIdx(slice.windows.len() as u32);
            let goroutine = GIdx(g as u32);
            slice.windows.push(RootWindow::of(goroutine, SpawnChainIdx::FIRST, StringIdx::EMPTY));
            segments.push(PathSegment {
                window,
                g: goroutine,
                taken_over: None,
                span: Window { start: Time(start), end: Time(end) },
                states: StateTimes::default(),
            });
            from = if are_tasks { start + random.below(8) as i64 } else { end };
        }
    }
    for g in 0..n {
        // A goroutine with requests of its own belongs to no other request here.
        if !segments.is_empty() && random.below(2) == 0 && segments.iter().all(|r| r.g.at() != g) {
            slice.owner[g] = segments[random.below(segments.len() as u64) as usize].window;
        }
    }
    let borders = borders(&mut random, if are_tasks { &[] } else { &segments }, (n, end));
    Scenario { are_tasks, borders, ..Scenario::new(schedule, open, slice, segments) }
}

/// Those of all requests, and of others that goroutines without one of the slice serve.
fn borders(random: &mut Random, segments: &[PathSegment], (n, end): (usize, Time)) -> Vec<WorkBorder> {
    let mut borders = Vec::new();
    for PathSegment { g, span, .. } in segments {
        borders.push(WorkBorder { time: span.start, kind: WorkBorderKind::Begin, g: *g });
        borders.push(WorkBorder { time: span.end, kind: WorkBorderKind::End, g: *g });
    }
    for _ in 0..random.below(12) {
        let g = GIdx(random.below(n as u64) as u32);
        if segments.iter().all(|segment| segment.g != g) {
            let kind = if random.below(2) == 0 { WorkBorderKind::Begin } else { WorkBorderKind::End };
            borders.push(WorkBorder { time: Time(random.below(end.0 as u64) as i64), kind, g });
        }
    }
    in_order(borders)
}

/// A lock with a queue: a holder that does many things, and waiters that hand the lock on one by one.
pub(crate) fn convoy(n: u32) -> Scenario {
    let n_goroutines = n as usize + 1;
    let mut schedule = Schedule::new(n_goroutines);
    let mut slice =
        Slice { owner: vec![WindowIdx::NONE; n_goroutines], tracked: vec![false; n_goroutines], ..Slice::default() };
    schedule.enter(0, State::Running, Time(0));
    for g in 1..n_goroutines {
        schedule.enter(g, State::Running, Time(0));
    }
    for g in 1..n_goroutines {
        schedule.enter(g, State::Waiting, Time(g as i64));
        schedule.enter(0, State::Running, Time(g as i64));
    }
    let mut segments = Vec::new();
    let mut time = i64::from(n) + 1;
    for g in 1..n_goroutines {
        time += 2;
        schedule.enter(g, State::Runnable, Time(time));
        schedule.link(g, Some(g - 1), LinkKind::Wake);
        schedule.enter(g, State::Running, Time(time + 1));
        let span = Window { start: Time(0), end: Time(time + 2) };
        let window = WindowIdx(g as u32 - 1);
        slice.windows.push(RootWindow::of(GIdx(g as u32), SpawnChainIdx::FIRST, StringIdx::EMPTY));
        segments.push(PathSegment { window, g: GIdx(g as u32), taken_over: None, span, states: StateTimes::default() });
    }
    let open = schedule.finish(Time(time + 5));
    Scenario::new(schedule, open, slice, segments)
}
