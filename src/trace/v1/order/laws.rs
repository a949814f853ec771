//! Events that contradict what was written on the same proc before: it starts twice, or a goroutine stops where none runs.
//!
//! Which goroutine an event is of follows from the proc's events before it. So an event that is missing, or was damaged into
//! another one, shows here, where the order of all events may still be possible (`postProcessTrace` in
//! `src/internal/trace/internal/tracev1/parser.go`, Go 1.27).

use super::lanes::Lanes;
use super::stream::{EventRole, role};
use crate::trace::v1::{BrokenRules, Kind};

/// What is known of a proc; each is `None` where it is not known.
#[derive(Clone, Copy, Debug)]
struct ProcState {
    started: Option<bool>,
    executes: Option<bool>,
    sweeps: Option<bool>,
}

impl ProcState {
    /// Before a proc's first event.
    const FIRST: Self = Self { started: Some(false), executes: Some(false), sweeps: Some(false) };
    /// After events that were lost.
    const UNKNOWN: Self = Self { started: None, executes: None, sweeps: None };

    /// Takes the proc's next event; returns the rule that it breaks.
    #[inline]
    fn take(&mut self, kind: Kind) -> Option<&'static str> {
        match (kind, role(kind)) {
            (_, EventRole::Starts) => {
                broken(self.executes.replace(true), true, "a goroutine starts on a proc that executes another")
            }
            (_, EventRole::Stops) => {
                broken(self.executes.replace(false), false, "a goroutine stops on a proc that executes none")
            }
            (Kind::GoSysCall, _) => broken(self.executes, false, "a system call on a proc that executes nothing"),
            (Kind::ProcStart, _) => broken(self.started.replace(true), true, "a proc starts that was started"),
            (Kind::ProcStop, _) => {
                let executes = broken(self.executes, true, "a proc stops that executes a goroutine");
                executes.or(broken(self.started.replace(false), false, "a proc stops that was not started"))
            }
            (Kind::GcSweepStart, _) => broken(self.sweeps.replace(true), true, "a proc sweeps that sweeps already"),
            (Kind::GcSweepDone, _) => broken(self.sweeps.replace(false), false, "a proc ends to sweep that did not"),
            _ => None,
        }
    }
}

/// The rule, if what is known is what breaks it.
#[inline]
fn broken(known: Option<bool>, breaks: bool, rule: &'static str) -> Option<&'static str> {
    (known == Some(breaks)).then_some(rule)
}

/// The events of all procs that break a rule. Events of threads without a proc are not looked at, nor CPU samples.
pub(crate) fn broken_rules(lanes: &Lanes) -> BrokenRules {
    let mut all = BrokenRules::default();
    for lane in (0..lanes.len()).filter(|lane| lanes.is_of_proc(*lane)) {
        let (mut reader, mut proc) = (lanes.reader(lane), ProcState::FIRST);
        while let Some(at) = reader.next(lanes) {
            if std::mem::take(&mut reader.lost) {
                proc = ProcState::UNKNOWN;
            }
            if let Some(rule) = proc.take(lanes.cells[at].kind) {
                all.add(reader.pos, rule);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use Kind::{GcSweepDone, GcSweepStart, GoBlock, GoEnd, GoStart, GoStartLocal, GoSysBlock, GoSysCall};
    use Kind::{GoUnblock, ProcStart, ProcStop};

    fn rules(mut proc: ProcState, kinds: &[Kind]) -> Vec<Option<&'static str>> {
        kinds.iter().map(|kind| proc.take(*kind)).collect()
    }

    #[test]
    fn what_a_proc_does_in_turn_breaks_no_rule() {
        let kinds = [ProcStart, GoStart, GoSysCall, GoSysBlock, ProcStop, ProcStart, GoUnblock, GoStartLocal, GoBlock];
        assert_eq!(rules(ProcState::FIRST, &kinds), [None; 9]);
        assert_eq!(rules(ProcState::UNKNOWN, &[GoEnd, ProcStop]), [None; 2]);
        assert_eq!(rules(ProcState::UNKNOWN, &[GcSweepDone, GcSweepStart, GcSweepDone]), [None; 3]);
    }

    #[test]
    fn what_comes_out_of_turn_does() {
        let broken = |kinds: &[Kind]| rules(ProcState::FIRST, kinds).last().unwrap().unwrap();
        assert_eq!(broken(&[ProcStart, ProcStart]), "a proc starts that was started");
        assert_eq!(broken(&[ProcStop]), "a proc stops that was not started");
        assert_eq!(broken(&[ProcStart, GoStart, ProcStop]), "a proc stops that executes a goroutine");
        assert_eq!(broken(&[ProcStart, GoBlock]), "a goroutine stops on a proc that executes none");
        assert_eq!(broken(&[GoStart, GoStart]), "a goroutine starts on a proc that executes another");
        assert_eq!(broken(&[GoSysCall]), "a system call on a proc that executes nothing");
        assert_eq!(broken(&[GcSweepStart, GcSweepStart]), "a proc sweeps that sweeps already");
        assert_eq!(broken(&[GcSweepDone]), "a proc ends to sweep that did not");
    }
}
