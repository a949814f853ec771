//! Damage of every kind, made at random: what happens to files on disks and in pipes, and what nobody would do.

use gotrace_slice::trace::testing::{code, put_uvarint};

/// A kind of damage: its name, and what does it to bytes that are no shorter than [`SHORTEST`].
type Kind = (&'static str, fn(&mut Mutator, &mut Vec<u8>));

/// All kinds. The first is drawn more often than the others: it makes ids, states and numbers that look right.
const KINDS: [Kind; 13] = [
    ("flip", Mutator::flip),
    ("byte", Mutator::byte),
    ("prefix", Mutator::prefix),
    ("zero", Mutator::zero),
    ("varint", Mutator::varint),
    ("insert", Mutator::insert),
    ("delete", Mutator::delete),
    ("splice", Mutator::splice),
    ("swap", Mutator::swap),
    ("header", Mutator::header),
    ("second header", Mutator::second_header),
    ("batch", Mutator::move_batch),
    ("arithmetic", Mutator::add),
];
/// Bytes that are left of any mutant.
const SHORTEST: usize = 20;
/// The bytes of a trace's header.
const HEADER: usize = 16;

/// Makes mutants of seeds.
pub struct Mutator {
    random: u64,
    seeds: Vec<Vec<u8>>,
}

impl Mutator {
    /// One whose choices follow from a number.
    pub fn new(seed: u64, seeds: Vec<Vec<u8>>) -> Self {
        Self { random: (seed | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, seeds }
    }

    /// A number below `n`; 0 for 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        ((self.random >> 11) % n.max(1) as u64) as usize
    }

    /// A seed that was damaged up to `times` times, and the names of the damage.
    pub fn next(&mut self, times: usize) -> (Vec<u8>, Vec<&'static str>) {
        let at = self.below(self.seeds.len());
        let mut bytes = self.seeds[at].clone();
        let mut names = Vec::new();
        for _ in 0..=self.below(times) {
            let drawn = self.below(2 * KINDS.len());
            let (name, damage) = KINDS[if drawn < KINDS.len() { drawn } else { 0 }];
            bytes.resize(bytes.len().max(SHORTEST), 1);
            damage(self, &mut bytes);
            names.push(name);
        }
        (bytes, names)
    }

    /// A position behind the header.
    fn place(&mut self, bytes: &[u8]) -> usize {
        HEADER + self.below(bytes.len() - HEADER)
    }

    /// A range behind the header of at most `most` bytes.
    fn range(&mut self, bytes: &[u8], most: usize) -> std::ops::Range<usize> {
        let at = self.place(bytes);
        at..(at + self.below(most)).min(bytes.len())
    }

    fn flip(&mut self, bytes: &mut Vec<u8>) {
        let at = self.place(bytes);
        bytes[at] ^= 1 << self.below(8);
    }

    fn byte(&mut self, bytes: &mut Vec<u8>) {
        let at = self.place(bytes);
        bytes[at] = self.below(256) as u8;
    }

    fn add(&mut self, bytes: &mut Vec<u8>) {
        let at = self.place(bytes);
        bytes[at] = bytes[at].wrapping_add(self.below(7) as u8).wrapping_sub(3);
    }

    fn prefix(&mut self, bytes: &mut Vec<u8>) {
        let at = self.place(bytes);
        bytes.truncate(at);
    }

    fn zero(&mut self, bytes: &mut Vec<u8>) {
        let range = self.range(bytes, 600);
        bytes[range].fill(0);
    }

    /// An extreme number in place of up to two bytes.
    fn varint(&mut self, bytes: &mut Vec<u8>) {
        let extreme = [0, 1, 127, 128, u64::MAX, 1 << 63, 1 << 32, 65_536, 1 << 20][self.below(9)];
        let mut varint = Vec::new();
        put_uvarint(&mut varint, extreme);
        let range = self.range(bytes, 3);
        bytes.splice(range, varint);
    }

    fn insert(&mut self, bytes: &mut Vec<u8>) {
        let at = self.place(bytes);
        let n = 1 + self.below(40);
        let inserted: Vec<u8> = (0..n).map(|_| self.below(256) as u8).collect();
        bytes.splice(at..at, inserted);
    }

    fn delete(&mut self, bytes: &mut Vec<u8>) {
        let range = self.range(bytes, 40);
        bytes.drain(range);
    }

    /// A piece of another trace.
    fn splice(&mut self, bytes: &mut Vec<u8>) {
        let other = self.below(self.seeds.len());
        let from = self.below(self.seeds[other].len());
        let to = (from + self.below(600)).min(self.seeds[other].len());
        let piece = self.seeds[other][from..to].to_vec();
        let at = self.place(bytes);
        bytes.splice(at..at, piece);
    }

    /// A piece that moves.
    fn swap(&mut self, bytes: &mut Vec<u8>) {
        let range = self.range(bytes, 300);
        let piece: Vec<u8> = bytes.drain(range).collect();
        let at = HEADER + self.below(bytes.len() - HEADER + 1);
        bytes.splice(at..at, piece);
    }

    fn header(&mut self, bytes: &mut Vec<u8>) {
        bytes[self.random as usize % HEADER] ^= 1 << self.below(8);
    }

    fn second_header(&mut self, bytes: &mut Vec<u8>) {
        let at = self.place(bytes);
        bytes.splice(at..at, *b"\ngo 1.26 trace\0\0\0");
    }

    /// Where batches seem to begin.
    fn batches(bytes: &[u8]) -> Vec<usize> {
        (HEADER..bytes.len().saturating_sub(1))
            .filter(|&i| bytes[i] == code::EVENT_BATCH && (1..6).contains(&bytes[i + 1]))
            .chain([bytes.len()])
            .collect()
    }

    /// Drops a batch, doubles it, or puts it somewhere else.
    fn move_batch(&mut self, bytes: &mut Vec<u8>) {
        let borders = Self::batches(bytes);
        if borders.len() < 3 {
            return;
        }
        let i = self.below(borders.len() - 1);
        let batch = bytes[borders[i]..borders[i + 1]].to_vec();
        if self.below(2) == 0 {
            bytes.drain(borders[i]..borders[i + 1]);
        }
        if self.below(3) > 0 {
            let to = borders[self.below(borders.len())].min(bytes.len());
            bytes.splice(to..to, batch);
        }
    }
}
