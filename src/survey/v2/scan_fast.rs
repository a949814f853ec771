//! The fast path of a scan: the most frequent events, in few instructions. On the hot path.
//!
//! Equal to `thread_scan.rs` for runs without a matching stack that are one gap: starts, blocks, stops, unblocks and
//! system calls, with reasons that were noted before and stacks whose verdict is enough. All else is left to the general
//! path, with nothing changed. `pipeline/v2/tests.rs` compares the two.

use super::evidence::RunGap;
use super::evidence_store::EvidenceStore;
use super::run_evidence::GapOnlyRun;
use super::verdicts::StackVerdicts;
use crate::trace::ids::GoId;
use crate::trace::v2::reader::ScanReader;
use crate::trace::v2::reader_fast::{WORD_EVENT_BYTES, decode_goroutine_fast, decode_one_byte_fast, decode_word_fast};
use crate::trace::v2::split::ScanObserver;
use crate::trace::wire::event_spec::{MAX_ARGS, code};

/// What runs on the thread.
type Running = Option<GapOnlyRun>;

/// What the fast path knows of a thread's scan.
pub(crate) struct FastScan<'a> {
    pub(crate) verdicts: &'a StackVerdicts,
    /// Reasons below 64 that were noted, a bit each.
    pub(crate) known_reasons: u64,
    /// The id of the thread's cgo callback, which is ambiguous.
    pub(crate) callback: GoId,
}

/// An event that was not taken yet.
#[derive(Clone, Copy)]
struct PendingEvent<'b> {
    /// Its bytes, and some after it.
    bytes: &'b [u8; WORD_EVENT_BYTES],
    /// Its file position.
    pos: u64,
    /// The time of the event before it, in ticks.
    before: u64,
}

/// The size of an event that was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct EventSize {
    /// In bytes.
    len: usize,
    /// Ticks since the event before it.
    ticks: u64,
}

