//! One stack on one line: outermost user function → … → leaf.

mod fitting;
mod line_names;
mod ranking;

pub(super) use line_names::LineNames;

use super::hyperlink::SourceFile;
use crate::profile::{Carrier, OwnCode, ProfileFrame, SharedText};
use crate::render::names;
use ranking::{MAX_PIECES, limited, outermost_first};
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// Before the name of a goroutine that another one waits for.
const WAITS_FOR: &str = "waits for ";

/// A stack ready to be fitted into a line. Equal chains look the same.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct StackLine {
    /// Names from the outermost to the leaf. Lines that are told apart from others share them.
    pieces: Rc<Vec<SharedText>>,
    /// The pieces in the order in which they deserve room.
    wanted: Vec<usize>,
    /// How many of these are kept whatever their length.
    n_kept: usize,
    /// Whether it was made by [`StackLine::told_apart_from`].
    is_told_apart: bool,
    /// What the goroutine that is waited for only carries.
    carries: Option<Carrier>,
    /// The piece of the innermost own function of that goroutine, where it is not the first that is named.
    own_in_work: Option<usize>,
    /// `user.go:12` of the innermost frame that is the user's own.
    pub(super) place: String,
    /// The file of that frame.
    pub(super) file: SourceFile,
}

impl Hash for StackLine {
    /// Chains with equal pieces are hardly ever different.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pieces.hash(state);
        self.place.hash(state);
    }
}

impl StackLine {
    /// The whole chain, for sorting by name.
    pub(super) fn name(&self) -> &[SharedText] {
        &self.pieces
    }

