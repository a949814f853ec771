//! The intervals of all goroutines in order of time, for the walk back along critical paths. HOT.
//!
//! A goroutine's interval ends where its next one starts. Such a moment is a [`IntervalEnd`], written when the interval is
//! added up, with the place that it has among the sums. Read from the latest to the earliest, turns say what every
//! goroutine did: before a turn what the turn says, until the one before it. So a tape is only ever appended to, and
//! what is older than all open requests is dropped from its front.

use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::time::Time;
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A moment at which a goroutine's interval ends and the next one starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct IntervalEnd {
    /// When, in ns after the chunk's base; and [`IntervalEnd::LINKED`].
    when: u32,
    /// Whose.
    g: GIdx,
    /// The place of the interval that ends, among the sums; one of the constants of [`place`] where there is none.
    place: u32,
}

impl IntervalEnd {
    /// The chunk says who started the interval after it.
    const LINKED: u32 = 1 << 31;

    /// When, in ns after the chunk's base.
    #[inline]
    fn after(self) -> u32 {
        self.when & !Self::LINKED
    }
}

/// Places that are none.
pub(crate) mod place {
    /// The goroutine does not exist yet, or nothing is known of it so early.
    pub(crate) const UNBORN: u32 = u32::MAX;
    /// The goroutine has ended.
    pub(crate) const DEAD: u32 = u32::MAX - 1;
    /// From here on up, but for those above: shared by several places, see [`crate::measure::IntervalLog::shared`].
    pub(crate) const SHARED: u32 = 1 << 31;

    /// The position among the shared ones.
    #[inline]
    pub(crate) fn shared(place: u32) -> Option<usize> {
        (SHARED..DEAD).contains(&place).then(|| (place - SHARED) as usize)
    }

    /// Whether a goroutine with this place exists.
    #[inline]
    pub(crate) fn is_alive(place: u32) -> bool {
        place < DEAD
    }
}

/// Who started an interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Link {
    /// The goroutine that did.
    pub(crate) by: GIdx,
    /// Its own stack when it did.
    pub(crate) stack: StackIdx,
    /// What it did.
    pub(crate) kind: LinkKind,
}

/// How a goroutine starts another's interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LinkKind {
    /// It ended the wait that the interval before is.
    Wake,
    /// It happened to be there when the wait ended, and is not why.
    Accident,
    /// It ended the wait, and is the runtime's own.
    Runtime,
    /// It created the goroutine.
    Birth,
}

/// A link of the turn at a position of its chunk.
#[derive(Clone, Copy, Debug)]
struct LinkOf {
    at: u16,
    kind: LinkKind,
    by: GIdx,
    stack: StackIdx,
}

/// Turns of a chunk: as many as stay in a core's own cache.
const CHUNK: usize = 1 << 15;

/// Turns that follow each other, of at most 2 s.
#[derive(Debug)]
struct Chunk {
    base: Time,
    turns: Vec<IntervalEnd>,
    /// Who started the interval after a turn; in order of the turns.
    links: Vec<LinkOf>,
    /// What the writer's places are here; none when they are ours.
    places: Option<Arc<PlaceMap>>,
}

impl Chunk {
    /// One for few turns.
    fn small(base: Time, turns: usize) -> Self {
        Self { base, turns: Vec::with_capacity(turns), links: Vec::new(), places: None }
    }

    fn cleared(mut self) -> Self {
        self.turns.clear();
        self.links.clear();
        self.places = None;
        self
    }

    fn latest(&self) -> Time {
        self.turns.last().map_or(self.base, |turn| self.base + i64::from(turn.after()))
    }

    /// Adds who started the interval after the last turn, if that is the one that is meant.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "once for every wait; the call cost as much")]
    fn link(&mut self, Link { by, stack, kind }: Link, is_meant: impl FnOnce(Time, GIdx) -> bool) {
        let at = self.turns.len().wrapping_sub(1);
        if let Some(last) = self.turns.get_mut(at)
            && is_meant(self.base + i64::from(last.after()), last.g)
        {
            last.when |= IntervalEnd::LINKED;
            self.links.push(LinkOf { at: at as u16, kind, by, stack });
        }
    }
}

