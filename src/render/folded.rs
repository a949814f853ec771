//! Folded stacks: `root;…;leaf N`, sorted bytewise, for flamegraph.pl, inferno, speedscope and Perfetto.

use super::clean::clean;
use super::units::Unit;
use super::{Options, frames};
use crate::profile::{Metric, Profile, Sample};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Writes the profile by its metric. Times are µs unless the options name a unit, intervals are counted; what rounds to
/// zero is left out, because the format has only positive values.
pub(super) fn write(profile: &Profile, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let per = match (profile.metric, options.unit) {
        (Metric::Events, _) => 1,
        (_, Unit::Auto) => Unit::Us.ns(),
        (_, unit) => unit.ns(),
    };
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for sample in &profile.samples {
        let sum = lines.entry(line(profile, sample)).or_default();
        *sum = sum.saturating_add(sample.weight.of(profile.metric));
    }
    for (stack, sum) in lines {
        let value = sum / per + u64::from(sum % per >= per.div_ceil(2));
        if value > 0 {
            writeln!(out, "{stack} {value}")?;
        }
    }
    Ok(())
}

fn line(profile: &Profile, sample: &Sample) -> String {
    let (indexes, cut) = frames::leaf_first(&profile.tree, sample.stack);
    let all = profile.tree.frames();
    let mut line = String::new();
    if cut {
        push(&mut line, frames::CUT);
    }
    for &i in indexes.iter().rev() {
        push(&mut line, &all[i as usize].function);
    }
    push(&mut line, &frames::state_frame(&sample.state));
    line
}

/// `;` separates frames and a line is a stack, so neither may be part of a name.
fn push(line: &mut String, frame: &str) {
    if !line.is_empty() {
        line.push(';');
    }
    line.push_str(&clean(&frame.replace([';', '\n', '\r'], ",")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{check_golden, empty, render, sample, sample_requests};

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

    #[test]
    fn a_name_cannot_break_the_format() {
        let mut line = String::new();
        push(&mut line, "a;b\nc\x1b");
        push(&mut line, "d e");
        assert_eq!(line, "a,b,c\\x1B;d e");
    }
}
