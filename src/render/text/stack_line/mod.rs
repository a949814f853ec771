//! One stack on one line: outermost user function → … → leaf.

mod line_names;

pub(super) use line_names::LineNames;

use super::hyperlink::SourceFile;
use super::layout::{View, width};
use crate::profile::{Carrier, OwnCode, ProfileFrame, SharedText};
use crate::render::names;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::rc::Rc;

/// Frames looked at from either end: no line shows more, and fitting stays cheap.
const MAX_PIECES: usize = 48;
/// Frames tried for the room that is left between the ends.
const MAX_TRIES: usize = 12;
/// Columns of a cut name that still say something beside the `…` for its callees.
const MIN_NAME: usize = 10;
/// Columns of the arrows and dots around two names.
const MIN_ARROWS: usize = 12;
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

    /// Columns below which something that is always kept gets lost.
    pub(super) fn min_room(&self) -> usize {
        if self.n_kept > 1 { 2 * MIN_NAME + WAITS_FOR.len() + MIN_ARROWS } else { MIN_NAME }
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

    /// As much of the chain as fits: first the innermost user function and what it waits for, then the leaf, the outermost,
    /// and the rest.
    pub(super) fn fit(&self, view: &View<'_>, max: usize) -> String {
        if self.pieces.is_empty() {
            return view.fit("(no stack recorded)", max);
        }
        let mut keep = vec![true; self.pieces.len()];
        let whole = self.join(view, &keep);
        if width(&whole) <= max {
            return whole;
        }
        if let Some(short) = self.without_entry() {
            return short.fit(view, max);
        }
        keep.fill(false);
        let mut n_kept = self.n_kept;
        self.wanted.iter().take(n_kept).for_each(|&i| keep[i] = true);
        if width(&self.join(view, &keep)) > max {
            match self.cut_kept(view, &keep, max) {
                Some(cut) => return cut,
                None => n_kept = 1,
            }
            // The first is shown even if only its end fits.
            keep.fill(false);
            let first = self.wanted[0];
            keep[first] = true;
            if width(&self.join(view, &keep)) > max {
                return self.cut_kept(view, &keep, max).unwrap_or_else(|| cut(view, &self.pieces[first], max));
            }
        }
        for &i in self.wanted.iter().skip(n_kept).take(MAX_TRIES) {
            keep[i] = true;
            if width(&self.join(view, &keep)) > max {
                keep[i] = false;
            }
        }
        self.join(view, &keep)
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

    /// The same in two lines where one cannot show the innermost user function, what it waits for, and the leaf: the second
    /// begins with what it waits for, or is the leaf.
    pub(super) fn wrap(&self, view: &View<'_>, max: usize) -> String {
        if let Some(short) =
            self.without_entry().filter(|_| width(&self.join(view, &vec![true; self.pieces.len()])) > max)
        {
            return short.wrap(view, max);
        }
        let Some(last) = self.pieces.len().checked_sub(1) else { return self.fit(view, max) };
        let mut ends = vec![false; self.pieces.len()];
        self.wanted.iter().take(self.n_kept).chain([&last]).for_each(|&i| ends[i] = true);
        let border =
            self.wanted.iter().take(self.n_kept).copied().filter(|&i| self.pieces[i].starts_with(WAITS_FOR)).max();
        let border = border.unwrap_or(last);
        let is_whole = width(&self.join(view, &ends)) <= max;
        if is_whole || border == 0 || max < 2 * MIN_NAME {
            return self.fit(view, max);
        }
        let (first, second) = (self.part(0..border), self.part(border..self.pieces.len()));
        let indent = format!(" {}", view.glyphs.arrow);
        let second = second.fit(view, max.saturating_sub(width(&indent)));
        format!("{}\n{indent}{second}", first.fit(view, max))
    }

    /// The same with the innermost own function of the goroutine that is waited for in place of the functions before it: it says
    /// more of what is waited for than what the goroutine was started with. None where that is named already.
    fn without_entry(&self) -> Option<Self> {
        let own = self.own_in_work?;
        let entry = self.pieces[..own].iter().rposition(|piece| piece.starts_with(WAITS_FOR))?;
        let mut pieces = (*self.pieces).clone();
        let named: SharedText = format!("{WAITS_FOR}{}", pieces[own]).into();
        pieces.splice(entry..=own, [named]);
        let moved = self.wanted.iter().filter(|i| **i <= entry || **i > own);
        let wanted = moved.map(|&i| if i > own { i - (own - entry) } else { i }).collect();
        Some(Self { pieces: pieces.into(), wanted, own_in_work: None, ..self.clone() })
    }

    /// Some of the pieces in a row: the first and the last of them are kept.
    fn part(&self, range: Range<usize>) -> Self {
        let inside = self.wanted.iter().filter(|i| range.contains(i)).map(|i| i - range.start);
        let mut wanted: Vec<usize> = inside.collect();
        let mut n_kept = 1;
        if range.start > 0 {
            // What it waits for, and the leaf.
            let last = range.len() - 1;
            wanted.retain(|i| *i != 0 && *i != last);
            let ends = if last == 0 { vec![0] } else { vec![0, last] };
            n_kept = ends.len();
            wanted.splice(0..0, ends);
        }
        Self { pieces: self.pieces[range].to_vec().into(), wanted, n_kept, own_in_work: None, ..self.clone() }
    }

    /// The kept pieces, their names cut until they fit; none where too little would be left of them.
    fn cut_kept(&self, view: &View<'_>, keep: &[bool], max: usize) -> Option<String> {
        let line = self.join(view, keep);
        let kept: Vec<usize> = (0..keep.len()).filter(|&i| keep[i]).collect();
        let names: usize = kept.iter().map(|&i| width(&self.pieces[i])).sum();
        let mut room = max.checked_sub(width(&line) - names)?;
        let mut line = self.clone();
        let mut by_width = kept.clone();
        by_width.sort_by_key(|&i| width(&self.pieces[i]));
        let least = |i: usize| {
            let waits = if self.pieces[i].starts_with(WAITS_FOR) { WAITS_FOR.len() } else { 0 };
            width(&self.pieces[i]).min(MIN_NAME + waits)
        };
        for (n, &i) in by_width.iter().enumerate() {
            let for_others: usize = by_width[n + 1..].iter().map(|&i| least(i)).sum();
            let most = room.checked_sub(for_others).filter(|most| *most >= least(i))?;
            let share = (room / (by_width.len() - n)).clamp(least(i), most);
            if width(&self.pieces[i]) > share {
                Rc::make_mut(&mut line.pieces)[i] = cut(view, &self.pieces[i], share).into();
            }
            room -= width(&line.pieces[i]);
        }
        Some(line.join(view, keep))
    }

    fn join(&self, view: &View<'_>, keep: &[bool]) -> String {
        let mut parts: Vec<&str> = Vec::new();
        for (piece, &kept) in self.pieces.iter().zip(keep) {
            if kept {
                parts.push(piece);
            } else if !parts.is_empty() && parts.last() != Some(&view.glyphs.dots) {
                parts.push(view.glyphs.dots);
            }
        }
        parts.join(view.glyphs.arrow)
    }
}

/// The end of a name, its most telling part; after [`WAITS_FOR`] if the piece begins so and there is room.
fn cut(view: &View<'_>, piece: &str, max: usize) -> String {
    match (piece.strip_prefix(WAITS_FOR), max.checked_sub(WAITS_FOR.len())) {
        (Some(name), Some(room)) if room >= MIN_NAME => format!("{WAITS_FOR}{}", view.fit_end(name, room)),
        _ => view.fit_end(piece, max),
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

/// Turns pieces round, cuts what is beyond reading, and ranks them.
fn outermost_first(
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
fn limited(mut pieces: Vec<SharedText>, mut wanted: Vec<usize>) -> (Vec<SharedText>, Vec<usize>) {
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

#[cfg(test)]
mod tests;
