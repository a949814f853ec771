//! Parquet: one flat table of requests, for engines that read many such files (`docs/fleet.md`).
//!
//! A row is one request × state × detail × precision × stack. What belongs to the request as a whole stands on its first row
//! alone and is NULL elsewhere, so that sums, counts and quantiles need no join:
//!
//! ```text
//!   request  root     dur_ns  state        stack          ns
//!   0        main.H   100     running      main.H;main.f  80    first row of the request
//!   0        main.H   NULL    chan receive main.H;main.g  20
//!   1        main.H   55      running      main.H         55    first row of the next one
//! ```
//!
//! To read: `rows` (what rows there are), `columns` (the schema, and each column's values), then this file: row groups,
//! encodings.

mod columns;
mod rows;

use super::Options;
use crate::profile::Profile;
use crate::table::schema::{SCHEMA, SCHEMA_KEY, TRACES_KEY, TraceFacts, WAITS_KEY, WaitsFacts, recordings};
use columns::Columns;
use parquet::basic::{Compression, Encoding, GzipLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rows::{Row, rows};
use std::io::{self, Write};
use std::sync::Arc;

/// Rows of a row group: memory is that of its largest column.
const ROWS_OF_GROUP: usize = 1 << 17;
/// Stacks repeat. A dictionary that is cut off costs ten times as much.
const DICTIONARY_BYTES: usize = 16 << 20;

/// Writes all requests of a profile that knows each one's stacks.
pub(super) fn write(profile: &Profile, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let recordings = recordings(profile);
    let columns = Columns::new(profile, &recordings);
    let schema = Arc::new(columns::schema().map_err(failed)?);
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties(profile, &recordings)?)).map_err(failed)?;
    let mut rows = rows(profile).peekable();
    while rows.peek().is_some() {
        let group: Vec<Row> = rows.by_ref().take(ROWS_OF_GROUP).collect();
        columns.write(&group, &mut writer).map_err(failed)?;
        writer.flush()?;
        out.write_all(&std::mem::take(writer.inner_mut()))?;
    }
    let _ = writer.finish().map_err(failed)?;
    out.write_all(writer.inner())
}

