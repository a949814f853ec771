//! The table's columns: their schema, and the values of each.

use super::rows::{Owner, Row, Spent};
use crate::profile::{NodeIdx, Profile, ProfileFrame, Request, TraceInfo};
use crate::render::frames::{place_line, stack_line};
use crate::table::schema::{LABEL_COLUMNS, MESSAGE};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::Result;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::Type;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The schema of the table.
pub(super) fn schema() -> Result<Type> {
    parse_message_type(MESSAGE)
}

/// What the values of rows are made of.
pub(super) struct Columns<'p> {
    profile: &'p Profile,
    /// By position of the trace.
    traces: Vec<TraceTexts>,
    /// By position of the sample.
    stacks: RefCell<Vec<Option<ByteArray>>>,
    lines: RefCell<Vec<Option<ByteArray>>>,
}

struct TraceTexts {
    name: ByteArray,
    recording: ByteArray,
    go: ByteArray,
    of_columns: [ByteArray; 3],
    others: Vec<(ByteArray, ByteArray)>,
}

impl TraceTexts {
    fn new(trace: &TraceInfo, recording: &str) -> Self {
        let text = |label: &str| bytes(trace.labels.get(label).map_or("", |value| value.as_str()));
        let others: BTreeMap<&str, &str> = trace.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let others = others.into_iter().filter(|(key, _)| !LABEL_COLUMNS.contains(key));
        Self {
            name: bytes(&trace.name),
            recording: bytes(recording),
            go: bytes(&trace.version),
            of_columns: LABEL_COLUMNS.map(text),
            others: others.map(|(key, value)| (bytes(key), bytes(value))).collect(),
        }
    }
}

fn bytes(text: &str) -> ByteArray {
    ByteArray::from(text.as_bytes().to_vec())
}

/// Numbers of the table are signed: larger ones stop at the largest.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl<'p> Columns<'p> {
    /// For the rows of a profile, whose traces are these recordings.
    pub(super) fn new(profile: &'p Profile, recordings: &[String]) -> Self {
        let none = || RefCell::new(vec![None; profile.samples.len()]);
        let traces = profile.traces.iter().zip(recordings);
        let traces = traces.map(|(trace, recording)| TraceTexts::new(trace, recording)).collect();
        Self { profile, traces, stacks: none(), lines: none() }
    }

    /// Writes rows as a row group.
    pub(super) fn write(&self, rows: &[Row], writer: &mut SerializedFileWriter<Vec<u8>>) -> Result<()> {
        let mut group = GroupWriter { group: writer.next_row_group()?, rows };
        group.texts(|row| self.trace(row).name.clone())?;
        group.texts(|row| self.trace(row).recording.clone())?;
        group.texts(|row| self.trace(row).go.clone())?;
        for i in 0..LABEL_COLUMNS.len() {
            group.texts(|row| self.trace(row).of_columns[i].clone())?;
        }
        group.map_part(|row| self.trace(row).others.iter().map(|(key, _)| key.clone()).collect())?;
        group.map_part(|row| self.trace(row).others.iter().map(|(_, value)| value.clone()).collect())?;
        group.texts(|row| bytes(self.root(row)))?;
        group.numbers(|row| self.number(row))?;
        group.numbers(|row| signed(self.goid(row)))?;
        group.numbers(|row| signed(self.start_ns(row)))?;
        group.numbers(|row| self.info(row).clock_start_ns.saturating_add(signed(self.start_ns(row))))?;
        group.nullable(|row| Some(self.info(row).wall_start_ns?.saturating_add(signed(self.start_ns(row)))))?;
        group.nullable(|row| row.is_first.then(|| signed(self.dur_ns(row))))?;
        group.nullable(|row| self.totals(row, |totals| totals.goroutine_ns))?;
        group.nullable(|row| self.totals(row, |totals| totals.gc_ns))?;
        group.nullable(|row| self.totals(row, |totals| totals.stw_ns))?;
        group.flags(|row| self.request(row).is_some_and(|request| request.partial))?;
        group.flags(|row| self.request(row).is_some_and(Request::is_inferred))?;
        group.flags(|row| matches!(row.owner, Owner::Undecided(_)))?;
        group.texts(|row| bytes(self.state(row)))?;
        group.texts(|row| bytes(self.sample(row).map_or("", |sample| sample.detail)))?;
        group.texts(|row| bytes(self.sample(row).map_or("", |sample| sample.precision.name())))?;
        group.texts(|row| bytes(self.sample(row).map_or("", |sample| &sample.waited_in)))?;
        group.texts(|row| self.line_of(row, &self.stacks, |node| stack_line(&self.profile.tree, node)))?;
        group.texts(|row| self.line_of(row, &self.lines, |node| place_line(&self.profile.tree, node)))?;
        group.nullable(|row| row.ns.map(signed))?;
        let _ = group.group.close()?;
        Ok(())
    }

    fn request(&self, row: &Row) -> Option<&'p Request> {
        match row.owner {
            Owner::Request(i) => self.profile.requests.as_ref().map(|requests| &requests.list[i]),
            Owner::Undecided(_) => None,
        }
    }

    /// One of the request's numbers, or of the undecided one's: trace, goroutine, start, duration.
    fn numbers(&self, row: &Row) -> [u64; 4] {
        let undecided = &self.profile.selection.undecided.list;
        match (self.request(row), row.owner) {
            (Some(of), _) => [u64::from(of.trace), of.goid, of.start_ns, of.dur_ns],
            (None, Owner::Request(i) | Owner::Undecided(i)) => {
                undecided.get(i).map_or([0; 4], |of| [u64::from(of.trace), of.goid, of.start_ns, of.dur_ns])
            }
        }
    }

    fn trace(&self, row: &Row) -> &TraceTexts {
        &self.traces[self.numbers(row)[0] as usize]
    }

    fn info(&self, row: &Row) -> &TraceInfo {
        &self.profile.traces[self.numbers(row)[0] as usize]
    }

    fn goid(&self, row: &Row) -> u64 {
        self.numbers(row)[1]
    }

    fn start_ns(&self, row: &Row) -> u64 {
        self.numbers(row)[2]
    }

    fn dur_ns(&self, row: &Row) -> u64 {
        self.numbers(row)[3]
    }

    /// A number that no other request of the file has.
    fn number(&self, row: &Row) -> i64 {
        let n = self.profile.requests.as_ref().map_or(0, |requests| requests.list.len());
        match row.owner {
            Owner::Request(i) => i as i64,
            Owner::Undecided(i) => (n + i) as i64,
        }
    }

    fn root(&self, row: &Row) -> &str {
        let name = |root: u32| self.profile.requests.as_ref()?.roots.get(root as usize);
        self.request(row).and_then(|request| name(request.root)).map_or("", String::as_str)
    }

    fn totals(&self, row: &Row, of: impl Fn(crate::profile::RequestTotals) -> u64) -> Option<i64> {
        let Owner::Request(i) = row.owner else { return None };
        let stacks = self.profile.requests.as_ref()?.stacks.as_ref()?;
        row.is_first.then(|| signed(of(stacks.totals(i))))
    }

    fn sample(&self, row: &Row) -> Option<&'p crate::profile::Sample> {
        match row.spent {
            Spent::Sample(i) => Some(&self.profile.samples[i]),
            Spent::More(_) | Spent::Unknown => None,
        }
    }

    fn state(&self, row: &Row) -> &str {
        let name = |state: u16| self.profile.requests.as_ref()?.state_names.get(usize::from(state));
        match row.spent {
            Spent::Sample(i) => &self.profile.samples[i].state,
            Spent::More(state) => name(state).map_or("", String::as_str),
            Spent::Unknown => "",
        }
    }

    /// A text about the stack of a row's sample, made once for each sample.
    fn line_of(
        &self,
        row: &Row,
        known: &RefCell<Vec<Option<ByteArray>>>,
        line: impl Fn(NodeIdx) -> String,
    ) -> ByteArray {
        match row.spent {
            Spent::Sample(i) => {
                let make = || bytes(&line(self.profile.samples[i].stack));
                known.borrow_mut()[i].get_or_insert_with(make).clone()
            }
            Spent::More(_) => bytes(ProfileFrame::MORE),
            Spent::Unknown => bytes(""),
        }
    }
}

