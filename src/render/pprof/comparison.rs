//! A comparison as one signed profile, made as `go tool pprof -diff_base` makes its own: the samples of the new side,
//! and those of the base negated, with the label by which pprof knows them. So its reports show differences, and
//! percentages of the base.

use super::{ProfileHeader, StackSample, Writer, signed};
use crate::compare::{Comparison, Presence};
use crate::render::differential::side;
use crate::render::{Options, units};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write};

/// What pprof puts on the samples of its base (`internal/driver/driver.go`, `profile/profile.go` of google/pprof).
const BASE: (&str, &str) = ("pprof::base", "true");

/// Writes the comparison.
pub(in crate::render) fn write(comparison: &Comparison, _options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = Writer::new(GzEncoder::new(out, Compression::default()));
    writer.header(&ProfileHeader {
        traces: &comparison.new.traces,
        values: &[("latency", "nanoseconds")],
        default: "latency",
        comments: &comments(comparison),
    })?;
    for change in comparison.shown_stacks() {
        let state = ("state", change.state.as_str());
        if change.presence != Presence::Gone {
            let value = vec![signed(change.delta.new_ns)];
            writer.stack(
                &comparison.tree,
                StackSample { stack: change.stack, state: &change.state, labels: &[state], value },
            )?;
        }
        if change.presence != Presence::New {
            let value = vec![-signed(change.delta.base_ns)];
            let labels = &[state, BASE];
            writer.stack(&comparison.tree, StackSample { stack: change.stack, state: &change.state, labels, value })?;
        }
    }
    writer.tables()?;
    writer.out.finish()?;
    Ok(())
}

fn comments(comparison: &Comparison) -> Vec<String> {
    let per = if comparison.options.total { "over all requests" } else { "per request" };
    let of = |s: &crate::compare::Side| format!("{} of {}", units::counted(s.requests as u64, "request"), side(s));
    vec![
        format!("gotrace-slice: {} less {}, {per}", of(&comparison.new), of(&comparison.base)),
        format!("#tool gotrace-slice {}", env!("CARGO_PKG_VERSION")),
        format!("#complete {}", comparison.complete()),
    ]
}
