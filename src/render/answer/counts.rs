//! What counted, and what the answer does not know.

use super::AnswerStyle;
use super::brevity::{Brevity, Part};
use crate::profile::{Answer, MatchedFunction, Profile, WithUndecided};
use crate::render::units::{Unit, count, counted, duration};
use crate::render::{cut, leaning, names};

/// What counted, and what the answer does not know.
pub(super) fn text(answer: &Answer, profile: &Profile, style: AnswerStyle, brevity: Brevity) -> String {
    let unit = style.unit;
    let mut items = Vec::new();
    if answer.count > 0 {
        let whose =
            if answer.root.is_empty() && brevity.says(Part::Matched) { whose(profile, style) } else { String::new() };
        items.push(format!("{} counted{whose}{}", counted(answer.count, "request"), cut_among(profile)));
    }
    if profile.selection.regions_inside > 0 {
        items.push(format!("{} more of the same names inside them", count(profile.selection.regions_inside)));
    }
    if answer.undecided > 0 {
        items.push(undecided(profile, unit, brevity));
    }
    if let Some(requests) = &profile.requests {
        if answer.cut > 0 {
            items.extend(cut::in_words(&requests.cut, profile.selection.time.is_some(), unit));
        }
        if requests.may_be_several > 0 {
            items.push(format!("{} may be several calls each", count(requests.may_be_several)));
        } else {
            let inferred = requests.inferred_whole;
            if inferred > 0 {
                let how_long = if brevity.says(Part::Inferred) { " took at most that long" } else { "" };
                items.push(format!("{} with inferred edges{how_long}", count(inferred)));
            }
        }
    }
    if profile.calls_without_stack_are_unknown() && brevity.says(Part::Unseen) {
        items.push("calls without a stack are not seen".to_owned());
    }
    if !profile.complete() {
        items.push("part of the trace is missing".to_owned());
    }
    items.join(", ") + "."
}

/// Functions that matched, at most.
const MAX_MATCHED: usize = 2;

/// Whose requests count, where several functions matched: ` (7 of main.flush, 1 of main.refresh)`.
fn whose(profile: &Profile, style: AnswerStyle) -> String {
    let of_all: u64 = profile.requests.as_ref().map_or(0, |requests| requests.list.len() as u64);
    let matched: Vec<&MatchedFunction> = profile.selection.matched.iter().filter(|m| m.requests > 0).collect();
    // With `--only` these are not the ones that count.
    if matched.len() < 2 || matched.iter().map(|m| m.requests).sum::<u64>() != of_all {
        return String::new();
    }
    let (shown, others) = matched.split_at(MAX_MATCHED.min(matched.len()));
    let name = |m: &MatchedFunction| names::function(&m.function, style.full_names).into_owned();
    let mut parts: Vec<String> = shown.iter().map(|m| format!("{} of {}", count(m.requests), name(m))).collect();
    if !others.is_empty() {
        let requests = others.iter().map(|m| m.requests).sum();
        parts.push(format!("{} of {}", count(requests), counted(others.len() as u64, "more function")));
    }
    format!(" ({})", parts.join(", "))
}

/// How many of the requests that count are cut: ` (4 of them cut: they took longer)`.
fn cut_among(profile: &Profile) -> String {
    let requests = profile.requests.as_ref();
    let (partial, all) = requests.map_or((0, 0), |requests| (requests.listed_partial, requests.list.len() as u64));
    match partial {
        0 => String::new(),
        1 if all == 1 => " (cut: it took longer)".to_owned(),
        1 => " (1 of them cut: it took longer)".to_owned(),
        n => format!(" ({} of them cut: they took longer)", of_all(n, all)),
    }
}

/// `all`, or the number.
fn of_all(n: u64, all: u64) -> String {
    if n == all { "all".to_owned() } else { count(n) }
}

/// `286 undecided (p50 is of the slow 74 of up to 360)`.
fn undecided(profile: &Profile, unit: Unit, brevity: Brevity) -> String {
    let undecided = &profile.selection.undecided;
    let leaning = profile.requests.as_ref().and_then(|requests| undecided.leaning(requests));
    let mut notes: Vec<String> = Vec::new();
    let mut ones = "";
    let with_likely = profile.requests.as_ref().and_then(|requests| requests.with_likely.as_ref());
    if let Some(with) = with_likely.filter(|_| !brevity.says(Part::Likely) && brevity.says(Part::WithLikely)) {
        // Short, but what the median really is.
        let (likely, p50) = (count(undecided.likely.count()), duration(with.p50_ns, unit));
        let others = match undecided.count() - undecided.likely.count().min(undecided.count()) {
            0 => String::new(),
            n => format!(", {} undecided", count(n)),
        };
        return format!("{likely} likely more (then p50 {p50}){others}");
    }
    match leaning {
        Some(leaning) if brevity.says(Part::OfHowMany) => notes.push(leaning::of_how_many(leaning)),
        Some(leaning) => ones = leaning::undecided_ones(leaning),
        None => {}
    }
    let says_likely = brevity.says(Part::Likely);
    if undecided.likely_others > 0 && says_likely {
        notes.push(format!("{} likely of other handlers", of_all(undecided.likely_others, undecided.count())));
    }
    let chosen = profile.requests.as_ref().filter(|requests| requests.chosen_from.is_some());
    let differs = |with: &&WithUndecided| {
        let latency = chosen.and_then(|requests| requests.latency.as_ref());
        latency.is_none_or(|now| (now.count, now.p50_ns) != (with.count, with.p50.with_all_ns))
    };
    if let Some(with) = chosen.and_then(|requests| requests.with_undecided.as_ref()).filter(differs) {
        let p50 = duration(with.p50.with_all_ns, unit);
        notes.push(format!("with them {} would be chosen, p50 {p50}", count(with.count)));
    }
    if let Some(with) = with_likely.filter(|_| says_likely) {
        let likely = of_all(undecided.likely.count(), undecided.count());
        let p50 = duration(with.p50_ns, unit);
        notes.push(format!("{likely} likely of this one: with them p50 {p50}"));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
    format!("{}{ones} undecided{notes}", count(undecided.count()))
}
