//! A goroutine's states over an axis of time, a sign for each column.

use super::layout::{DIM, PLAIN, View, state_style};
use crate::profile::{Lane, LanePiece, PathPiece, is_for_collector, is_message};
use crate::render::clean::clean;
use anstyle::Style;
use std::collections::BTreeMap;

/// What a column shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Fill {
    /// Nothing: the goroutine does not exist, or its state is not in the profile.
    Empty,
    /// A state, by its position among the names.
    State(u16),
    /// A wait that another goroutine of the path ended: the path goes on there.
    Elsewhere,
}

/// The axis: a length of time on so many columns.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    pub(super) dur_ns: u64,
    pub(super) columns: usize,
}

impl Axis {
    /// The columns that a time touches.
    fn columns_of(self, start_ns: u64, dur_ns: u64) -> std::ops::Range<usize> {
        let at = |ns: u64| u128::from(ns) * self.columns as u128;
        let dur = u128::from(self.dur_ns.max(1));
        let first = (at(start_ns) / dur) as usize;
        let end = at(start_ns.saturating_add(dur_ns)).div_ceil(dur) as usize;
        first.min(self.columns)..end.min(self.columns)
    }

    /// The part of a time inside a column, in ns times columns.
    fn inside(self, column: usize, start_ns: u64, dur_ns: u64) -> u128 {
        let scaled = |ns: u64| u128::from(ns) * self.columns as u128;
        let (from, to) = (u128::from(self.dur_ns) * column as u128, u128::from(self.dur_ns) * (column as u128 + 1));
        scaled(start_ns.saturating_add(dur_ns)).min(to).saturating_sub(scaled(start_ns).max(from))
    }

    /// What takes most of each column.
    fn largest<T: Copy + Ord>(self, pieces: impl Iterator<Item = (u64, u64, T)>, empty: T) -> Vec<T> {
        let mut columns: Vec<BTreeMap<T, u128>> = vec![BTreeMap::new(); self.columns];
        for (start_ns, dur_ns, what) in pieces {
            for column in self.columns_of(start_ns, dur_ns) {
                *columns[column].entry(what).or_default() += self.inside(column, start_ns, dur_ns);
            }
        }
        let most = |c: BTreeMap<T, u128>| c.into_iter().max_by_key(|&(_, ns)| ns).map_or(empty, |(what, _)| what);
        columns.into_iter().map(most).collect()
    }

    /// The columns of a lane.
    pub(super) fn fills(self, lane: &Lane, index: usize, path: &[PathPiece]) -> Vec<Fill> {
        let returns = returns(index, path);
        let piece = |&LanePiece { start_ns, dur_ns, state, .. }: &LanePiece| {
            let elsewhere = returns.contains_key(&start_ns.saturating_add(dur_ns));
            (start_ns, dur_ns, if elsewhere { Fill::Elsewhere } else { Fill::State(state) })
        };
        self.largest(lane.pieces.iter().map(piece), Fill::Empty)
    }

    /// The lane that the path is on, column by column.
    pub(super) fn path(self, path: &[PathPiece]) -> Vec<Option<usize>> {
        self.largest(path.iter().map(|p| (p.start_ns, p.dur_ns, p.lane)), None)
    }
}

/// When the path comes back to a lane, and the goroutine that it comes from: there, that one ended the lane's wait.
pub(super) fn returns(lane: usize, path: &[PathPiece]) -> BTreeMap<u64, u64> {
    let pairs = path.iter().zip(path.iter().skip(1));
    let back = pairs.filter(|(from, to)| to.lane == Some(lane) && from.lane != Some(lane));
    back.map(|(from, to)| (to.start_ns, from.goid)).collect()
}

/// The sign of a state; several may share one, the colours and the legend tell them apart.
pub(super) fn sign(view: &View<'_>, fill: Fill, names: &[String]) -> char {
    let state = match fill {
        Fill::Empty => return ' ',
        Fill::Elsewhere => return if view.options.unicode { '·' } else { '.' },
        Fill::State(i) => names.get(usize::from(i)).map_or("unknown", String::as_str),
    };
    let (unicode, ascii) = match state {
        "running" => ('█', '#'),
        "runnable" => ('▄', '='),
        "syscall" => ('▀', 's'),
        "network" => ('░', 'n'),
        "sleep" | "forever" => ('─', 'z'),
        "unknown" => ('?', '?'),
        _ if state.starts_with("sync") => ('▓', 'L'),
        _ if is_message(state) => ('▒', 'c'),
        _ if is_for_collector(state) => ('▚', 'G'),
        _ => ('╌', '+'),
    };
    if view.options.unicode { unicode } else { ascii }
}

