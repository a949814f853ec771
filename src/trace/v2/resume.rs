//! Where a batch can be read on behind an event that cannot be decoded. Only damaged batches come here.
//!
//! ```text
//!          damage    ways to read on, one from each byte
//! … ● ● ● ● ░░░░░░░ ─┬──┬─────╮
//!                    ╰─────┬──┴──●──●──●──●──● end of the batch
//!                          ╰─────╯
//!                                ▲ from here on all ways agree
//! ```
//! Nothing says where an event starts. But wherever one begins to read, one comes upon a true start soon, and stays on
//! true ones from then on. So the batch is read on from where all ways agree that lead to its end.
//!
//! How much time passed in what is lost is not known either. It is at least none, and what follows must be over before
//! the thread's next batch begins. If that leaves more than [`MAX_SLACK`], the rest of the batch is not used.

use super::batch::BatchRef;
use super::clock::Clock;
use super::reader::{BadEvent, ScanReader, decode_event};
use crate::trace::error::Warning;
use crate::trace::wire::cursor::{Cursor, Malformed};
use crate::trace::wire::event_spec::{EVENTS, MAX_ARGS, code};
use std::collections::BTreeSet;

/// Most nanoseconds of which it may be unknown when the events behind damage happened.
const MAX_SLACK: i64 = 10_000_000;
/// How many bytes behind damage are tried as starts: more than the longest event takes.
const STARTS: usize = 64;
/// How many bytes behind the first start all ways must have met at least: damage that looks like events ends before that.
const MIN_DISTANCE: usize = 32;

/// A batch of which an event perhaps cannot be decoded.
#[derive(Clone, Copy)]
pub(crate) struct DamagedBatch<'a> {
    pub(crate) batch: &'a BatchRef,
    /// All its data.
    pub(crate) bytes: &'a [u8],
    /// A time, in ticks, that none of its events is later than.
    pub(crate) bound: u64,
    /// The event codes of the file's version.
    pub(crate) known: &'a [bool; 256],
    pub(crate) clock: Clock,
}

/// Where a batch is read on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Resumed {
    /// Offset in the file of the next event.
    pub(crate) pos: u64,
    /// By how many nanoseconds at most the events from there on are later than their ticks say.
    pub(crate) slack: i64,
}

impl BadEvent {
    /// The warning about it: the rest of its batch, which ends at the offset `end`, or what is before `resumed`, is lost.
    #[cold]
    pub(crate) fn warning(self, end: u64, resumed: Option<Resumed>, generation: u64) -> Warning {
        let name = EVENTS[self.code as usize].name;
        let bytes = resumed.map_or(end, |resumed| resumed.pos) - self.pos;
        let mut message = match self.malformed {
            Some(Malformed::Ends) => format!("a batch ends inside event {name}; {bytes} bytes of it are lost"),
            Some(Malformed::Varint) => format!("event {name} is malformed; {bytes} bytes of its batch are lost"),
            None => {
                format!("event code {} does not exist in this version; {bytes} bytes of its batch are lost", self.code)
            }
        };
        if let Some(Resumed { slack, .. }) = resumed {
            let ms = slack as f64 / 1e6;
            message = format!("{message}, and the times of the rest of it may be up to {ms:.3} ms too early");
        }
        Warning::lost("damaged-batch", message, self.pos, bytes).in_generation(generation)
    }
}

