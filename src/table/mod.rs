//! Tables of requests → a profile: what `-o x.parquet` wrote is read again, without any engine.
//!
//! ```text
//!   Parquet ── columns ──> batches of rows ── collected ──> requests ── duplicates, chosen ── made ──> Profile
//! ```
//!
//! A table has requests, and how the time of each divides over stacks. It does not say who ended waits, what goroutines did
//! beside the critical paths, or when the collector worked: a profile of tables has none of these, and says so.
//!
//! To read: `schema` (what a table has), `chunks`, `pages` and `columns` (reading it), `limits` (what its size justifies), `texts`
//! and `collected` (its requests),
//! `duplicates` (snapshots that overlap), `made` (the profile).

mod chunks;
mod collected;
mod columns;
mod duplicates;
mod limits;
mod made;
mod pages;
pub(crate) mod schema;
mod texts;

use crate::pipeline::{Answer, Options};
use crate::profile::{Candidates, Profile, ShownWaits, TraceInfo};
use crate::slice::Selector;
use crate::trace::error::{Error, ErrorKind, Result, Warning};
use crate::trace::source::Source;
use chunks::Chunks;
use collected::{Collected, Wanted};
use columns::{GroupReader, Places, TableFile};
use limits::Limits;
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, RowGroupMetaData};
use parquet::file::reader::FileReader as _;
use parquet::file::serialized_reader::SerializedFileReader;
use schema::{SCHEMA, SCHEMA_KEY, TRACES_KEY, TraceFacts, WAITS_KEY, WaitsFacts};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// How a Parquet file begins.
pub const MAGIC: &[u8] = b"PAR1";

/// One table to read.
pub struct Input {
    /// Its name in messages.
    pub name: String,
    /// Its bytes.
    pub source: Arc<dyn Source + Send + Sync>,
}

/// The requests of tables whose root matches, as one profile.
pub fn profile(inputs: &[Input], selector: &Selector, options: Options) -> Result<Answer> {
    let matches = |name: &str| selector.roots.matches(name);
    let goids = selector.goids.iter().map(|goid| goid.0).collect();
    let (collected, warnings) = read(inputs, &Wanted { root: &matches, goids })?;
    if collected.requests.iter().all(|request| request.undecided) {
        return Ok(Answer::NoMatch(Box::new(candidates(inputs)?)));
    }
    Ok(Answer::Profile(Box::new(made::profile(collected, warnings, Some(selector), options))))
}

/// All requests of tables, each called by its root.
pub fn all(inputs: &[Input], options: Options) -> Result<Profile> {
    let (collected, warnings) = read(inputs, &Wanted { root: &|_| true, goids: Vec::new() })?;
    Ok(made::profile(collected, warnings, None, options))
}

/// The roots of the requests of tables.
pub fn candidates(inputs: &[Input]) -> Result<Candidates> {
    let (collected, warnings) = read(inputs, &Wanted { root: &|_| true, goids: Vec::new() })?;
    Ok(made::candidates(collected, warnings))
}

fn read(inputs: &[Input], wanted: &Wanted<'_>) -> Result<(Collected, Vec<Warning>)> {
    let (mut collected, mut warnings) = (Collected::default(), Vec::new());
    for input in inputs {
        read_table(input, wanted, &mut collected, &mut warnings).map_err(|e| e.in_input(&input.name))?;
    }
    let n = collected.n_wrong;
    if n > 0 {
        let requests = if n == 1 { "1 request was".to_owned() } else { format!("{n} requests were") };
        let message = format!("{requests} left out: the times of their rows are below zero, missing, or do not add up");
        warnings.push(Warning::lost("table-requests", message, 0, 0));
    }
    Ok((collected, warnings))
}

