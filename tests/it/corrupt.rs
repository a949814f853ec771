//! Damage: what is sound around it is used, what is missing is said, nothing panics and nothing hangs.

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

use crate::common::{every_byte_counts_once, files, is_alone, is_v2, root, root_by, selector, slice};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::trace::error::Warning;
use gotrace_slice::trace::source::Source;
use gotrace_slice::trace::testing::{BatchKind, Index, NO_THREAD, code, from_text, put_uvarint, read_index};
use gotrace_slice::trace::version::{Dialect, HEADER_SIZE, Header, read_header};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The small real traces: name and bytes.
fn traces(largest: usize) -> Vec<(String, Vec<u8>)> {
    files(&root().join("testdata/traces"), "trace")
        .into_iter()
        .map(|path| (path.display().to_string(), std::fs::read(&path).expect("a readable trace")))
        .filter(|(_, bytes)| is_v2(bytes) && bytes.len() <= largest)
        .collect()
}

fn index(bytes: &Vec<u8>) -> Index {
    let Header::Known(version) = read_header(bytes) else { panic!("not a trace") };
    let Dialect::V2(row) = version.dialect else { panic!("an old trace") };
    read_index(bytes, row, 0).expect("memory never fails")
}

/// Where every batch begins and ends, and what it holds; experimental ones are part of the one after them.
fn batches(bytes: &Vec<u8>) -> Vec<(usize, usize, BatchKind)> {
    let mut found: Vec<(usize, usize, BatchKind)> = Vec::new();
    let mut start = HEADER_SIZE;
    for generation in &index(bytes).generations {
        for batch in &generation.batches {
            let end = (batch.offset + u64::from(batch.size)) as usize;
            found.push((start, end, batch.kind));
            start = end;
            start += usize::from(bytes.get(end) == Some(&code::END_OF_GENERATION));
        }
    }
    found
}

/// What came of reading something damaged.
struct Outcome {
    events: u64,
    complete: bool,
    warnings: Vec<Warning>,
}

