//! Tables as comma-separated values (RFC 4180), one table a file: states, stacks, or requests.
//!
//! The first line has the names of the columns; times are whole nanoseconds. What a spreadsheet would take for a formula is
//! text: no name of Go begins like one, so only a trace that was made for it is written otherwise than it is.

mod requests;

pub(super) use requests::write as write_requests;

use super::clean::clean;
use super::{Options, frames};
use crate::compare::{Comparison, Delta};
use crate::profile::{Profile, Weight};
use csv::{Terminator, Writer, WriterBuilder};
use std::borrow::Cow;
use std::io::{self, Write};

/// Writes a table of states, most of the metric first.
pub(super) fn write_states(profile: &Profile, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(out);
    table.row(["state", "latency_ns", "goroutine_ns", "events"])?;
    for state in profile.shown().states {
        let [latency, goroutine, events] = weight(state.weight);
        table.row([&state.state, &latency, &goroutine, &events])?;
    }
    table.finish()
}

/// Writes a table of stacks, most of the metric first.
pub(super) fn write_stacks(profile: &Profile, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(out);
    let sums = ["latency_ns", "goroutine_ns", "events"];
    table
        .row(["state", "detail", "precision", "root", "waited_in"].into_iter().chain(sums).chain(["stack", "lines"]))?;
    for sample in profile.shown().samples {
        let (stack, lines) =
            (frames::stack_line(&profile.tree, sample.stack), frames::place_line(&profile.tree, sample.stack));
        let of = [&sample.state, sample.detail, sample.precision.name(), &sample.root, &sample.waited_in];
        let sums = weight(sample.weight);
        table.row(of.into_iter().chain(sums.iter().map(String::as_str)).chain([stack.as_str(), &lines]))?;
    }
    table.finish()
}

/// Writes how the states of two sides differ, the largest change first.
pub(super) fn write_states_comparison(comparison: &Comparison, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(out);
    table.row(["state", "base_ns", "new_ns", "delta_ns"])?;
    for change in &comparison.states {
        let [base, new, delta] = sides(change.delta);
        table.row([&change.state, &base, &new, &delta])?;
    }
    table.finish()
}

/// Writes how the stacks of two sides differ, the largest change first.
pub(super) fn write_stacks_comparison(comparison: &Comparison, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(out);
    table.row(["state", "base_ns", "new_ns", "delta_ns", "stack", "lines"])?;
    let tree = &comparison.tree;
    for change in comparison.shown_stacks() {
        let (stack, lines) = (frames::stack_line(tree, change.stack), frames::place_line(tree, change.stack));
        let [base, new, delta] = sides(change.delta);
        table.row([&change.state, &base, &new, &delta, &stack, &lines])?;
    }
    table.finish()
}

fn weight(weight: Weight) -> [String; 3] {
    [weight.latency_ns, weight.goroutine_ns, weight.events].map(|n| n.to_string())
}

fn sides(delta: Delta) -> [String; 3] {
    [delta.base_ns.to_string(), delta.new_ns.to_string(), delta.delta_ns.to_string()]
}

/// A table on its way to a file.
struct Table<'a> {
    writer: Writer<&'a mut dyn Write>,
}

impl<'a> Table<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        Self { writer: WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(out) }
    }

    fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) -> io::Result<()> {
        for cell in cells {
            self.writer.write_field(text(cell.as_ref()).as_bytes()).map_err(io::Error::other)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(io::Error::other)
    }

    fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A cell that no spreadsheet computes, and that is safe to print. Numbers may be negative.
fn text(cell: &str) -> Cow<'_, str> {
    let cell = clean(cell);
    let is_formula = cell.starts_with(['=', '+', '-', '@']) && cell.parse::<i64>().is_err();
    if is_formula { Cow::Owned(format!("'{cell}")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{
        check_golden, empty, render, render_comparison, sample, sample_comparison, sample_requests,
    };
    use std::collections::BTreeMap;

    type Row = BTreeMap<String, String>;

    /// The rows of a table, by name of column.
    fn rows(bytes: &[u8]) -> Vec<Row> {
        csv::Reader::from_reader(bytes).deserialize().map(|row| row.unwrap()).collect()
    }

    fn sum(rows: &[Row], column: &str) -> i64 {
        rows.iter().map(|row| row[column].parse::<i64>().unwrap()).sum()
    }

    #[test]
    fn goldens() {
        for format in ["csv", "csv-stacks", "csv-requests"] {
            check_golden(&format!("requests.{format}"), &render(format, &sample_requests(), &Options::default()));
        }
        for format in ["csv", "csv-stacks"] {
            let bytes = render_comparison(format, &sample_comparison(), &Options::default());
            check_golden(&format!("diff.{format}"), &bytes);
        }
    }

    #[test]
    fn states_and_stacks_add_up_to_the_total() {
        for profile in [sample(), sample_requests(), empty()] {
            for format in ["csv", "csv-stacks"] {
                let rows = rows(&render(format, &profile, &Options::default()));
                let total = profile.total;
                assert_eq!(sum(&rows, "latency_ns"), total.latency_ns as i64, "{format}");
                assert_eq!(sum(&rows, "goroutine_ns"), total.goroutine_ns as i64, "{format}");
                assert_eq!(sum(&rows, "events"), total.events as i64, "{format}");
            }
        }
    }

    #[test]
    fn a_request_is_the_sum_of_its_states() {
        let profile = sample_requests();
        let rows = rows(&render("csv-requests", &profile, &Options::default()));
        let requests = profile.requests.as_ref().unwrap();
        assert_eq!(rows.len(), requests.list.len() + requests.cut.len() + profile.selection.undecided.list.len());
        let (counted, others) = rows.split_at(requests.list.len());
        assert!(others.iter().all(|row| row["partial"] != row["undecided"] && row["[running]"].is_empty()));
        for row in counted {
            let states = row.iter().filter(|(column, _)| column.starts_with('['));
            let sum: u64 = states.map(|(_, ns)| ns.parse::<u64>().unwrap()).sum();
            assert_eq!(row["dur_ns"], sum.to_string(), "{row:?}");
        }
    }

    #[test]
    fn changes_add_up_to_that_of_the_mean_request() {
        let comparison = sample_comparison();
        for format in ["csv", "csv-stacks"] {
            let rows = rows(&render_comparison(format, &comparison, &Options::default()));
            assert_eq!(sum(&rows, "delta_ns"), comparison.whole.delta_ns, "{format}");
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(text("=1+1"), "'=1+1");
        assert_eq!(text("@x"), "'@x");
        assert_eq!(text("-12"), "-12");
        assert_eq!(text("main.f"), "main.f");
        assert!(!text("\t=1+1").starts_with(['\t', '=']));
    }
}