pub(super) fn style(fill: Fill, names: &[String]) -> Style {
    match fill {
        Fill::Empty => PLAIN,
        Fill::Elsewhere => DIM,
        Fill::State(i) => names.get(usize::from(i)).map_or(PLAIN, |state| state_style(state)),
    }
}

/// The columns as text; those alike share an escape sequence.
pub(super) fn draw(view: &View<'_>, fills: &[Fill], names: &[String]) -> String {
    let runs = fills.chunk_by(|a, b| a == b);
    runs.map(|run| view.paint(style(run[0], names), &String::from(sign(view, run[0], names)).repeat(run.len())))
        .collect()
}

/// Which signs mean what, in the order in which they appear; states that share a sign stand together.
pub(super) fn legend(view: &View<'_>, shown: &[Vec<Fill>], names: &[String]) -> Vec<(char, Style, String)> {
    let mut entries: Vec<(char, Style, Vec<String>)> = Vec::new();
    for &fill in shown.iter().flatten() {
        let name = match fill {
            Fill::Empty => continue,
            Fill::Elsewhere => "waits for another goroutine here".to_owned(),
            Fill::State(i) => clean(names.get(usize::from(i)).map_or("unknown", String::as_str)).into_owned(),
        };
        let sign = sign(view, fill, names);
        match entries.iter_mut().find(|e| e.0 == sign) {
            Some((_, _, names)) if names.contains(&name) => {}
            Some((_, _, names)) => names.push(name),
            None => entries.push((sign, style(fill, names), vec![name])),
        }
    }
    entries.into_iter().map(|(sign, style, names)| (sign, style, names.join(", "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Options;

    const AXIS: Axis = Axis { dur_ns: 100, columns: 10 };

    fn drawn(pieces: &[(u64, u64, u16)], path: &[PathPiece]) -> String {
        let options = Options::default();
        let piece = |&(start_ns, dur_ns, state): &(u64, u64, u16)| LanePiece {
            start_ns,
            dur_ns,
            state,
            ..LanePiece::default()
        };
        let lane = Lane { pieces: pieces.iter().map(piece).collect(), ..Lane::default() };
        let names = ["running", "sync"].map(String::from);
        draw(&View::new(&options), &AXIS.fills(&lane, 0, path), &names)
    }

    fn piece(start_ns: u64, dur_ns: u64, lane: Option<usize>) -> PathPiece {
        PathPiece { start_ns, dur_ns, lane, ..PathPiece::default() }
    }

    #[test]
    fn a_column_shows_what_takes_most_of_it() {
        assert_eq!(drawn(&[(0, 20, 0), (20, 80, 1)], &[]), "██▓▓▓▓▓▓▓▓");
        assert_eq!(drawn(&[(0, 24, 0), (24, 70, 1)], &[]), "██▓▓▓▓▓▓▓▓");
        assert_eq!(drawn(&[(51, 1, 0)], &[]), "     █    ");
        assert_eq!(drawn(&[(90, u64::MAX, 0)], &[]), "         █");
        assert_eq!(drawn(&[], &[]), "          ");
    }

    #[test]
    fn a_wait_that_the_path_left_is_drawn_as_such() {
        let path = [piece(0, 20, Some(0)), piece(20, 60, Some(1)), piece(80, 20, Some(0))];
        assert_eq!(drawn(&[(0, 20, 0), (20, 60, 1), (80, 20, 0)], &path), "██······██");
        assert_eq!(AXIS.path(&path)[1..3], [Some(0), Some(1)]);
        // A lane of which the path knows nothing is drawn as it was.
        assert_eq!(drawn(&[(0, 100, 1)], &[piece(0, 100, None)]), "▓▓▓▓▓▓▓▓▓▓");
    }
}
