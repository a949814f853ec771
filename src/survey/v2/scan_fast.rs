//! The usual events of a scan, in few instructions. HOT.
//!
//! Says nothing that `scan.rs` does not say: what is not usual is left to it, with nothing changed.

use super::evidence::{Gap, PlainRun, Who};
use super::evidence_store::EvidenceStore;
use super::scan::ThreadScan;
use crate::survey::roots::classify::StackVerdicts;
use crate::trace::ids::GoId;
use crate::trace::v2::reader::ScanReader;
use crate::trace::v2::reader_fast::{WORD_EVENT_BYTES, decode_goroutine_fast, decode_one_byte_fast, decode_word_fast};
use crate::trace::v2::split::ScanObserver;
use crate::trace::wire::event_spec::{MAX_ARGS, code};

/// Who runs on the thread, as far as the usual events tell.
type Running = Option<PlainRun>;

/// What usual events are looked at with.
struct Looking<'a> {
    gists: &'a StackVerdicts,
    /// Reasons below 64 that were noted, a bit each.
    known_reasons: u64,
    /// An id that does not tell who it is.
    callback: GoId,
}

/// The event at hand.
#[derive(Clone, Copy)]
struct At<'b> {
    bytes: &'b [u8; WORD_EVENT_BYTES],
    /// Where it stands in the file.
    pos: u64,
    /// The time of the event before it, in ticks.
    before: u64,
}

/// An event that was taken: its length in bytes, and its time difference in ticks.
type Taken = (usize, u64);

impl ThreadScan<'_, '_> {
    /// Takes usual events of a batch as long as there are, in a scan that looks at stacks alone. Gives the latest time.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one loop")]
    pub(crate) fn usual(&mut self, reader: &mut ScanReader<'_>, watch: &mut impl ScanObserver) -> Option<u64> {
        let gists = self.gists?;
        let nobody = self.current == Who::NOBODY;
        let mut running = if nobody { None } else { Some(self.run.plain()?) };
        if self.input.notes.is_some() || self.next_sample.is_some() {
            return None;
        }
        let looking = Looking { gists, known_reasons: self.noted, callback: self.callback.id };
        let (mut latest, mut events) = (0, 0);
        while let Some(bytes) = reader.word_event() {
            let (pos, before) = reader.position();
            let at = At { bytes, pos, before };
            let Some((len, ticks)) = looking.take(at, &mut running, &mut self.scan.evidence, watch) else { break };
            reader.step(len, ticks);
            latest = latest.max(before.wrapping_add(ticks));
            events += 1;
        }
        if events > 0 {
            watch.set_running(running.map(|run| (run.id, run.seq)));
        }
        self.scan.events += events;
        self.current = running.map_or(Who::NOBODY, |run| Who::named(run.id));
        match running {
            Some(run) => self.run.go_on(run),
            None => self.run.forget(),
        }
        (events > 0).then_some(latest)
    }
}