/// Writes the columns of a row group, one after the other.
struct GroupWriter<'w, 'r> {
    group: SerializedRowGroupWriter<'w, Vec<u8>>,
    rows: &'r [Row],
}

impl GroupWriter<'_, '_> {
    fn texts(&mut self, value: impl Fn(&Row) -> ByteArray) -> Result<()> {
        let values: Vec<ByteArray> = self.rows.iter().map(value).collect();
        self.column::<ByteArrayType>(&values, None, None)
    }

    fn numbers(&mut self, value: impl Fn(&Row) -> i64) -> Result<()> {
        let values: Vec<i64> = self.rows.iter().map(value).collect();
        self.column::<Int64Type>(&values, None, None)
    }

    fn flags(&mut self, value: impl Fn(&Row) -> bool) -> Result<()> {
        let values: Vec<bool> = self.rows.iter().map(value).collect();
        self.column::<BoolType>(&values, None, None)
    }

    /// Numbers that some rows do not have.
    fn nullable(&mut self, value: impl Fn(&Row) -> Option<i64>) -> Result<()> {
        let values: Vec<Option<i64>> = self.rows.iter().map(value).collect();
        let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
        let values: Vec<i64> = values.into_iter().flatten().collect();
        self.column::<Int64Type>(&values, Some(&levels), None)
    }

    /// The keys of each row's map, or their values.
    fn map_part(&mut self, part: impl Fn(&Row) -> Vec<ByteArray>) -> Result<()> {
        let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
        for row in self.rows {
            let of_row = part(row);
            for i in 0..of_row.len().max(1) {
                definitions.push(i16::from(!of_row.is_empty()));
                repetitions.push(i16::from(i > 0));
            }
            values.extend(of_row);
        }
        self.column::<ByteArrayType>(&values, Some(&definitions), Some(&repetitions))
    }

    fn column<T: DataType>(
        &mut self,
        values: &[T::T],
        definitions: Option<&[i16]>,
        repetitions: Option<&[i16]>,
    ) -> Result<()> {
        let next: Option<SerializedColumnWriter<'_>> = self.group.next_column()?;
        let Some(mut column) = next else { return Ok(()) };
        let _ = column.typed::<T>().write_batch(values, definitions, repetitions)?;
        column.close()
    }
}
