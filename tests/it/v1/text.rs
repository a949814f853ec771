//! Old traces as text: a line for each record, in the order of the file.
//!
//! ```text
//! Trace Go1.21
//! start                        goroutine 1 runs on proc 0, from tick 1000 on; goroutine 2 waits
//! P0 1010 GoCreate 10 1 1      a proc, a tick, an event with its values as the file has them, its stack last
//! String 9 main.f              a string of the dictionary
//! Raw 41 00                    bytes
//! end                          a tick is a nanosecond; strings and stacks 1 and 2
//! ```

use super::builder::Builder;

/// Names of events by their codes (`EventType` in `src/internal/trace/internal/tracev1/parser.go`, Go 1.27).
const NAMES: [&str; 50] = [
    "None",
    "Batch",
    "Frequency",
    "Stack",
    "Gomaxprocs",
    "ProcStart",
    "ProcStop",
    "GCStart",
    "GCDone",
    "STWStart",
    "STWDone",
    "GCSweepStart",
    "GCSweepDone",
    "GoCreate",
    "GoStart",
    "GoEnd",
    "GoStop",
    "GoSched",
    "GoPreempt",
    "GoSleep",
    "GoBlock",
    "GoUnblock",
    "GoBlockSend",
    "GoBlockRecv",
    "GoBlockSelect",
    "GoBlockSync",
    "GoBlockCond",
    "GoBlockNet",
    "GoSysCall",
    "GoSysExit",
    "GoSysBlock",
    "GoWaiting",
    "GoInSyscall",
    "HeapAlloc",
    "HeapGoal",
    "TimerGoroutine",
    "FutileWakeup",
    "String",
    "GoStartLocal",
    "GoUnblockLocal",
    "GoSysExitLocal",
    "GoStartLabel",
    "GoBlockGC",
    "GCMarkAssistStart",
    "GCMarkAssistDone",
    "UserTaskCreate",
    "UserTaskEnd",
    "UserRegion",
    "UserLog",
    "CPUSample",
];

/// The bytes of a trace from its line `Trace Go1.…` on.
pub(crate) fn from_text(text: &str) -> Vec<u8> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let version = lines.next().and_then(|line| line.strip_prefix("Trace Go1.")).expect("a version");
    let mut trace = Builder::new(version.parse().expect("a version"));
    let mut last = None;
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |i: usize| words[i].trim_start_matches('P').parse::<u64>().unwrap_or_else(|_| panic!("{line}"));
        match words[0] {
            "start" => {
                trace.start();
                last = Some((0, 1005));
            }
            "end" => {
                trace.end();
                last = None;
            }
            "String" => {
                trace.string(number(1), words[2..].join(" ").as_bytes());
            }
            "Frequency" => {
                trace.record(2, &[number(1)]);
            }
            "Raw" => {
                let byte = |word: &&str| u8::from_str_radix(word, 16).unwrap_or_else(|_| panic!("{line}"));
                trace.bytes.extend(words[1..].iter().map(byte));
            }
            _ => {
                let (proc, tick) = (number(0), number(1));
                let code = NAMES.iter().position(|name| *name == words[2]).unwrap_or_else(|| panic!("{line}")) as u8;
                let args: Vec<u64> = (3..words.len()).map(number).collect();
                let from = last.filter(|&(last_proc, at)| last_proc == proc && at <= tick).map_or_else(
                    || {
                        trace.batch(proc, tick);
                        tick
                    },
                    |(_, at)| at,
                );
                trace.event(code, tick - from, &args);
                last = Some((proc, tick));
            }
        }
    }
    trace.bytes
}