impl DamagedBatch<'_> {
    /// Goes to where the batch can be read on behind an event that cannot be decoded, if there is such a place.
    #[cold]
    pub(crate) fn read_on(&self, reader: &mut ScanReader<'_>, bad: BadEvent) -> Option<Resumed> {
        let resumed = self.resume(bad)?;
        reader.seek(resumed.pos);
        Some(resumed)
    }

    /// Where to read on; `None` if the rest of the batch is of no use.
    #[cold]
    pub(crate) fn resume(&self, bad: BadEvent) -> Option<Resumed> {
        let from = usize::try_from(bad.pos - self.batch.offset).ok()?;
        let before = ticks(self.events(0, from))?;
        let at = self.meeting_point(from + 1)?;
        let rest = self.bytes.len();
        if !is_plausible(self.events(at, rest)) {
            return None;
        }
        let last = self.batch.time.checked_add(before)?.checked_add(ticks(self.events(at, rest))?)?;
        let slack = self.clock.time(self.bound).0.checked_sub(self.clock.time(last).0)?;
        (0..=MAX_SLACK).contains(&slack).then(|| Resumed { pos: self.batch.offset + at as u64, slack })
    }

    /// Codes and ticks of the events in a part of the data; `None` for one that cannot be decoded.
    fn events(&self, from: usize, to: usize) -> impl Iterator<Item = Option<(u8, u64)>> {
        let mut cursor = Cursor::new(&self.bytes[from..to], 0);
        let mut args = [0; MAX_ARGS];
        std::iter::from_fn(move || match decode_event(&mut cursor, self.known, &mut args) {
            Ok(event) => event.map(|(_, code, ticks)| Some((code, ticks))),
            Err(_) => Some(None),
        })
    }

    /// Size of the event at each position from `from` on; 0 where none starts from which the data can be read to its end.
    fn sizes(&self, from: usize) -> Vec<u8> {
        let (all, mut args) = (self.bytes.len(), [0; MAX_ARGS]);
        let mut sizes = vec![0; all.saturating_sub(from)];
        for at in (from..all).rev() {
            let mut cursor = Cursor::new(&self.bytes[at..], 0);
            if let Ok(Some(_)) = decode_event(&mut cursor, self.known, &mut args) {
                let next = all - cursor.remaining();
                if next == all || sizes[next - from] > 0 {
                    sizes[at - from] = (next - at) as u8;
                }
            }
        }
        sizes
    }

    /// The first position far enough from the damage that all ways come upon that begin between the two.
    fn meeting_point(&self, from: usize) -> Option<usize> {
        let sizes = self.sizes(from);
        let first = sizes.iter().position(|&size| size > 0)?;
        // Where the ways are that began so far.
        let mut ways = BTreeSet::new();
        for at in (first..sizes.len()).filter(|&at| sizes[at] > 0) {
            if at >= first + MIN_DISTANCE && ways.iter().eq([&at]) {
                return Some(from + at);
            }
            if ways.remove(&at) || at < first + STARTS {
                ways.insert(at + usize::from(sizes[at]));
            }
        }
        None
    }
}

/// The ticks of all these events; `None` if one cannot be decoded, or they are too many.
fn ticks(mut events: impl Iterator<Item = Option<(u8, u64)>>) -> Option<u64> {
    events.try_fold(0_u64, |sum, event| sum.checked_add(event?.1))
}

