//! Folded stacks: `root;…;leaf N`, or with a column for each of two sides, sorted bytewise, for flamegraph.pl, inferno, speedscope and Perfetto.

use super::Options;
use super::differential::Differential;
use super::folded_stacks::FoldedStacks;
use super::units::Unit;
use crate::compare::Comparison;
use crate::profile::{Metric, Profile, Sample};
use std::io::{self, Write};

/// Writes the profile by its metric. Times are µs unless the options name a unit, intervals are counted; what rounds to
/// zero is left out, because the format has only positive values.
pub(super) fn write(profile: &Profile, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let per = match (profile.metric, options.unit) {
        (Metric::Events, _) => 1,
        (_, Unit::Auto) => Unit::Us.ns(),
        (_, unit) => unit.ns(),
    };
    let count = |sample: &Sample| sample.weight.of(profile.metric);
    FoldedStacks::of_samples(&profile.tree, profile.shown().samples, count).each_line(|stack, [sum, _]| {
        let value = sum / per + u64::from(sum % per >= per.div_ceil(2));
        if value > 0 { writeln!(out, "{stack} {value}") } else { Ok(()) }
    })
}

/// Writes the stacks of a comparison with a column for each side.
pub(super) fn write_comparison(comparison: &Comparison, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    write_differential(&Differential::of(comparison), options.unit, out)
}

/// Writes both sides: `root;…;leaf BASE NEW`, as difffolded.pl gives it and flame graph tools take it. Units are those
/// of one side; stacks that round to zero on both sides are left out.
fn write_differential(differential: &Differential, unit: Unit, out: &mut dyn Write) -> io::Result<()> {
    differential.stacks.each_line(|stack, sides| {
        let [base, new] = sides.map(|ns| in_unit(ns, unit));
        if base > 0 || new > 0 { writeln!(out, "{stack} {base} {new}") } else { Ok(()) }
    })
}

/// A time in whole units, rounded half up; µs unless a unit is named.
fn in_unit(ns: u64, unit: Unit) -> u64 {
    let per = if unit == Unit::Auto { Unit::Us } else { unit }.ns();
    ns / per + u64::from(ns % per >= per.div_ceil(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{check_golden, differential, empty, render, sample, sample_requests};

    #[test]
    fn goldens() {
        check_golden("sample.folded", &render("folded", &sample(), &Options::default()));
        let ns = Options { unit: Unit::Ns, ..Options::default() };
        check_golden("sample-ns.folded", &render("folded", &sample(), &ns));
        assert_eq!(render("folded", &empty(), &Options::default()), b"");
    }

    fn sum(profile: &Profile, unit: Unit) -> u64 {
        let text = String::from_utf8(render("folded", profile, &Options { unit, ..Options::default() })).unwrap();
        text.lines().map(|l| l.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
    }

    #[test]
    fn two_sides_are_two_columns() {
        let text = |unit| {
            let mut out = Vec::new();
            write_differential(&differential(), unit, &mut out).unwrap();
            out
        };
        check_golden("diff.folded", &text(Unit::Auto));
        check_golden("diff-ns.folded", &text(Unit::Ns));
    }

    #[test]
    fn nanoseconds_are_exact() {
        assert_eq!(sum(&sample(), Unit::Ns), sample().total.goroutine_ns);
    }

    #[test]
    fn the_metric_decides_what_a_line_counts() {
        check_golden("requests.folded", &render("folded", &sample_requests(), &Options::default()));
        let mut profile = sample_requests();
        assert_eq!(sum(&profile, Unit::Ns), profile.total.latency_ns);
        profile.metric = Metric::Events;
        assert_eq!(sum(&profile, Unit::S), profile.total.events);
    }
}
