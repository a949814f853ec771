//! The clock of a generation: how many nanoseconds a tick is, and when the wall clock showed what.

use super::batch::{BatchKind, GenerationIndex};
use crate::trace::error::{Result, Warning};
use crate::trace::source::{Source, read_full};
use crate::trace::time::Time;
use crate::trace::wire::cursor::{Cursor, Malformed};
use crate::trace::wire::event_spec::code;
use crate::trace::wire::limits::{MAX_FREQUENCY, MIN_FREQUENCY};

/// Converts ticks to nanoseconds as Go's reader does: in floating point, truncated (`frequency.mul`,
/// `internal/trace/base.go`, Go 1.27).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Clock {
    ns_per_tick: f64,
}

impl Clock {
    /// A clock of this frequency.
    pub fn new(ticks_per_second: u64) -> Self {
        Self { ns_per_tick: 1.0 / (ticks_per_second as f64 / 1e9) }
    }

    /// A number of ticks in nanoseconds.
    #[inline]
    pub fn ns(self, ticks: u64) -> i64 {
        // Both ways give the same number; a signed one is converted in one instruction.
        let ticks = i64::try_from(ticks).map_or(ticks as f64, |signed| signed as f64);
        (ticks * self.ns_per_tick) as i64
    }

    /// A count of ticks as a time.
    #[inline]
    pub fn time(self, ticks: u64) -> Time {
        Time(self.ns(ticks))
    }
}

/// The same as [`Clock::ns`], with the results for small numbers of ticks in a table: those between two events of a
/// thread. Saves the two conversions of nearly all events; `benches/pipeline.rs` (`decode`) measures it.
pub struct TickTable {
    clock: Clock,
    /// Nanoseconds of 0, 1, 2, … ticks.
    small: [i64; 128],
}

impl TickTable {
    /// The table for a clock.
    pub fn new(clock: Clock) -> Self {
        Self { clock, small: std::array::from_fn(|ticks| clock.ns(ticks as u64)) }
    }

    /// A number of ticks in nanoseconds.
    #[inline]
    pub fn ns(&self, ticks: u64) -> i64 {
        let ns = usize::try_from(ticks).ok().and_then(|ticks| self.small.get(ticks));
        ns.copied().unwrap_or_else(|| self.clock.ns(ticks))
    }
}

/// What a generation's sync batch holds.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct SyncData {
    /// Ticks per second; `None` if it is missing or implausible.
    pub frequency: Option<u64>,
    /// A time in ticks, and the same time in nanoseconds since the Unix epoch; `None` before Go 1.25.
    pub wall: Option<(u64, i64)>,
    /// Whether the frequency is given several times.
    pub frequency_repeats: bool,
    /// Whether the wall-clock time is given several times.
    pub wall_repeats: bool,
}

/// Reads a generation's sync batch (`setSyncBatch`, `internal/trace/generation.go`, Go 1.27). Damage is a warning.
pub fn read_sync(source: &dyn Source, index: &GenerationIndex, warnings: &mut Vec<Warning>) -> Result<SyncData> {
    let mut sync = SyncData::default();
    let mut buffer = Vec::new();
    for batch in index.batches.iter().filter(|b| b.kind == BatchKind::Sync) {
        buffer.resize(batch.size as usize, 0);
        let read = read_full(source, &mut buffer, batch.offset)?;
        let mut cursor = Cursor::new(&buffer[..read], batch.offset);
        if read_sync_batch(&mut cursor, batch.time, &mut sync).is_err() {
            let lost = Warning::lost(
                "damaged-clock",
                "the batch with the clock is damaged",
                cursor.offset(),
                cursor.remaining() as u64,
            );
            warnings.push(lost.in_generation(index.number));
        }
    }
    if sync.frequency_repeats || sync.wall_repeats {
        let message = "the clock's frequency or wall-clock time is given several times, and does not count";
        warnings.push(Warning::lost("damaged-clock", message, index.start, 0).in_generation(index.number));
        sync.frequency = sync.frequency.filter(|_| !sync.frequency_repeats);
        sync.wall = sync.wall.filter(|_| !sync.wall_repeats);
    }
    if let Some(f) = sync.frequency.filter(|f| !(MIN_FREQUENCY..=MAX_FREQUENCY).contains(f)) {
        sync.frequency = None;
        let message = format!("a clock of {f} ticks per second is not plausible");
        warnings.push(Warning::lost("implausible-clock", message, index.start, 0).in_generation(index.number));
    }
    Ok(sync)
}

/// Reads what one sync batch holds into `sync`.
pub(super) fn read_sync_batch(
    cursor: &mut Cursor<'_>,
    batch_time: u64,
    sync: &mut SyncData,
) -> std::result::Result<(), Malformed> {
    let mut ticks = batch_time;
    while !cursor.is_empty() {
        match cursor.byte()? {
            code::SYNC => {}
            code::FREQUENCY => {
                let before = sync.frequency.replace(cursor.uvarint()?);
                sync.frequency_repeats |= before.is_some();
            }
            code::CLOCK_SNAPSHOT => {
                ticks = ticks.wrapping_add(cursor.uvarint()?);
                let _mono = cursor.uvarint()?;
                let (seconds, nanos) = (cursor.uvarint()?, cursor.uvarint()?);
                let ns = (seconds as i64).saturating_mul(1_000_000_000).saturating_add(nanos as i64);
                sync.wall_repeats |= sync.wall.replace((ticks, ns)).is_some();
            }
            _ => return Err(Malformed::Varint),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_ns_as_in_go() {
        let clock = Clock::new(15_625_000);
        assert_eq!(clock.ns(1), 64);
        assert_eq!(clock.ns(1_000_003), 64_000_192);
        assert_eq!(Clock::new(1_193_182).ns(10), 8380);
    }

    #[test]
    fn the_table_is_equal_to_the_clock() {
        for frequency in [15_625_000, 1_193_182, 10_000_000_000] {
            let clock = Clock::new(frequency);
            let table = TickTable::new(clock);
            for ticks in (0..300).chain([1 << 32, (1 << 32) + 5, u64::MAX]) {
                assert_eq!(table.ns(ticks), clock.ns(ticks), "{frequency} {ticks}");
            }
        }
    }
}
