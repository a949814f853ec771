//! The columns of a table: where they are in a file, and their values in batches of rows.
//!
//! All columns of a row group are read side by side, so that memory is that of a page of each, however long the group is.

use super::chunks::Chunks;
use super::pages::{Budget, Pages, Values};
use parquet::basic::Type as PhysicalType;
use parquet::column::reader::{ColumnReaderImpl, GenericColumnReader};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::RowGroupMetaData;
use parquet::schema::types::SchemaDescriptor;
use std::sync::Arc;

/// Rows that are read at once.
const BATCH: usize = 4096;

/// Columns of texts, in the order of [`Batch::texts`].
pub(super) const TEXTS: [&str; 13] = [
    "trace",
    "go",
    "service",
    "host",
    "version",
    "root",
    "state",
    "detail",
    "precision",
    "stack",
    "lines",
    "waited_in",
    "recording",
];
/// Columns that a table may lack: nothing is known of them then.
const OPTIONAL: [&str; 2] = ["waited_in", "recording"];
/// Columns of numbers, in the order of [`Batch::numbers`].
pub(super) const NUMBERS: [&str; 10] =
    ["request", "goid", "start_ns", "clock_ns", "wall_ns", "dur_ns", "goroutine_ns", "gc_ns", "stw_ns", "ns"];
/// Columns of flags, in the order of [`Batch::flags`].
pub(super) const FLAGS: [&str; 3] = ["partial", "inferred", "undecided"];

/// Labels without a column of their own that the row groups of any file may have; beside one for each of its bytes.
const MAX_LABELS: u64 = 1 << 18;

/// The labels of a row, by name: they share their bytes with those of other rows.
pub(super) type Labels = Vec<(ByteArray, ByteArray)>;

/// Where each column is in a file.
pub(super) struct Places {
    /// None for a column that the table lacks.
    texts: [Option<usize>; TEXTS.len()],
    numbers: [usize; NUMBERS.len()],
    flags: [usize; FLAGS.len()],
    /// The keys and the values of the other labels; none in a table without them.
    labels: Option<[usize; 2]>,
}

impl Places {
    /// Finds the columns by their names, or says what is wrong.
    pub(super) fn find(schema: &SchemaDescriptor) -> std::result::Result<Self, String> {
        let mut places = Self { texts: [None; TEXTS.len()], numbers: [0; 10], flags: [0; 3], labels: None };
        for (at, name) in places.texts.iter_mut().zip(TEXTS) {
            if !OPTIONAL.contains(&name) || schema.columns().iter().any(|column| column.path().parts()[0] == name) {
                *at = Some(place_of(schema, name, PhysicalType::BYTE_ARRAY)?);
            }
        }
        let kinds: [(&mut [usize], &[&str], PhysicalType); 2] =
            [(&mut places.numbers, &NUMBERS, PhysicalType::INT64), (&mut places.flags, &FLAGS, PhysicalType::BOOLEAN)];
        for (at, names, kind) in kinds {
            for (at, name) in at.iter_mut().zip(names) {
                *at = place_of(schema, name, kind)?;
            }
        }
        places.labels = labels(schema);
        Ok(places)
    }
}

/// The place of a column without repetitions.
fn place_of(schema: &SchemaDescriptor, name: &str, kind: PhysicalType) -> std::result::Result<usize, String> {
    let found = schema.columns().iter().position(|column| column.path().parts() == [name]);
    let Some(place) = found else {
        let is_nested = schema.columns().iter().any(|column| column.path().parts()[0] == name);
        let what = if is_nested { "is not flat" } else { "is missing" };
        return Err(format!("its column '{name}' {what}"));
    };
    let column = &schema.columns()[place];
    if column.physical_type() != kind {
        return Err(format!("its column '{name}' has the type {}, not {kind}", column.physical_type()));
    }
    if column.max_rep_level() > 0 || column.max_def_level() > 1 {
        return Err(format!("its column '{name}' is not flat"));
    }
    Ok(place)
}