/// Whether one thread can have written these events: it executes one goroutine at a time.
fn is_plausible(events: impl Iterator<Item = Option<(u8, u64)>>) -> bool {
    // Whether a goroutine executes; `None` as long as that is not known.
    let mut executes = None;
    for (code, _) in events.flatten() {
        let (must, then) = match code {
            code::GO_START => (Some(false), Some(true)),
            code::GO_BLOCK | code::GO_STOP | code::GO_DESTROY | code::GO_SYSCALL_END_BLOCKED => {
                (Some(true), Some(false))
            }
            code::GO_SYSCALL_BEGIN | code::GO_SYSCALL_END | code::GO_SWITCH | code::GO_SWITCH_DESTROY => {
                (Some(true), Some(true))
            }
            code::GO_STATUS | code::GO_STATUS_STACK | code::GO_CREATE_SYSCALL | code::GO_DESTROY_SYSCALL => {
                (None, None)
            }
            _ => continue,
        };
        if must.is_some_and(|must| executes == Some(!must)) {
            return false;
        }
        executes = then;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::v2::batch::BatchKind;
    use crate::trace::v2::clock::read_sync;
    use crate::trace::v2::codes::known_codes;
    use crate::trace::v2::generation::{Generation, ThreadBatches};
    use crate::trace::v2::index::read_index;
    use crate::trace::v2::reader::ScanEvent;
    use crate::trace::version::{Dialect, Header, read_header};
    use std::path::Path;

    /// Offset and ticks of each event up to the first that cannot be decoded, and that one.
    fn decode(damaged: &DamagedBatch<'_>) -> (Vec<(u64, u64)>, Option<BadEvent>) {
        let mut event = ScanEvent { pos: 0, ticks: 0, code: 0, args: [0; MAX_ARGS] };
        let (mut reader, mut events) = (ScanReader::new(damaged.batch, damaged.bytes), Vec::new());
        loop {
            match reader.next(damaged.known, &mut event) {
                Ok(true) => events.push((event.pos, event.ticks)),
                Ok(false) => return (events, None),
                Err(bad) => return (events, Some(bad)),
            }
        }
    }

    /// How often damage of a batch was resumed behind, of how many times, and how many events were skipped.
    #[derive(Default, Debug)]
    struct Tally {
        tried: usize,
        resumed: usize,
        events_lost: usize,
        inside_damage: usize,
    }

    /// Damages a sound batch in several ways. Where it is resumed, that is at one of its own events, and the time of that
    /// is known as well as it is said to be.
    fn check(sound: &DamagedBatch<'_>, tally: &mut Tally, name: &str) {
        let mut state = sound.batch.offset;
        // A linear congruential generator.
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        let (events, bad) = decode(sound);
        assert!(bad.is_none(), "{name}: not sound");
        let size = sound.bytes.len();
        for at in (0..size).step_by(size / 25 + 1) {
            for (len, byte) in
                [(1, Some(0xff)), (1, Some(0)), (40, Some(0)), (300, Some(0xff)), (40, None), (300, None)]
            {
                let mut bytes = sound.bytes.to_vec();
                let damage = &mut bytes[at..size.min(at + len)];
                for b in damage {
                    *b = byte.unwrap_or_else(&mut random);
                }
                let damaged = DamagedBatch { bytes: &bytes, ..*sound };
                let (before, bad) = decode(&damaged);
                let Some(bad) = bad else { continue };
                tally.tried += 1;
                let Some(Resumed { pos, slack }) = damaged.resume(bad) else { continue };
                let Some(n) = events.iter().position(|event| event.0 == pos) else {
                    // Damage may look like events: these stand in the damaged bytes themselves.
                    assert!(pos < sound.batch.offset + (at + len) as u64, "{name}: resumed inside an event");
                    tally.inside_damage += 1;
                    continue;
                };
                tally.resumed += 1;
                tally.events_lost += n.saturating_sub(before.len());
                if before[..] == events[..before.len()] {
                    let last_before = before.last().map_or(sound.batch.time, |event| event.1);
                    let ticks_lost = events[n.max(1) - 1].1 - last_before;
                    let late = sound.clock.ns(ticks_lost);
                    assert!(late <= slack + 1, "{name}: {late} ns later, not {slack}");
                }
            }
        }
    }

    #[test]
    fn batches_are_resumed_at_their_own_events() {
        let mut tally = Tally::default();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/traces");
        for file in ["go1.22/server.trace", "go1.23/http1.trace", "go1.25/causes.trace", "go1.26/findings.trace"] {
            let bytes = std::fs::read(folder.join(file)).unwrap();
            let Header::Known(version) = read_header(&bytes) else { panic!("no trace") };
            let Dialect::V2(row) = version.dialect else { panic!("an old trace") };
            let known = known_codes(row);
            for index in &read_index(&bytes, row, 0).unwrap().generations {
                let frequency = read_sync(&bytes, index, &mut Vec::new()).unwrap().frequency;
                let (generation, clock) = (Generation::new(&bytes, index), Clock::new(frequency.unwrap()));
                let batches = ThreadBatches::new(&generation);
                for of_thread in (0..index.threads.len()).map(|thread| batches.of(thread)) {
                    for (nth, &batch) in of_thread.iter().enumerate() {
                        let batch = &index.batches[batch as usize];
                        assert_eq!(batch.kind, BatchKind::Events);
                        let data = &bytes[batch.offset as usize..][..batch.size as usize];
                        let bound = generation.bound(of_thread.get(nth + 1).copied());
                        let sound = DamagedBatch { batch, bytes: data, bound, known: &known, clock };
                        check(&sound, &mut tally, file);
                    }
                }
            }
        }
        // Where it is not, the damage is near the batch's end, or the thread's next batch begins much later.
        assert!(tally.resumed > 600, "{tally:?}");
        // The longest damage is some 60 events long.
        assert!(tally.events_lost < 30 * tally.resumed, "{tally:?}");
    }
}