/// Memory for further chunks, which all tapes of a trace share: what was touched before costs less than new memory.
#[derive(Clone, Default, Debug)]
pub struct IntervalLogMemory(Arc<Mutex<Vec<Chunk>>>);

impl IntervalLogMemory {
    fn chunks(&self) -> MutexGuard<'_, Vec<Chunk>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, base: Time) -> Chunk {
        // What is not used of it is never touched; growing would copy.
        let fresh = || Chunk { base, turns: Vec::with_capacity(CHUNK), links: Vec::with_capacity(CHUNK), places: None };
        let chunk = self.chunks().pop();
        chunk.map_or_else(fresh, |chunk| Chunk { base, ..chunk })
    }

    fn give(&self, chunks: impl Iterator<Item = Chunk>) {
        self.chunks().extend(chunks.filter(|chunk| chunk.turns.capacity() >= CHUNK).map(Chunk::cleared));
    }
}

/// Appends a turn to chunks whose places are ours.
#[inline(always)]
#[allow(clippy::inline_always, reason = "once for every interval; the call cost as much")]
fn push(chunks: &mut Vec<Chunk>, spare: &IntervalLogMemory, time: Time, g: GIdx, place: u32) {
    if let Some(chunk) = chunks.last_mut() {
        let after = time.0.wrapping_sub(chunk.base.0) as u64;
        let room = chunk.turns.capacity().min(CHUNK);
        if after < u64::from(IntervalEnd::LINKED) && chunk.turns.len() < room && chunk.places.is_none() {
            chunk.turns.push(IntervalEnd { when: after as u32, g, place });
            return;
        }
    }
    push_chunk(chunks, spare, time, IntervalEnd { when: 0, g, place });
}

#[cold]
fn push_chunk(chunks: &mut Vec<Chunk>, spare: &IntervalLogMemory, base: Time, first: IntervalEnd) {
    // Where turns are far apart, the next chunk will not get many either.
    let likely = chunks.last().map_or(CHUNK, |chunk| 4 * chunk.turns.len());
    let mut chunk = if likely < CHUNK { Chunk::small(base, likely) } else { spare.take(base) };
    chunk.turns.push(first);
    chunks.push(chunk);
}

/// Another tape's places as ours.
#[derive(Debug)]
struct PlaceMap {
    places: Vec<u32>,
    shared: Vec<u32>,
}

impl PlaceMap {
    #[inline]
    fn ours(&self, place: u32) -> u32 {
        // Those of shared ones are beyond all others.
        match self.places.get(place as usize) {
            Some(&ours) => ours,
            None => place::shared(place).map_or(place, |at| self.shared[at]),
        }
    }
}

/// Turns in a row, as they are read back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    base: Time,
    turns: &'a [IntervalEnd],
    /// Position of the first one in its chunk.
    first: u32,
    links: &'a [LinkOf],
    places: Option<&'a PlaceMap>,
}

impl Run<'_> {
    /// The next turn back.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Read> {
        let (turn, rest) = self.turns.split_last()?;
        self.turns = rest;
        let before = self.places.map_or(turn.place, |map| map.ours(turn.place));
        Some(Read { when: turn.when, g: turn.g, before })
    }

    /// When a turn was.
    #[inline]
    pub(crate) fn time(&self, turn: Read) -> Time {
        self.base + i64::from(turn.when & !IntervalEnd::LINKED)
    }

    /// Who started what the goroutine of a turn does from then on; it must be the turn that was popped last.
    #[inline]
    pub(crate) fn link(&mut self, turn: Read) -> Option<Link> {
        if turn.when & IntervalEnd::LINKED == 0 {
            return None;
        }
        let position = self.first as usize + self.turns.len();
        while let Some((&LinkOf { at, kind, by, stack }, rest)) = self.links.split_last() {
            self.links = rest;
            if usize::from(at) == position {
                return Some(Link { by, stack, kind });
            }
        }
        None
    }
}

/// A turn as it is read back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    when: u32,
    /// Whose.
    pub(crate) g: GIdx,
    /// The place of what it did before.
    pub(crate) before: u32,
}