fn read_table(
    input: &Input,
    wanted: &Wanted<'_>,
    collected: &mut Collected,
    warnings: &mut Vec<Warning>,
) -> Result<()> {
    let unusable = |what: String| Error::new(ErrorKind::NothingUsable(what));
    let chunks = Chunks(Arc::clone(&input.source));
    let size = input.source.size();
    let file = caught(|| SerializedFileReader::new(chunks.clone()))
        .map_err(|e| unusable(format!("this is no whole Parquet file: {}", reason(&e))))?;
    let metadata = file.metadata().file_metadata();
    let announced = announced(metadata.key_value_metadata()).map_err(unusable)?;
    let no_table = |what: String| unusable(format!("this is no table of requests ({SCHEMA}): {what}"));
    let places = Places::find(metadata.schema_descr()).map_err(no_table)?;
    let n_rows = u64::try_from(metadata.num_rows()).unwrap_or(u64::MAX);
    if !Limits::has_room(size, n_rows) {
        return Err(no_table(format!("{n_rows} rows in {size} bytes")));
    }
    let n_of_groups: i64 =
        file.metadata().row_groups().iter().map(|g| g.num_rows().max(0)).fold(0, i64::saturating_add);
    if n_of_groups != metadata.num_rows() {
        return Err(no_table(format!("{n_rows} rows, and {n_of_groups} in its row groups")));
    }
    let groups = file.metadata().row_groups();
    if let Some(codec) = groups.iter().flat_map(RowGroupMetaData::columns).find_map(pages::unreadable) {
        return Err(unusable(format!("this table is compressed with {codec}, which is not read; gzip and Snappy are")));
    }
    let first = collected.requests.len();
    collected.begin_file(&input.name, size, announced);
    let table = TableFile::new(Arc::new(chunks), size);
    for (group, number) in file.metadata().row_groups().iter().zip(1..) {
        if let Err(error) = read_group(&table, group, &places, &mut |batch| collected.add(batch, wanted)) {
            let message = format!("{}: row group {number} cannot be read to its end: {}", input.name, reason(&error));
            warnings.push(Warning::lost("table-damaged", message, 0, 0));
        }
    }
    collected.end_file(first, shown(metadata.key_value_metadata()));
    Ok(())
}

fn read_group(
    file: &TableFile,
    group: &RowGroupMetaData,
    places: &Places,
    add: &mut dyn FnMut(&columns::Batch) -> parquet::errors::Result<()>,
) -> parquet::errors::Result<()> {
    let mut reader = caught(|| GroupReader::new(file, group, places))?;
    while let Some(batch) = caught(|| reader.next())? {
        add(&batch)?;
    }
    Ok(())
}

/// What the Parquet reader gives. It asserts what damaged files can break: its panic is an error here. Where panics abort, as in
/// the released program, it is for the panic hook to say so.
fn caught<T>(read: impl FnOnce() -> parquet::errors::Result<T>) -> parquet::errors::Result<T> {
    let damaged = || ParquetError::General("its data is damaged".to_owned());
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(damaged()))
}

/// The traces that a file's metadata has; none where an engine wrote it.
fn announced(metadata: Option<&Vec<KeyValue>>) -> std::result::Result<Vec<(TraceInfo, String)>, String> {
    let value = |key: &str| value(metadata, key);
    if let Some(other) = value(SCHEMA_KEY).filter(|schema| *schema != SCHEMA) {
        return Err(format!("this table has the form '{other}', and this build reads {SCHEMA}"));
    }
    let facts: Vec<TraceFacts> = value(TRACES_KEY).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    Ok(facts.into_iter().map(TraceFacts::trace).collect())
}

/// How many waits the stacks of a file show; none where it does not say that.
fn shown(metadata: Option<&Vec<KeyValue>>) -> Option<ShownWaits> {
    serde_json::from_str::<WaitsFacts>(value(metadata, WAITS_KEY)?).ok()?.shown()
}

fn value<'m>(metadata: Option<&'m Vec<KeyValue>>, key: &str) -> Option<&'m str> {
    metadata?.iter().find(|of| of.key == key)?.value.as_deref()
}

/// What the Parquet reader says, without its own name.
fn reason(error: &ParquetError) -> String {
    let text = error.to_string();
    let text = text.split_once(": ").map_or(text.as_str(), |(_, text)| text);
    text.chars().take(200).collect()
}
