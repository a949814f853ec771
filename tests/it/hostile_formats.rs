//! One trace of hostile names through every format and width, each output read by a parser of its format that is not ours.
//! SVG and HTML are read by a browser too: `web/browser/hostile.test.mjs`, which reads what a test here writes.
#![allow(clippy::print_stdout, reason = "tests say what they skip")]

use crate::common::root;
use crate::go;
use crate::hostile_names::{NO_TEXT, folder, is_forbidden, names, output, run};
use gotrace_slice::render::FORMATS;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use pulldown_cmark::{Event, Parser, Tag};
use std::path::Path;
use std::process::Command;

/// Each format, and the test that reads it with a parser.
const READ_BY: [(&str, &str); 13] = [
    ("text", "text_has_no_control_at_any_width"),
    ("json", "hostile_names::json_has_every_name_as_it_is"),
    ("pprof", "pprof_has_every_name"),
    ("folded", "hostile_names::folded_stacks_have_a_line_each"),
    ("speedscope", "hostile_names::speedscope_has_every_name_as_it_is"),
    ("perfetto", "perfetto_has_every_name"),
    ("svg", "hostile_names::svg_is_well_formed"),
    ("html", "pages_are_written_for_a_browser"),
    ("md", "markdown_is_code_and_tables"),
    ("csv", "hostile_names::csv_has_a_line_for_each_row_and_no_formula"),
    ("csv-stacks", "hostile_names::csv_has_a_line_for_each_row_and_no_formula"),
    ("csv-requests", "tables_of_requests_keep_their_cells"),
    ("parquet", "parquet_has_every_name"),
];

#[test]
fn no_format_is_forgotten() {
    assert_eq!(FORMATS.each_ref().map(|format| format.name), READ_BY.map(|row| row.0));
    let source = ["hostile_formats.rs", "hostile_names.rs"]
        .map(|file| std::fs::read_to_string(root().join("tests/it").join(file)).expect("a file"));
    for (format, test) in READ_BY {
        let name = test.rsplit("::").next().expect("a name");
        assert!(source.iter().any(|text| text.contains(&format!("fn {name}()"))), "{format}: {test}");
    }
}

/// Requests are tasks, each with a hostile name.
const TASKS: [&str; 5] = ["-q", "-r", ".", "--root-by", "task"];
/// The widths of terminals, from too narrow to wider than any name.
const WIDTHS: [&str; 6] = ["20", "60", "80", "120", "300", "2000"];