/// None when nothing was usable.
fn read(bytes: &Vec<u8>) -> Option<Outcome> {
    let (traces, warnings) = match slice(bytes, &selector("main", root_by("creation,entry,stack")), 1) {
        Ok(Answer::Profile(profile)) => {
            // Damaged times can be anything: sums stop at the largest number.
            let times = profile.samples.iter().map(|s| s.weight.goroutine_ns);
            let total = times.fold(0_u64, u64::saturating_add);
            assert_eq!(total, profile.total.goroutine_ns);
            every_byte_counts_once(bytes, &profile.traces, &profile.warnings);
            (profile.traces, profile.warnings)
        }
        Ok(Answer::NoMatch(candidates)) => (candidates.traces, candidates.warnings),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    assert!(warnings.len() < 100 + bytes.len(), "a warning a byte");
    let events = traces.iter().map(|t| t.events).sum();
    Some(Outcome { events, complete: traces.iter().all(|t| t.complete), warnings })
}

#[test]
fn every_prefix() {
    let mut whole = 0;
    for (name, bytes) in traces(40_000) {
        let borders = batches(&bytes);
        let ends: Vec<usize> = borders.iter().map(|b| b.1).collect();
        let near_a_border = |n: &usize| ends.iter().any(|e| n.abs_diff(*e) <= 1);
        let sampled = |n: &usize| bytes.len() <= 4_800 || near_a_border(n) || n.is_multiple_of(997);
        let mut most = 0;
        for n in (0..bytes.len()).filter(sampled) {
            let prefix = bytes[..n].to_vec();
            let Some(outcome) = read(&prefix) else {
                assert!(n < ends[0] + 60, "{name}: nothing of {n} bytes");
                continue;
            };
            assert!(outcome.events >= most || !ends.contains(&n), "{name}: fewer events in {n} bytes");
            if ends.contains(&n) {
                most = outcome.events;
                whole += 1;
            } else if !ends.contains(&(n - 1)) {
                // Cut inside a batch: certainly damaged.
                assert!(!outcome.complete, "{name}: {n} bytes are called complete");
                assert!(outcome.warnings.iter().any(|w| w.data_lost && w.offset.is_some()), "{name} at {n}");
            }
        }
    }
    assert!(whole > 200, "only {whole} cuts between batches");
}

#[test]
fn ninety_nine_percent_keep_their_events() {
    for (name, bytes) in traces(usize::MAX) {
        let n = bytes.len() * 99 / 100;
        let prefix = bytes[..n].to_vec();
        let outcome = read(&prefix).expect("something usable");
        // The events of the whole trace that lie before the cut: those of whole batches, plus what stands in the cut one.
        let kept = read(&bytes).expect("a sound trace").events;
        let after: usize =
            batches(&bytes).iter().filter(|b| b.2 == BatchKind::Events && b.1 > n).map(|b| b.1 - n).sum();
        // An event takes two bytes at least, five on the average.
        let lost = kept.saturating_sub(outcome.events);
        assert!(lost <= after as u64 / 2 + kept / 50, "{name}: {lost} of {kept} events lost, {after} bytes cut");
        assert!(!outcome.complete, "{name}");
    }
}

#[test]
fn flipped_bytes() {
    for (_, bytes) in traces(4_100) {
        let mut damaged = bytes.clone();
        for at in 0..bytes.len() {
            for flip in [1u8, 0x80, 0xff] {
                damaged[at] = bytes[at] ^ flip;
                read(&damaged);
            }
            damaged[at] = bytes[at];
        }
    }
}

fn without(bytes: &[u8], from: usize, to: usize) -> Vec<u8> {
    [&bytes[..from], &bytes[to..]].concat()
}

#[test]
fn batches_dropped_doubled_swapped() {
    for (name, bytes) in traces(30_000) {
        let sound = read(&bytes).expect("a sound trace");
        let borders = batches(&bytes);
        for (i, &(from, to, kind)) in borders.iter().enumerate() {
            let dropped = read(&without(&bytes, from, to)).expect("the other batches");
            let of_batch = sound.events - dropped.events;
            assert!(kind == BatchKind::Events || of_batch == 0, "{name}: batch {i} took {of_batch} events along");
            assert!(of_batch as usize <= to - from, "{name}: batch {i}");
            let doubled = [&bytes[..to], &bytes[from..]].concat();
            let doubled = read(&doubled).expect("all batches");
            assert!(doubled.events >= sound.events, "{name}: batch {i} twice");
            let same = |next: &&(usize, usize, BatchKind)| next.0 == to && bytes[to + 1] == bytes[from + 1];
            if let Some(&(_, next, _)) = borders.get(i + 1).filter(same) {
                let swapped = [&bytes[..from], &bytes[to..next], &bytes[from..to], &bytes[next..]].concat();
                let swapped = read(&swapped).expect("all batches");
                assert_eq!(swapped.events, sound.events, "{name}: batches {i} and the next swapped");
            }
        }
    }
}

#[test]
fn foreign_bytes_lose_only_themselves() {
    let long = vec![0xff; 70_000];
    // The last two end with the first byte of an experimental batch: with it, the batch behind it looks like one.
    let texts: [&[u8]; 6] = [b"2026/11/23 listening on :8080\n", b"x", &long, b"go, batch \x01\x01", b"x1", b"1"];
    for (name, bytes) in traces(30_000) {
        let sound = read(&bytes).expect("a sound trace");
        for text in texts {
            for &(at, _, _) in batches(&bytes).iter().step_by(3) {
                let damaged = [&bytes[..at], text, &bytes[at..]].concat();
                let outcome = read(&damaged).expect("all batches");
                assert_eq!(outcome.events, sound.events, "{name}: {} foreign bytes at {at}", text.len());
                assert!(!outcome.complete);
                let lost: u64 = outcome.warnings.iter().map(|w| w.bytes).sum();
                assert_eq!(lost, text.len() as u64, "{name} at {at}: {:?}", outcome.warnings);
                assert!(outcome.warnings.iter().any(|w| w.offset == Some(at as u64)), "{:?}", outcome.warnings);
            }
        }
    }
}

#[test]
fn one_damaged_batch_loses_that_batch_only() {
    for (name, bytes) in traces(30_000) {
        let sound = read(&bytes).expect("a sound trace");
        for (i, &(from, to, _)) in batches(&bytes).iter().enumerate().filter(|(_, b)| b.2 == BatchKind::Events) {
            let in_batch = sound.events - read(&without(&bytes, from, to)).expect("the other batches").events;
            // Its data, and then its header, become nonsense.
            for damage in [from + (to - from) / 2..to, from..from + 4] {
                let mut damaged = bytes.clone();
                damaged[damage].fill(0xfe);
                let outcome = read(&damaged).expect("the other batches");
                assert!(
                    outcome.events + in_batch >= sound.events,
                    "{name}: batch {i} took others along: {:?}",
                    outcome.warnings
                );
                assert!(!outcome.complete, "{name}: batch {i}");
            }
        }
    }
}

/// Bytes of experiments are neither used nor lost; damage inside a batch is, and so is a second header without a trace.
#[test]
fn bytes_are_counted_by_what_they_are() {
    let count = |bytes: &Vec<u8>| {
        let Ok(Answer::Profile(profile)) = slice(bytes, &selector(".", root_by("creation,entry,stack")), 1) else {
            panic!("a trace")
        };
        every_byte_counts_once(bytes, &profile.traces, &profile.warnings);
        profile.traces.iter().map(|t| (t.bytes.used, t.bytes.skipped, t.bytes.unknown)).collect::<Vec<_>>()
    };
    let text = std::fs::read_to_string(root().join("testdata/text/experimental.txt")).expect("a scenario");
    let bytes = from_text(&text[text.find("\nTrace Go").expect("events") + 1..]).expect("a trace");
    let size = bytes.len() as u64;
    // Code, experiment, generation, thread, time, size, and 11 bytes of data.
    assert_eq!(count(&bytes), [(size - 17, 0, 17)]);
    // What the runtime writes: 1, an address and three sizes. All but the 1 could be read as an event of the experiment.
    let snapshot = text.replace(r"anything\x00\x01\x02", r"\x01\x80\x80\x80\x80\x18\x80\x40\x08\x80\x10");
    let snapshot = from_text(&snapshot[snapshot.find("\nTrace Go").expect("events") + 1..]).expect("a trace");
    assert_eq!(count(&snapshot), [(size - 17, 0, 17)]);
    assert_eq!(count(&[&bytes[..], b"go 1.26 trace\0\0\0"].concat()), [(size - 17, 16, 17)]);
    assert_eq!(count(&[&bytes[..], &bytes].concat()), [(size - 17, 0, 17), (size - 17, 0, 17)]);
    let old = std::fs::read(root().join("testdata/traces/go1.21/waits.trace")).expect("a trace");
    assert_eq!(count(&old), [(old.len() as u64, 0, 0)]);
    // A trace of a version that is not known costs none before it.
    let unknown = b"go 1.99 trace\0\0\0 and more";
    assert_eq!(count(&[&old[..], unknown].concat()), [(old.len() as u64, unknown.len() as u64, 0)]);
    assert_eq!(count(&[&bytes[..], unknown].concat()), [(size - 17, unknown.len() as u64, 17)]);
    assert_eq!(count(&[&old[..], &bytes].concat()), [(old.len() as u64, 0, 0), (size - 17, 0, 17)]);
}

/// A byte 49 before a batch makes an experimental one of it, also where it begins with an event of the experiment: but for
/// the runtime's own, whose data begins with 0 or 1, the byte is foreign, and what is behind it is used.
#[test]
fn a_foreign_byte_hides_no_batch_as_an_experiment() {
    let text = std::fs::read_to_string(root().join("testdata/text/experimental.txt")).expect("a scenario");
    let text = &text[text.find("\nTrace Go").expect("events") + 1..];
    let span = |at| format!("Span at={at} id=1 npages_value=2 kindclass=3\n");
    let spans: Vec<String> = (120..140).map(span).collect();
    let bytes = from_text(&format!("{text}\nEventBatch gen=1 m=0 time=115\n{}", spans.concat())).expect("a trace");
    let sound = read(&bytes).expect("a trace");
    assert!(sound.complete, "{:?}", sound.warnings);
    let generations = index(&bytes).generations;
    let batches_of_all = generations.iter().flat_map(|generation| &generation.batches);
    let of_experiment = batches_of_all.filter(|batch| bytes[batch.offset as usize] == code::FIRST_EXPERIMENTAL);
    assert_eq!(of_experiment.count(), 1);
    for (at, _, _) in batches(&bytes) {
        let damaged = [&bytes[..at], b"1", &bytes[at..]].concat();
        let outcome = read(&damaged).expect("all batches");
        assert_eq!((outcome.events, outcome.complete), (sound.events, false), "at {at}: {:?}", outcome.warnings);
    }
}

#[test]
fn two_traces_in_one_file() {
    let all = traces(6_000);
    for ((_, a), (name, b)) in all.iter().zip(all.iter().skip(1)) {
        let both = [a.clone(), b.clone()].concat();
        let outcome = read(&both).expect("two traces");
        let expected = read(a).expect("a trace").events + read(b).expect("a trace").events;
        assert_eq!(outcome.events, expected, "{name}");
        assert!(outcome.complete && outcome.warnings.iter().any(|w| w.id == "second-trace"), "{name}");
    }
}

/// A source whose `fail_at`-th read fails.
struct Failing<'a> {
    bytes: &'a Vec<u8>,
    fail_at: usize,
    reads: AtomicUsize,
}

