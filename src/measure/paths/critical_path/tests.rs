//! Walks against the definition, word for word, on schedules made up at random.

use super::*;
use crate::measure::intervals::aggregate::Key;
use crate::measure::intervals::states::StateKey;
use crate::measure::paths::walk_results::MAX_STATES;
use crate::profile::Precision;
use crate::slice::RootWindow;
use crate::trace::ids::{StackIdx, StringIdx};
use std::collections::BTreeMap;

/// A schedule, and requests on it.
pub(crate) struct Scenario {
    pub(crate) tape: IntervalLog,
    pieces: Vec<Piece>,
    pub(crate) open: Vec<(GIdx, u32)>,
    pub(crate) aggregate: Aggregate,
    pub(crate) slice: Slice,
    pub(crate) rides: Vec<PathSegment>,
}

/// An interval, for the definition.
#[derive(Clone, Copy)]
struct Piece {
    since: Time,
    g: GIdx,
    place: u32,
    link: Option<Link>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    Unborn,
    Running,
    Waiting,
    Runnable,
    Dead,
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

/// Plays a schedule and writes it to a tape.
struct Play {
    tape: IntervalLog,
    pieces: Vec<Piece>,
    aggregate: Aggregate,
    /// Per goroutine: what it does, since when, and its piece.
    is: Vec<(Is, Time, usize)>,
    born: Vec<Time>,
    /// Who began to run when.
    runs: Vec<(usize, Time)>,
}

impl Play {
    fn place(&mut self, g: usize, state: Is) -> u32 {
        let state = match state {
            Is::Running => StateKey::RUNNING,
            Is::Runnable => StateKey::RUNNABLE,
            _ => StateKey::waiting(StringIdx(5 + g as u32 % 2)),
        };
        let stack = StackIdx(g as u32 + 1);
        let precision = Precision::Exact;
        self.aggregate.add(Key { context: 0, stack, state, precision, line_known: true, assist: false }, 0, 0)
    }

    fn close(&mut self, g: usize, time: Time) {
        let (state, since, piece) = self.is[g];
        if !matches!(state, Is::Unborn | Is::Dead) && since < time {
            let place = self.place(g, state);
            self.pieces[piece].place = place;
            self.tape.push(time, GIdx(g as u32), place);
        }
    }

    fn enter(&mut self, g: usize, state: Is, time: Time) {
        if self.is[g].0 == Is::Unborn {
            self.tape.push(time, GIdx(g as u32), place::UNBORN);
        }
        self.close(g, time);
        if state == Is::Running {
            self.runs.push((g, time));
        }
        let place = if state == Is::Dead { place::DEAD } else { place::UNBORN };
        self.pieces.push(Piece { since: time, g: GIdx(g as u32), place, link: None });
        self.is[g] = (state, time, self.pieces.len() - 1);
    }

    fn link(&mut self, g: usize, by: Option<usize>, kind: LinkKind) {
        let by = by.map_or(GIdx::NONE, |u| GIdx(u as u32));
        if by.is_some() || kind == LinkKind::Birth {
            let link = Link { by, stack: StackIdx::EMPTY, kind };
            let (_, since, piece) = self.is[g];
            self.pieces[piece].link = Some(link);
            self.tape.link(since, GIdx(g as u32), link);
        }
    }

    /// The schedule ends.
    fn finish(&mut self, end: Time) -> Vec<(GIdx, u32)> {
        for g in 0..self.is.len() {
            self.close(g, end);
        }
        let exists = |(_, is): &(usize, &(Is, Time, usize))| !matches!(is.0, Is::Unborn | Is::Dead);
        let open = self.is.iter().enumerate().filter(exists);
        open.map(|(g, is)| (GIdx(g as u32), self.pieces[is.2].place)).collect()
    }

