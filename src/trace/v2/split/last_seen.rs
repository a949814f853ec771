//! Goroutines that a look ahead has seen, by their ids: it does not wait until they are known. HOT.

use crate::trace::event::GoState;
use crate::trace::ids::GoId;
use rustc_hash::FxHashMap;

/// The last number of a goroutine, and its state then; at first blank. A larger one is not an older one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Word(u64);

impl Word {
    const STATE_BITS: u32 = 3;
    const STATE_MASK: u64 = (1 << Self::STATE_BITS) - 1;
    const BLANK: Self = Self(GoState::Undetermined as u64);

    /// A number that is too large for the runtime loses its first bits: then nothing is as it was foretold.
    #[inline]
    fn new(seq: u64, state: GoState) -> Self {
        Self(seq << Self::STATE_BITS | state as u64)
    }

    #[inline]
    fn put(&mut self, later: Self) {
        if self.0 <= later.0 | Self::STATE_MASK {
            *self = later;
        }
    }

    fn state(self) -> GoState {
        GoState::ALL[(self.0 & Self::STATE_MASK) as usize]
    }
}

/// Ids in one page.
const PAGE: u64 = 64;
/// A page that is not used. Nothing stands there.
const ABSENT: u32 = u32::MAX - PAGE as u32;

/// The goroutines: most of a range of ids, and a few others.
#[derive(Default)]
pub(crate) struct LastSeenById {
    /// The first id of the range, and its length in pages.
    first: u64,
    n_pages: u64,
    /// Where each page of the range, up to the last that is used, starts among the words.
    pages: Vec<u32>,
    words: Vec<Word>,
    others: FxHashMap<GoId, Word>,
    /// Whether the range has its final place.
    settled: bool,
}

/// A goroutine's id, its last number, and its state then.
pub(crate) type LastSeen = (GoId, u64, GoState);

impl LastSeenById {
    /// Bytes of a file for each id of the range: no more memory than its size justifies.
    const BYTES_PER_ID: u64 = 32;
    /// So few pages are moved when the range gets another place.
    const FEW: usize = 16;

    /// None yet, in so many bytes of a file.
    pub(crate) fn for_bytes(bytes: u64) -> Self {
        Self { n_pages: bytes / Self::BYTES_PER_ID / PAGE + 1, ..Self::default() }
    }

    /// What a thread does to a goroutine whose last number, as far as it knows, is `seq`; another may be later.
    #[inline]
    pub(crate) fn enter_at(&mut self, id: GoId, seq: u64, state: GoState) {
        let at = id.0.wrapping_sub(self.first);
        let page = usize::try_from(at / PAGE).ok().and_then(|page| self.pages.get(page));
        let word = page.and_then(|&start| self.words.get_mut(start as usize + (at % PAGE) as usize));
        match word {
            Some(word) => word.put(Word::new(seq, state)),
            None => self.put_first(id, Word::new(seq, state)),
        }
    }

    /// The same where no neighbour was seen before.
    #[cold]
    fn put_first(&mut self, id: GoId, word: Word) {
        let n = self.n_pages * PAGE;
        if id.0.wrapping_sub(self.first) >= n && !self.settled {
            // Most ids are about that of the last goroutine; those of the runtime's own are low, and come first.
            self.settled = true;
            if self.words.len() <= Self::FEW * PAGE as usize {
                self.others = self.all().map(|(id, seq, state)| (id, Word::new(seq, state))).collect();
                self.pages.clear();
                self.words.clear();
                self.first = id.0.saturating_sub(n / 2);
            }
        }
        let at = id.0.wrapping_sub(self.first);
        if at >= n {
            self.others.entry(id).or_insert(Word::BLANK).put(word);
            return;
        }
        let (page, start) = ((at / PAGE) as usize, self.words.len());
        self.pages.resize(self.pages.len().max(page + 1), ABSENT);
        self.pages[page] = start as u32;
        self.words.resize(start + PAGE as usize, Word::BLANK);
        self.words[start + (at % PAGE) as usize].put(word);
    }

    /// All of them. One that was seen before and after the range moved comes twice, as it was later behind as it was before.
    pub(crate) fn all(&self) -> impl Iterator<Item = LastSeen> {
        let used = (0..).zip(&self.pages).filter(|(_, start)| **start != ABSENT);
        let in_range = used.flat_map(move |(page, &start)| {
            let ids = (0..PAGE).map(move |i| GoId(self.first.wrapping_add(page * PAGE + i)));
            ids.zip(self.words[start as usize..].iter().copied())
        });
        let others = self.others.iter().map(|(&id, &word)| (id, word));
        let known = others.chain(in_range).filter(|(_, word)| *word != Word::BLANK);
        known.map(|(id, word)| (id, word.0 >> Word::STATE_BITS, word.state()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use GoState::{NotExist, Runnable, Running, Syscall, Undetermined, Waiting};

    fn all(sighted: &LastSeenById) -> Vec<LastSeen> {
        let mut all: Vec<LastSeen> = sighted.all().collect();
        all.sort_by_key(|(id, ..)| *id);
        all
    }

    #[test]
    fn the_highest_number_is_the_last() {
        for state in [Undetermined, NotExist, Runnable, Running, Syscall, Waiting] {
            let mut sighted = LastSeenById::for_bytes(1000);
            assert_eq!(all(&sighted), []);
            sighted.enter_at(GoId(3), 7, state);
            sighted.enter_at(GoId(3), 6, Running);
            // Of the same number, what is said last counts.
            sighted.enter_at(GoId(4), 0, Runnable);
            sighted.enter_at(GoId(4), 0, Waiting);
            assert_eq!(all(&sighted), [(GoId(3), 7, state), (GoId(4), 0, Waiting)]);
        }
    }

    #[test]
    fn ids_may_be_anywhere() {
        // A range of 128 ids, which moves once, to the middle of where ids are.
        let mut sighted = LastSeenById::for_bytes(64 * 32);
        let ids = [1, 100, 1_000_000, 1_000_063, 999_936, 999_935, 1_000_064, 5, 1 << 40, u64::MAX].map(GoId);
        for round in 0..3 {
            for (i, &id) in (0..).zip(&ids) {
                sighted.enter_at(id, i + round, Runnable);
                sighted.enter_at(id, i, Running);
            }
            let last = if round == 0 { Running } else { Runnable };
            let mut expected: Vec<LastSeen> = (0..).zip(&ids).map(|(i, &id)| (id, i + round, last)).collect();
            expected.sort_unstable_by_key(|(id, ..)| *id);
            assert_eq!(all(&sighted), expected);
            assert_eq!((sighted.first, sighted.pages.len()), (999_936, 2));
        }
        // One that is in the range before and after that.
        let mut moved = LastSeenById::for_bytes(64 * 32);
        moved.enter_at(GoId(100), 7, Running);
        moved.enter_at(GoId(128), 1, Running);
        moved.enter_at(GoId(100), 7, Waiting);
        let expected = [(GoId(100), 7, Running), (GoId(100), 7, Waiting), (GoId(128), 1, Running)];
        assert_eq!(all(&moved), expected);
        // Ids at the end of all numbers.
        let mut last = LastSeenById::for_bytes(64 * 32);
        last.enter_at(GoId(u64::MAX), 1, Waiting);
        last.enter_at(GoId(u64::MAX - 1), 1, Syscall);
        last.enter_at(GoId(0), 1, Runnable);
        let expected = [(GoId(0), 1, Runnable), (GoId(u64::MAX - 1), 1, Syscall), (GoId(u64::MAX), 1, Waiting)];
        assert_eq!(all(&last), expected);
    }
}
