//! Requests that wait for a goroutine that waits for another one, twelve times (`testdata/gen/relays`): the request's own
//! stack is never lost, waits on one stack fold, and after eight that do not the rest is `[more]`.

use crate::common::{recordings, root};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn report(path: &Path, function: &str, format: &[&str]) -> String {
    let pattern = format!(r"^main\.{function}$");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let output = command.current_dir(root()).args(["-q", "--root", &pattern]).args(format).arg(path).output();
    String::from_utf8(output.expect("it runs").stdout).expect("text")
}

/// The stack in which the last goroutine sleeps, outermost first, and the time of all stacks as of all requests.
fn longest(path: &Path, function: &str) -> (Vec<String>, [u64; 2]) {
    let report: Value = serde_json::from_str(&report(path, function, &["-f", "json"])).expect("JSON");
    let stacks = report["stacks"].as_array().expect("stacks");
    let sum = stacks.iter().map(|stack| stack["latency_ns"].as_u64().expect("ns")).sum();
    let frames = stacks[0]["frames"].as_array().expect("frames").iter().rev();
    let names = frames.map(|frame| frame["function"].as_str().expect("a name").to_owned()).collect();
    (names, [sum, report["latency"]["total_ns"].as_u64().expect("ns")])
}

#[test]
fn after_eight_goroutines_the_rest_is_more() {
    for path in recordings("relays") {
        let what = path.display();
        for (function, waits, links) in [("Alike", 2, 1), ("Unlike", 8, 7)] {
            let (stack, [sum, total]) = longest(&path, function);
            let count = |name: &str| stack.iter().filter(|frame| frame.starts_with(name)).count();
            assert_eq!((count("[waiting for]"), count("[more]")), (waits, 1), "{what}: {stack:?}");
            assert_eq!(count("main.pass") + count("main.hand"), links, "{what}: {stack:?}");
            assert_eq!(stack.last().map(String::as_str), Some("time.Sleep"), "{what}");
            assert_eq!(sum, total, "{what}");
        }
    }
}

#[test]
fn who_waits_and_who_is_waited_for_stand_in_every_format() {
    for path in recordings("relays") {
        for function in ["Alike", "Unlike"] {
            for format in [&["--width", "80"][..], &["-f", "folded"], &["-f", "md"], &["-f", "svg"]] {
                let text = report(&path, function, format);
                // At 80 columns the second half of a stack is a line of its own.
                let lines: Vec<&str> = text.lines().collect();
                let mut both = lines.windows(2).map(<[&str]>::concat);
                let line = both.any(|two| two.contains("main.relay") && two.contains("main.rest"));
                let is_drawn = format[1] == "svg" && text.contains("main.relay") && text.contains("main.rest (");
                assert!(line || is_drawn, "{}: {function}, {format:?}: {text}", path.display());
                assert!(matches!(format[1], "80" | "md") || text.contains("[more]"), "{function}, {format:?}");
            }
        }
    }
}
