//! The intervals of all goroutines in order of their start, for the walk back along critical paths. HOT.
//!
//! A piece ends where the next one of the same goroutine starts. It is written when it starts and gets its place
//! among the sums when it ends.

use crate::ids::{GIdx, StackIdx};
use crate::time::Time;

/// A piece of a goroutine's life in one state and on one stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    /// Where it starts.
    pub(super) since: Time,
    /// Whose it is.
    pub(super) g: GIdx,
    /// Its place among the sums; one of the constants of [`place`] while it has none.
    pub(super) place: u32,
    /// The piece before it; [`NONE`] for the first that is kept.
    pub(super) previous: u32,
    /// What started it, among [`Tape::links`]; [`NONE`] for nobody else.
    pub(super) link: u32,
}

/// No piece, no link.
pub(super) const NONE: u32 = u32::MAX;

/// Places that are none.
pub(super) mod place {
    /// Not ended yet, or its end was lost.
    pub(in crate::measure) const OPEN: u32 = u32::MAX;
    /// The goroutine has ended.
    pub(in crate::measure) const DEAD: u32 = u32::MAX - 1;
    /// From here on up, but for those above: shared by several places, see [`super::Tape::shared`].
    pub(in crate::measure) const SHARED: u32 = 1 << 31;

    /// The position among the shared ones.
    #[inline]
    pub(in crate::measure) fn shared(place: u32) -> Option<usize> {
        (SHARED..DEAD).contains(&place).then(|| (place - SHARED) as usize)
    }
}

/// Who started a piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Link {
    /// The goroutine that did.
    pub(super) by: GIdx,
    /// Its own stack when it did.
    pub(super) stack: StackIdx,
    /// What it did.
    pub(super) kind: LinkKind,
}

/// How a goroutine starts another's piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LinkKind {
    /// It ended the wait that the piece before is.
    Wake,
    /// It happened to be there when the wait ended, and is not why.
    Accident,
    /// It ended the wait, and is the runtime's own.
    Runtime,
    /// It created the goroutine.
    Birth,
}

/// The pieces kept.
#[derive(Default, Debug)]
pub(super) struct Tape {
    /// Sorted by start.
    pub(super) pieces: Vec<Piece>,
    /// What is still being written; its positions go on where those of `pieces` end. Nearly sorted.
    fresh: Vec<Piece>,
    /// Who started pieces.
    pub(super) links: Vec<Link>,
    /// Places of pieces that CPU samples share out.
    pub(super) shared: Vec<Vec<u32>>,
    /// Per goroutine, its latest piece.
    pub(super) last: Vec<u32>,
}

impl Tape {
    /// Of a trace with `n` goroutines.
    pub(super) fn new(n: usize) -> Self {
        Self { last: vec![NONE; n], ..Self::default() }
    }

    /// Pieces kept and being written.
    pub(super) fn len(&self) -> usize {
        self.pieces.len() + self.fresh.len()
    }

    /// Pieces being written since the last settling.
    pub(super) fn fresh_len(&self) -> usize {
        self.fresh.len()
    }

    /// A piece starts.
    #[inline]
    pub(super) fn push(&mut self, since: Time, g: GIdx) -> u32 {
        let at = self.len() as u32;
        self.fresh.push(Piece { since, g, place: place::OPEN, previous: NONE, link: NONE });
        at
    }

    #[inline]
    fn get_mut(&mut self, at: u32) -> Option<&mut Piece> {
        let kept = self.pieces.len();
        if (at as usize) < kept { self.pieces.get_mut(at as usize) } else { self.fresh.get_mut(at as usize - kept) }
    }

    /// A piece has its place.
    #[inline]
    pub(super) fn set_place(&mut self, at: u32, place: u32) {
        if let Some(piece) = self.get_mut(at) {
            piece.place = place;
        }
    }

    /// Whether a piece starts at a moment.
    pub(super) fn starts_at(&mut self, at: u32, time: Time) -> bool {
        self.get_mut(at).is_some_and(|piece| piece.since == time)
    }

    /// Says who started a piece.
    pub(super) fn set_link(&mut self, at: u32, link: Link) {
        let next = self.links.len() as u32;
        if let Some(piece) = self.get_mut(at) {
            piece.link = next;
            self.links.push(link);
        }
    }

    /// The place of a piece that several places share.
    pub(super) fn share(&mut self, places: Vec<u32>) -> u32 {
        self.shared.push(places);
        place::SHARED + (self.shared.len() as u32 - 1)
    }

