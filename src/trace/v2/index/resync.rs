//! Finds the next sound batch after damage.

use super::header::{BatchHeader, Framed};
use super::{Framer, follows};
use crate::trace::error::{Result, Warning};
use crate::trace::source::read_full;
use crate::trace::v2::codes::known_codes;
use crate::trace::v2::tables::is_readable;
use crate::trace::wire::event_spec::code;
use crate::trace::wire::limits::MAX_BATCH_SIZE;

/// Where reading can go on after damage.
#[derive(Clone, Copy)]
pub(super) enum Resync {
    /// At a batch, or at the source's end.
    Batch(u64),
    /// At the header of another trace.
    Trace(u64),
}

/// Size in bytes from which on it is no accident that a batch's data can be read.
const SELF_EVIDENT: u64 = 64;

impl Framer<'_> {
    /// Steps over the damage at an offset, and adds a warning about it.
    pub(super) fn step_over_damage(&mut self, at: u64) -> Result<Resync> {
        let from = if self.headers.is_trace_header(at)? { at } else { self.rescan_from(at)? };
        let next = self.resync(from, at)?;
        let (Resync::Batch(start) | Resync::Trace(start)) = next;
        if start < at {
            self.shorten_last_batch(start);
            self.counted.take_back(at - start);
        }
        let bytes = start.max(at) - at;
        self.counted.skipped += bytes;
        self.note_damage();
        if let Resync::Trace(start) = next {
            let message = format!("another trace begins at byte {start}; it is read as a trace of its own");
            self.warnings.push(Warning {
                offset: Some(start),
                data_lost: bytes > 0,
                bytes,
                ..Warning::note("second-trace", message)
            });
            self.finish(start);
            return Ok(next);
        }
        let text = self.foreign_text(start.min(at), bytes)?;
        let generation = self.generations.last().map(|g| g.number);
        let message = if start < at {
            "the size of a batch is damaged: another begins inside it".to_owned()
        } else {
            format!("{bytes} bytes are no batch of a trace{text}; stepped over")
        };
        self.warnings.push(Warning { generation, ..Warning::lost("foreign-bytes", message, start.min(at), bytes) });
        Ok(next)
    }

    /// Whether an experimental batch is none, but a foreign byte 49 before a sound batch: the number of the experiment is then
    /// that batch's first byte, and all behind it can be read either way.
    pub(super) fn is_foreign_byte(&mut self, header: &BatchHeader) -> Result<bool> {
        if header.kind.is_some() || header.size == 0 || header.size > self.rescan_budget {
            return Ok(false);
        }
        self.is_sound_plain_batch(header.start + 1)
    }

    pub(super) fn note_foreign_byte(&mut self, at: u64) {
        self.counted.skipped += 1;
        self.note_damage();
        let generation = self.generations.last().map(|g| g.number);
        let message = "1 byte before a batch is none of a trace; stepped over".to_owned();
        self.warnings.push(Warning { generation, ..Warning::lost("foreign-bytes", message, at, 1) });
    }

    /// Where to begin the search for the next batch. That is inside of the last batch if its data cannot be read to the
    /// end: then its size may be wrong, and it may hide others. Within the budget for reading bytes twice.
    fn rescan_from(&mut self, at: u64) -> Result<u64> {
        let Some(last) = self.generations.last().and_then(|g| g.batches.last()).copied() else { return Ok(at) };
        let hidden = at.saturating_sub(last.offset);
        if hidden == 0 || hidden > self.rescan_budget {
            return Ok(at);
        }
        self.rescan_budget -= hidden;
        let mut data = vec![0; (last.size as usize).min(MAX_BATCH_SIZE as usize)];
        let read = read_full(self.headers.window.source, &mut data, last.offset)?;
        let sound = is_readable(last.kind, &data[..read], &known_codes(self.headers.version));
        Ok(if sound { at } else { last.offset })
    }

    /// The last batch's data ends at an offset already.
    fn shorten_last_batch(&mut self, end: u64) {
        if let Some(g) = self.generations.last_mut()
            && let Some(b) = g.batches.last_mut()
        {
            b.size = end.saturating_sub(b.offset).min(u64::from(b.size)) as u32;
            g.end = g.end.min(end);
        }
    }

    /// The first sound batch from `from` on, or another trace's header from `damage` on; at the source's end if there
    /// is none. There is no sound batch at `damage` itself.
    fn resync(&mut self, from: u64, damage: u64) -> Result<Resync> {
        let end = self.headers.window.source.size();
        let mut at = from;
        while at < end {
            let bytes = self.headers.window.at(at)?;
            let can_start = |&b: &u8| matches!(b, code::EVENT_BATCH | code::EXPERIMENTAL_BATCH | b'g');
            let Some(skip) = bytes.iter().position(can_start) else {
                at += bytes.len() as u64;
                continue;
            };
            at += skip as u64;
            if at >= damage && self.headers.is_trace_header(at)? {
                return Ok(Resync::Trace(at));
            }
            if at != damage && self.is_sound_batch(at)? {
                return Ok(Resync::Batch(at));
            }
            at += 1;
        }
        Ok(Resync::Batch(end))
    }

    /// Whether a batch header is at an offset that fits the generations so far, with data that can be read, and after
    /// that another batch of the same or the next generation, or the end. Random bytes often can be read as a few
    /// events, so after a small batch the next one must be readable, too.
    ///
    /// The data of an experimental batch is anything. So where the last lost byte is an experimental batch's first one by
    /// chance, the sound batch behind it looks like the rest of such a header: then it is what it is without that byte.
    fn is_sound_batch(&mut self, at: u64) -> Result<bool> {
        let Framed::Batch(header) = self.headers.framed_at(at)? else { return Ok(false) };
        if header.kind.is_none() && self.is_sound_plain_batch(at + 1)? {
            return Ok(false);
        }
        self.is_sound(&header)
    }

    /// Whether a sound batch that is not experimental is at an offset. Its data begins with the code of an event or a table.
    /// That of the only experiment that there is begins with 0 or 1, which is neither (`traceAllocFreeTypesBatch` and
    /// `traceAllocFreeInfoBatch`, `runtime/traceallocfree.go`, Go 1.27).
    fn is_sound_plain_batch(&mut self, at: u64) -> Result<bool> {
        let Framed::Batch(header) = self.headers.framed_at(at)? else { return Ok(false) };
        let is_code = self.headers.window.at(header.data)?.first().is_some_and(|first| *first > code::EVENT_BATCH);
        Ok(header.kind.is_some() && is_code && self.is_sound(&header)?)
    }

    fn is_sound(&mut self, header: &BatchHeader) -> Result<bool> {
        let last = self.generations.last().map_or(header.generation, |g| g.number);
        if header.generation != last && !follows(header.generation, last) || header.size == 0 {
            return Ok(false);
        }
        let end = header.data + header.size;
        if end > self.headers.window.source.size() {
            return Ok(false);
        }
        let next = if end == self.headers.window.source.size() { None } else { Some(self.headers.framed_at(end)?) };
        let next = match next {
            None | Some(Framed::EndOfGeneration) => None,
            Some(Framed::Batch(next)) => Some(next),
            Some(Framed::Foreign | Framed::Truncated) => return Ok(false),
        };
        if !self.is_readable(header)? {
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

    /// Whether a batch's data can be read; assumed to be so once the budget for reading bytes twice is used up.
    fn is_readable(&mut self, header: &BatchHeader) -> Result<bool> {
        let Some(kind) = header.kind else { return Ok(true) };
        if header.size > self.rescan_budget {
            return Ok(true);
        }
        self.rescan_budget -= header.size;
        let mut data = vec![0; header.size as usize];
        let read = read_full(self.headers.window.source, &mut data, header.data)?;
        Ok(is_readable(kind, &data[..read], &known_codes(self.headers.version)))
    }

    /// For a message: the printable text that foreign bytes begin with. Programs print into their own trace.
    fn foreign_text(&mut self, at: u64, bytes: u64) -> Result<String> {
        let window = self.headers.window.at(at)?;
        let foreign = &window[..window.len().min(bytes as usize).min(40)];
        let printable = foreign.iter().take_while(|b| b.is_ascii_graphic() || **b == b' ').count();
        if printable < 4 {
            return Ok(String::new());
        }
        Ok(format!(", beginning with \"{}\"", String::from_utf8_lossy(&foreign[..printable])))
    }
}
