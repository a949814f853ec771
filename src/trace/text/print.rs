//! Bytes → text.

use super::{BYTES, FOREIGN, FRAME_ARGS, LEN, Varint};
use crate::trace::error::{Error, ErrorKind, Result};
use crate::trace::version::{Dialect, HEADER_SIZE, Header, V2, read_header};
use crate::trace::wire::cursor::{Cursor, Malformed};
use crate::trace::wire::encode::put_uvarint;
use crate::trace::wire::event_spec::{EVENTS, code};
use crate::trace::wire::limits::MAX_BATCH_SIZE;
use std::fmt::Write;

/// The text form of a trace; damaged bytes remain bytes. An error if it is not a trace of Go 1.22 or later.
pub fn to_text(bytes: &[u8]) -> Result<String> {
    let Header::Known(version) = read_header(bytes) else {
        return Err(Error::new(ErrorKind::NotATrace("something else".into())).with_offset(0));
    };
    let Dialect::V2(row) = version.dialect else {
        let supported = "1.22 and later".into();
        return Err(
            Error::new(ErrorKind::UnsupportedVersion { version: version.name.into(), supported }).with_offset(0)
        );
    };
    let mut printer = Printer { bytes, version: row, text: format!("Trace Go{}\n", version.name), generation: None };
    printer.run();
    Ok(printer.text)
}

struct Printer<'a> {
    bytes: &'a [u8],
    version: V2,
    text: String,
    /// The generation of the last batch; none before the first.
    generation: Option<u64>,
}

impl Varint {
    fn read(cursor: &mut Cursor<'_>) -> std::result::Result<Self, Malformed> {
        let before = cursor.offset();
        let value = cursor.uvarint()?;
        Ok(Self { value, width: (cursor.offset() - before) as usize })
    }

    /// Whether it takes more bytes than its value needs.
    fn is_padded(self) -> bool {
        let mut shortest = Vec::new();
        put_uvarint(&mut shortest, self.value);
        shortest.len() != self.width
    }

    fn print(self, text: &mut String, name: &str) {
        let _ = write!(text, " {name}={}", self.value);
        if self.is_padded() {
            let _ = write!(text, "/{}", self.width);
        }
    }
}

/// What comes before the data of a batch.
struct Envelope {
    code: u8,
    /// The experiment of an experimental batch; 0 for others.
    experiment: u8,
    generation: Varint,
    thread: Varint,
    time: Varint,
    size: Varint,
    /// Offset of its data.
    data: usize,
}

