//! Writes traces of Go 1.22 and later: bytes of any version from events, for tests, benches and bug reports.
//!
//! Nothing is validated, because tests need broken traces too. Varints are as short as possible; Go's runtime pads the
//! sizes of batches to ten bytes, and readers accept both.

use super::event_spec::{EVENTS, MAX_ARGS, code};
use super::limits::{MAX_BATCH_SIZE, MAX_STRING_SIZE};
use crate::trace::version::{Dialect, HEADER_SIZE, V2, VERSIONS};
use rustc_hash::FxHashMap;

/// The thread of batches that no thread wrote, -1 in the file.
pub const NO_THREAD: u64 = u64::MAX;

/// Appends an unsigned LEB128 varint.
pub fn put_uvarint(out: &mut Vec<u8>, value: u64) {
    put_padded_uvarint(out, value, 1);
}

/// Appends a varint of at least `width` bytes, padded as the runtime pads (`varintAt`, Go 1.22, `tracebuf.go`).
pub(crate) fn put_padded_uvarint(out: &mut Vec<u8>, value: u64, width: usize) {
    uvarint_bytes(value, width, |byte| out.push(byte));
}

/// Gives the bytes of such a varint, one after the other.
#[inline]
pub(crate) fn uvarint_bytes(mut value: u64, width: usize, mut put: impl FnMut(u8)) {
    let mut n = 1;
    while value >= 0x80 || n < width {
        put(value as u8 | 0x80);
        value >>= 7;
        n += 1;
    }
    put(value as u8);
}

/// An event of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimedEvent {
    /// When it happened, in ticks.
    pub ticks: u64,
    /// Its code.
    pub code: u8,
    /// Its arguments; those that its code does not have are ignored.
    pub args: [u64; MAX_ARGS],
}

impl TimedEvent {
    /// An event with its first arguments; the others are 0.
    pub fn new(ticks: u64, code: u8, first_args: &[u64]) -> Self {
        let mut args = [0; MAX_ARGS];
        for (arg, &value) in args.iter_mut().zip(first_args) {
            *arg = value;
        }
        Self { ticks, code, args }
    }

    /// Appends its bytes. `before`: ticks of the event before it in the batch; an earlier time is written as the same time.
    pub fn put(&self, out: &mut Vec<u8>, before: u64) {
        out.push(self.code);
        put_uvarint(out, self.ticks.saturating_sub(before));
        for &arg in self.args.iter().take(EVENTS[self.code as usize].n_args as usize) {
            put_uvarint(out, arg);
        }
    }
}

/// A CPU sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpuSample {
    /// When it happened, in ticks.
    pub ticks: u64,
    /// The thread that was interrupted.
    pub thread: u64,
    /// Its proc.
    pub proc: u64,
    /// The goroutine that ran; 0 if none did.
    pub goroutine: u64,
    /// Stack id.
    pub stack: u64,
}

/// The strings and stacks of one generation: assigns ids, and yields the bytes of the tables.
#[derive(Clone, Default, Debug)]
pub struct NameTable {
    strings: Vec<Vec<u8>>,
    string_ids: FxHashMap<Vec<u8>, u64>,
    stacks: Vec<Vec<[u64; 4]>>,
    stack_ids: FxHashMap<Vec<[u64; 4]>, u64>,
}

impl NameTable {
    /// The id of a string, a new one if needed; 0 for the empty string.
    pub fn string(&mut self, text: &[u8]) -> u64 {
        if text.is_empty() {
            return 0;
        }
        if let Some(&id) = self.string_ids.get(text) {
            return id;
        }
        self.strings.push(text.to_vec());
        let id = self.strings.len() as u64;
        self.string_ids.insert(text.to_vec(), id);
        id
    }

    /// The id of a stack, a new one if needed; 0 for the empty stack. `leaf_first` are function names, with a line if
    /// wanted: `main.work:12`.
    pub fn stack(&mut self, leaf_first: &[&str]) -> u64 {
        if leaf_first.is_empty() {
            return 0;
        }
        let frames: Vec<[u64; 4]> = leaf_first.iter().map(|name| self.frame(name)).collect();
        let next = self.stacks.len() as u64 + 1;
        let id = *self.stack_ids.entry(frames.clone()).or_insert(next);
        if id == next {
            self.stacks.push(frames);
        }
        id
    }

    fn frame(&mut self, name: &str) -> [u64; 4] {
        let (function, line) = match name.rsplit_once(':').map(|(f, l)| (f, l.parse::<u64>())) {
            Some((function, Ok(line))) => (function, line),
            _ => (name, 1),
        };
        let function = self.string(function.as_bytes());
        let file = self.string(b"main.go");
        [0x40_0000 + function * 0x1000 + line, function, file, line]
    }

    /// Whether there are no strings, and so no stacks.
    pub fn is_empty(&self) -> bool {
        self.strings.is_empty()
    }

    fn string_entries(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.strings.iter().zip(1u64..).map(|(text, id)| {
            let text = &text[..text.len().min(MAX_STRING_SIZE as usize)];
            let mut entry = vec![code::STRING];
            put_uvarint(&mut entry, id);
            put_uvarint(&mut entry, text.len() as u64);
            entry.extend_from_slice(text);
            entry
        })
    }

    fn stack_entries(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.stacks.iter().zip(1u64..).map(|(frames, id)| {
            let mut entry = vec![code::STACK];
            put_uvarint(&mut entry, id);
            put_uvarint(&mut entry, frames.len() as u64);
            frames.iter().flatten().for_each(|&value| put_uvarint(&mut entry, value));
            entry
        })
    }
}

/// Writes a trace, batch by batch.
#[derive(Clone, Debug)]
pub struct TraceWriter {
    bytes: Vec<u8>,
    version: V2,
}

