//! Finds the batches of a trace, and steps over damage between them.
//!
//! ```text
//! header  batch batch …  [end of generation]  batch batch …
//! batch = 1 generation thread time size data[size]          EventBatch
//!       | 49 experiment generation thread time size data    ExperimentalBatch, skipped
//! ```
//! Source: `internal/trace/batch.go`, Go 1.27. Only headers are read here, not the batches' data.
//!
//! Go's writer writes a batch in one piece. So foreign bytes in the file, such as a program's own output, are between
//! batches, and reading goes on at the next sound batch header (`resync`).

mod header;
mod resync;

use super::batch::{BatchKind, BatchRef, GenerationIndex};
use crate::trace::error::{Result, Warning};
use crate::trace::source::Source;
use crate::trace::v2::batch::ThreadId;
use crate::trace::version::{HEADER_SIZE, V2};
use crate::trace::warning_list::WarningList;
use header::{BatchHeader, Framed, HeaderReader, SourceWindow};
use resync::Resync;
use rustc_hash::FxHashMap;

/// The batches of a whole trace.
#[derive(Clone, Debug)]
pub struct Index {
    /// Its generations, in the file's order.
    pub generations: Vec<GenerationIndex>,
    /// Bytes that are no batches, and generations that are missing.
    pub warnings: WarningList,
    /// Offset of another trace's header that follows this trace in the same file; `None` if there is none.
    pub next_trace: Option<u64>,
    /// Bytes of the header, of batches and of end marks.
    pub framed: u64,
    /// Bytes of batches of experiments.
    pub experimental: u64,
    /// All other bytes, up to the next trace or the end of the source.
    pub skipped: u64,
}

/// Finds all batches of the trace whose header is at the offset `start`.
pub fn read_index(source: &dyn Source, version: V2, start: u64) -> Result<Index> {
    let mut framer = Framer {
        headers: HeaderReader { window: SourceWindow::new(source), version },
        generations: Vec::new(),
        threads: FxHashMap::default(),
        warnings: WarningList::default(),
        damage_before: false,
        counted: Counted { framed: HEADER_SIZE as u64, ..Counted::default() },
        rescan_budget: source.size() + (1 << 20),
    };
    let next_trace = framer.run(start + HEADER_SIZE as u64)?;
    let Framer { generations, warnings, counted, .. } = framer;
    let Counted { framed, experimental, skipped, .. } = counted;
    Ok(Index { generations, warnings, next_trace, framed, experimental, skipped })
}

/// Whether a generation's number is the one after another's.
fn follows(generation: u64, before: u64) -> bool {
    before.checked_add(1) == Some(generation)
}

/// What ends a generation in versions without an end mark, if it is not there: the runtime writes the strings, which every
/// generation has, after all events (`traceAdvance`, `runtime/trace.go`, Go 1.22).
fn missing_table(generation: &GenerationIndex) -> Option<&'static str> {
    let has_strings = generation.batches.iter().any(|batch| batch.kind == BatchKind::Strings);
    (!has_strings).then_some("table of strings")
}

/// The bytes so far by what they are: see [`Index`].
#[derive(Clone, Copy, Default)]
struct Counted {
    framed: u64,
    experimental: u64,
    /// Of these, those behind the last batch that is not experimental.
    experimental_last: u64,
    skipped: u64,
}

impl Counted {
    /// Takes back the last `n` bytes that were counted as batches: they are read again.
    fn take_back(&mut self, n: u64) {
        let experimental = n.min(self.experimental_last);
        self.experimental -= experimental;
        self.experimental_last -= experimental;
        self.framed = self.framed.saturating_sub(n - experimental);
    }
}

/// Divides a trace into batches and generations.
struct Framer<'a> {
    headers: HeaderReader<'a>,
    generations: Vec<GenerationIndex>,
    /// The threads of the last generation by id, as positions in its list.
    threads: FxHashMap<ThreadId, u32>,
    warnings: WarningList,
    counted: Counted,
    /// Whether batches may be missing before the next one.
    damage_before: bool,
    /// Bytes that may still be read a second time in search of sound batches.
    rescan_budget: u64,
}