/// The keys and the values of a map of texts, as any engine writes it.
fn labels(schema: &SchemaDescriptor) -> Option<[usize; 2]> {
    let is_of_map = |i: &usize| {
        let column = &schema.columns()[*i];
        let parts = column.path().parts();
        let is_text = column.physical_type() == PhysicalType::BYTE_ARRAY;
        parts.len() == 3 && parts[0] == "labels" && is_text && column.max_rep_level() == 1
    };
    let places: Vec<usize> = (0..schema.num_columns()).filter(is_of_map).collect();
    <[usize; 2]>::try_from(places).ok()
}

/// Values of some rows that follow each other.
#[derive(Default)]
pub(super) struct Batch {
    /// How many rows.
    pub(super) n: usize,
    /// NULL is none.
    pub(super) texts: [Vec<Option<ByteArray>>; TEXTS.len()],
    pub(super) numbers: [Vec<Option<i64>>; NUMBERS.len()],
    pub(super) flags: [Vec<Option<bool>>; FLAGS.len()],
    pub(super) labels: Vec<Labels>,
}

/// A table as a file.
pub(super) struct TableFile {
    /// Its bytes.
    chunks: Arc<Chunks>,
    /// What its pages may take.
    budget: Budget,
    /// How many keys, and how many values, of labels a row group may have. What is kept of them is counted by [`limits`](super::limits).
    max_labels: u64,
}

impl TableFile {
    pub(super) fn new(chunks: Arc<Chunks>, size: u64) -> Self {
        Self { chunks, budget: Budget::of_file(size), max_labels: MAX_LABELS.saturating_add(size) }
    }
}

/// A row group of it.
struct Group<'f> {
    file: &'f TableFile,
    metadata: &'f RowGroupMetaData,
    n_rows: usize,
}

impl Group<'_> {
    fn pages(&self, at: usize, max_values: Values) -> Result<Box<Pages>> {
        let of = (self.n_rows, max_values);
        Pages::new(&self.file.chunks, self.metadata.column(at), of, self.file.budget.clone()).map(Box::new)
    }
}

/// Reads a row group.
pub(super) struct GroupReader {
    left: usize,
    texts: Vec<Option<Flat<ByteArrayType>>>,
    numbers: Vec<Flat<Int64Type>>,
    flags: Vec<Flat<BoolType>>,
    labels: Option<[MapPart; 2]>,
}

impl GroupReader {
    pub(super) fn new(file: &TableFile, group: &RowGroupMetaData, places: &Places) -> Result<Self> {
        let group = &Group { file, metadata: group, n_rows: usize::try_from(group.num_rows()).unwrap_or(0) };
        let labels = match places.labels {
            Some([keys, values]) => {
                let most = || Values::new(file.max_labels);
                Some([MapPart::new(group, keys, &most())?, MapPart::new(group, values, &most())?])
            }
            None => None,
        };
        Ok(Self {
            left: group.n_rows,
            texts: places
                .texts
                .iter()
                .map(|at| at.map(|at| Flat::new(group, at)).transpose())
                .collect::<Result<_>>()?,
            numbers: places.numbers.iter().map(|at| Flat::new(group, *at)).collect::<Result<_>>()?,
            flags: places.flags.iter().map(|at| Flat::new(group, *at)).collect::<Result<_>>()?,
            labels,
        })
    }

    /// The next rows; none at the end of the group.
    pub(super) fn next(&mut self) -> Result<Option<Batch>> {
        let n = self.left.min(BATCH);
        if n == 0 {
            return Ok(None);
        }
        self.left -= n;
        let mut batch = Batch { n, ..Batch::default() };
        for (column, reader) in batch.texts.iter_mut().zip(&mut self.texts) {
            *column = reader.as_mut().map_or(Ok(Vec::new()), |reader| reader.read(n))?;
        }
        fill(&mut batch.numbers, &mut self.numbers, n)?;
        fill(&mut batch.flags, &mut self.flags, n)?;
        batch.labels = match &mut self.labels {
            Some([keys, values]) => maps(keys.read(n)?, values.read(n)?),
            None => vec![Labels::new(); n],
        };
        Ok(Some(batch))
    }
}

