//! As much of a line as fits into so many columns.

use super::{StackLine, WAITS_FOR};
use crate::profile::SharedText;
use crate::render::text::layout::{View, width};
use std::ops::Range;
use std::rc::Rc;

/// Frames tried for the room that is left between the ends.
const MAX_TRIES: usize = 12;
/// Columns of a cut name that still say something beside the `…` for its callees.
const MIN_NAME: usize = 10;
/// Columns of the arrows and dots around two names.
const MIN_ARROWS: usize = 12;

impl StackLine {
    /// Columns below which something that is always kept gets lost.
    pub(in crate::render::text) fn min_room(&self) -> usize {
        if self.n_kept > 1 { 2 * MIN_NAME + WAITS_FOR.len() + MIN_ARROWS } else { MIN_NAME }
    }

    /// As much of the chain as fits: first the innermost user function and what it waits for, then the leaf, the outermost,
    /// and the rest.
    pub(in crate::render::text) fn fit(&self, view: &View<'_>, max: usize) -> String {
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

    /// The same in two lines where one cannot show the innermost user function, what it waits for, and the leaf: the second
    /// begins with what it waits for, or is the leaf.
    pub(in crate::render::text) fn wrap(&self, view: &View<'_>, max: usize) -> String {
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