impl Printer<'_> {
    fn run(&mut self) {
        let mut at = HEADER_SIZE;
        while at < self.bytes.len() {
            if self.version.explicit_end && self.bytes[at] == code::END_OF_GENERATION {
                self.text.push_str("EndOfGeneration\n");
                at += 1;
            } else if let Some(envelope) = self.envelope(at) {
                at = self.batch(&envelope);
            } else {
                let next = (at + 1..self.bytes.len()).find(|&next| self.is_plausible(next));
                let next = next.unwrap_or(self.bytes.len());
                self.data_line(FOREIGN, at, next);
                at = next;
            }
        }
    }

    fn data_line(&mut self, name: &str, from: usize, to: usize) {
        let _ = writeln!(self.text, "{name} data={}", quote(&self.bytes[from..to]));
    }

    fn envelope(&self, at: usize) -> Option<Envelope> {
        let mut cursor = Cursor::new(&self.bytes[at..], at as u64);
        let code = cursor.byte().ok()?;
        let experiment = match code {
            code::EVENT_BATCH => 0,
            code::EXPERIMENTAL_BATCH => cursor.byte().ok().filter(|e| *e < 0x80)?,
            _ => return None,
        };
        let mut varint = || Varint::read(&mut cursor).ok();
        let (generation, thread, time, size) = (varint()?, varint()?, varint()?, varint()?);
        let data = cursor.offset() as usize;
        let envelope = Envelope { code, experiment, generation, thread, time, size, data };
        (size.value <= MAX_BATCH_SIZE).then_some(envelope)
    }

    /// Whether the bytes at `at`, after bytes that are no batch, are plausibly the next batch: of this generation or the
    /// next, and followed by another batch or the end.
    fn is_plausible(&self, at: usize) -> bool {
        let Some(envelope) = self.envelope(at) else { return false };
        let generation = envelope.generation.value;
        let end = envelope.data + envelope.size.value as usize;
        let next = [code::EVENT_BATCH, code::EXPERIMENTAL_BATCH, code::END_OF_GENERATION];
        self.generation.is_none_or(|g| generation == g || generation == g.wrapping_add(1))
            && (end == self.bytes.len() || self.bytes.get(end).is_some_and(|b| next.contains(b)))
    }

    /// Prints a batch. Returns the offset after it.
    fn batch(&mut self, envelope: &Envelope) -> usize {
        self.generation = Some(envelope.generation.value);
        let end = (envelope.data + envelope.size.value as usize).min(self.bytes.len());
        self.text.push_str(EVENTS[envelope.code as usize].name);
        if envelope.code == code::EXPERIMENTAL_BATCH {
            let _ = write!(self.text, " exp={}", envelope.experiment);
        }
        for (varint, name) in [(envelope.generation, "gen"), (envelope.thread, "m"), (envelope.time, "time")] {
            varint.print(&mut self.text, name);
        }
        if envelope.code == code::EXPERIMENTAL_BATCH {
            self.len_and_data(envelope.size, envelope.data, end);
            return end;
        }
        envelope.size.print(&mut self.text, "size");
        self.text.push('\n');
        let mut cursor = Cursor::new(&self.bytes[envelope.data..end], envelope.data as u64);
        while !cursor.is_empty() {
            let (start, printed) = (cursor.offset() as usize, self.text.len());
            if self.event(&mut cursor).is_err() {
                self.text.truncate(printed);
                self.data_line(BYTES, start, end);
                break;
            }
        }
        end
    }

    fn len_and_data(&mut self, len: Varint, from: usize, to: usize) {
        if len.is_padded() || len.value != (to - from) as u64 {
            len.print(&mut self.text, LEN);
        }
        let _ = writeln!(self.text, "\n\tdata={}", quote(&self.bytes[from..to]));
    }

    fn event(&mut self, cursor: &mut Cursor<'_>) -> std::result::Result<(), Malformed> {
        let code = cursor.byte()?;
        let spec = &EVENTS[code as usize];
        let framing = matches!(code, 0 | code::EVENT_BATCH | code::EXPERIMENTAL_BATCH | code::END_OF_GENERATION);
        if framing || spec.name == "unknown" {
            return Err(Malformed::Varint);
        }
        self.text.push_str(spec.name);
        if spec.timed {
            Varint::read(cursor)?.print(&mut self.text, "dt");
        }
        let mut last = 0;
        for name in spec.args {
            let varint = Varint::read(cursor)?;
            varint.print(&mut self.text, name);
            last = varint.value;
        }
        match code {
            code::STRING => {
                let len = Varint::read(cursor)?;
                let from = cursor.offset() as usize;
                cursor.take(len.value)?;
                self.len_and_data(len, from, cursor.offset() as usize);
            }
            code::STACK => {
                self.text.push('\n');
                for _ in 0..last {
                    self.text.push('\t');
                    let mut frame = String::new();
                    for name in FRAME_ARGS {
                        Varint::read(cursor)?.print(&mut frame, name);
                    }
                    self.text.push_str(frame.trim_start());
                    self.text.push('\n');
                }
            }
            _ => self.text.push('\n'),
        }
        Ok(())
    }
}

/// Bytes as a quoted text, as Go's `strconv.Unquote` reads it.
fn quote(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(byte));
            }
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text.push('"');
    text
}