impl FastScan<'_> {
    /// Takes events as long as it can; returns how many, and their latest time in ticks.
    #[inline(always)]
    pub(crate) fn take_all(
        &self,
        reader: &mut ScanReader<'_>,
        running: &mut Running,
        store: &mut EvidenceStore,
        observer: &mut impl ScanObserver,
    ) -> (u64, u64) {
        let (mut events, mut latest) = (0, 0);
        while let Some(bytes) = reader.word_event() {
            let (pos, before) = reader.position();
            let next = PendingEvent { bytes, pos, before };
            let Some(EventSize { len, ticks }) = self.take(next, running, store, observer) else { break };
            reader.step(len, ticks);
            latest = latest.max(before.wrapping_add(ticks));
            events += 1;
        }
        (events, latest)
    }

    /// Takes an event; none, with nothing changed, if it leaves that to the general path.
    #[inline(always)]
    // What an event says stays in registers.
    fn take(
        &self,
        next: PendingEvent<'_>,
        running: &mut Running,
        store: &mut EvidenceStore,
        observer: &mut impl ScanObserver,
    ) -> Option<EventSize> {
        match next.bytes[0] {
            code::GO_START => {
                let event = decode_goroutine_fast::<2>(next.bytes)?;
                let [id, seq] = event.args;
                let id = GoId(id);
                if running.is_some() || id == self.callback {
                    return None;
                }
                let ticks = next.before.wrapping_add(event.ticks);
                *running = Some(GapOnlyRun { id, seq, gap: RunGap::at(next.pos, ticks, false) });
                Some(EventSize { len: event.len, ticks: event.ticks })
            }
            code @ (code::GO_BLOCK | code::GO_STOP) => {
                let event = decode_one_byte_fast::<2>(next.bytes)?;
                let [reason, stack] = event.args;
                let (excludes, skippable) = self.verdicts.excludes_and_skippable(stack)?;
                let known = reason < 64 && self.known_reasons >> reason & 1 == 1;
                let run = running.filter(|_| known)?;
                let skips = skippable && store.skip(run.id);
                let first_other = if excludes && run.gap.first_other == 0 { next.pos } else { run.gap.first_other };
                if !skips && !store.add_gap_run(run.id, run.seq, run.gap.first, first_other) {
                    return None;
                }
                observer.stop(code, run.id, run.seq);
                *running = None;
                Some(EventSize { len: event.len, ticks: event.ticks })
            }
            code::GO_UNBLOCK => {
                let event = decode_goroutine_fast::<3>(next.bytes)?;
                let [id, seq, stack] = event.args;
                self.own_stack(next, event.ticks, stack, running)?;
                observer.unblock(GoId(id), seq);
                Some(EventSize { len: event.len, ticks: event.ticks })
            }
            code::GO_SYSCALL_BEGIN => {
                let event = decode_word_fast::<2>(next.bytes)?;
                let [seq, stack] = event.args;
                self.own_stack(next, event.ticks, stack, running)?;
                observer.set_running(running.map(|run| (run.id, run.seq)));
                observer.event(code::GO_SYSCALL_BEGIN, [seq, stack, 0, 0]);
                Some(EventSize { len: event.len, ticks: event.ticks })
            }
            code::GO_SYSCALL_END => {
                let event = decode_word_fast::<0>(next.bytes)?;
                if let Some(run) = running {
                    (run.gap.last, run.gap.ticks) = (next.pos, next.before.wrapping_add(event.ticks));
                }
                observer.set_running(running.map(|run| (run.id, run.seq)));
                observer.event(code::GO_SYSCALL_END, [0; MAX_ARGS]);
                Some(EventSize { len: event.len, ticks: event.ticks })
            }
            _ => None,
        }
    }

    /// Takes a stack of the goroutine that executes; none, with nothing changed, if the stack's class is needed, or if none
    /// executes and there is a stack.
    #[inline(always)]
    fn own_stack(&self, next: PendingEvent<'_>, ticks: u64, stack: u64, running: &mut Running) -> Option<()> {
        let Some(run) = running else { return (stack == 0).then_some(()) };
        if self.verdicts.excludes(stack)? {
            (run.gap.last, run.gap.ticks) = (next.pos, next.before.wrapping_add(ticks));
            run.gap.first_other = if run.gap.first_other == 0 { next.pos } else { run.gap.first_other };
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::roots::stack_class::StackClass;
    use crate::survey::v2::evidence_pieces::LogBase;
    use crate::survey::v2::evidence_store::EvidenceMemory;
    use crate::trace::id_table::IdTable;
    use crate::trace::v2::split::NoObserver;

    /// One run of goroutine 300 with two stacks that do not match: all of it is fast, and it becomes one compact run.
    #[test]
    fn a_run_without_a_match_is_fast() {
        let plain = StackClass { present: true, ..StackClass::default() };
        let matching = StackClass { matches: true, ..plain };
        let classes = IdTable::new(&[(5, plain), (6, matching)]);
        let verdicts = StackVerdicts::new(&classes);
        let fast = FastScan { verdicts: &verdicts, known_reasons: 1 << 3, callback: GoId::NONE };
        let mut store = EvidenceStore::new(LogBase::default(), EvidenceMemory::default(), Some(1000));
        let mut running = None;
        let mut take = |bytes: &[u8], pos, running: &mut Running| {
            let mut padded = [0xff; WORD_EVENT_BYTES];
            padded[..bytes.len()].copy_from_slice(bytes);
            fast.take(PendingEvent { bytes: &padded, pos, before: 10 }, running, &mut store, &mut NoObserver)
        };
        let start = [code::GO_START, 7, 0xac, 2, 1];
        assert_eq!(take(&start, 100, &mut running), Some(EventSize { len: 5, ticks: 7 }));
        let run = |last, ticks, first_other| {
            let gap = RunGap { first: 100, last, ticks, first_other };
            Some((GoId(300), 1, gap))
        };
        let state = |running: &Running| running.map(|run| (run.id, run.seq, run.gap));
        assert_eq!(state(&running), run(100, 17, 0));
        // While one runs, no other starts.
        assert_eq!(take(&start, 105, &mut running), None);
        assert_eq!(take(&[code::GO_UNBLOCK, 1, 9, 2, 5], 105, &mut running), Some(EventSize { len: 5, ticks: 1 }));
        assert_eq!(state(&running), run(105, 11, 105));
        // A stack that matches, a reason that was not noted, and another code change nothing.
        for other in [[code::GO_BLOCK, 1, 3, 6], [code::GO_BLOCK, 1, 4, 5], [code::GO_CREATE, 1, 2, 5]] {
            assert_eq!(take(&other, 110, &mut running), None);
        }
        assert_eq!(state(&running), run(105, 11, 105));
        assert_eq!(take(&[code::GO_BLOCK, 1, 3, 5], 110, &mut running), Some(EventSize { len: 4, ticks: 1 }));
        assert_eq!(state(&running), None);
        assert_eq!(store.lists.compact.len(), 1);
    }
}
