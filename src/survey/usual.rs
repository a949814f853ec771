//! The usual events of a scan, in few instructions. HOT.
//!
//! Says nothing that `scan.rs` does not say: what is not usual is left to it, with nothing changed.

use super::classes::StackClass;
use super::evidence::Who;
use super::scan::ThreadScan;
use crate::format::event_spec::code;
use crate::format::v2::event::{ScanEvent, ScanReader};
use crate::format::v2::tables::IdTable;
use crate::ids::GoId;

impl ThreadScan<'_, '_> {
    /// Takes usual events of a batch as long as there are, in a scan that looks at stacks alone. Gives the latest time.
    pub(super) fn usual(&mut self, reader: &mut ScanReader<'_>) -> Option<u64> {
        let classes = self.input.classes?;
        if self.input.notes.is_some() || self.next_sample.is_some() {
            return None;
        }
        let (mut latest, mut taken) = (None, 0);
        let mut event = ScanEvent { pos: 0, ticks: 0, code: 0, args: [0; 4] };
        while let Some(next) = reader.usual(self.input.codes.shapes, &mut event) {
            if !self.take_usual(&event, classes) {
                break;
            }
            *reader = next;
            latest = latest.max(Some(event.ticks));
            taken += 1;
        }
        self.scan.events += taken;
        latest
    }

    /// Takes an event, if it is a usual one.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what an event says stays in registers")]
    fn take_usual(&mut self, ev: &ScanEvent, classes: &IdTable<StackClass>) -> bool {
        let [a, b, c, _] = ev.args;
        match ev.code {
            code::GO_START => {
                let id = GoId(a);
                if self.current != Who::NOBODY || id == self.callback.id {
                    return false;
                }
                self.current = Who::named(id);
                self.run.begin(self.current, b, Some((ev.pos, ev.ticks)));
                true
            }
            code::GO_BLOCK | code::GO_STOP => {
                let class = classes.get(b).unwrap_or_default();
                let plain = self.current != Who::NOBODY && class.is_plain() && self.last_string == a;
                if !plain || !self.run.finish_plain(class.excludes(), &mut self.scan.evidence) {
                    return false;
                }
                self.current = Who::NOBODY;
                true
            }
            code::GO_UNBLOCK => self.glimpse(ev, classes.get(c)),
            code::GO_SYSCALL_BEGIN => self.glimpse(ev, classes.get(b)),
            code::GO_SYSCALL_END => {
                self.run.resume(ev.pos, ev.ticks);
                true
            }
            _ => false,
        }
    }

    /// A stack of the goroutine that executes, if there is one and it tells nothing new.
    #[inline]
    fn glimpse(&mut self, ev: &ScanEvent, class: Option<StackClass>) -> bool {
        let class = class.unwrap_or_default();
        if self.current != Who::NOBODY {
            if !class.is_plain() {
                return false;
            }
            if class.excludes() {
                self.run.exclude(ev.pos, ev.ticks);
            }
        }
        true
    }
}
