//! Warnings about a damaged trace: what is missing, at which bytes, and how much time.

use super::OldTrace;
use super::builder::ClockDisorder;
use super::clock::plausible;
use super::convert::MissingStacks;
use super::merge::ForcedEvents;
use crate::trace::error::Warning;
use crate::trace::v1::{BrokenRules, FileScan, Gap, GapCause, text_length};

/// Most bytes of foreign text that a message quotes.
const QUOTED: usize = 40;

/// The damage that ordering and conversion found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Damage {
    pub(crate) forced: ForcedEvents,
    pub(crate) broken: BrokenRules,
    pub(crate) disorder: ClockDisorder,
    pub(crate) missing_stacks: MissingStacks,
}

/// All warnings about a trace.
pub(crate) fn warnings(trace: &OldTrace, scan: &FileScan, damage: Damage) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = scan.gaps.iter().map(|gap| gap_warning(trace, gap)).collect();
    warnings.extend(frequency_warning(trace, scan));
    warnings.extend(stacks_warning(trace, scan, damage.missing_stacks));
    warnings.extend(trace.tables.warnings.iter().cloned());
    warnings.extend(rules_warning(damage.broken));
    warnings.extend(order_warning(trace, &damage.forced));
    warnings.extend(disorder_warning(trace, damage.disorder));
    if trace.needs_binary {
        let text = "traces of Go 1.5 and 1.6 carry no function names; give the traced program with --binary FILE \
                    to see names instead of addresses";
        warnings.push(Warning::note("no-symbols", text));
    }
    warnings
}

fn lost(id: &'static str, message: String) -> Warning {
    Warning { data_lost: true, ..Warning::note(id, message) }
}

fn gap_warning(trace: &OldTrace, gap: &Gap) -> Warning {
    let (start, end, bytes) = (gap.start, gap.end, gap.end - gap.start);
    let (id, what) = match gap.cause {
        GapCause::Ends => (
            "truncated",
            format!("the trace is cut off inside a record: its last {bytes} bytes, from {start} on, are not used"),
        ),
        GapCause::SecondTrace => {
            let text = format!("another trace begins at byte {start}; it is read as a trace of its own");
            return Warning { offset: Some(start), ..Warning::note("second-trace", text) };
        }
        GapCause::NoRecord => {
            let rest = if end == trace.bytes.len() as u64 { ", up to the end of the file," } else { "" };
            ("damaged", format!("{bytes} bytes from byte {start} on{rest} are no events{}", quote(&trace.bytes, gap)))
        }
    };
    Warning::lost(id, what + &time_span(trace, gap), start, bytes)
}

/// The text at the start of a gap, for a message; empty if the gap does not begin with text.
fn quote(bytes: &[u8], gap: &Gap) -> String {
    if !gap.text {
        return String::new();
    }
    let bytes = bytes.get(gap.start as usize..gap.end as usize).unwrap_or_default();
    let text = &bytes[..text_length(bytes).min(QUOTED)];
    format!(" but text: {:?}; does the program print into its trace?", String::from_utf8_lossy(text))
}

fn time_span(trace: &OldTrace, gap: &Gap) -> String {
    let seconds = |ticks: i64| trace.clock.time(ticks).0 as f64 / 1e9;
    if gap.text {
        return String::new();
    }
    match (gap.cause, gap.before, gap.after) {
        (GapCause::SecondTrace, ..) | (_, None, None) => String::new(),
        (_, Some(before), Some(after)) if after >= before => {
            let span = seconds(after) - seconds(before);
            format!("; up to {span:.6} s of one proc are missing, from {:.6} s on", seconds(before))
        }
        (_, Some(at), _) | (_, None, Some(at)) => {
            format!("; what follows on one proc after {:.6} s is missing", seconds(at))
        }
    }
}

fn frequency_warning(trace: &OldTrace, scan: &FileScan) -> Option<Warning> {
    if plausible(scan.frequency).is_some() {
        return None;
    }
    let why = match scan.frequency {
        Some(frequency) => format!("the clock's frequency, {frequency} ticks a second, is no processor's"),
        None => "the trace has no end (cut off, or the program ended without trace.Stop), and with it the clock's \
                 frequency is missing"
            .to_owned(),
    };
    let ticks = trace.end.since(trace.start);
    let text = format!("{why}: all times are ticks of the processor's clock, {ticks} in all, and not nanoseconds");
    Some(Warning { offset: Some(trace.bytes.len() as u64), ..lost("no-frequency", text) })
}

fn stacks_warning(trace: &OldTrace, scan: &FileScan, missing: MissingStacks) -> Option<Warning> {
    let bad = trace.tables.bad_stacks;
    let MissingStacks { events: missing, first } = missing;
    if missing == 0 && bad == 0 {
        return None;
    }
    let text = if scan.stacks.is_empty() {
        format!("the stacks, which end a trace, are missing: {missing} events have no known functions")
    } else {
        format!("{missing} events have a stack that is missing or damaged ({bad} damaged); their functions are unknown")
    };
    Some(Warning { offset: first, ..lost("no-stacks", text) })
}

fn rules_warning(broken: BrokenRules) -> Option<Warning> {
    let (pos, rule) = broken.first?;
    let message = match broken.events {
        1 => format!("1 event contradicts the scheduler's rules: {rule}"),
        n => format!("{n} events contradict the scheduler's rules, the first: {rule}"),
    };
    Some(Warning::lost("broken-rule", message, pos, 0))
}

fn order_warning(trace: &OldTrace, forced: &ForcedEvents) -> Option<Warning> {
    let (pos, first) = forced.first?;
    let seconds = |ticks: i64| trace.clock.time(ticks).0 as f64 / 1e9;
    let text = format!(
        "no consistent ordering of events possible: {} events, from {:.6} s to {:.6} s, came although what must \
         precede them is missing; time stamps order them",
        forced.events,
        seconds(first),
        seconds(forced.last)
    );
    Some(Warning { offset: Some(pos), ..lost("order", text) })
}

fn disorder_warning(trace: &OldTrace, disorder: ClockDisorder) -> Option<Warning> {
    if disorder.events == 0 {
        return None;
    }
    let ns = trace.clock.time(trace.clock.first_ticks().saturating_add_unsigned(disorder.max_ticks)).0;
    let text = format!(
        "time stamps out of order: the clocks of the processor's cores contradict the order of {} events, by up to \
         {ns} ns; they are put at the time of the event before them",
        disorder.events
    );
    Some(lost("time-order", text))
}
