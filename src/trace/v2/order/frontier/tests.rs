//! The fast path gives the same order as the general rules alone.

use super::*;
use crate::trace::text::from_text;
use crate::trace::v2::clock::read_sync;
use crate::trace::v2::codes::known_codes;
use crate::trace::v2::index::read_index;
use crate::trace::v2::tables::read_samples;
use crate::trace::version::{Dialect, Header, read_header};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// More goroutines than any trace here has.
const N_GOROUTINES: usize = 100_000;

/// Each id is one goroutine, numbered when it is first asked for.
#[derive(Default)]
struct Ids(RefCell<FxHashMap<u64, GIdx>>);

impl Instances for Ids {
    fn current(&self, id: u64) -> GIdx {
        let mut ids = self.0.borrow_mut();
        let next = ids.len() as u32;
        *ids.entry(id).or_insert(GIdx(next))
    }

    fn created(&mut self, _thread: usize, id: u64) -> GIdx {
        self.current(id)
    }
}

/// Keeps as text the events of every goroutine, or of every other one.
struct Events {
    all: bool,
    texts: Vec<String>,
}

impl Sink for Events {
    fn wants(&self, g: GIdx) -> bool {
        self.all || g.0.is_multiple_of(2)
    }

    fn event(&mut self, event: &Event, index: u64) {
        self.texts.push(format!("{index} {event:?}"));
    }
}

/// Orders all generations of a trace; the events, and what was left of each.
fn ordered<const FAST: bool>(bytes: &[u8], all: bool) -> (Vec<String>, Vec<String>) {
    let mut sink = Events { all, texts: Vec::new() };
    let results = order_into::<FAST>(bytes, &mut sink);
    (sink.texts, results)
}

/// Orders all generations of a trace into a sink; what was left of each.
pub(super) fn order_into<const FAST: bool>(bytes: &[u8], sink: &mut impl Sink) -> Vec<String> {
    let Header::Known(version) = read_header(bytes) else { panic!("no trace") };
    let Dialect::V2(row) = version.dialect else { panic!("an old trace") };
    let source = bytes.to_vec();
    let index = read_index(&source, row, 0).unwrap();
    let (known, names) = (known_codes(row), GenerationNames::default());
    let (mut workspace, mut results) = (Workspace::default(), Vec::new());
    for index in &index.generations {
        let generation = Generation::new(&source, index);
        let frequency = read_sync(&source, index, &mut Vec::new()).unwrap().frequency;
        let samples = read_samples(&generation, &mut Vec::new()).unwrap();
        let input = GenerationInput {
            generation: &generation,
            clock: Clock::new(frequency.unwrap_or(1_000_000_000)),
            known: &known,
            samples: &samples,
            names: &names,
            n_goroutines: N_GOROUTINES,
            first_gc: None,
            last: Time::MIN,
            from: None,
            until: None,
        };
        let result = order_by::<_, _, FAST>(&input, &mut Ids::default(), &mut workspace, sink).unwrap();
        results.push(format!("{result:?}"));
    }
    results
}

/// Compares both, and returns the number of events.
fn check(bytes: &[u8], name: &Path) -> usize {
    let (events, _) = ordered::<false>(bytes, true);
    for all in [true, false] {
        assert!(ordered::<true>(bytes, all) == ordered::<false>(bytes, all), "{}", name.display());
    }
    events.len()
}

fn files(folder: &str) -> impl Iterator<Item = PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(folder);
    std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path())
}

pub(super) fn recording(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/traces").join(name)).unwrap()
}

#[test]
fn the_fast_path_agrees_on_recordings_whole_and_damaged() {
    let mut n_events = 0;
    for folder in ["traces/go1.22", "traces/go1.23", "traces/go1.25", "traces/go1.26"] {
        for path in files(folder).filter(|path| path.extension().is_some_and(|e| e == "trace")) {
            let sound = std::fs::read(&path).unwrap();
            n_events += check(&sound, &path);
            // Damage in the middle of batches costs the rest of them, and so leaves gaps.
            let damaged = |n: usize| -> Vec<u8> {
                (0..sound.len()).map(|i| if i % n == n - 1 { 0xff } else { sound[i] }).collect()
            };
            if sound.len() < 50_000 {
                check(&damaged(4096), &path);
                check(&damaged(1023), &path);
            }
        }
    }
    assert!(n_events > 10_000, "{n_events}");
}

#[test]
fn the_fast_path_agrees_on_scenarios() {
    let mut n_events = 0;
    for path in files("text").chain(files("text/refused")).filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let Some((_, text)) = text.split_once("\nTrace ") else { continue };
        let Ok(bytes) = from_text(&format!("Trace {text}")) else { continue };
        n_events += check(&bytes, &path);
    }
    assert!(n_events > 100, "{n_events}");
}