/// The turns kept.
#[derive(Default, Debug)]
pub(crate) struct IntervalLog {
    /// In order of time.
    written: Vec<Chunk>,
    /// Taken over from other tapes; in order of time too.
    taken: Vec<Chunk>,
    /// Goroutines that are older than the generation which first names them, and when that began; in order too.
    older: Vec<Chunk>,
    /// Places of intervals that CPU samples share out; each list once.
    pub(crate) shared: Vec<Arc<[u32]>>,
    known: FxHashMap<Arc<[u32]>, u32>,
    /// Turns kept.
    len: usize,
    spare: IntervalLogMemory,
}

impl IntervalLog {
    /// Nothing yet.
    pub(crate) fn new(spare: IntervalLogMemory) -> Self {
        Self { spare, ..Self::default() }
    }

    /// The memory for further chunks.
    pub(crate) fn memory(&self) -> IntervalLogMemory {
        self.spare.clone()
    }

    /// Turns kept.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// A goroutine's interval ends.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "once for every interval; the call cost as much")]
    pub(crate) fn push(&mut self, time: Time, g: GIdx, place: u32) {
        self.len += 1;
        push(&mut self.written, &self.spare, time, g, place);
    }

    /// Says who started the interval of `g` that began at `time`. Nothing did when no interval ended there, as the
    /// one before had no time.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "once for every wait; the call cost as much")]
    pub(crate) fn link(&mut self, time: Time, g: GIdx, link: Link) {
        if let Some(chunk) = self.written.last_mut() {
            chunk.link(link, |end, whose| whose == g && end == time);
        }
    }

    /// A goroutine is older than the generation that first names it, which begins at `since`.
    pub(crate) fn push_older(&mut self, since: Time, g: GIdx) {
        self.len += 1;
        push(&mut self.older, &self.spare, since, g, place::UNBORN);
    }

    /// The place of an interval that several places share.
    pub(crate) fn share(&mut self, places: Vec<u32>) -> u32 {
        let places: Arc<[u32]> = places.into();
        let next = place::SHARED + self.shared.len() as u32;
        let place = *self.known.entry(Arc::clone(&places)).or_insert(next);
        if place == next {
            self.shared.push(places);
        }
        place
    }

    /// Forgets all, to be used again.
    pub(crate) fn clear(&mut self) {
        for chunks in [&mut self.written, &mut self.taken, &mut self.older] {
            self.spare.give(chunks.drain(..));
        }
        self.forget_shared();
        self.len = 0;
    }

    fn forget_shared(&mut self) {
        self.shared.clear();
        self.known.clear();
    }

    /// Takes a chunk's turns one by one: short generations must not keep much memory each.
    fn copy(&mut self, chunk: &Chunk, map: &PlaceMap) {
        let mut links = chunk.links.iter().peekable();
        for (i, turn) in chunk.turns.iter().enumerate() {
            let time = chunk.base + i64::from(turn.after());
            push(&mut self.taken, &self.spare, time, turn.g, map.ours(turn.place));
            while let Some(&LinkOf { kind, by, stack, .. }) = links.next_if(|link| usize::from(link.at) == i) {
                if let Some(to) = self.taken.last_mut() {
                    to.link(Link { by, stack, kind }, |_, _| true);
                }
            }
        }
    }

    /// Takes what another tape wrote, all of it later than what was taken before; `places` are its places as ours.
    pub(crate) fn take(&mut self, other: &mut Self, places: Vec<u32>) {
        let ours = |place: u32| places.get(place as usize).copied().unwrap_or(place);
        let shared = other.shared.iter().map(|list| self.share(list.iter().copied().map(ours).collect())).collect();
        other.forget_shared();
        let map = Arc::new(PlaceMap { places, shared });
        for chunk in other.written.drain(..) {
            if chunk.turns.len() >= CHUNK / 4 {
                self.taken.push(Chunk { places: Some(Arc::clone(&map)), ..chunk });
            } else {
                self.copy(&chunk, &map);
                other.spare.give(std::iter::once(chunk));
            }
        }
        self.len += std::mem::take(&mut other.len);
    }

