//! Which pieces of a line deserve room before others.

use crate::profile::{OwnCode, ProfileFrame, SharedText};

/// Frames looked at from either end: no line shows more, and fitting stays cheap.
pub(super) const MAX_PIECES: usize = 48;

/// Turns pieces round, cuts what is beyond reading, and ranks them.
pub(super) fn outermost_first(
    mut pieces: Vec<SharedText>,
    shown: &[&ProfileFrame],
    own: &OwnCode,
    by_creator: bool,
) -> (Vec<SharedText>, Vec<usize>) {
    let mut user: Vec<bool> = shown.iter().map(|f| own.has(f)).collect();
    pieces.reverse();
    user.reverse();
    let last = pieces.len().saturating_sub(1);
    // Where only the creator is the user's, what it started says more than the creator.
    let innermost_user = user.iter().rposition(|&u| u).map(|i| if by_creator && i == 0 { 1 } else { i });
    let other = by_creator.then_some(1);
    let mut wanted: Vec<usize> = other.into_iter().chain(innermost_user).chain([last, 0]).collect();
    wanted.extend((0..pieces.len()).rev().filter(|&i| user[i]));
    wanted.extend(innermost_user.map(|i| i + 1));
    wanted.extend((0..pieces.len()).rev());
    limited(pieces, wanted)
}

/// Without what is in the middle of too many pieces; each position is wanted once.
pub(super) fn limited(mut pieces: Vec<SharedText>, mut wanted: Vec<usize>) -> (Vec<SharedText>, Vec<usize>) {
    if pieces.len() > 2 * MAX_PIECES {
        let (first, removed) = (MAX_PIECES, pieces.len() - 2 * MAX_PIECES);
        pieces.splice(first..first + removed, []);
        wanted.retain(|i| !(first..first + removed).contains(i));
        wanted.iter_mut().filter(|i| **i >= first).for_each(|i| *i -= removed);
    }
    let mut seen = vec![false; pieces.len()];
    wanted.retain(|&i| i < seen.len() && !std::mem::replace(&mut seen[i], true));
    // There may be very many lines, and each position was in the list several times.
    wanted.shrink_to_fit();
    pieces.shrink_to_fit();
    (pieces, wanted)
}