    fn step(&mut self, random: &mut Random, time: Time) {
        let n = self.is.len() as u64;
        let (g, u) = (random.below(n) as usize, random.below(n) as usize);
        let by = Some(u).filter(|u| self.is[*u].0 == Is::Running && *u != g);
        match (self.is[g].0, random.below(8)) {
            (Is::Unborn, _) if by.is_some() || random.below(4) == 0 => {
                self.born[g] = time;
                self.enter(g, Is::Runnable, time);
                self.link(g, by, LinkKind::Birth);
            }
            (Is::Running, 0) if random.below(6) == 0 => self.enter(g, Is::Dead, time),
            (Is::Running, 1..=5) => self.enter(g, Is::Waiting, time),
            (Is::Waiting, 0) => self.enter(g, Is::Runnable, time),
            (Is::Waiting, 1..=6) if by.is_some() => {
                self.enter(g, Is::Runnable, time);
                let kind = if random.below(8) == 0 { LinkKind::Accident } else { LinkKind::Wake };
                self.link(g, by, kind);
            }
            (Is::Running | Is::Runnable, _) => self.enter(g, Is::Running, time),
            _ => {}
        }
    }
}

pub(crate) fn scenario(seed: u64) -> Scenario {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let n = 2 + random.below(10) as usize;
    let mut play = Play {
        tape: IntervalLog::default(),
        pieces: Vec::new(),
        aggregate: Aggregate::default(),
        is: vec![(Is::Unborn, Time(0), 0); n],
        born: vec![Time(0); n],
        runs: Vec::new(),
    };
    for g in 0..=(n / 2) {
        play.enter(g, Is::Running, Time(0));
    }
    let mut time = Time(0);
    for _ in 0..20 + random.below(300) {
        time = time + 1 + random.below(4) as i64;
        play.step(&mut random, time);
    }
    let end = time + 1;
    let mut slice = Slice { owner: vec![WindowIdx::NONE; n], tracked: vec![false; n], ..Slice::default() };
    let mut rides = Vec::new();
    let open = play.finish(end);
    for g in 0..n {
        let (state, since, _) = play.is[g];
        let life = Window { start: play.born[g], end: if state == Is::Dead { since } else { end } };
        let mut from = life.start.0;
        while state != Is::Unborn && from < life.end.0 && random.below(3) > 0 {
            let start = from + random.below((life.end.0 - from) as u64) as i64;
            // Where it does not wait: of two requests that one goroutine ends inside of one wait, the second can
            // be somebody else's business already.
            let own = play.runs.iter().filter(|(runner, since)| *runner == g && since.0 > start);
            let end = own.map(|(_, since)| since.0).nth(random.below(3) as usize).unwrap_or(life.end.0);
            let window = WindowIdx(slice.windows.len() as u32);
            let goroutine = GIdx(g as u32);
            slice.windows.push(RootWindow::of(goroutine, 0));
            rides.push(PathSegment {
                window,
                g: goroutine,
                taken_over: None,
                span: Window { start: Time(start), end: Time(end) },
                states: Vec::new(),
            });
            from = end;
        }
    }
    for g in 0..n {
        // Whoever has requests of its own is nobody's child here.
        if !rides.is_empty() && random.below(2) == 0 && rides.iter().all(|r| r.g.at() != g) {
            slice.owner[g] = rides[random.below(rides.len() as u64) as usize].window;
        }
    }
    Scenario { tape: play.tape, pieces: play.pieces, open, aggregate: play.aggregate, slice, rides }
}

/// The definition: pieces of `g` in `[a, b]`, the latest first; gives the moment before which `g` did not exist and
/// nobody made it, or `a`.
fn expand(pieces: &[Piece], g: GIdx, a: Time, b: Time, out: &mut Vec<(GIdx, u32, u64)>) -> Time {
    let own: Vec<&Piece> = pieces.iter().filter(|p| p.g == g).collect();
    let mut end = b;
    for (i, piece) in own.iter().enumerate().rev() {
        if piece.since >= end {
            continue;
        }
        let start = piece.since.max(a);
        // A wake-up at the very end comes too late.
        let waker = own.get(i + 1).filter(|next| next.since == end && end < b).and_then(|next| {
            next.link.filter(|link| link.kind == LinkKind::Wake && link.by.is_some()).map(|link| link.by)
        });
        let from = match waker {
            Some(by) if start < end => expand(pieces, by, start, end, out),
            _ => end,
        };
        if start < from {
            out.push((g, piece.place, from.since(start)));
        }
        end = end.min(start);
        if end <= a {
            return a;
        }
    }
    match own.first().and_then(|first| first.link) {
        Some(link) if link.by.is_some() => expand(pieces, link.by, a, end, out),
        _ => end,
    }
}

pub(crate) fn unknown_place(aggregate: &mut Aggregate) -> u32 {
    let (stack, state, precision) = (StackIdx::EMPTY, StateKey::UNKNOWN, Precision::Exact);
    aggregate.add(Key { context: 0, stack, state, precision, line_known: true, assist: false }, 0, 0)
}

fn steps_of(logged: &Logged<'_>) -> Vec<(GIdx, u32, u64)> {
    logged.steps.iter().map(|s| (s.g, s.place, s.span.end.since(s.span.start))).collect()
}

/// The pieces of a request by the definition; those that follow each other at one place are one.
fn joined(schedule: &[Piece], ride: &PathSegment) -> Vec<(GIdx, u32, u64)> {
    let mut pieces = Vec::new();
    expand(schedule, ride.g, ride.span.start, ride.span.end, &mut pieces);
    let mut joined: Vec<(GIdx, u32, u64)> = Vec::new();
    for (g, place, ns) in pieces {
        match joined.last_mut() {
            Some(last) if (last.0, last.1) == (g, place) => last.2 += ns,
            _ => joined.push((g, place, ns)),
        }
    }
    joined
}

#[test]
fn walks_do_what_the_definition_says() {
    let mut rides_checked = 0;
    for seed in 1..3000 {
        let Scenario { tape, pieces: schedule, open, mut aggregate, slice, mut rides } = scenario(seed);
        let unknown = unknown_place(&mut aggregate);
        let ranges = Ranges::default();
        let ground =
            WalkInput { slice: &slice, aggregate: &aggregate, ranges: &ranges, unknown, label: StringIdx::NONE };
        let (mut nodes, mut out) = (Nodes::new(slice.owner.len()), WalkResults::default());
        nodes.rewind(&open);
        let logged =
            PathWalk::new(ground, &tape, &mut nodes, &mut out, rides.first().map(|r| r.window)).run(&mut rides);

        let mut expected: [BTreeMap<u32, u64>; 3] = Default::default();
        for ride in &mut rides {
            let mut pieces = Vec::new();
            let from = expand(&schedule, ride.g, ride.span.start, ride.span.end, &mut pieces);
            assert_eq!(from, ride.span.start);
            let mut states = vec![0; MAX_STATES];
            for (g, place, ns) in pieces {
                states[out.state(place).expect("a place").slot()] += ns;
                let class = if g == ride.g {
                    0
                } else if slice.owner[g.at()] == ride.window {
                    1
                } else {
                    2
                };
                *expected[class].entry(place).or_default() += ns;
            }
            ride.states.resize(MAX_STATES, 0);
            assert_eq!(ride.states, states, "seed {seed}, {ride:?}");
            assert_eq!(states.iter().sum::<u64>(), ride.span.end.since(ride.span.start));
            rides_checked += 1;
        }
        let found = [0, 1, 2].map(|class| {
            let sums = (0..).zip(&out.places).map(|(place, at)| (place, at.sums[class]));
            sums.filter(|(_, ns)| *ns > 0).collect::<BTreeMap<_, _>>()
        });
        assert_eq!(found, expected, "seed {seed}");

        // One request step by step: together with the others, and alone, of any length.
        let Some(mut ride) = rides.first().cloned() else { continue };
        assert_eq!(steps_of(&logged), joined(&schedule, &ride), "seed {seed}");
        let length = ride.span.end.since(ride.span.start) as i64;
        ride.span.end = ride.span.start + (1 + seed as i64 % length);
        let ground =
            WalkInput { slice: &slice, aggregate: &aggregate, ranges: &ranges, unknown, label: StringIdx::NONE };
        nodes.rewind(&open);
        let logged = PathWalk::new(ground, &tape, &mut nodes, &mut out, rides.first().map(|r| r.window))
            .run(&mut [ride.clone()]);
        assert_eq!(steps_of(&logged), joined(&schedule, &ride), "seed {seed}");
    }
    assert!(rides_checked > 3000, "{rides_checked}");
}

/// A lock with a queue: a holder that does many things, and waiters that hand the lock on one by one.
fn convoy(n: u32) -> Scenario {
    let n_goroutines = n as usize + 1;
    let mut play = Play {
        tape: IntervalLog::default(),
        pieces: Vec::new(),
        aggregate: Aggregate::default(),
        is: vec![(Is::Unborn, Time(0), 0); n_goroutines],
        born: vec![Time(0); n_goroutines],
        runs: Vec::new(),
    };
    let mut slice =
        Slice { owner: vec![WindowIdx::NONE; n_goroutines], tracked: vec![false; n_goroutines], ..Slice::default() };
    play.enter(0, Is::Running, Time(0));
    for g in 1..n_goroutines {
        play.enter(g, Is::Running, Time(0));
    }
    for g in 1..n_goroutines {
        play.enter(g, Is::Waiting, Time(g as i64));
        play.enter(0, Is::Running, Time(g as i64));
    }
    let mut rides = Vec::new();
    let mut time = i64::from(n) + 1;
    for g in 1..n_goroutines {
        time += 2;
        play.enter(g, Is::Runnable, Time(time));
        play.link(g, Some(g - 1), LinkKind::Wake);
        play.enter(g, Is::Running, Time(time + 1));
        let span = Window { start: Time(0), end: Time(time + 2) };
        let window = WindowIdx(g as u32 - 1);
        slice.windows.push(RootWindow::of(GIdx(g as u32), 0));
        rides.push(PathSegment { window, g: GIdx(g as u32), taken_over: None, span, states: Vec::new() });
    }
    let open = play.finish(Time(time + 5));
    Scenario { tape: play.tape, pieces: play.pieces, open, aggregate: play.aggregate, slice, rides }
}

#[test]
fn a_queue_at_a_lock_is_walked_once() {
    // 50 000 waiters would take minutes if each walked through all before it.
    let Scenario { tape, open, mut aggregate, slice, mut rides, .. } = convoy(50_000);
    let unknown = unknown_place(&mut aggregate);
    let ranges = Ranges::default();
    let ground = WalkInput { slice: &slice, aggregate: &aggregate, ranges: &ranges, unknown, label: StringIdx::NONE };
    let (mut nodes, mut out) = (Nodes::new(slice.owner.len()), WalkResults::default());
    nodes.rewind(&open);
    PathWalk::new(ground, &tape, &mut nodes, &mut out, None).run(&mut rides);
    for ride in &rides {
        assert_eq!(ride.states.iter().sum::<u64>(), ride.span.end.since(ride.span.start));
    }
}
