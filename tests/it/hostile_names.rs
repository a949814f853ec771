//! Functions, states and tasks may be called anything. Each output is read by a parser of its format, and each command that is
//! offered is run by a shell.

use gotrace_slice::trace::testing::{NameTable, TimedEvent, TraceWriter, code};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Stands for bytes that are no text.
pub(crate) const NO_TEXT: &str = "NO_TEXT";

pub(crate) fn names() -> Vec<String> {
    let long = format!("main.{}", "x".repeat(1_000));
    let names = [
        "main.<script>alert(1)</script>",
        "main.\"quoted\"'&amp;",
        "main.a;b c",
        "main.line\nbreak\r\ttab",
        "main.\u{1b}[31mred\u{1b}]0;title\u{7}",
        "main.\u{202e}left\u{200b}\u{2066}",
        "main.pipe|cell`code`**bold**[x](http://x)",
        "main.$(touch pwned)`touch pwned`; touch pwned",
        "main.'; touch pwned; '",
        "main.]]><!-- --><![CDATA[",
        "main.NO_TEXT",
        "-rf",
        "main.nul\0byte\u{85}\u{2028}",
        "",
        &long,
    ];
    names.map(str::to_owned).to_vec()
}

/// A trace in which each name is that of a goroutine's entry function, of a state, and of a task.
fn hostile_trace() -> Vec<u8> {
    let mut writer = TraceWriter::new("1.23").expect("a version");
    writer.sync(1, 0, 1_000_000_000, (0, 0));
    let mut table = NameTable::default();
    let creation = table.stack(&["main.main"]);
    let mut events =
        vec![TimedEvent::new(1, code::PROC_STATUS, &[0, 1]), TimedEvent::new(2, code::GO_STATUS, &[1, 7, 2])];
    let first = 100;
    for (i, name) in (0..).zip(names()) {
        let entry = table.stack(&[&name]);
        events.push(TimedEvent::new(10 + i, code::GO_CREATE, &[first + i, entry, creation]));
    }
    let reason = table.string(b"sync");
    events.push(TimedEvent::new(90, code::GO_BLOCK, &[reason, creation]));
    for (i, name) in (0..).zip(names()) {
        let (at, stack, reason) = (1_000 * (i + 1), table.stack(&["main.leaf", &name]), table.string(name.as_bytes()));
        let task = [i + 1, 0, reason, stack];
        events.extend([
            TimedEvent::new(at, code::GO_START, &[first + i, 1]),
            TimedEvent::new(at + 100, code::USER_TASK_BEGIN, &task),
            TimedEvent::new(at + 200, code::USER_TASK_END, &[i + 1, stack]),
            TimedEvent::new(at + 300, code::GO_BLOCK, &[reason, stack]),
        ]);
    }
    events.push(TimedEvent::new(90_000, code::PROC_STOP, &[]));
    writer.events(1, 7, &events);
    writer.names(1, 0, &table);
    let mut bytes = writer.finish();
    let starts: Vec<usize> =
        bytes.windows(NO_TEXT.len()).enumerate().filter(|(_, w)| *w == NO_TEXT.as_bytes()).map(|(at, _)| at).collect();
    for at in starts {
        bytes[at..at + NO_TEXT.len()].copy_from_slice(b"\xff\xfe\xc3\x28\xed\xa0\x80");
    }
    bytes
}

pub(crate) fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    command.current_dir(folder).env("LANG", "C.UTF-8").args(args).stdin(Stdio::null()).output().expect("it runs")
}

/// A folder with the trace, `t`.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("t"), hostile_trace()).expect("a file");
    folder
}