impl Source for Failing<'_> {
    fn size(&self) -> u64 {
        self.bytes.size()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        if self.reads.fetch_add(1, Ordering::Relaxed) == self.fail_at {
            return Err(std::io::Error::other("the disk is on fire"));
        }
        self.bytes.read_at(buf, offset)
    }
}

#[test]
fn any_read_may_fail() {
    let (name, bytes) = traces(30_000).pop().expect("a trace");
    let selector = selector("main", root_by("creation,entry,stack"));
    for fail_at in 0.. {
        let source = Failing { bytes: &bytes, fail_at, reads: AtomicUsize::new(0) };
        let inputs = [Input { name: name.as_str().into(), source: &source, resolver: None }];
        let options = Options { threads: 1, ..Options::default() };
        if let Err(error) = pipeline::profile(&inputs, &selector, options, None) {
            assert!(error.to_string().contains("the disk is on fire"), "{error}");
            continue;
        }
        assert!(source.reads.load(Ordering::Relaxed) <= fail_at, "read {fail_at} failed unnoticed");
        assert!(fail_at > 5, "only {fail_at} reads");
        return;
    }
}

/// A source that says it is larger than it is, as a file that is cut while it is read.
struct Shrunk<'a> {
    bytes: &'a [u8],
    said: u64,
}