impl Looking<'_> {
    /// Takes an event, if it is a usual one.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what an event says stays in registers")]
    fn take(
        &self,
        at: At<'_>,
        running: &mut Running,
        found: &mut EvidenceStore,
        watch: &mut impl ScanObserver,
    ) -> Option<Taken> {
        match at.bytes[0] {
            code::GO_START => {
                let event = decode_goroutine_fast::<2>(at.bytes)?;
                let [id, seq] = event.args;
                let id = GoId(id);
                if running.is_some() || id == self.callback {
                    return None;
                }
                let ticks = at.before.wrapping_add(event.ticks);
                *running = Some(PlainRun { id, seq, gap: Gap { first: at.pos, last: at.pos, ticks, other: false } });
                Some((event.len, event.ticks))
            }
            code @ (code::GO_BLOCK | code::GO_STOP) => {
                let event = decode_one_byte_fast::<2>(at.bytes)?;
                let [reason, stack] = event.args;
                let (excludes, dull) = self.gists.excludes_and_dull(stack)?;
                let known = reason < 64 && self.known_reasons >> reason & 1 == 1;
                let run = running.filter(|_| known)?;
                let skips = dull && found.skip(run.id);
                if !skips && !found.add_glance(run.id, run.seq, run.gap.first, run.gap.other || excludes) {
                    return None;
                }
                watch.stop(code, run.id, run.seq);
                *running = None;
                Some((event.len, event.ticks))
            }
            code::GO_UNBLOCK => {
                let event = decode_goroutine_fast::<3>(at.bytes)?;
                let [id, seq, stack] = event.args;
                self.glimpse(at, event.ticks, stack, running)?;
                watch.unblock(GoId(id), seq);
                Some((event.len, event.ticks))
            }
            code::GO_SYSCALL_BEGIN => {
                let event = decode_word_fast::<2>(at.bytes)?;
                let [seq, stack] = event.args;
                self.glimpse(at, event.ticks, stack, running)?;
                watch.set_running(running.map(|run| (run.id, run.seq)));
                watch.event(code::GO_SYSCALL_BEGIN, [seq, stack, 0, 0]);
                Some((event.len, event.ticks))
            }
            code::GO_SYSCALL_END => {
                let event = decode_word_fast::<0>(at.bytes)?;
                if let Some(run) = running {
                    (run.gap.last, run.gap.ticks) = (at.pos, at.before.wrapping_add(event.ticks));
                }
                watch.set_running(running.map(|run| (run.id, run.seq)));
                watch.event(code::GO_SYSCALL_END, [0; MAX_ARGS]);
                Some((event.len, event.ticks))
            }
            _ => None,
        }
    }

    /// A stack of the goroutine that executes; none, with nothing changed, if it tells more than what it excludes.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    fn glimpse(&self, at: At<'_>, ticks: u64, stack: u64, running: &mut Running) -> Option<()> {
        let Some(run) = running else { return Some(()) };
        if self.gists.excludes(stack)? {
            (run.gap.last, run.gap.ticks, run.gap.other) = (at.pos, at.before.wrapping_add(ticks), true);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::roots::classify::StackClass;
    use crate::survey::v2::evidence_store::EvidenceMemory;
    use crate::trace::v2::id_table::IdTable;
    use crate::trace::v2::split::NoObserver;

    /// One run of goroutine 300 with two stacks that do not match: all of it is usual, and one glance comes of it.
    #[test]
    fn a_run_without_a_match_is_usual() {
        let plain = StackClass { present: true, ..StackClass::default() };
        let matching = StackClass { matches: true, ..plain };
        let classes = IdTable::new(&[(5, plain), (6, matching)]);
        let gists = StackVerdicts::new(&classes);
        let looking = Looking { gists: &gists, known_reasons: 1 << 3, callback: GoId::NONE };
        let mut found = EvidenceStore::new(0, EvidenceMemory::default(), Some(1000));
        let mut running = None;
        let mut take = |bytes: &[u8], pos, running: &mut Running| {
            let mut padded = [0xff; WORD_EVENT_BYTES];
            padded[..bytes.len()].copy_from_slice(bytes);
            looking.take(At { bytes: &padded, pos, before: 10 }, running, &mut found, &mut NoObserver)
        };
        let start = [code::GO_START, 7, 0xac, 2, 1];
        assert_eq!(take(&start, 100, &mut running), Some((5, 7)));
        let run = |last, ticks, other| {
            let gap = Gap { first: 100, last, ticks, other };
            Some((GoId(300), 1, gap))
        };
        let said = |running: &Running| running.map(|run| (run.id, run.seq, run.gap));
        assert_eq!(said(&running), run(100, 17, false));
        // While one runs, no other starts.
        assert_eq!(take(&start, 105, &mut running), None);
        assert_eq!(take(&[code::GO_UNBLOCK, 1, 9, 2, 5], 105, &mut running), Some((5, 1)));
        assert_eq!(said(&running), run(105, 11, true));
        // A stack that matches, a reason that was not noted, and an unusual code change nothing.
        for unusual in [[code::GO_BLOCK, 1, 3, 6], [code::GO_BLOCK, 1, 4, 5], [code::GO_CREATE, 1, 2, 5]] {
            assert_eq!(take(&unusual, 110, &mut running), None);
        }
        assert_eq!(said(&running), run(105, 11, true));
        assert_eq!(take(&[code::GO_BLOCK, 1, 3, 5], 110, &mut running), Some((4, 1)));
        assert_eq!(said(&running), None);
        assert_eq!(found.lists.small.len(), 1);
    }
}
