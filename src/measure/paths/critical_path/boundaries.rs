//! Where the segments of a walk begin and end, from the latest to the earliest.

use crate::measure::paths::segment::PathSegment;
use crate::trace::time::Time;

/// Where a segment begins or ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Boundary {
    /// Its end: the path begins here, as time goes back.
    End,
    /// Its start: the path is complete.
    Start,
}

/// All that are left, each with the position of its segment. Segments often come in the order of their ends, so ends and
/// starts are sorted apart.
pub(super) struct Boundaries {
    ends: Vec<(Time, u32)>,
    starts: Vec<(Time, u32)>,
}

impl Boundaries {
    /// Those of all segments with some time.
    pub(super) fn of(segments: &[PathSegment]) -> Self {
        let with_time = || (0..).zip(segments).filter(|(_, segment)| segment.span.start < segment.span.end);
        let sorted = |mut all: Vec<(Time, u32)>| {
            all.sort_unstable_by_key(|(time, i)| time.rank(u64::from(*i)));
            all
        };
        Self {
            ends: sorted(with_time().map(|(i, segment)| (segment.span.end, i)).collect()),
            starts: sorted(with_time().map(|(i, segment)| (segment.span.start, i)).collect()),
        }
    }

    /// The latest. At one moment, starts come before ends, as time goes back.
    pub(super) fn next_back(&mut self) -> Option<(Time, Boundary, usize)> {
        let start = self.starts.last().copied()?;
        let boundary = match self.ends.last() {
            Some(end) if end.0 > start.0 => Boundary::End,
            _ => Boundary::Start,
        };
        let (time, i) = match boundary {
            Boundary::End => self.ends.pop()?,
            Boundary::Start => self.starts.pop()?,
        };
        Some((time, boundary, i as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::StateTimes;
    use crate::slice::WindowIdx;
    use crate::trace::ids::GIdx;
    use crate::trace::time::Window;

    #[test]
    fn from_the_latest_to_the_earliest_and_starts_before_ends_at_one_moment() {
        let segment = |(start, end)| PathSegment {
            window: WindowIdx(0),
            g: GIdx(0),
            taken_over: None,
            span: Window { start: Time(start), end: Time(end) },
            states: StateTimes::default(),
        };
        let segments: Vec<PathSegment> = [(-5, 3), (3, 3), (3, 8), (2, 8), (-5, 3)].into_iter().map(segment).collect();
        let mut boundaries = Boundaries::of(&segments);
        let found: Vec<_> = std::iter::from_fn(|| boundaries.next_back()).collect();
        let (end, start) = (Boundary::End, Boundary::Start);
        let expected =
            [(8, end, 3), (8, end, 2), (3, start, 2), (3, end, 4), (3, end, 0), (2, start, 3), (-5, start, 4)];
        assert_eq!(found[..7], expected.map(|(time, boundary, i)| (Time(time), boundary, i)));
        assert_eq!(found[7..], [(Time(-5), start, 0)]);
    }
}
