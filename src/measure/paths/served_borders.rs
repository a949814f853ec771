//! When servers began and ended requests, as pass 1 knows: looked up for a span of time, since each walk goes over a short one.

use super::work_borders::{WorkBorder, borders};
use crate::survey::Forest;
use crate::trace::time::{Time, Window};

/// Borders in one cell of the grid, on average.
const PER_CELL: usize = 64;

/// A grid of cells over time, each as long, with the borders in it.
#[derive(Debug)]
pub(crate) struct ServedBorders {
    /// From the first border to the last.
    span: Window,
    /// How long a cell is, in ns.
    cell_ns: u64,
    /// Per cell, how many borders are in it and those before.
    ends: Vec<u32>,
    /// Positions in [`Forest::served`], cell by cell: twice that for where it begins, and one more for where it ends.
    positions: Vec<u32>,
}

impl ServedBorders {
    /// Those of all requests of servers.
    pub(crate) fn new(forest: &Forest) -> Self {
        let of_all = || (0..forest.served.len() as u32).flat_map(|i| of_one(forest, i));
        let (start, end) = of_all()
            .fold((Time::MAX, Time::MIN), |(start, end), (_, border)| (start.min(border.time), end.max(border.time)));
        let n_cells = 2 * forest.served.len() / PER_CELL + 1;
        let cell_ns = if start < end { end.since(start) / n_cells as u64 + 1 } else { 1 };
        let mut grid = Self { span: Window { start, end }, cell_ns, ends: vec![0; n_cells + 1], positions: Vec::new() };
        of_all().for_each(|(_, border)| {
            let cell = grid.cell(border.time);
            grid.ends[cell + 1] += 1;
        });
        let mut before = 0;
        for end in &mut grid.ends {
            before += *end;
            *end = before;
        }
        grid.positions.resize(before as usize, 0);
        // Until the end of this, each cell's number is where its next border goes.
        of_all().for_each(|(position, border)| {
            let cell = grid.cell(border.time);
            grid.positions[grid.ends[cell] as usize] = position;
            grid.ends[cell] += 1;
        });
        grid
    }

    fn cell(&self, time: Time) -> usize {
        let time = time.max(self.span.start).min(self.span.end);
        ((time.since(self.span.start) / self.cell_ns) as usize).min(self.ends.len().saturating_sub(2))
    }

    /// Those inside of a span, in no order.
    pub(crate) fn inside<'f>(&'f self, forest: &'f Forest, span: Window) -> impl Iterator<Item = WorkBorder> + 'f {
        let cells = if self.positions.is_empty() { 0..0 } else { self.cell(span.start)..self.cell(span.end) + 1 };
        let first = cells.start.checked_sub(1).map_or(0, |before| self.ends[before]);
        let last = cells.end.checked_sub(1).map_or(0, |last| self.ends[last]);
        let positions = &self.positions[first as usize..(last as usize).max(first as usize)];
        let of_position = move |position: &u32| of_one(forest, position / 2).find(|(at, _)| at == position);
        let all = positions.iter().filter_map(of_position).map(|(_, border)| border);
        all.filter(move |border| span.start <= border.time && border.time <= span.end)
    }
}

/// The borders of one request of a server, each with its position.
fn of_one(forest: &Forest, i: u32) -> impl Iterator<Item = (u32, WorkBorder)> {
    let served = &forest.served[i as usize];
    borders(served.g, (served.span.start, served.span.end))
        .map(move |border| (2 * i + u32::from(border.is_end()), border))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::ServedSpan;
    use crate::trace::ids::GIdx;

    #[test]
    fn borders_are_found_by_time() {
        let time =
            |i: u64| Some(Time((i.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as i64)).filter(|_| !i.is_multiple_of(7));
        let spans = [(0, vec![]), (1, vec![(Time::MIN, Time::MAX)]), (2, vec![(Time(5), Time(5))])];
        let random = (3..900).map(|i| (time(i).unwrap_or(Time::MIN), time(i * i).unwrap_or(Time::MAX))).collect();
        for (_, list) in spans.into_iter().chain([(3, random)]) {
            let served = list.into_iter().map(|(start, end)| ServedSpan { g: GIdx(3), span: Window { start, end } });
            let mut forest = Forest::default();
            forest.served = served.collect();
            let grid = ServedBorders::new(&forest);
            for i in 0..300 {
                let start = Time(i * 60_000 - 5);
                for end in [start, start + 1, start + 70_000, Time::MAX] {
                    let span = Window { start, end };
                    let mut found: Vec<WorkBorder> = grid.inside(&forest, span).collect();
                    let all =
                        (0..forest.served.len() as u32).flat_map(|i| of_one(&forest, i)).map(|(_, border)| border);
                    let mut expected: Vec<WorkBorder> = all.filter(|b| start <= b.time && b.time <= end).collect();
                    found.sort_unstable();
                    expected.sort_unstable();
                    assert_eq!(found, expected, "{span:?}");
                }
            }
        }
    }
}
