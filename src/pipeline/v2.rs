//! One trace of Go 1.22 or later through both passes.
//!
//! A trace comes in as a source of bytes, and goes out as a survey (pass 1) and what was measured (pass 2). Both passes
//! work on several generations side by side. In reading order: `scanning` is pass 1; `ordering` gives the events of a
//! generation, or of a part of one, in causal order, for which `instances` knows the goroutines; `measuring` is pass 2.

mod instances;
mod measuring;
mod ordering;
mod scanning;
#[cfg(test)]
mod tests;

use crate::profile::ByteCount;
use crate::survey::Survey;
use crate::trace::error::{Error, ErrorKind, Result, Warning};
use crate::trace::source::Source;
use crate::trace::time::Time;
use crate::trace::v2::clock::{Clock, SyncData, read_sync};
use crate::trace::v2::codes::known_codes;
use crate::trace::v2::index::{Index, read_index};
use crate::trace::v2::order::errors::OrderingErrors;
use crate::trace::version::{HEADER_SIZE, V2};
use crate::trace::wire::limits::{DEFAULT_FREQUENCY, MAX_SPAN_NS};

/// A trace of which it is known where its batches are.
pub(super) struct V2Trace<'a> {
    source: &'a dyn Source,
    /// Where the batches of each generation are in the file.
    pub(super) index: Index,
    /// Which event codes the trace's version has.
    known: [bool; 256],
    /// Per generation.
    clocks: Vec<Clock>,
    /// A time of the trace, and the wall clock then, in ns since the Unix epoch.
    pub(super) wall: Option<(Time, i64)>,
    /// About what could not be read so far.
    pub(super) warnings: Vec<Warning>,
}

impl<'a> V2Trace<'a> {
    /// Finds the batches of the trace whose header is at `start`.
    pub(super) fn open(source: &'a dyn Source, version: V2, start: u64) -> Result<Self> {
        let mut index = read_index(source, version, start)?;
        let mut warnings = std::mem::take(&mut index.warnings).into_vec();
        let syncs = read_syncs(source, &index, &mut warnings)?;
        warn_without_clock(&index, &syncs, version, &mut warnings);
        let clocks = clocks(&index, &syncs, &mut warnings);
        let wall = syncs.iter().zip(&clocks).find_map(|(s, c)| s.wall.map(|(ticks, ns)| (c.time(ticks), ns)));
        if index.generations.iter().all(|g| g.batches.is_empty()) {
            let message = "the trace has a header and nothing after it: was it ever stopped (trace.Stop)?";
            return Err(Error::new(ErrorKind::NothingUsable(message.into())).with_offset(start + HEADER_SIZE as u64));
        }
        Ok(Self { source, index, known: known_codes(version), clocks, wall, warnings })
    }

    /// What became of its bytes, given all warnings about it: damage inside of batches was found when these were read.
    pub(super) fn byte_count(&self, warnings: &[Warning]) -> ByteCount {
        const INSIDE: [&str; 4] = ["damaged-batch", "damaged-table", "damaged-samples", "damaged-clock"];
        let Index { framed, experimental, skipped, .. } = self.index;
        let inside: u64 = warnings.iter().filter(|w| INSIDE.contains(&w.id)).map(|w| w.bytes).sum();
        ByteCount {
            total: framed + experimental + skipped,
            used: framed.saturating_sub(inside),
            skipped: skipped + inside.min(framed),
            unknown: experimental,
        }
    }

    /// Bytes of a generation, and of all that follow it.
    fn size_and_left(&self, i: usize) -> (u64, u64) {
        let this = &self.index.generations[i];
        let end = self.index.generations.last().map_or(this.end, |last| last.end);
        (this.end - this.start, end.saturating_sub(this.end))
    }