impl TraceWriter {
    /// Begins a trace of a version such as `1.26`. None for versions before Go 1.22 and unknown ones.
    pub fn new(version: &str) -> Option<Self> {
        let row = VERSIONS.iter().find(|v| v.name == version)?;
        let Dialect::V2(version) = row.dialect else { return None };
        let mut bytes = format!("go {} trace", row.name).into_bytes();
        bytes.resize(HEADER_SIZE, 0);
        Some(Self { bytes, version })
    }

    /// Adds a batch with these bytes.
    pub fn batch(&mut self, generation: u64, thread: u64, time: u64, data: &[u8]) {
        self.bytes.push(code::EVENT_BATCH);
        for value in [generation, thread, time, data.len() as u64] {
            put_uvarint(&mut self.bytes, value);
        }
        self.bytes.extend_from_slice(data);
    }

    /// Adds events of one thread, in as many batches as they need.
    pub fn events(&mut self, generation: u64, thread: u64, events: &[TimedEvent]) {
        // An event takes at most one byte and five varints of ten.
        const LARGEST: usize = 51;
        let mut rest = events;
        while let Some(first) = rest.first() {
            let (mut data, mut before, mut n) = (Vec::new(), first.ticks, 0);
            while n < rest.len() && data.len() + LARGEST <= MAX_BATCH_SIZE as usize {
                rest[n].put(&mut data, before);
                before = before.max(rest[n].ticks);
                n += 1;
            }
            self.batch(generation, thread, first.ticks, &data);
            rest = &rest[n..];
        }
    }

    /// Adds the batch with the clock: `frequency` in ticks per second and, where the version has it, `wall`, the wall
    /// clock at `time` in seconds and nanoseconds since the Unix epoch.
    pub fn sync(&mut self, generation: u64, time: u64, frequency: u64, wall: (u64, u64)) {
        let mut data = Vec::new();
        if self.version.sync_batch {
            data.push(code::SYNC);
        }
        data.push(code::FREQUENCY);
        put_uvarint(&mut data, frequency);
        if self.version.sync_batch {
            data.push(code::CLOCK_SNAPSHOT);
            for value in [0, time, wall.0, wall.1] {
                put_uvarint(&mut data, value);
            }
        }
        self.batch(generation, NO_THREAD, time, &data);
    }

    /// Adds a generation's strings and stacks.
    pub fn names(&mut self, generation: u64, time: u64, names: &NameTable) {
        self.table(generation, time, code::STACKS, names.stack_entries());
        self.table(generation, time, code::STRINGS, names.string_entries());
    }

    fn table(&mut self, generation: u64, time: u64, kind: u8, entries: impl Iterator<Item = Vec<u8>>) {
        let mut data = vec![kind];
        for entry in entries {
            if data.len() + entry.len() > MAX_BATCH_SIZE as usize {
                self.batch(generation, NO_THREAD, time, &data);
                data.truncate(1);
            }
            data.extend_from_slice(&entry);
        }
        if data.len() > 1 {
            self.batch(generation, NO_THREAD, time, &data);
        }
    }

    /// Adds CPU samples.
    pub fn samples(&mut self, generation: u64, time: u64, samples: &[CpuSample]) {
        let entries = samples.iter().map(|s| {
            let mut entry = vec![code::CPU_SAMPLE];
            for value in [s.ticks, s.thread, s.proc, s.goroutine, s.stack] {
                put_uvarint(&mut entry, value);
            }
            entry
        });
        self.table(generation, time, code::CPU_SAMPLES, entries);
    }

    /// Adds a batch of an experiment, which readers skip.
    pub fn experimental(&mut self, experiment: u8, generation: u64, thread: u64, time: u64, data: &[u8]) {
        self.bytes.extend([code::EXPERIMENTAL_BATCH, experiment]);
        for value in [generation, thread, time, data.len() as u64] {
            put_uvarint(&mut self.bytes, value);
        }
        self.bytes.extend_from_slice(data);
    }

    /// Ends a generation; writes nothing in versions without such a byte.
    pub fn end_of_generation(&mut self) {
        if self.version.explicit_end {
            self.bytes.push(code::END_OF_GENERATION);
        }
    }

    /// Adds any bytes, such as a damaged trace has between its batches.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The trace's bytes so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The trace.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::wire::cursor::Cursor;

    #[test]
    fn varints_are_read_back() {
        for value in [0, 1, 127, 128, 16_384, u64::MAX] {
            for width in [1, 3, 10] {
                let mut bytes = Vec::new();
                put_padded_uvarint(&mut bytes, value, width);
                assert!(bytes.len() >= width);
                let mut cursor = Cursor::new(&bytes, 0);
                assert_eq!(cursor.uvarint(), Ok(value));
                assert!(cursor.is_empty());
            }
        }
    }

    #[test]
    fn many_events_become_several_batches() {
        let mut writer = TraceWriter::new("1.22").unwrap();
        let events: Vec<_> = (0..60_000).map(|i| TimedEvent::new(i, code::GO_UNBLOCK, &[i, i, 0])).collect();
        writer.events(1, 7, &events);
        writer.batch(1, NO_THREAD, 0, &[code::STRINGS]);
        let bytes = writer.finish();
        let index = crate::trace::v2::index::read_index(&bytes, V2_22, 0).unwrap();
        assert!(index.warnings.is_empty());
        assert!(index.generations[0].batches.len() > 5);
        assert!(TraceWriter::new("1.21").is_none() && TraceWriter::new("1.99").is_none());
    }

    const V2_22: V2 = V2 { last_event: 44, sync_batch: false, explicit_end: false };
}