    /// Whether both show the same, given the room.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.pieces == other.pieces && self.place == other.place
    }

    /// Whether the leaf has this name.
    pub(super) fn ends_with(&self, name: &str) -> bool {
        self.pieces.last().is_some_and(|leaf| *leaf == *name)
    }

    /// Reads a stack, innermost frame first. Of one with a frame of the user's own before the first pseudo frame, which
    /// is not [`ProfileFrame::WAITING_FOR`], the frames beyond the one after that do not matter.
    pub(super) fn new(stack: &[&ProfileFrame], own: &OwnCode, names: &LineNames) -> Self {
        match stack.split_first() {
            Some((leaf, rest)) if leaf.function == ProfileFrame::AFTER_LAST_STACK => {
                let mut line = Self::of_frames(rest, own, names);
                line.end_with(leaf.function.clone());
                line
            }
            _ => Self::of_frames(stack, own, names),
        }
    }

    /// Adds a pseudo frame at the leaf, which deserves room before the outer frames.
    fn end_with(&mut self, pseudo: SharedText) {
        self.wanted.insert(self.wanted.len().min(1), self.pieces.len());
        Rc::make_mut(&mut self.pieces).push(pseudo);
    }

    fn of_frames(stack: &[&ProfileFrame], own: &OwnCode, names: &LineNames) -> Self {
        let own = own.on_stack(stack);
        match stack.iter().rposition(|f| f.is_waiting_for()) {
            Some(at) if at + 1 < stack.len() => Self::of_waits(stack, at, own, names),
            Some(at) => Self::of_goroutine(&stack[..at], own, names),
            None => Self::of_goroutine(stack, own, names),
        }
    }

    /// The stack of one goroutine, below those that created it.
    fn of_goroutine(stack: &[&ProfileFrame], own: &OwnCode, names: &LineNames) -> Self {
        let end = stack.iter().position(|f| f.is_pseudo()).unwrap_or(stack.len());
        let is_own = |f: &&ProfileFrame| own.has(f);
        let frames = trimmed(&stack[..end]);
        let outermost = frames.iter().rposition(is_own);
        let mut shown: Vec<&ProfileFrame> = frames[..outermost.map_or(frames.len(), |i| i + 1)].to_vec();
        let mut pieces = pieces_of(&shown, names);
        // Who started a goroutine without code of the user's own is named before it.
        let creator = stack[end..].iter().find(|f| is_own(f)).filter(|_| outermost.is_none());
        if let Some(creator) = creator {
            if let (Some(first), Some(started)) = (pieces.last_mut(), shown.last()) {
                *first = names.after("go ", &started.function);
            }
            pieces.push(names.of(&creator.function));
            shown.push(creator);
        }
        let (pieces, wanted) = outermost_first(pieces, &shown, own, creator.is_some());
        let (place, file) = place(stack, own);
        Self {
            pieces: pieces.into(),
            wanted,
            n_kept: 1,
            is_told_apart: false,
            carries: None,
            own_in_work: None,
            place,
            file,
        }
    }

    /// What a goroutine did while another one waited, whose stack is beyond `at`: `main.Page → main.orders → … → waits for
    /// http.(*persistConn).readLoop → …`. The last own function that waited and `waits for` are always kept.
    fn of_waits(stack: &[&ProfileFrame], at: usize, own: &OwnCode, names: &LineNames) -> Self {
        let waiter = Self::of_goroutine(&stack[at + 1..], own, names);
        let mut pieces = Rc::unwrap_or_clone(waiter.pieces);
        let n_waiter = pieces.len();
        let goroutines: Vec<&[&ProfileFrame]> = stack[..at].split(|f| f.is_waiting_for()).collect();
        let mut kept = waiter.wanted.first().copied().into_iter().collect::<Vec<_>>();
        for frames in goroutines.iter().skip(1).rev() {
            pieces.extend(entry(frames, own).map(|f| names.after(WAITS_FOR, &f.function)));
        }
        let work = trimmed(goroutines.first().copied().unwrap_or_default());
        let work = &work[..entry_at(work, own).map_or(work.len(), |i| i + 1)];
        if let Some((first, rest)) = work.split_last() {
            kept.push(pieces.len());
            pieces.push(names.after(WAITS_FOR, &first.function));
            pieces.extend(rest.iter().rev().map(|f| names.of(&f.function)));
        }
        let carries = work.last().and_then(|entry| Carrier::of(&entry.function));
        let own_in_work = work.iter().position(|f| own.has(f)).map(|i| pieces.len() - 1 - i);
        let last = pieces.len().saturating_sub(1);
        let wanted = kept.iter().copied().chain([last]).chain(own_in_work).chain(waiter.wanted).chain([n_waiter]);
        let wanted: Vec<usize> = wanted.chain((0..pieces.len()).rev()).collect();
        let is_short = pieces.len() <= 2 * MAX_PIECES;
        let (pieces, wanted) = limited(pieces, wanted);
        Self {
            pieces: pieces.into(),
            wanted,
            n_kept: kept.len(),
            is_told_apart: false,
            carries,
            own_in_work: own_in_work.filter(|_| is_short && kept.len() > 1).filter(|own| kept.last() < Some(own)),
            place: waiter.place,
            file: waiter.file,
        }
    }

    /// The same line with the piece in front in which it differs from `others`: the last own function, or the innermost one
    /// before it. None where they differ in none of these, and where it was done before.
    pub(super) fn told_apart_from(&self, others: &[&Self]) -> Option<Self> {
        let last = self.wanted.first().copied().filter(|_| !self.is_told_apart)?;
        let back = |line: &Self, i: usize| {
            line.wanted.first().and_then(|last| last.checked_sub(i)).map(|at| line.pieces[at].clone())
        };
        let differs = |i: &usize| others.iter().any(|other| back(other, *i) != back(self, *i));
        let piece = last - (0..=last).find(differs)?;
        let wanted = std::iter::once(piece).chain(self.wanted.iter().copied().filter(|&i| i != piece));
        let mut wanted: Vec<usize> = wanted.collect();
        if self.n_kept > 1 && piece != last {
            wanted.swap(1, 2);
        }
        Some(Self { wanted, is_told_apart: true, ..self.clone() })
    }

    /// The pieces that are always kept, in words: `main.orders, waits for main.worker`; what a goroutine only carries is
    /// what is waited for.
    pub(super) fn in_short(&self) -> String {
        let carried = match self.carries {
            Some(Carrier::Network) => Some("waits for the network"),
            Some(Carrier::Cancellation) => Some("waits for a cancellation"),
            Some(Carrier::Signal) => Some("waits for a signal"),
            None => None,
        };
        let piece = |&i: &usize| match carried {
            Some(what) if self.pieces[i].starts_with(WAITS_FOR) => what,
            _ => self.pieces[i].as_str(),
        };
        let kept: Vec<&str> = self.wanted.iter().take(self.n_kept).map(piece).collect();
        if kept.is_empty() { "an unknown stack".to_owned() } else { kept.join(", ") }
    }

    /// The same with the place beside its own function, `main.orders (main.go:33)`.
    pub(super) fn with_place(mut self) -> Self {
        if let Some(own) = self
            .wanted
            .first()
            .and_then(|&i| Rc::make_mut(&mut self.pieces).get_mut(i))
            .filter(|_| !self.place.is_empty())
        {
            *own = format!("{own} ({})", self.place).into();
        }
        self
    }
}

/// Without the frames at the leaf that only park the goroutine, unless there are no others.
fn trimmed<'a, 'b>(own: &'a [&'b ProfileFrame]) -> &'a [&'b ProfileFrame] {
    let first = own.iter().position(|f| !names::only_parks(&f.function)).unwrap_or(0);
    &own[first..]
}

/// Names of frames, innermost first like these.
fn pieces_of(frames: &[&ProfileFrame], names: &LineNames) -> Vec<SharedText> {
    frames.iter().map(|f| names.of(&f.function)).collect()
}

/// `user.go:12` of the innermost own frame, and its file.
fn place(stack: &[&ProfileFrame], own: &OwnCode) -> (String, SourceFile) {
    let frame = stack.iter().find(|f| own.has(f)).or(stack.first());
    frame.map_or_else(Default::default, |f| (names::place(&f.file, f.line), SourceFile::of(&f.file)))
}

/// The frame that says what a goroutine is: its outermost own one, else its outermost.
fn entry<'a>(frames: &[&'a ProfileFrame], own: &OwnCode) -> Option<&'a ProfileFrame> {
    entry_at(frames, own).map(|i| frames[i])
}

fn entry_at(frames: &[&ProfileFrame], own: &OwnCode) -> Option<usize> {
    let end = frames.iter().position(|f| f.is_pseudo()).unwrap_or(frames.len());
    frames[..end].iter().rposition(|f| own.has(f)).or(end.checked_sub(1))
}

#[cfg(test)]
mod tests;