impl Framer<'_> {
    /// Finds all batches from an offset on. Returns the offset of another trace's header, if there is one.
    fn run(&mut self, start: u64) -> Result<Option<u64>> {
        let end = self.headers.window.source.size();
        let mut at = start;
        while at < end {
            match self.headers.framed_at(at)? {
                Framed::Batch(header) if self.is_foreign_byte(&header)? => {
                    at += 1;
                    self.note_foreign_byte(header.start);
                }
                Framed::Batch(header) if self.fits(&header)? => {
                    at = (header.data + header.size).min(end);
                    if header.data + header.size > end {
                        let missing = header.data + header.size - end;
                        self.truncated(
                            format!("the trace ends in the middle of a batch, {missing} bytes short"),
                            header.data,
                            0,
                        );
                    }
                    self.add(&header, at);
                }
                Framed::EndOfGeneration if self.generations.last().is_some_and(|g| !g.ended) => {
                    self.close_generation();
                    at += 1;
                    self.counted.framed += 1;
                    if let Some(g) = self.generations.last_mut() {
                        g.end = at;
                    }
                }
                Framed::Truncated => {
                    self.truncated("the trace ends in the middle of a batch header".into(), at, end - at);
                    self.counted.skipped += end - at;
                    at = end;
                }
                _ => match self.step_over_damage(at)? {
                    Resync::Batch(next) => at = next,
                    Resync::Trace(next_trace) => return Ok(Some(next_trace)),
                },
            }
        }
        self.finish(end);
        Ok(None)
    }

    fn truncated(&mut self, message: String, offset: u64, bytes: u64) {
        let generation = self.generations.last().map(|g| g.number);
        self.note_damage();
        self.warnings.push(Warning { generation, ..Warning::lost("truncated", message, offset, bytes) });
    }

    /// Batches may be missing: of the last generation, or of the one that comes next.
    fn note_damage(&mut self) {
        self.damage_before = true;
        if let Some(last) = self.generations.last_mut() {
            last.lacks_batches = true;
        }
    }

    /// Whether a batch may follow those before it: it is of the same generation or the next one, or the batch after it
    /// is of the same generation as it.
    fn fits(&mut self, header: &BatchHeader) -> Result<bool> {
        let Some(last) = self.generations.last() else { return Ok(true) };
        let expected = if last.ended { header.generation > last.number } else { header.generation == last.number };
        if expected || follows(header.generation, last.number) {
            return Ok(true);
        }
        let end = header.data + header.size;
        Ok(matches!(self.headers.framed_at(end)?, Framed::Batch(next) if next.generation == header.generation))
    }

    /// Adds a batch whose data ends at `end`.
    fn add(&mut self, header: &BatchHeader, end: u64) {
        if self.generations.last().is_none_or(|g| g.number != header.generation || g.ended) {
            self.open_generation(header);
        }
        self.damage_before = false;
        let Some(generation) = self.generations.last_mut() else { return };
        generation.end = end;
        generation.min_time = generation.min_time.min(header.time);
        generation.max_time = generation.max_time.max(header.time);
        let Some(kind) = header.kind else {
            self.counted.experimental += end - header.start;
            self.counted.experimental_last += end - header.start;
            return;
        };
        self.counted.framed += end - header.start;
        self.counted.experimental_last = 0;
        let thread = *self.threads.entry(header.thread).or_insert_with(|| {
            generation.threads.push(header.thread);
            generation.threads.len() as u32 - 1
        });
        let size = (end - header.data) as u32;
        generation.batches.push(BatchRef { offset: header.data, time: header.time, size, thread, kind });
    }

    /// A batch begins another generation.
    fn open_generation(&mut self, header: &BatchHeader) {
        if let Some(last) = self.generations.last() {
            let (number, ended) = (last.number, last.ended);
            if !ended && self.headers.version.explicit_end {
                let message = format!("generation {number} has no end mark");
                self.warnings.push(Warning::lost("no-end-mark", message, header.data, 0).in_generation(number));
            }
            if !follows(header.generation, number) {
                let message = format!("generation {} follows generation {number}", header.generation);
                self.warnings.push(Warning::lost("generation-gap", message, header.data, 0).in_generation(number));
            }
        }
        self.close_generation();
        let lacks_batches = std::mem::take(&mut self.damage_before);
        self.generations.push(GenerationIndex {
            number: header.generation,
            start: header.start,
            end: header.data,
            batches: Vec::new(),
            threads: Vec::new(),
            min_time: u64::MAX,
            max_time: 0,
            lacks_batches,
            ended: false,
        });
    }

    fn close_generation(&mut self) {
        self.threads.clear();
        if let Some(last) = self.generations.last_mut() {
            last.ended = true;
            last.batches.shrink_to_fit();
        }
    }

    /// The trace ends at an offset.
    fn finish(&mut self, end: u64) {
        let explicit = self.headers.version.explicit_end;
        if let Some(last) = self.generations.last_mut() {
            let missing = if explicit { (!last.ended).then_some("end mark") } else { missing_table(last) };
            if let Some(missing) = missing {
                last.lacks_batches = true;
                let message = format!("the trace was not stopped: its last generation has no {missing}");
                self.warnings.push(Warning::lost("not-stopped", message, end, 0).in_generation(last.number));
            }
            // Versions without an end mark end with the file.
            last.ended = last.ended || !explicit;
        }
    }
}