fn written(folder: &Path, name: &str, args: &[&str]) -> Vec<u8> {
    let output = run(folder, &[args, &["-o", name, "t"]].concat());
    assert_eq!(output.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(folder.join(name)).expect("a file")
}

/// The names that are text, and what they are when control characters are made visible.
fn plain_names() -> impl Iterator<Item = String> {
    names().into_iter().filter(|name| !name.contains(NO_TEXT) && !name.is_empty())
}

#[test]
fn text_has_no_control_at_any_width() {
    let folder = folder();
    for width in WIDTHS {
        for question in [&TASKS[..], &["-r", "."], &[], &["-r", "main", "--vs-root", "pipe"], &["-r", ".", "--summary"]]
        {
            for names in [&["--full-names", "-n", "0"][..], &["--ascii", "-v"], &["--color", "never"]] {
                let output = run(folder.path(), &[&["--width", width], names, question, &["t"]].concat());
                for said in [output.stdout, output.stderr] {
                    let said = String::from_utf8(said).expect("text");
                    let found = said.chars().find(|c| is_forbidden(*c));
                    assert_eq!(found, None, "{width} {question:?} {names:?}: {said:?}");
                }
            }
        }
    }
}

/// What CommonMark and GitHub's tables make of it: nothing but paragraphs, tables, code and what is bold of ours. In particular no
/// HTML, links or images.
#[test]
fn markdown_is_code_and_tables() {
    let folder = folder();
    let goroutines = ["-q", "-r", ".", "--root-by", "creation,entry", "--metric", "goroutine"];
    let compared = ["-q", "-r", "main", "--root-by", "task", "--vs-root", "pipe"];
    let mut codes = Vec::new();
    for question in [&TASKS[..], &goroutines, &compared] {
        for more in [&["-n", "0", "--full-names"][..], &["--width", "20"], &["--width", "80"], &["--width", "300"]] {
            let text = String::from_utf8(written(folder.path(), "x.md", &[question, more].concat())).expect("text");
            assert!(!text.chars().any(is_forbidden), "{text:?}");
            check_markdown(&text, &mut codes);
        }
    }
    // Names without control characters are there letter by letter.
    for name in plain_names().filter(|name| !name.contains(is_forbidden)) {
        assert!(codes.iter().any(|code| code.contains(&name)), "{name:?} of {codes:?}");
    }
}

/// Adds the code spans of a Markdown text to `codes`.
fn check_markdown(text: &str, codes: &mut Vec<String>) {
    let (mut bold, mut cells, mut columns, mut tables) = (false, 0, 0, 0);
    for event in Parser::new_ext(text, pulldown_cmark::Options::all()) {
        match event {
            Event::Start(Tag::Table(alignments)) => (columns, tables) = (alignments.len(), tables + 1),
            Event::Start(Tag::TableHead | Tag::TableRow) => cells = 0,
            Event::Start(Tag::TableCell) => cells += 1,
            Event::End(pulldown_cmark::TagEnd::TableHead | pulldown_cmark::TagEnd::TableRow) => {
                assert_eq!(cells, columns, "{text}");
            }
            Event::Start(Tag::Strong) => bold = true,
            Event::End(pulldown_cmark::TagEnd::Strong) => bold = false,
            Event::Code(code) => codes.push(code.into_string()),
            // Bold are only our own words.
            Event::Text(words) => {
                assert!(!bold || words.chars().all(|c| c.is_ascii_alphanumeric() || " ,".contains(c)));
            }
            Event::Start(Tag::Paragraph | Tag::Heading { .. })
            | Event::End(_)
            | Event::SoftBreak
            | Event::HardBreak => {}
            other => panic!("{other:?} in {text}"),
        }
    }
    assert!(tables >= 2, "{text}");
    // A parser gives a row as many cells as its head has: those of the text are counted too.
    let bars = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
    let mut head = None;
    for line in text.lines() {
        let is_row = line.starts_with('|');
        let n = is_row.then(|| *head.get_or_insert(bars(line)));
        assert!(n.is_none_or(|n| n == bars(line)), "{line}");
        head = head.filter(|_| is_row);
    }
}

/// Go's own pprof has the names, in which it shows line ends as they are.
#[test]
fn pprof_has_every_name() {
    let Some(goroot) = go::toolchain(go::NEWEST) else { return };
    let folder = folder();
    let goroutines = ["-q", "-r", ".", "--root-by", "creation,entry", "--metric", "goroutine"];
    written(folder.path(), "x.pb.gz", &goroutines);
    let tool = go::tool(&goroot, "pprof", folder.path());
    let mut command = Command::new(tool);
    command.current_dir(folder.path()).env("PPROF_TMPDIR", folder.path()).env("HOME", folder.path());
    let output = go::run(command.args(["-raw", "x.pb.gz"]));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let raw = String::from_utf8(output.stdout).expect("text");
    for name in plain_names() {
        assert!(raw.contains(&name), "{name:?} of {raw:?}");
    }
}

/// Perfetto's own protobufs decode it, and no field is of another kind.
#[test]
fn perfetto_has_every_name() {
    let folder = folder();
    let file = folder.path().join("x.pftrace");
    assert!(!written(folder.path(), "x.pftrace", &TASKS).is_empty());
    let python = std::env::var("GOTRACE_SLICE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let lint = Command::new(python).arg(root().join("testdata/gen/perfetto_lint.py")).arg(&file).output();
    let required = std::env::var_os("GOTRACE_SLICE_REQUIRE_ENGINES").is_some();
    let Some(lint) = lint.ok().filter(|lint| lint.status.code() != Some(77)) else {
        assert!(!required, "no Python with Perfetto's protobufs");
        return println!("skipped: no Python with Perfetto's protobufs");
    };
    assert!(lint.status.success(), "{}", String::from_utf8_lossy(&lint.stderr));
    let tracks: serde_json::Value = serde_json::from_slice(&lint.stdout).expect("JSON");
    let said = tracks.to_string();
    for name in plain_names() {
        let name = serde_json::Value::from(name).to_string();
        assert!(said.contains(name.trim_matches('"')), "{name} of {said}");
    }
}

#[test]
fn parquet_has_every_name() {
    let folder = folder();
    written(folder.path(), "x.parquet", &TASKS);
    let file = std::fs::File::open(folder.path().join("x.parquet")).expect("a file");
    let reader = SerializedFileReader::new(file).expect("a table");
    let rows: Vec<Row> = reader.get_row_iter(None).expect("rows").map(|row| row.expect("a row")).collect();
    assert!(rows.len() >= names().len() - 1, "{} rows", rows.len());
    let cells: Vec<&Field> = rows.iter().flat_map(|row| row.get_column_iter().map(|(_, cell)| cell)).collect();
    for name in plain_names() {
        assert!(cells.iter().any(|cell| matches!(cell, Field::Str(text) if *text == name)), "{name:?} of {rows:?}");
    }
}

#[test]
fn tables_of_requests_keep_their_cells() {
    let folder = folder();
    let text = String::from_utf8(written(folder.path(), "x.requests.csv", &TASKS)).expect("text");
    assert!(!text.chars().any(is_forbidden), "{text:?}");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("as many cells as the head")).collect();
    assert!(rows.len() >= names().len() - 1 && text.lines().count() == rows.len() + 1, "{text}");
    assert!(!rows.iter().flatten().any(|cell| cell.starts_with(['=', '+', '-', '@'])), "{text}");
}

/// Writes pages and flame graphs, of one side and of two, for the browser's test, and says that they are there.
#[test]
fn pages_are_written_for_a_browser() {
    let folder = folder();
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile-formats");
    std::fs::create_dir_all(&to).expect("a folder of the target");
    let goroutines = ["-q", "-r", ".", "--root-by", "creation,entry", "--metric", "goroutine"];
    let compared = ["-q", "-r", "main", "--root-by", "task", "--vs-root", "pipe"];
    for (name, args) in [("tasks", &TASKS[..]), ("goroutines", &goroutines), ("compared", &compared)] {
        for extension in ["html", "svg"] {
            let file = format!("{name}.{extension}");
            let bytes = written(folder.path(), &file, args);
            let text = String::from_utf8(bytes).expect("text");
            assert!(text.trim_end().ends_with(&format!("</{extension}>")), "{file}");
            std::fs::write(to.join(file), text).expect("it is written");
        }
    }
    // What is called for json is no name of ours.
    assert!(output(folder.path(), "html", &[]).starts_with(b"<!doctype html>"));
}
