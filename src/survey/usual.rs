//! The usual events of a scan, in few instructions. HOT.
//!
//! Says nothing that `scan.rs` does not say: what is not usual is left to it, with nothing changed.

use super::classes::StackClass;
use super::evidence::Who;
use super::scan::ThreadScan;
use crate::format::event_spec::code;
use crate::format::v2::decode::{AHEAD, short_event};
use crate::format::v2::event::ScanReader;
use crate::format::v2::tables::IdTable;
use crate::ids::GoId;

/// The event at hand.
#[derive(Clone, Copy)]
struct At<'b> {
    bytes: &'b [u8; AHEAD],
    /// Where it stands in the file.
    pos: u64,
    /// The time of the event before it, in ticks.
    before: u64,
}

/// An event that was taken: its length in bytes, and its time difference in ticks.
type Taken = (usize, u64);

impl ThreadScan<'_, '_> {
    /// Takes usual events of a batch as long as there are, in a scan that looks at stacks alone. Gives the latest time.
    pub(super) fn usual(&mut self, reader: &mut ScanReader<'_>) -> Option<u64> {
        let classes = self.input.classes?;
        if self.input.notes.is_some() || self.next_sample.is_some() {
            return None;
        }
        let (mut latest, mut events) = (None, 0);
        while let Some(bytes) = reader.ahead() {
            let (pos, before) = reader.place();
            let Some((len, ticks)) = self.take_usual(At { bytes, pos, before }, classes) else { break };
            reader.step(len, ticks);
            latest = latest.max(Some(before.wrapping_add(ticks)));
            events += 1;
        }
        self.scan.events += events;
        latest
    }

    /// Takes an event, if it is a usual one.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what an event says stays in registers")]
    fn take_usual(&mut self, at: At<'_>, classes: &IdTable<StackClass>) -> Option<Taken> {
        match at.bytes[0] {
            code::GO_START => {
                let event = short_event::<2>(at.bytes)?;
                let [id, seq] = event.args;
                let id = GoId(id);
                if self.current != Who::NOBODY || id == self.callback.id {
                    return None;
                }
                self.current = Who::named(id);
                self.run.begin(self.current, seq, Some((at.pos, at.before.wrapping_add(event.ticks))));
                Some((event.len, event.ticks))
            }
            code::GO_BLOCK | code::GO_STOP => {
                let event = short_event::<2>(at.bytes)?;
                let [reason, stack] = event.args;
                let class = classes.get(stack).unwrap_or_default();
                if self.current == Who::NOBODY || !class.is_plain() || self.last_string != reason {
                    return None;
                }
                self.run.finish_plain(class.excludes(), &mut self.scan.evidence).then_some(())?;
                self.current = Who::NOBODY;
                Some((event.len, event.ticks))
            }
            code::GO_UNBLOCK => {
                let event = short_event::<3>(at.bytes)?;
                self.glimpse(at, event.ticks, classes.get(event.args[2]))?;
                Some((event.len, event.ticks))
            }
            code::GO_SYSCALL_BEGIN => {
                let event = short_event::<2>(at.bytes)?;
                self.glimpse(at, event.ticks, classes.get(event.args[1]))?;
                Some((event.len, event.ticks))
            }
            code::GO_SYSCALL_END => {
                let event = short_event::<0>(at.bytes)?;
                self.run.resume(at.pos, at.before.wrapping_add(event.ticks));
                Some((event.len, event.ticks))
            }
            _ => None,
        }
    }

    /// A stack of the goroutine that executes; none, with nothing changed, if it tells more than what it excludes.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    fn glimpse(&mut self, at: At<'_>, ticks: u64, class: Option<StackClass>) -> Option<()> {
        let class = class.unwrap_or_default();
        if self.current != Who::NOBODY {
            if !class.is_plain() {
                return None;
            }
            if class.excludes() {
                self.run.exclude(at.pos, at.before.wrapping_add(ticks));
            }
        }
        Some(())
    }
}
