//! Where the batches of a trace stand: its framing, with the damage stepped over.
//!
//! ```text
//! header  batch batch …  [end of generation]  batch batch …
//! batch = 1 generation thread time size data[size]          EventBatch
//!       | 49 experiment generation thread time size data    ExperimentalBatch, skipped
//! ```
//! Source: `internal/trace/batch.go`, Go 1.27. Writers write a batch in one piece, so foreign bytes (a
//! program's own output in the file) stand between batches, and the next sound batch header is found again.

use super::reader::known_codes;
use super::tables::is_readable;
use crate::trace::error::{Result, Warning};
use crate::trace::ids::ThreadId;
use crate::trace::source::{Source, read_full};
use crate::trace::version::{HEADER_SIZE, Header, V2, read_header};
use crate::trace::wire::cursor::Cursor;
use crate::trace::wire::event_spec::code;
use crate::trace::wire::limits::MAX_BATCH_SIZE;
use rustc_hash::FxHashMap;

/// What a batch holds, by its first byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BatchKind {
    /// Events of one thread.
    Events,
    /// A piece of the string table.
    Strings,
    /// A piece of the stack table.
    Stacks,
    /// CPU samples of all threads.
    Samples,
    /// The clock.
    Sync,
}

/// One batch, found and not read.
#[derive(Clone, Copy, Debug)]
pub struct BatchRef {
    /// Offset of its data in the file.
    pub offset: u64,
    /// Base time in ticks.
    pub time: u64,
    /// Size of its data in bytes.
    pub size: u32,
    /// Its thread, as a position in [`GenerationIndex::threads`].
    pub thread: u32,
    /// What it holds.
    pub kind: BatchKind,
}

/// The batches of one generation, in the file's order.
#[derive(Clone, Debug)]
pub struct GenerationIndex {
    /// Its number in the file.
    pub number: u64,
    /// Offset of its first batch's header.
    pub start: u64,
    /// Offset behind its last batch.
    pub end: u64,
    /// Its batches.
    pub batches: Vec<BatchRef>,
    /// The threads that wrote them, in order of first appearance.
    pub threads: Vec<ThreadId>,
    /// Least batch time in ticks: the time of the generation's sync event.
    pub min_time: u64,
    /// Whether its end was seen: an end mark, or the next generation in formats without one.
    pub ended: bool,
}

/// A whole trace's framing.
#[derive(Clone, Debug)]
pub struct Index {
    /// Generations in the file's order.
    pub generations: Vec<GenerationIndex>,
    /// What could not be framed.
    pub warnings: Vec<Warning>,
    /// Where another trace begins behind this one, in the same file.
    pub next_trace: Option<u64>,
}

/// Finds all batches of the trace whose header stands at `start`.
pub fn read_index(source: &dyn Source, version: V2, start: u64) -> Result<Index> {
    let mut framer = Framer {
        window: Window::new(source),
        version,
        generations: Vec::new(),
        threads: FxHashMap::default(),
        warnings: Vec::new(),
        rescan_budget: source.size() + (1 << 20),
    };
    let next_trace = framer.run(start + HEADER_SIZE as u64)?;
    Ok(Index { generations: framer.generations, warnings: framer.warnings, next_trace })
}

/// Size in bytes from which on data that can be read is no accident.
const SELF_EVIDENT: u64 = 64;

/// A batch header as read.
struct BatchHeader {
    /// Offset of the header itself.
    start: u64,
    generation: u64,
    thread: ThreadId,
    time: u64,
    /// Offset of the data.
    data: u64,
    /// Declared size of the data.
    size: u64,
    /// None for experimental batches.
    kind: Option<BatchKind>,
}

enum Found {
    Batch(BatchHeader),
    EndOfGeneration,
    /// Nothing that can stand here.
    Foreign,
    /// The bytes end inside a header.
    Checkpoint,
}

/// Whether a generation's number comes next after another's.
fn follows(generation: u64, before: u64) -> bool {
    before.checked_add(1) == Some(generation)
}

struct Framer<'a> {
    window: Window<'a>,
    version: V2,
    generations: Vec<GenerationIndex>,
    threads: FxHashMap<ThreadId, u32>,
    warnings: Vec<Warning>,
    /// Bytes that may still be looked at twice.
    rescan_budget: u64,
}

