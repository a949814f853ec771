//! Memory that a hostile table of requests costs: at most 64 MB and 96 bytes for each of its own. Tables pack equal values, and
//! gzip a thousand bytes into one: what is declared, or packed, is no reason to take memory.

#![allow(clippy::print_stdout, reason = "tests say what they measured")]

use crate::common::is_alone;
use crate::memory::HEAP;
use gotrace_slice::table::{self, Input};
use parquet::basic::{Compression, Encoding, GzipLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SCHEMA: &str = "message requests {
    required binary trace (STRING); required binary go (STRING); required binary service (STRING);
    required binary host (STRING); required binary version (STRING);
    required group labels (MAP) { repeated group key_value { required binary key (STRING); required binary value (STRING); } }
    required binary root (STRING); required int64 request; required int64 goid; required int64 start_ns;
    required int64 clock_ns; required int64 wall_ns; required int64 dur_ns; required int64 goroutine_ns;
    required int64 gc_ns; required int64 stw_ns; required boolean partial; required boolean inferred;
    required boolean undecided; required binary state (STRING); required binary detail (STRING);
    required binary precision (STRING); required binary waited_in (STRING); required binary stack (STRING);
    required binary lines (STRING); required int64 ns; }";

/// The text of a column in a row.
type Texts = fn(&str, usize) -> String;
/// The number of a column in a row.
type Numbers = fn(&str, usize) -> i64;

/// What a hostile table has; all else is the same in each row.
struct Hostile {
    rows: usize,
    groups: usize,
    /// Labels of the first row.
    labels: usize,
    /// Whether all requests are cut.
    partial: bool,
    /// Bytes of nothing, so that more rows are plausible.
    padding: usize,
    properties: WriterPropertiesBuilder,
    /// Texts by column and row.
    text: fn(&str, usize) -> String,
    /// Numbers by column and row.
    number: fn(&str, usize) -> i64,
}

impl Default for Hostile {
    fn default() -> Self {
        let gzip = Compression::GZIP(GzipLevel::try_new(9).expect("a level"));
        let properties = WriterProperties::builder().set_compression(gzip).set_dictionary_page_size_limit(1 << 30);
        let (text, number): (Texts, Numbers) =
            (|_, _| String::new(), |name, row| if name == "request" { row as i64 } else { 1 });
        Self { rows: 1, groups: 1, labels: 0, partial: false, padding: 0, properties, text, number }
    }
}

impl Hostile {
    fn file(self) -> Vec<u8> {
        let schema = Arc::new(parse_message_type(SCHEMA).expect("a schema"));
        let mut seed = 1_u64;
        let noise = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'a' + (seed >> 60) as u8)
        });
        let padding = KeyValue::new("padding".to_owned(), noise.take(self.padding).collect::<String>());
        let properties = self.properties.clone().set_key_value_metadata(Some(vec![padding])).build();
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("memory");
        for group in 0..self.groups {
            self.write(group * self.rows, writer.next_row_group().expect("a group"));
        }
        writer.into_inner().expect("a file")
    }

    fn write(&self, first: usize, mut group: SerializedRowGroupWriter<'_, Vec<u8>>) {
        let rows = first..first + self.rows;
        while let Some(mut column) = group.next_column().expect("a column") {
            match column.untyped() {
                ColumnWriter::Int64ColumnWriter(of) => {
                    let name = of.get_descriptor().name().to_owned();
                    let values: Vec<i64> = rows.clone().map(|row| (self.number)(&name, row)).collect();
                    let _ = of.write_batch(&values, None, None).expect("values");
                }
                ColumnWriter::BoolColumnWriter(of) => {
                    let is_set = self.partial && of.get_descriptor().name() == "partial";
                    let _ = of.write_batch(&vec![is_set; self.rows], None, None).expect("values");
                }
                ColumnWriter::ByteArrayColumnWriter(of) if of.get_descriptor().max_rep_level() > 0 => {
                    let n = self.labels.max(1) + self.rows - 1;
                    let values = vec![ByteArray::from("label"); self.labels];
                    let definitions: Vec<i16> = (0..n).map(|i| i16::from(i < self.labels)).collect();
                    let repetitions: Vec<i16> = (0..n).map(|i| i16::from(0 < i && i < self.labels)).collect();
                    let _ = of.write_batch(&values, Some(&definitions), Some(&repetitions)).expect("values");
                }
                ColumnWriter::ByteArrayColumnWriter(of) => {
                    let name = of.get_descriptor().name().to_owned();
                    for row in rows.clone() {
                        let value = ByteArray::from((self.text)(&name, row).as_str());
                        let _ = of.write_batch(&[value], None, None).expect("a value");
                    }
                }
                _ => panic!("no such column"),
            }
            column.close().expect("a column");
        }
        let _ = group.close().expect("a group");
    }
}