impl Source for Shrunk<'_> {
    fn size(&self) -> u64 {
        self.said
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.bytes.read_at(buf, offset)
    }
}

#[test]
fn a_file_that_shrinks_ends_where_it_ends() {
    for (name, bytes) in traces(10_000) {
        for keep in [HEADER_SIZE, bytes.len() / 2, bytes.len() - 3] {
            let source = Shrunk { bytes: &bytes[..keep], said: bytes.len() as u64 };
            let inputs = [Input { name: name.as_str().into(), source: &source, resolver: None }];
            let options = Options { threads: 1, ..Options::default() };
            let answer = pipeline::candidates(&inputs, None, options, None);
            assert!(answer.is_err() || !answer.is_ok_and(|c| c.traces.iter().all(|t| t.complete)), "{name}");
        }
    }
}

/// Peak resident memory of this process in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kb| kb << 10)
}

#[test]
fn declared_sizes_take_no_memory() {
    if !is_alone(module_path!(), "declared_sizes_take_no_memory") {
        return;
    }
    let before = peak_memory();
    for declared in (10..64).map(|bits| 1u64 << bits).chain([u64::MAX]) {
        for version in ["1.22", "1.23", "1.25", "1.26"] {
            let mut bytes = format!("go {version} trace\0\0\0").into_bytes();
            bytes.push(code::EVENT_BATCH);
            for value in [1, NO_THREAD, declared, declared] {
                put_uvarint(&mut bytes, value);
            }
            read(&bytes);
            // Tables that say they hold much.
            for (kind, entry) in [(code::STRINGS, code::STRING), (code::STACKS, code::STACK)] {
                let mut table = vec![kind, entry];
                put_uvarint(&mut table, declared);
                put_uvarint(&mut table, declared);
                let mut bytes = bytes[..HEADER_SIZE].to_vec();
                bytes.extend([code::EVENT_BATCH, 1, 1, 1, table.len() as u8]);
                bytes.extend(&table);
                read(&bytes);
            }
        }
    }
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        // A declared gigabyte would show.
        assert!(after - before < 512 << 20, "{} MB more", (after - before) >> 20);
    }
}