    /// Forgets all, to be used again.
    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.fresh.clear();
        self.links.clear();
        self.shared.clear();
    }

    /// Takes what another tape wrote; `places` are its places as ours. Both are in order afterwards, and every
    /// piece knows the one before it. Gives the position of the first that was not kept before.
    pub(super) fn settle(&mut self, other: &mut Self, places: &[u32]) -> usize {
        let first = self.pieces.len();
        let (links, shared) = (self.links.len() as u32, self.shared.len() as u32);
        self.links.append(&mut other.links);
        let ours = |place: u32| places.get(place as usize).copied().unwrap_or(place);
        self.shared.extend(other.shared.drain(..).map(|list| list.into_iter().map(ours).collect()));
        for piece in &mut other.fresh {
            piece.place = match place::shared(piece.place) {
                Some(at) => place::SHARED + shared + at as u32,
                None => ours(piece.place),
            };
            if piece.link != NONE {
                piece.link += links;
            }
        }
        // Goroutines older than a generation begin with it, whenever they are first seen.
        self.fresh.sort_by_key(|piece| piece.since);
        self.pieces.append(&mut self.fresh);
        // The other tape is the long one, so it is what the rest is merged into, and no memory is asked for.
        std::mem::swap(&mut self.pieces, &mut other.fresh);
        merge_into(&mut self.pieces, &other.fresh, first);
        other.fresh.clear();
        for i in first..self.pieces.len() {
            let piece = &mut self.pieces[i];
            let last = &mut self.last[piece.g.at()];
            piece.previous = std::mem::replace(last, i as u32);
        }
        first
    }

    /// Drops all pieces that end by `cutoff`. Nothing may be in writing.
    pub(super) fn drop_before(&mut self, cutoff: Time) {
        let mut keep: Vec<bool> = self.pieces.iter().map(|p| p.place != place::DEAD || p.since > cutoff).collect();
        for piece in self.pieces.iter().filter(|p| p.since <= cutoff && p.previous != NONE) {
            keep[piece.previous as usize] = false;
        }
        let (links, shared) = (std::mem::take(&mut self.links), std::mem::take(&mut self.shared));
        for piece in &self.pieces {
            self.last[piece.g.at()] = NONE;
        }
        let mut kept = 0;
        for i in (0..self.pieces.len()).filter(|i| keep[*i]) {
            let mut piece = self.pieces[i];
            if piece.link != NONE {
                self.links.push(links[piece.link as usize]);
                piece.link = self.links.len() as u32 - 1;
            }
            if let Some(at) = place::shared(piece.place) {
                piece.place = self.share(shared[at].clone());
            }
            piece.previous = std::mem::replace(&mut self.last[piece.g.at()], kept);
            self.pieces[kept as usize] = piece;
            kept += 1;
        }
        self.pieces.truncate(kept as usize);
    }
}

/// Merges `others`, sorted, into the sorted `pieces`, in place and from the end; the first `kept` of `others` come
/// before all. Of equal times the others come first.
fn merge_into(pieces: &mut Vec<Piece>, others: &[Piece], kept: usize) {
    let Some(&filler) = others.first() else { return };
    let (mut i, mut j) = (pieces.len(), others.len());
    pieces.resize(i + j, filler);
    let mut to = i + j;
    while j > kept {
        to -= 1;
        if i > 0 && pieces[i - 1].since >= others[j - 1].since {
            i -= 1;
            pieces[to] = pieces[i];
        } else {
            j -= 1;
            pieces[to] = others[j];
        }
    }
    pieces.copy_within(..i, kept);
    pieces[..kept].copy_from_slice(&others[..kept]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_in_place_is_merging() {
        let piece = |since: i64, g: u32| Piece { since: Time(since), g: GIdx(g), place: 0, previous: NONE, link: NONE };
        let mut pieces = vec![piece(10, 1), piece(20, 1), piece(30, 1)];
        let others = [piece(3, 0), piece(4, 0), piece(10, 2), piece(15, 2), piece(31, 2)];
        merge_into(&mut pieces, &others, 2);
        let found: Vec<_> = pieces.iter().map(|p| (p.since.0, p.g.0)).collect();
        assert_eq!(found, [(3, 0), (4, 0), (10, 2), (10, 1), (15, 2), (20, 1), (30, 1), (31, 2)]);
    }
}