fn fill<T: DataType>(columns: &mut [Vec<Option<T::T>>], readers: &mut [Flat<T>], n: usize) -> Result<()> {
    for (column, reader) in columns.iter_mut().zip(readers) {
        *column = reader.read(n)?;
    }
    Ok(())
}

/// A column with one value, or NULL, a row.
struct Flat<T: DataType> {
    reader: ColumnReaderImpl<T>,
    can_be_null: bool,
}

impl<T: DataType> Flat<T> {
    fn new(group: &Group<'_>, at: usize) -> Result<Self> {
        let column = group.metadata.column(at).column_descr_ptr();
        let can_be_null = column.max_def_level() > 0;
        let pages = group.pages(at, Values::new(group.n_rows as u64))?;
        Ok(Self { reader: GenericColumnReader::new(column, pages), can_be_null })
    }

    fn read(&mut self, n: usize) -> Result<Vec<Option<T::T>>> {
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let definitions = self.can_be_null.then_some(&mut levels);
        let (records, ..) = self.reader.read_records(n, definitions, None, &mut values)?;
        check(records, n)?;
        if !self.can_be_null {
            return Ok(values.into_iter().map(Some).collect());
        }
        let mut values = values.into_iter();
        Ok(levels.into_iter().map(|level| if level > 0 { values.next() } else { None }).collect())
    }
}

fn check(records: usize, n: usize) -> Result<()> {
    if records == n { Ok(()) } else { Err(ParquetError::EOF("a column ends before the others".to_owned())) }
}

/// The keys of maps, or their values.
struct MapPart {
    reader: ColumnReaderImpl<ByteArrayType>,
    max_level: i16,
}

impl MapPart {
    fn new(group: &Group<'_>, at: usize, max_values: &Values) -> Result<Self> {
        let column = group.metadata.column(at).column_descr_ptr();
        let max_level = column.max_def_level();
        let pages = group.pages(at, max_values.clone())?;
        Ok(Self { reader: GenericColumnReader::new(column, pages), max_level })
    }

    /// Of each row, the texts that are there.
    fn read(&mut self, n: usize) -> Result<Vec<Vec<Option<ByteArray>>>> {
        let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
        let (records, ..) = self.reader.read_records(n, Some(&mut definitions), Some(&mut repetitions), &mut values)?;
        check(records, n)?;
        let mut values = values.into_iter();
        let mut rows: Vec<Vec<Option<ByteArray>>> = Vec::with_capacity(n);
        for (definition, repetition) in definitions.into_iter().zip(repetitions) {
            if repetition == 0 {
                rows.push(Vec::new());
            }
            let text = if definition == self.max_level { values.next() } else { None };
            if let Some(row) = rows.last_mut() {
                row.push(text);
            }
        }
        rows.resize(n, Vec::new());
        Ok(rows)
    }
}

fn maps(keys: Vec<Vec<Option<ByteArray>>>, values: Vec<Vec<Option<ByteArray>>>) -> Vec<Labels> {
    let map = |(keys, values): (Vec<Option<ByteArray>>, Vec<Option<ByteArray>>)| {
        // One without a value is a label whose value is empty: a default array would have no bytes to ask for.
        let empty = || ByteArray::from(Vec::new());
        keys.into_iter().zip(values).filter_map(|(key, value)| Some((key?, value.unwrap_or_else(empty)))).collect()
    };
    keys.into_iter().zip(values).map(map).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_without_a_value_is_empty() {
        let zone = ByteArray::from("zone");
        let labels = maps(vec![vec![Some(zone.clone()), None]], vec![vec![None, Some(zone)]]);
        let text = |bytes: &ByteArray| String::from_utf8_lossy(bytes.data()).into_owned();
        let read: Vec<_> = labels[0].iter().map(|(key, value)| (text(key), text(value))).collect();
        assert_eq!(read, [("zone".to_owned(), String::new())]);
    }
}
