//! The flame graph of one slice as an SVG that searches and zooms by itself: a box is as wide as the time spent below
//! it, the root is on top, and the lowest box of every stack is the state, in the state's colour.

mod boxes;
mod colors;
mod comparison;
mod flame;
mod model;
mod rewrite;
mod theme;

pub(super) use comparison::write_comparison;

use super::clean::clean;
use super::folded_stacks::FoldedStacks;
use super::units::{Unit, counted, duration, share};
use super::{Options, metric, question};
use crate::profile::{Profile, Sample, TraceInfo};
use colors::Fill;
use flame::{draw, nothing};
use model::{BoxStyle, Heading};
use std::io::{self, Write};

/// Characters of the legend at most: what the picture's 1200 pixels hold. The boxes say the rest.
const MAX_LEGEND: usize = 130;
/// Characters that an item of the legend takes beside its text: its square and the gaps.
const MARK: usize = 5;

/// Writes the flame graph of a profile.
pub(super) fn write(profile: &Profile, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let count = |sample: &Sample| metric::shown_ns(profile.metric, sample.weight);
    let stacks = FoldedStacks::of_samples(&profile.tree, profile.shown().samples, count);
    let title = title(profile);
    let total = stacks.total();
    if total == 0 {
        return nothing(&title, &metric::nothing(profile), out);
    }
    let head = Heading { title: &title, legend: &legend(profile, options.unit), note: "" };
    let look = |name: &str, [ns, _]: [u64; 2]| BoxStyle {
        text: format!("{}, {}", duration(ns, options.unit), share(ns.into(), total)),
        fill: colors::of_frame(name),
    };
    draw(&head, &stacks, &look, out)
}

/// Sums are taken in more bits than a duration has; only a damaged trace needs them.
pub(super) fn clamped(ns: u128) -> u64 {
    u64::try_from(ns).unwrap_or(u64::MAX)
}

/// What was asked for, and of which traces.
fn title(profile: &Profile) -> String {
    let (selection, traces) = (&profile.selection, &profile.traces);
    let mut asked = selection.patterns.clone();
    if asked.is_empty() {
        asked.extend(selection.goids.iter().map(|id| format!("goroutine {id}")));
    }
    let base_name = |t: &TraceInfo| t.name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let mut title = asked.join(" or ");
    if let Some(trace) = traces.first() {
        title = format!("{title} · {}", base_name(trace));
    }
    if traces.len() > 1 {
        title = format!("{title} and {}", counted(traces.len() as u64 - 1, "more trace"));
    }
    if let Some(filtered) = &profile.filtered {
        title = format!("{title} · {}", question::stack_options(&filtered.options));
    }
    clean(&title).into_owned()
}

/// The line below the title: the whole, and the states with their colours.
fn legend(profile: &Profile, unit: Unit) -> Vec<(Option<Fill>, String)> {
    let total = duration(metric::shown_ns(profile.metric, profile.shown().total), unit);
    let whole = format!("{total} {} in {}", metric::name(profile.metric), metric::occurrences_in_words(profile, unit));
    let mut room = MAX_LEGEND.saturating_sub(whole.chars().count());
    let mut items = vec![(None, whole)];
    for state in profile.shown().states {
        let text =
            format!("{} {}", clean(&state.state), duration(metric::shown_ns(profile.metric, state.weight), unit));
        let Some(left) = room.checked_sub(text.chars().count() + MARK) else {
            items.push((None, "…".to_owned()));
            break;
        };
        room = left;
        items.push((Some(colors::of_state(&state.state)), text));
    }
    items
}

#[cfg(test)]
mod tests;