impl Framer<'_> {
    fn run(&mut self, start: u64) -> Result<Option<u64>> {
        let end = self.window.source.size();
        let mut at = start;
        while at < end {
            match self.header_at(at)? {
                Found::Batch(header) if self.fits(&header)? => {
                    at = (header.data + header.size).min(end);
                    if header.data + header.size > end {
                        let missing = header.data + header.size - end;
                        self.truncated(
                            format!("the trace ends in the middle of a batch, {missing} bytes short"),
                            header.data,
                        );
                    }
                    self.add(&header, at);
                }
                Found::EndOfGeneration if self.generations.last().is_some_and(|g| !g.ended) => {
                    self.close_generation();
                    at += 1;
                    if let Some(g) = self.generations.last_mut() {
                        g.end = at;
                    }
                }
                Found::Checkpoint => {
                    self.truncated("the trace ends in the middle of a batch header".into(), at);
                    at = end;
                }
                _ => match self.step_over_damage(at)? {
                    Ok(next) => at = next,
                    Err(next_trace) => return Ok(Some(next_trace)),
                },
            }
        }
        self.finish(end);
        Ok(None)
    }

    fn truncated(&mut self, message: String, offset: u64) {
        let generation = self.generations.last().map(|g| g.number);
        self.warnings.push(Warning { generation, ..Warning::lost("truncated", message, offset, 0) });
    }

    /// Reads what stands at `at` as the beginning of a batch.
    fn header_at(&mut self, at: u64) -> Result<Found> {
        let bytes = self.window.at(at)?;
        let mut cursor = Cursor::new(bytes, at);
        let mut read = || {
            let experimental = match cursor.byte()? {
                code::EVENT_BATCH => false,
                code::EXPERIMENTAL_BATCH if self.version.last_event >= code::EXPERIMENTAL_BATCH => {
                    cursor.byte()?;
                    true
                }
                code::END_OF_GENERATION if self.version.explicit_end => return Ok(Found::EndOfGeneration),
                _ => return Ok(Found::Foreign),
            };
            let generation = cursor.uvarint()?;
            let thread = ThreadId(cursor.uvarint()?);
            let time = cursor.uvarint()?;
            let size = cursor.uvarint()?;
            if generation == 0 || size > MAX_BATCH_SIZE {
                return Ok(Found::Foreign);
            }
            let kind = (!experimental).then(|| self.version.batch_kind(cursor.peek().filter(|_| size > 0)));
            let data = cursor.offset();
            Ok(Found::Batch(BatchHeader { start: at, generation, thread, time, data, size, kind }))
        };
        Ok(read().unwrap_or_else(|malformed| match malformed {
            crate::trace::wire::cursor::Malformed::Ends => Found::Checkpoint,
            crate::trace::wire::cursor::Malformed::Varint => Found::Foreign,
        }))
    }

    /// Whether a batch may stand where it does: the same generation, the next one, or one whose own successor
    /// agrees with it.
    fn fits(&mut self, header: &BatchHeader) -> Result<bool> {
        let Some(last) = self.generations.last() else { return Ok(true) };
        let expected = if last.ended { header.generation > last.number } else { header.generation == last.number };
        if expected || follows(header.generation, last.number) {
            return Ok(true);
        }
        let end = header.data + header.size;
        Ok(matches!(self.header_at(end)?, Found::Batch(next) if next.generation == header.generation))
    }

    fn add(&mut self, header: &BatchHeader, end: u64) {
        if self.generations.last().is_none_or(|g| g.number != header.generation || g.ended) {
            self.open_generation(header);
        }
        let Some(generation) = self.generations.last_mut() else { return };
        generation.end = end;
        generation.min_time = generation.min_time.min(header.time);
        let Some(kind) = header.kind else { return };
        let thread = *self.threads.entry(header.thread).or_insert_with(|| {
            generation.threads.push(header.thread);
            generation.threads.len() as u32 - 1
        });
        let size = (end - header.data) as u32;
        generation.batches.push(BatchRef { offset: header.data, time: header.time, size, thread, kind });
    }

    fn open_generation(&mut self, header: &BatchHeader) {
        if let Some(last) = self.generations.last() {
            let (number, ended) = (last.number, last.ended);
            if !ended && self.version.explicit_end {
                let message = format!("generation {number} has no end mark");
                self.warnings.push(Warning::lost("no-end-mark", message, header.data, 0).in_generation(number));
            }
            if !follows(header.generation, number) {
                let message = format!("generation {} follows generation {number}", header.generation);
                self.warnings.push(Warning::lost("generation-gap", message, header.data, 0).in_generation(number));
            }
        }
        self.close_generation();
        self.generations.push(GenerationIndex {
            number: header.generation,
            start: header.start,
            end: header.data,
            batches: Vec::new(),
            threads: Vec::new(),
            min_time: u64::MAX,
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

    fn finish(&mut self, end: u64) {
        let explicit = self.version.explicit_end;
        if let Some(last) = self.generations.last_mut() {
            if explicit && !last.ended {
                let message = "the trace was not stopped: its last generation has no end mark";
                self.warnings.push(Warning::lost("not-stopped", message, end, 0).in_generation(last.number));
            }
            // Formats without an end mark end with the file; whether the tables are there tells the rest.
            last.ended = last.ended || !explicit;
        }
    }

    /// Looks for the next sound batch behind `at`. `Err` is the offset of another trace's header.
    fn step_over_damage(&mut self, at: u64) -> Result<std::result::Result<u64, u64>> {
        let from = if self.is_header(at)? { at } else { self.rescan_from(at)? };
        let (found, is_header) = self.resync(from, at)?;
        if found < at {
            self.shorten_last_batch(found);
        }
        let bytes = found.max(at) - at;
        if is_header {
            let message = format!("another trace begins at byte {found}; it is read as a trace of its own");
            self.warnings.push(Warning {
                offset: Some(found),
                data_lost: bytes > 0,
                bytes,
                ..Warning::note("second-trace", message)
            });
            self.finish(found);
            return Ok(Err(found));
        }
        let text = self.foreign_text(found.min(at), bytes)?;
        let generation = self.generations.last().map(|g| g.number);
        let message = if found < at {
            "the size of a batch is damaged: another begins inside it".to_owned()
        } else {
            format!("{bytes} bytes are no batch of a trace{text}; stepped over")
        };
        self.warnings.push(Warning { generation, ..Warning::lost("foreign-bytes", message, found.min(at), bytes) });
        Ok(Ok(found))
    }

    /// The batch before the damage may have lied about its size: unless it can be read to its end, what it hides
    /// counts too, as long as such second looks stay in proportion to the file.
    fn rescan_from(&mut self, at: u64) -> Result<u64> {
        let Some(last) = self.generations.last().and_then(|g| g.batches.last()).copied() else { return Ok(at) };
        let hidden = at.saturating_sub(last.offset);
        if hidden == 0 || hidden > self.rescan_budget {
            return Ok(at);
        }
        self.rescan_budget -= hidden;
        let mut data = vec![0; (last.size as usize).min(MAX_BATCH_SIZE as usize)];
        let read = read_full(self.window.source, &mut data, last.offset)?;
        let sound = is_readable(last.kind, &data[..read], &known_codes(self.version));
        Ok(if sound { at } else { last.offset })
    }

    fn shorten_last_batch(&mut self, end: u64) {
        if let Some(g) = self.generations.last_mut()
            && let Some(b) = g.batches.last_mut()
        {
            b.size = end.saturating_sub(b.offset).min(u64::from(b.size)) as u32;
            g.end = g.end.min(end);
        }
    }

    /// The next offset from `from` on where a sound batch stands, or another trace's header; the end otherwise.
    fn resync(&mut self, from: u64, damage: u64) -> Result<(u64, bool)> {
        let end = self.window.source.size();
        let mut at = from;
        while at < end {
            let bytes = self.window.at(at)?;
            let interesting = |&b: &u8| matches!(b, code::EVENT_BATCH | code::EXPERIMENTAL_BATCH | b'g');
            let Some(skip) = bytes.iter().position(interesting) else {
                at += bytes.len() as u64;
                continue;
            };
            at += skip as u64;
            if at >= damage && self.is_header(at)? {
                return Ok((at, true));
            }
            if at != damage && self.is_sound_batch(at)? {
                return Ok((at, false));
            }
            at += 1;
        }
        Ok((end, false))
    }

    fn is_header(&mut self, at: u64) -> Result<bool> {
        let bytes = self.window.at(at)?;
        Ok(bytes.len() >= HEADER_SIZE && matches!(read_header(bytes), Header::Known(_)))
    }

    /// A header that fits, data that can be read, and behind it another batch of the same or the next generation,
    /// or the end. A few bytes are easily read as events, so a small batch vouches for itself with its successor.
    fn is_sound_batch(&mut self, at: u64) -> Result<bool> {
        let Found::Batch(header) = self.header_at(at)? else { return Ok(false) };
        let last = self.generations.last().map_or(header.generation, |g| g.number);
        if header.generation != last && !follows(header.generation, last) || header.size == 0 {
            return Ok(false);
        }
        let end = header.data + header.size;
        if end > self.window.source.size() {
            return Ok(false);
        }
        let next = if end == self.window.source.size() { None } else { Some(self.header_at(end)?) };
        let next = match next {
            None | Some(Found::EndOfGeneration) => None,
            Some(Found::Batch(next)) => Some(next),
            Some(Found::Foreign | Found::Checkpoint) => return Ok(false),
        };
        if !self.is_readable(&header)? {
            return Ok(false);
        }
        match next {
            Some(next) if next.generation != header.generation && !follows(next.generation, header.generation) => {
                Ok(false)
            }
            Some(next) if header.size < SELF_EVIDENT => self.is_readable(&next),
            _ => Ok(true),
        }
    }

    /// Whether a batch's data can be read; taken for granted once second looks are out of proportion to the file.
    fn is_readable(&mut self, header: &BatchHeader) -> Result<bool> {
        let Some(kind) = header.kind else { return Ok(true) };
        if header.size > self.rescan_budget {
            return Ok(true);
        }
        self.rescan_budget -= header.size;
        let mut data = vec![0; header.size as usize];
        let read = read_full(self.window.source, &mut data, header.data)?;
        Ok(is_readable(kind, &data[..read], &known_codes(self.version)))
    }

    /// The printable beginning of foreign bytes: programs print into their own trace.
    fn foreign_text(&mut self, at: u64, bytes: u64) -> Result<String> {
        let window = self.window.at(at)?;
        let foreign = &window[..window.len().min(bytes as usize).min(40)];
        let printable = foreign.iter().take_while(|b| b.is_ascii_graphic() || **b == b' ').count();
        if printable < 4 {
            return Ok(String::new());
        }
        Ok(format!(", beginning with \"{}\"", String::from_utf8_lossy(&foreign[..printable])))
    }
}

impl V2 {
    /// What a batch holds, by the first byte of its data (`internal/trace/batch.go`, Go 1.27).
    fn batch_kind(self, first: Option<u8>) -> BatchKind {
        match first {
            Some(code::STRINGS) => BatchKind::Strings,
            Some(code::STACKS) => BatchKind::Stacks,
            Some(code::CPU_SAMPLES) => BatchKind::Samples,
            Some(code::FREQUENCY) if !self.sync_batch => BatchKind::Sync,
            Some(code::SYNC) if self.sync_batch => BatchKind::Sync,
            _ => BatchKind::Events,
        }
    }
}

/// A piece of the source kept in memory, so that neighbouring headers cost one read.
struct Window<'a> {
    source: &'a dyn Source,
    bytes: Vec<u8>,
    start: u64,
}

impl<'a> Window<'a> {
    const SIZE: usize = 16 << 10;
    /// Where headers are far apart only one of them is read.
    const ONE: usize = 512;
    /// More than any header needs.
    const AHEAD: usize = 64;

    fn new(source: &'a dyn Source) -> Self {
        Self { source, bytes: Vec::new(), start: 0 }
    }

    /// The bytes from `offset` on: at least [`AHEAD`](Self::AHEAD) unless the source ends.
    fn at(&mut self, offset: u64) -> Result<&[u8]> {
        let inside = offset >= self.start && offset + Self::AHEAD as u64 <= self.start + self.bytes.len() as u64;
        if !inside {
            let far = offset < self.start || offset - self.start > (self.bytes.len() + Self::SIZE) as u64;
            self.bytes.resize(if far { Self::ONE } else { Self::SIZE }, 0);
            let read = read_full(self.source, &mut self.bytes, offset)?;
            self.bytes.truncate(read);
            self.start = offset;
        }
        Ok(&self.bytes[(offset - self.start) as usize..])
    }
}