    /// Drops what no path needs that starts at `cutoff` or later.
    pub(crate) fn drop_before(&mut self, cutoff: Time) {
        for chunks in [&mut self.written, &mut self.taken, &mut self.older] {
            let dropped = chunks.partition_point(|chunk| chunk.latest() < cutoff);
            self.len -= chunks[..dropped].iter().map(|chunk| chunk.turns.len()).sum::<usize>();
            self.spare.give(chunks.drain(..dropped));
        }
    }

    /// All turns, the latest first.
    pub(crate) fn backward(&self) -> Backward<'_> {
        Backward {
            taken: Reader::new(&self.taken),
            written: Reader::new(&self.written),
            older: Reader::new(&self.older),
        }
    }
}

/// Reads chunks from the last turn to the first.
#[derive(Clone)]
struct Reader<'a> {
    chunks: std::iter::Rev<std::slice::Iter<'a, Chunk>>,
    chunk: Option<&'a Chunk>,
    /// Turns of the chunk that are left.
    left: usize,
    /// The time of the next turn; [`Time::MIN`] when there is none.
    head: Time,
}

impl<'a> Reader<'a> {
    fn new(chunks: &'a [Chunk]) -> Self {
        let mut reader = Self { chunks: chunks.iter().rev(), chunk: None, left: 0, head: Time::MIN };
        reader.next_chunk();
        reader
    }

    fn next_chunk(&mut self) {
        self.chunk = self.chunks.next();
        self.left = self.chunk.map_or(0, |chunk| chunk.turns.len());
        self.head = self.chunk.map_or(Time::MIN, Chunk::latest);
    }

    /// The turns of the chunk at hand that are not before `least`; there is one.
    fn run(&mut self, least: Time) -> Option<Run<'a>> {
        let chunk = self.chunk?;
        let turns = &chunk.turns[..self.left];
        let first = turns.len() - count_from(turns, least.0.saturating_sub(chunk.base.0));
        let links = chunk.links.partition_point(|link| usize::from(link.at) < self.left);
        self.left = first;
        match first.checked_sub(1).and_then(|i| chunk.turns.get(i)) {
            Some(next) => self.head = chunk.base + i64::from(next.after()),
            None => self.next_chunk(),
        }
        Some(Run {
            base: chunk.base,
            turns: &turns[first..],
            first: first as u32,
            links: &chunk.links[..links],
            places: chunk.places.as_deref(),
        })
    }
}

/// How many turns at the end are not before `least`. Runs are short where two tapes alternate, and long elsewhere.
fn count_from(turns: &[IntervalEnd], least: i64) -> usize {
    let is_in = |turn: &IntervalEnd| i64::from(turn.after()) >= least;
    let mut some = 1;
    while some < turns.len() && is_in(&turns[turns.len() - some]) {
        some = (some * 4).min(turns.len());
    }
    let from = turns.len() - some.min(turns.len());
    turns.len() - from - turns[from..].partition_point(|turn| !is_in(turn))
}

/// Turns of a tape, the latest first.
#[derive(Clone)]
pub(crate) struct Backward<'a> {
    taken: Reader<'a>,
    written: Reader<'a>,
    older: Reader<'a>,
}

