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
        // Goroutines older than a generation begin with it, whenever they are first seen.
        self.fresh.sort_by_key(|piece| piece.since);
        let mut mine = std::mem::take(&mut self.fresh).into_iter().peekable();
        self.pieces.reserve(mine.len() + other.fresh.len());
        for mut piece in other.fresh.drain(..) {
            while let Some(earlier) = mine.next_if(|p| p.since <= piece.since) {
                self.append(earlier);
            }
            piece.place = match place::shared(piece.place) {
                Some(at) => place::SHARED + shared + at as u32,
                None => ours(piece.place),
            };
            if piece.link != NONE {
                piece.link += links;
            }
            self.append(piece);
        }
        for piece in mine {
            self.append(piece);
        }
        first
    }

    #[inline]
    fn append(&mut self, mut piece: Piece) {
        let last = &mut self.last[piece.g.at()];
        piece.previous = *last;
        *last = self.pieces.len() as u32;
        self.pieces.push(piece);
    }

    /// Drops all pieces that end by `cutoff`. Nothing may be in writing.
    pub(super) fn drop_before(&mut self, cutoff: Time) {
        let mut keep: Vec<bool> = self.pieces.iter().map(|p| p.place != place::DEAD || p.since > cutoff).collect();
        for piece in self.pieces.iter().filter(|p| p.since <= cutoff && p.previous != NONE) {
            keep[piece.previous as usize] = false;
        }
        let (links, shared) = (std::mem::take(&mut self.links), std::mem::take(&mut self.shared));
        let pieces = std::mem::take(&mut self.pieces);
        for piece in &pieces {
            self.last[piece.g.at()] = NONE;
        }
        for (mut piece, _) in pieces.into_iter().zip(keep).filter(|(_, keep)| *keep) {
            if piece.link != NONE {
                self.links.push(links[piece.link as usize]);
                piece.link = self.links.len() as u32 - 1;
            }
            if let Some(at) = place::shared(piece.place) {
                piece.place = self.share(shared[at].clone());
            }
            self.append(piece);
        }
    }
}
