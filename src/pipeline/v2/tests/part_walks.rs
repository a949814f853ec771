//! Parts that walk paths at every chance find what walks of the whole do, also where a part does not know all of it.

use super::compare;
use crate::pipeline::testing::trace;
use crate::slice::RootBy;

/// A trace of two generations, in which goroutines 2 to 5 run on threads of their own. Each generation is given as what they
/// do in it, by goroutine: the second one from 1 ms on.
fn two_generations(first: [&str; 4], second: [&str; 4]) -> Vec<u8> {
    let clock =
        |number: u32, time: u32| format!("EventBatch gen={number} m=-1 time={time}\nFrequency freq=1_000_000_000\n");
    let create = |g| format!("GoCreate at={} new_g={g} new_stack=\"main.serve\" stack=\"main.main\"\n", 10 + g);
    let starts = (1..).zip(first).map(|(i, events)| {
        let proc = format!("EventBatch gen=1 m={i} time=0\nProcStatus at={} p={i} pstatus=Running\n", 2 + i);
        format!("{proc}GoStart at={} g={} g_seq=1\n{events}", 30 + i, i + 1)
    });
    let goes_on = (1..).zip(second).map(|(i, events)| {
        let batch =
            format!("EventBatch gen=2 m={i} time=1_000_000\nProcStatus at={} p={i} pstatus=Running\n", 1_000_010 + i);
        format!("{batch}GoStatus at={} g={} m={i} gstatus=Running\n{events}", 1_000_020 + i, i + 1)
    });
    let main =
        "EventBatch gen=1 m=0 time=0\nProcStatus at=1 p=0 pstatus=Running\nGoStatus at=2 g=1 m=0 gstatus=Running\n";
    let text = ["Trace Go1.22\n".to_owned(), clock(1, 0), main.to_owned()]
        .into_iter()
        .chain((2..6).map(create))
        .chain(["GoBlock at=20 reason_string=\"sync\" stack=\"main.main\"\n".to_owned()])
        .chain(starts)
        .chain([clock(2, 1_000_000)])
        .chain(goes_on)
        .collect::<String>();
    crate::trace::text::from_text(&text).expect("a sound trace")
}

/// A goroutine logs from one time to another, every `step` ns, on these stacks in turn.
fn logs(from: u64, to: u64, step: usize, stacks: [&str; 2]) -> String {
    let log = |(at, stack): (u64, &&str)| format!("UserLog at={at} stack=\"{stack}\"\n");
    (from..to).step_by(step).zip(stacks.iter().cycle()).map(log).collect()
}

const IDLE: [&str; 2] = ["main.serve"; 2];
const REQUEST: [&str; 2] = ["main.a < main.Handler < main.serve", "main.b < main.Handler < main.serve"];

/// A request that was open where a part begins wakes one that begins and ends in it: that is another request's doing.
#[test]
fn a_request_from_before_a_part_is_known_to_work_in_it() {
    let begins = logs(100, 200, 50, REQUEST);
    let idle = logs(100, 200, 50, IDLE);
    let long = logs(1_400_000, 1_450_000, 10_000, REQUEST)
        + "GoUnblock at=1_530_000 g=3 g_seq=1 stack=\"main.a < main.Handler < main.serve\"\n"
        + &logs(1_540_000, 1_900_000, 5_000, REQUEST)
        + &logs(1_900_000, 2_000_000, 5_000, IDLE);
    let short = logs(1_400_000, 1_500_000, 10_000, IDLE)
        + &logs(1_501_000, 1_509_000, 2_000, REQUEST)
        + "GoBlock at=1_510_000 reason_string=\"chan receive\" stack=\"main.a < main.Handler < main.serve\"\n"
        + "GoStart at=1_531_000 g=3 g_seq=2\n"
        + &logs(1_532_000, 1_550_000, 2_000, REQUEST)
        + &logs(1_560_000, 2_000_000, 5_000, IDLE);
    let other = logs(1_400_000, 2_000_000, 10_000, IDLE);
    let bytes = two_generations([&begins, &idle, &idle, &idle], [&long, &short, &other, &other]);
    compare(&bytes, RootBy::default(), "main.Handler", false);
}

/// A request that began before a part has ended, while a goroutine runs of which no later stack is known yet: what it did in the
/// part is still needed.
#[test]
fn a_request_from_before_a_part_is_kept_till_it_is_final() {
    let begins = logs(100, 200, 50, REQUEST);
    let idle = logs(100, 200, 50, IDLE);
    let long = logs(1_400_000, 2_400_000, 2_000, REQUEST) + &logs(2_400_000, 2_800_000, 2_000, IDLE);
    let runs = logs(1_400_000, 1_450_000, 10_000, IDLE) + &logs(2_700_000, 2_800_000, 10_000, IDLE);
    let other = logs(1_400_000, 2_800_000, 10_000, IDLE);
    let bytes = two_generations([&begins, &idle, &idle, &idle], [&long, &runs, &other, &other]);
    compare(&bytes, RootBy::default(), "main.Handler", false);
}

#[test]
fn recordings_are_walked_alike_in_parts() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/traces/go1.26");
    let mut names: Vec<_> = std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("a file").path()).collect();
    names.retain(|path| path.extension().is_some_and(|e| e == "trace"));
    names.retain(|path| std::fs::metadata(path).is_ok_and(|file| file.len() < 300_000));
    assert!(names.len() > 20, "{}", names.len());
    for path in names {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        for pattern in ["Handler", "."] {
            compare(&trace(&format!("go1.26/{name}")), RootBy::default(), pattern, false);
        }
    }
}