/// Tables that name much in few bytes. `true`: none of it can be used, or not all.
fn kinds() -> Vec<(&'static str, Vec<u8>, bool)> {
    let gzip = || Hostile::default().properties;
    let delta = |column: &str| {
        let column = ColumnPath::from(column);
        gzip()
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED)
    };
    let long =
        |name: &str, row: usize| if name == "stack" { format!("{}{row}", "a".repeat(1 << 14)) } else { String::new() };
    let prefixes = {
        let stack = ColumnPath::from("stack");
        gzip()
            .set_column_dictionary_enabled(stack.clone(), false)
            .set_column_encoding(stack, Encoding::DELTA_BYTE_ARRAY)
    };
    vec![
        ("sound", Hostile { rows: 2000, ..Hostile::default() }.file(), false),
        (
            "one long text",
            Hostile {
                text: |name, _| if name == "root" { "a".repeat(40 << 20) } else { String::new() },
                ..Hostile::default()
            }
            .file(),
            true,
        ),
        ("long texts", Hostile { rows: 4000, text: long, ..Hostile::default() }.file(), true),
        (
            "long texts of one beginning",
            Hostile { rows: 4000, text: long, properties: prefixes, ..Hostile::default() }.file(),
            true,
        ),
        (
            "deep stacks",
            Hostile {
                rows: 24,
                text: |name, row| if name == "stack" { format!("{row}{}", ";".repeat(1 << 20)) } else { String::new() },
                ..Hostile::default()
            }
            .file(),
            true,
        ),
        (
            "stacks with other lines",
            Hostile {
                rows: 100_000,
                padding: 60_000,
                properties: delta("request"),
                text: |name, row| match name {
                    "stack" => format!("{}{}", "f;".repeat(200), row % 630),
                    "lines" => format!("{}", row / 630),
                    _ => String::new(),
                },
                ..Hostile::default()
            }
            .file(),
            true,
        ),
        (
            "requests",
            Hostile { rows: 150_000, padding: 100_000, properties: delta("request"), ..Hostile::default() }.file(),
            true,
        ),
        (
            "more rows than plausible",
            Hostile { rows: 800_000, properties: delta("request"), ..Hostile::default() }.file(),
            true,
        ),
        (
            "rows of one request",
            Hostile {
                rows: 150_000,
                padding: 100_000,
                number: |name, row| if name == "ns" { (row % 2) as i64 } else { 1 },
                text: |name, row| if name == "state" { (row % 2).to_string() } else { String::new() },
                ..Hostile::default()
            }
            .file(),
            true,
        ),
        // A name is charged once, however many have it.
        (
            "a long label of many traces",
            Hostile {
                rows: 200,
                text: |name, row| match name {
                    "trace" => row.to_string(),
                    "host" => "a".repeat(1 << 19),
                    _ => String::new(),
                },
                ..Hostile::default()
            }
            .file(),
            false,
        ),
        (
            "a long name of many traces",
            Hostile {
                rows: 200,
                text: |name, row| match name {
                    "trace" => "a".repeat(1 << 19),
                    "host" => row.to_string(),
                    _ => String::new(),
                },
                ..Hostile::default()
            }
            .file(),
            true,
        ),
        (
            "a long root of cut requests",
            Hostile {
                rows: 200,
                partial: true,
                text: |name, _| if name == "root" { "a".repeat(1 << 19) } else { String::new() },
                ..Hostile::default()
            }
            .file(),
            false,
        ),
        (
            "a long state of many samples",
            Hostile {
                rows: 200,
                text: |name, row| match name {
                    "state" | "waited_in" | "lines" => "a".repeat(1 << 19),
                    "stack" => row.to_string(),
                    _ => String::new(),
                },
                ..Hostile::default()
            }
            .file(),
            false,
        ),
        (
            "labels of many row groups",
            Hostile {
                labels: 200_000,
                groups: 100,
                text: |name, row| if name == "trace" { row.to_string() } else { String::new() },
                ..Hostile::default()
            }
            .file(),
            true,
        ),
        ("labels", Hostile { labels: 1_500_000, ..Hostile::default() }.file(), true),
        (
            "short texts",
            Hostile {
                rows: 100_000,
                padding: 60_000,
                number: |_, _| 1,
                text: |name, row| if name == "detail" || name == "waited_in" { row.to_string() } else { String::new() },
                ..Hostile::default()
            }
            .file(),
            true,
        ),
        ("row groups", Hostile { groups: 200, ..Hostile::default() }.file(), false),
    ]
}

#[test]
fn no_table_costs_more_than_it_justifies() {
    if !is_alone(module_path!(), "no_table_costs_more_than_it_justifies") {
        return;
    }
    let mut wrong = Vec::new();
    for (name, bytes, is_too_much) in kinds() {
        let size = bytes.len();
        let before = HEAP.current_usage();
        HEAP.reset_peak_usage();
        let start = Instant::now();
        let input = Input { name: "x".to_owned(), source: Arc::new(bytes) };
        let read = table::all(&[input], gotrace_slice::Options { request_stacks: true, ..Default::default() });
        let (took, peak) = (start.elapsed(), HEAP.peak_usage().saturating_sub(before));
        let said = match &read {
            Ok(profile) => {
                profile.warnings.iter().filter(|w| w.data_lost).map(|w| w.message.clone()).next().unwrap_or_default()
            }
            Err(error) => error.to_string(),
        };
        let mb = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        println!("{name:28} {:7.2} MB of table {:7.1} MB {took:5.1?} {said}", mb(size), mb(peak));
        if peak > (64 << 20) + 96 * size || said.is_empty() == is_too_much || took > Duration::from_mins(1) {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