    /// Adds to warnings about lost data of a generation when that was, in seconds since the trace's start.
    pub(super) fn date(&self, survey: &Survey, warnings: &mut [Warning]) {
        for warning in warnings.iter_mut().filter(|w| w.data_lost) {
            let Some(number) = warning.generation else { continue };
            let Some(i) = self.index.generations.iter().position(|g| g.number == number) else { continue };
            let from = self.clocks[i].time(self.index.generations[i].min_time);
            let to = survey.generations.get(i).map_or(from, |g| g.latest.max(from));
            let seconds = |time: Time| crate::trace::error::Seconds(time.since(survey.start));
            let message = &warning.message;
            warning.message = format!("{message}; generation {number}, from {} to {}", seconds(from), seconds(to));
        }
    }
}

fn read_syncs(source: &dyn Source, index: &Index, warnings: &mut Vec<Warning>) -> Result<Vec<SyncData>> {
    index.generations.iter().map(|g| read_sync(source, g, warnings)).collect()
}

/// Adds a warning for each generation whose clock is not given, although that of another one is.
fn warn_without_clock(index: &Index, syncs: &[SyncData], version: V2, warnings: &mut Vec<Warning>) {
    let any = syncs.iter().any(|sync| sync.frequency.is_some());
    for (generation, sync) in index.generations.iter().zip(syncs) {
        let known = warnings.iter().any(|w| w.generation == Some(generation.number) && w.id.ends_with("-clock"));
        let message = match (sync.frequency, sync.wall) {
            (None, _) if any => "the generation has no clock's frequency; that of another one is used",
            (Some(_), None) if version.sync_batch => "the generation has no wall-clock time",
            _ => continue,
        };
        if !known {
            let warning = Warning::lost("damaged-clock", message, generation.start, 0);
            warnings.push(warning.in_generation(generation.number));
        }
    }
}

/// A clock per generation. One that lost its frequency gets that of another generation, or [`DEFAULT_FREQUENCY`].
fn clocks(index: &Index, syncs: &[SyncData], warnings: &mut Vec<Warning>) -> Vec<Clock> {
    let any = syncs.iter().find_map(|s| s.frequency);
    if any.is_none()
        && let Some(first) = index.generations.first()
    {
        let message = format!(
            "the trace lost its clock's frequency; {DEFAULT_FREQUENCY} ticks per second are assumed, so times are a guess"
        );
        warnings.push(Warning::lost("no-frequency", message, first.end, 0).in_generation(first.number));
    }
    let fallback = any.unwrap_or(DEFAULT_FREQUENCY);
    syncs.iter().map(|s| Clock::new(s.frequency.unwrap_or(fallback))).collect()
}

impl OrderingErrors {
    fn add(&mut self, other: Self) {
        self.forced += other.forced;
        self.broken += other.broken;
        self.first_forced = self.first_forced.or(other.first_forced);
        self.first_broken = self.first_broken.or(other.first_broken);
    }

    fn warnings(self, start: Time) -> Vec<Warning> {
        let at = |time: Time| crate::trace::error::Seconds(time.since(start));
        let mut warnings = Vec::new();
        if let Some((pos, time, rule)) = self.first_broken {
            let message = match self.broken {
                1 => format!("1 event, at {}, contradicts the scheduler's rules: {rule}", at(time)),
                n => format!("{n} events contradict the scheduler's rules, the first at {}: {rule}", at(time)),
            };
            warnings.push(Warning::lost("broken-rule", message, pos, 0));
        }
        if let Some((pos, time)) = self.first_forced {
            let message = match self.forced {
                1 => format!("1 event, at {}, never had its turn: what comes before it is missing", at(time)),
                n => {
                    format!("{n} events, from {} on, never had their turn: what comes before them is missing", at(time))
                }
            };
            warnings.push(Warning::lost("broken-order", message, pos, 0));
        }
        warnings
    }
}

/// A warning about a trace whose times cannot be right.
pub(super) fn implausible_span(ns: u64) -> Option<Warning> {
    (ns > MAX_SPAN_NS).then(|| {
        let message = format!("the trace seems to last {}; its clock is damaged", crate::trace::error::Seconds(ns));
        Warning::lost("implausible-span", message, 0, 0)
    })
}