fn properties(profile: &Profile, recordings: &[String]) -> io::Result<WriterProperties> {
    let schema = KeyValue::new(SCHEMA_KEY.to_owned(), SCHEMA.to_owned());
    let facts = profile.traces.iter().zip(recordings);
    let facts: Vec<TraceFacts> = facts.map(|(trace, recording)| TraceFacts::of(trace, recording)).collect();
    let traces = KeyValue::new(TRACES_KEY.to_owned(), serde_json::to_string(&facts)?);
    let waits = WaitsFacts::of(profile).map(|facts| serde_json::to_string(&facts)).transpose()?;
    let waits = waits.map(|json| KeyValue::new(WAITS_KEY.to_owned(), json));
    Ok(WriterProperties::builder()
        .set_created_by(format!("gotrace-slice {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some([schema, traces].into_iter().chain(waits).collect()))
        .set_compression(Compression::GZIP(GzipLevel::default()))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_column_dictionary_enabled(ColumnPath::from("ns"), false)
        // BYTE_STREAM_SPLIT of integers is smaller, and DuckDB 1.5 does not read it.
        .set_column_encoding(ColumnPath::from("ns"), Encoding::DELTA_BINARY_PACKED)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .build())
}

fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => io::Error::other(error),
        other => io::Error::other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{RequestStacks, RequestTotals, UndecidedRequest};
    use crate::render::testing::sample_requests;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;
    use std::collections::HashMap;

    type TableRow = HashMap<String, Field>;

    fn table(profile: &Profile) -> Vec<TableRow> {
        let mut bytes = Vec::new();
        write(profile, &Options::default(), &mut bytes).expect("memory");
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("a file");
        let metadata = reader.metadata().file_metadata().key_value_metadata().expect("metadata");
        assert!(metadata.iter().any(|of| of.key == "schema" && of.value.as_deref() == Some(SCHEMA)));
        let rows = reader.get_row_iter(None).expect("rows");
        rows.map(|row| row.expect("a row").into_columns().into_iter().collect()).collect()
    }

    /// All of each request's time in its first sample, but for 1 ns of the first request, whose stack is not known.
    fn profile() -> Profile {
        let mut profile = sample_requests();
        let mut stacks = RequestStacks::default();
        let requests = profile.requests.as_mut().expect("requests");
        for (i, request) in requests.list.iter().enumerate() {
            let more = u64::from(i == 0);
            let totals = RequestTotals { goroutine_ns: 9, gc_ns: 8, stw_ns: 7 };
            stacks.push(
                totals,
                [(0, request.dur_ns - 4 - more), (1, 4)],
                request.states.iter().take(1).map(|(state, _)| (state, more)),
            );
        }
        requests.stacks = Some(stacks);
        let undecided = UndecidedRequest { goid: 70, start_ns: 5, dur_ns: 6, ..UndecidedRequest::default() };
        profile.selection.undecided.list.push(undecided);
        profile.traces[0].labels = [("host", "h1"), ("zone", "eu")].map(|(k, v)| (k.into(), v.into())).into();
        profile.traces[0].clock_start_ns = 1000;
        profile.traces[0].wall_start_ns = Some(5000);
        profile
    }

    /// DuckDB 1.5 refuses integers that are split by bytes.
    #[test]
    fn columns_have_encodings_that_all_engines_read() {
        let mut bytes = Vec::new();
        write(&profile(), &Options::default(), &mut bytes).expect("memory");
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("a file");
        for column in reader.metadata().row_group(0).columns() {
            let split = column.encodings().any(|encoding| encoding == Encoding::BYTE_STREAM_SPLIT);
            assert!(!split, "{}", column.column_path());
        }
    }

    #[test]
    fn what_is_the_requests_stands_on_its_first_row() {
        let profile = profile();
        let list = &profile.requests.as_ref().expect("requests").list;
        let rows = table(&profile);
        assert_eq!(rows.len(), 2 * list.len() + 2);
        let mut sums: HashMap<i64, i64> = HashMap::new();
        for row in &rows {
            let Field::Long(request) = row["request"] else { panic!("{row:?}") };
            let is_new = !sums.contains_key(&request);
            *sums.entry(request).or_default() += if let Field::Long(ns) = row["ns"] { ns } else { 0 };
            assert_eq!(row["dur_ns"] != Field::Null, is_new, "{row:?}");
            let Some(of) = list.get(request as usize) else { continue };
            if is_new {
                assert_eq!(row["dur_ns"], Field::Long(of.dur_ns as i64));
                assert_eq!((&row["goroutine_ns"], &row["stw_ns"]), (&Field::Long(9), &Field::Long(7)));
            }
            assert_eq!(row["start_ns"], Field::Long(of.start_ns as i64));
            assert_eq!(row["clock_ns"], Field::Long(1000 + of.start_ns as i64));
            assert_eq!(row["wall_ns"], Field::Long(5000 + of.start_ns as i64));
        }
        assert!(list.iter().enumerate().all(|(i, of)| sums[&(i as i64)] == of.dur_ns as i64));
        let more = rows.iter().filter(|row| row["stack"] == Field::Str("[more]".into())).count();
        assert_eq!(more, 1);
    }

    #[test]
    fn labels_have_columns_of_their_own_or_are_in_the_map() {
        let rows = table(&profile());
        assert_eq!(rows[0]["host"], Field::Str("h1".into()));
        assert_eq!(rows[0]["service"], Field::Str(String::new()));
        let Field::MapInternal(labels) = &rows[0]["labels"] else { panic!("{:?}", rows[0]) };
        assert_eq!(labels.entries(), [(Field::Str("zone".into()), Field::Str("eu".into()))]);
    }

    #[test]
    fn undecided_requests_have_a_row_without_time_by_stack() {
        let rows = table(&profile());
        let undecided: Vec<&TableRow> = rows.iter().filter(|row| row["undecided"] == Field::Bool(true)).collect();
        let [row] = undecided[..] else { panic!("{undecided:?}") };
        assert_eq!((&row["root"], &row["ns"]), (&Field::Str(String::new()), &Field::Null));
        assert_eq!((&row["goid"], &row["dur_ns"]), (&Field::Long(70), &Field::Long(6)));
        assert_eq!((&row["gc_ns"], &row["stack"]), (&Field::Null, &Field::Str(String::new())));
    }

    #[test]
    fn a_profile_without_requests_is_a_table_without_rows() {
        assert!(table(&Profile::default()).is_empty());
    }
}