/// What a format makes of all goroutines.
pub(crate) fn output(folder: &Path, format: &str, more: &[&str]) -> Vec<u8> {
    let args =
        [&["-q", "-r", ".", "--root-by", "creation,entry", "--metric", "goroutine", "-f", format, "t"], more].concat();
    let output = run(folder, &args);
    assert_eq!(output.status.code(), Some(0), "{format}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Characters that make a terminal do something, or show text in another order.
pub(crate) fn is_forbidden(c: char) -> bool {
    c != '\n' && c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[test]
fn no_terminal_is_told_what_to_do() {
    let folder = folder();
    for width in ["60", "80", "300"] {
        for question in [&["t"][..], &["-r", ".", "t"], &["-r", ".", "--root-by", "task", "t"], &["-r", "nothing", "t"]]
        {
            for format in ["text", "md"] {
                let args = [&["--width", width, "--full-names", "-f", format], question].concat();
                let Output { stdout, stderr, .. } = run(folder.path(), &args);
                for said in [stdout, stderr] {
                    let said = String::from_utf8(said).expect("text");
                    let found = said.chars().find(|c| is_forbidden(*c));
                    assert_eq!(found, None, "{args:?}: {said:?}");
                }
            }
        }
    }
}

#[test]
fn json_has_every_name_as_it_is() {
    let folder = folder();
    let json: serde_json::Value = serde_json::from_slice(&output(folder.path(), "json", &[])).expect("JSON");
    let functions: Vec<&str> = json["stacks"]
        .as_array()
        .expect("a list")
        .iter()
        .flat_map(|stack| stack["frames"].as_array().expect("a list"))
        .filter_map(|frame| frame["function"].as_str())
        .collect();
    for name in names().iter().filter(|name| !name.contains(NO_TEXT) && !name.is_empty()) {
        assert!(functions.contains(&name.as_str()), "{name:?} of {functions:?}");
    }
}

#[test]
fn folded_stacks_have_a_line_each() {
    let folder = folder();
    let text = String::from_utf8(output(folder.path(), "folded", &[])).expect("text");
    for line in text.lines() {
        let (stack, count) = line.rsplit_once(' ').expect("a count");
        assert!(count.parse::<u64>().is_ok() && !stack.is_empty(), "{line:?}");
        assert!(!line.chars().any(is_forbidden), "{line:?}");
    }
    assert!(text.lines().count() >= names().len(), "{text}");
}

#[test]
fn csv_has_a_line_for_each_row_and_no_formula() {
    let folder = folder();
    for format in ["csv", "csv-stacks"] {
        let text = String::from_utf8(output(folder.path(), format, &[])).expect("text");
        assert!(!text.chars().any(is_forbidden), "{format}: {text:?}");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> =
            reader.records().map(|row| row.expect("as many cells as the head")).collect();
        assert!(rows.len() >= names().len() && text.lines().count() == rows.len() + 1, "{format}: {text}");
        let is_formula = |cell: &str| cell.starts_with(['=', '+', '-', '@']);
        assert!(!rows.iter().flatten().any(is_formula), "{format}: {text}");
    }
}

#[test]
fn speedscope_has_every_name_as_it_is() {
    let folder = folder();
    let file: serde_json::Value = serde_json::from_slice(&output(folder.path(), "speedscope", &[])).expect("JSON");
    let frames = file["shared"]["frames"].as_array().expect("a list");
    for name in names().iter().filter(|name| !name.contains(NO_TEXT) && !name.is_empty()) {
        assert!(frames.iter().any(|frame| frame["name"] == **name), "{name:?} of {frames:?}");
    }
}

/// SVG is XML, and no name is a tag in it.
#[test]
fn svg_is_well_formed() {
    let folder = folder();
    std::fs::write(folder.path().join("a.svg"), output(folder.path(), "svg", &[])).expect("a file");
    let parse = "import xml.etree.ElementTree as e; r = e.parse('a.svg'); \
                 print(len([t for t in r.iter() if t.text and 'alert(1)' in t.text]), \
                 len([t for t in r.iter() if t.tag.endswith('script')]))";
    let Ok(parsed) = Command::new("python3").current_dir(folder.path()).args(["-c", parse]).output() else { return };
    let said = String::from_utf8_lossy(&parsed.stdout).into_owned();
    assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr));
    let counts: Vec<usize> = said.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    assert!(counts[0] >= 1 && counts[1] <= 1, "names and scripts: {said}");
}