impl<'a> Backward<'a> {
    /// The next turns, unless they are before `least`. Of one moment, what was taken comes first, as time goes back.
    pub(crate) fn next_from(&mut self, least: Time) -> Option<Run<'a>> {
        let (taken, written, older) = (self.taken.head, self.written.head, self.older.head);
        if taken.max(written).max(older) < least {
            None
        } else if taken >= written && taken >= older {
            self.taken.run(least.max(written).max(older))
        } else if written >= older {
            self.written.run(least.max(older).max(taken + 1))
        } else {
            self.older.run(least.max(written.max(taken) + 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_of_two_tapes_are_read_in_one_order() {
        let (mut ours, mut theirs) = (IntervalLog::default(), IntervalLog::default());
        for (time, g) in [(3, 0), (4, 0), (10, 2), (15, 2), (5_000_000_031, 2)] {
            ours.push(Time(time), GIdx(g), 0);
        }
        for (time, g) in [(10, 1), (20, 1), (30, 1)] {
            theirs.push(Time(time), GIdx(g), 1);
        }
        theirs.link(Time(30), GIdx(1), Link { by: GIdx(7), stack: StackIdx::EMPTY, kind: LinkKind::Wake });
        ours.push_older(Time(2), GIdx(9));
        ours.take(&mut theirs, vec![5, 6]);
        let mut turns = ours.backward();
        let mut found = Vec::new();
        while let Some(mut run) = turns.next_from(Time(3)) {
            while let Some(turn) = run.pop() {
                found.push((run.time(turn).0, turn.g.0, turn.before, run.link(turn).map(|l| l.by.0)));
            }
        }
        let expected = [
            (5_000_000_031, 2, 0, None),
            (30, 1, 6, Some(7)),
            (20, 1, 6, None),
            (15, 2, 0, None),
            (10, 1, 6, None),
            (10, 2, 0, None),
            (4, 0, 0, None),
            (3, 0, 0, None),
        ];
        assert_eq!(found, expected);
        let last = turns.next_from(Time(1)).expect("the older one");
        assert_eq!((last.base, last.turns[0].place, last.turns.len()), (Time(2), place::UNBORN, 1));
        assert!(turns.next_from(Time(1)).is_none());
        assert_eq!(ours.len(), 9);
    }

    #[test]
    fn runs_of_any_length_are_found() {
        let turns: Vec<IntervalEnd> = (0..100).map(|i| IntervalEnd { when: i * 10, g: GIdx(0), place: 0 }).collect();
        for n in 0..turns.len() {
            for least in -5..1005 {
                let plain = turns[..n].iter().filter(|turn| i64::from(turn.after()) >= least).count();
                assert_eq!(count_from(&turns[..n], least), plain, "{n} {least}");
            }
        }
    }

    #[test]
    fn turns_far_apart_take_little_memory() {
        let mut tape = IntervalLog::default();
        for i in 0..1000 {
            tape.push(Time(i * 3_000_000_000), GIdx(0), 0);
        }
        let room: usize = tape.written.iter().map(|chunk| chunk.turns.capacity() + chunk.links.capacity()).sum();
        assert!(room < 3 * CHUNK, "{room}");
        let mut times = Vec::new();
        let mut turns = tape.backward();
        while let Some(mut run) = turns.next_from(Time(0)) {
            while let Some(turn) = run.pop() {
                times.push(run.time(turn).0 / 3_000_000_000);
            }
        }
        assert!(times.iter().copied().eq((0..1000).rev()));
    }

    /// Links of turns that are skipped are skipped too, also in chunks that were taken over as they are.
    #[test]
    fn links_belong_to_their_turns() {
        let (mut ours, mut theirs) = (IntervalLog::default(), IntervalLog::default());
        let n = 3 * CHUNK as u32;
        for i in 0..n {
            theirs.push(Time(i64::from(i)), GIdx(i), 0);
            if i % 3 == 0 || i as usize % CHUNK == CHUNK - 1 {
                let link = Link { by: GIdx(i + 1), stack: StackIdx::EMPTY, kind: LinkKind::Wake };
                theirs.link(Time(i64::from(i)), GIdx(i), link);
            }
        }
        ours.take(&mut theirs, vec![0]);
        let mut turns = ours.backward();
        let (mut next, mut least) = (n, i64::from(n));
        while next > 0 {
            // Runs that end anywhere.
            least -= 1000;
            while let Some(mut run) = turns.next_from(Time(least.max(0))) {
                while let Some(turn) = run.pop() {
                    next -= 1;
                    assert_eq!(turn.g, GIdx(next));
                    if next % 7 < 4 {
                        let linked = next % 3 == 0 || next as usize % CHUNK == CHUNK - 1;
                        assert_eq!(run.link(turn).map(|link| link.by), linked.then_some(GIdx(next + 1)));
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_dropped_is_before_the_cutoff() {
        let mut tape = IntervalLog::default();
        for i in 0..3 * CHUNK as i64 {
            tape.push(Time(i), GIdx(0), 0);
        }
        tape.drop_before(Time(CHUNK as i64 + 5));
        assert_eq!(tape.len(), 2 * CHUNK);
        tape.drop_before(Time::MAX);
        assert_eq!(tape.len(), 0);
    }
}
