//! The lines above the tables: the traces, the roots, and what was followed from them.

use super::layout::{DIM, INCOMPLETE, View, width};
use crate::profile::{
    DurationList, FilteredStacks, MatchedFunction, Metric, Profile, QuantileBounds, Requests, Selection, TraceInfo,
    Undecided,
};
use crate::render::clean::clean;
use crate::render::cut;
use crate::render::leaning;
use crate::render::metric;
use crate::render::question;
use crate::render::units::{Unit, count, counted, duration, factor};
use std::io::{self, Write};

/// Columns of the labels: at least, and at most.
const LABEL: (usize, usize) = (12, 30);

/// `requests` are none when the report is not about them.
pub(super) fn write(
    view: &View<'_>,
    profile: &Profile,
    requests: Option<&Requests>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let time = profile.selection.time.as_deref();
    let pad = trace_lines(view, &profile.traces, time, None, out)?;
    view.items(out, "roots", pad, &roots(&profile.selection))?;
    for (label, items) in
        [("matched", matched(view, &profile.selection)), ("no request", others(view, &profile.selection))]
    {
        if !items.is_empty() {
            view.items(out, label, pad, &items)?;
        }
    }
    for (kind, command) in
        [("goroutines", question::alone(profile, false)), ("stretches", question::alone(profile, true))]
    {
        if let Some(command) = command {
            writeln!(out, "  {} {command}", view.paint(DIM, &format!("these {kind} alone:")))?;
        }
    }
    if let Some(requests) = requests {
        view.items(out, "requests", pad, &counts(view, requests, time.is_some()))?;
    }
    let subtree = subtree(view, profile, requests);
    if !subtree.is_empty() {
        view.items(out, "subtree", pad, &subtree)?;
    }
    if let Some(filtered) = &profile.filtered {
        view.items(out, "stacks", pad, &stacks(view, profile, filtered))?;
    }
    let undecided = undecided(view, profile, requests);
    if !undecided.is_empty() {
        view.items(out, "undecided", pad, &undecided)?;
    }
    for (label, items) in [("left out", left_out(&profile.selection)), ("unknown", unknown(profile))] {
        if !items.is_empty() {
            view.items(out, label, pad, &items)?;
        }
    }
    Ok(())
}

/// Which stacks are shown, and how much of the time they have.
fn stacks(view: &View<'_>, profile: &Profile, filtered: &FilteredStacks) -> Vec<String> {
    let [shown, whole] = [profile.shown().total, profile.total].map(|weight| weight.of(profile.metric));
    let much = match profile.metric {
        Metric::Events => format!("{} of {}", count(shown), counted(whole, "interval")),
        _ => format!("{} of {} {}", view.time(shown), view.time(whole), metric::name(profile.metric)),
    };
    vec![question::stack_options(&filtered.options), much]
}

/// Most traces that have a line each.
const MAX_TRACE_LINES: usize = 4;

/// One line per trace, or one for all where there are many; gives the columns that labels take.
pub(crate) fn trace_lines(
    view: &View<'_>,
    traces: &[TraceInfo],
    time: Option<&str>,
    remark: Option<&str>,
    out: &mut dyn Write,
) -> io::Result<usize> {
    if traces.len() > MAX_TRACE_LINES {
        let mut items = pooled_items(view, traces, time);
        items.extend(read_in(view));
        items.extend(remark.map(str::to_owned));
        view.items(out, &counted(traces.len() as u64, "trace"), LABEL.0, &items)?;
        return Ok(LABEL.0);
    }
    let names: Vec<String> = traces.iter().map(|t| view.fit_end(&clean(&t.name), LABEL.1 - 2)).collect();
    let pad = names.iter().map(|n| width(n) + 2).max().unwrap_or(0).clamp(LABEL.0, LABEL.1);
    for (i, (trace, name)) in traces.iter().zip(&names).enumerate() {
        let mut items = trace_items(view, trace, time);
        if i + 1 == traces.len() {
            items.extend(read_in(view));
            items.extend(remark.map(str::to_owned));
        }
        view.items(out, name, pad, &items)?;
    }
    Ok(pad)
}

/// Traces are read together, so the time is that of all.
fn read_in(view: &View<'_>) -> Option<String> {
    let took = view.options.read_in.map(|t| duration(t.as_nanos() as u64, Unit::Auto));
    took.map(|t| format!("read in {}", view.ascii(t)))
}

/// What many traces have in common, and their sums.
fn pooled_items(view: &View<'_>, traces: &[TraceInfo], time: Option<&str>) -> Vec<String> {
    let mut versions: Vec<&str> = traces.iter().map(|t| &*t.version).collect();
    versions.sort_unstable();
    versions.dedup();
    let sum = |of: fn(&TraceInfo) -> u64| traces.iter().map(of).fold(0, u64::saturating_add);
    let mut items = vec![format!("format {}", clean(&versions.join(", ")))];
    let is_known = traces.iter().all(|t| t.table.is_none() || t.duration_ns > 0);
    let in_all = || format!("{} in all", view.time(sum(|t| t.window_ns.unwrap_or(t.duration_ns))));
    items.extend(is_known.then(in_all));
    items.extend(time.map(|range| format!("--time {} of each", clean(range))));
    items.extend(events_and_goroutines(sum(|t| t.events), sum(|t| t.goroutines)));
    items.extend(traces.iter().any(|t| t.table.is_some()).then(|| FROM_TABLES.to_owned()));
    let incomplete = traces.iter().filter(|t| !t.complete).count() as u64;
    if incomplete > 0 {
        items.push(format!("{} {INCOMPLETE}", count(incomplete)));
    }
    items
}

/// Said of traces of which tables were read.
const FROM_TABLES: &str = "from a table of requests";

/// How many there were; a table that an engine has written does not say it.
fn events_and_goroutines(events: u64, goroutines: u64) -> Vec<String> {
    let all = [(events, "event"), (goroutines, "goroutine")];
    all.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| counted(n, what)).collect()
}

fn trace_items(view: &View<'_>, trace: &TraceInfo, time: Option<&str>) -> Vec<String> {
    let mut items = vec![format!("format {}", clean(&trace.version))];
    let duration = view.time(trace.duration_ns);
    items.extend((trace.table.is_some() && trace.duration_ns > 0).then(|| duration.clone()));
    if trace.table.is_some() {
        items.extend(events_and_goroutines(trace.events, trace.goroutines));
        items.push(FROM_TABLES.to_owned());
        items.extend((!trace.complete).then(|| INCOMPLETE.to_owned()));
        return items;
    }
    items.push(match (time, trace.window_ns) {
        (Some(range), Some(ns)) => format!("{} of {duration} (--time {})", view.time(ns), clean(range)),
        _ => duration,
    });
    items.extend(trace.gomaxprocs.map(|n| format!("GOMAXPROCS {n}")));
    items.push(counted(trace.events, "event"));
    items.push(counted(trace.goroutines, "goroutine"));
    if !trace.complete {
        items.push(INCOMPLETE.to_owned());
    }
    items
}

fn roots(selection: &Selection) -> Vec<String> {
    let mut asked: Vec<String> = selection.patterns.iter().map(|p| format!("'{}'", clean(p))).collect();
    if asked.is_empty() {
        asked.extend(selection.goids.iter().map(|id| format!("goroutine {id}")));
    }
    if asked.is_empty() {
        asked.push("all endpoints".to_owned());
    }
    let cut = match selection.time {
        Some(_) => "cut by the edge of the trace or of --time",
        None => "cut by the edge of the trace",
    };
    let mut items = vec![format!("{} of {}", count(selection.roots), asked.join(" or "))];
    for (n, how) in [
        (selection.roots_by_creation, "by creation"),
        (selection.roots_by_entry, "by entry"),
        (selection.roots_by_stack, "by stack"),
        (selection.roots_by_task, "by task"),
        (selection.roots_by_region, "by region"),
        (selection.regions_inside, "inside these"),
        (selection.roots_cut, cut),
    ] {
        if n > 0 {
            items.push(format!("{} {how}", count(n)));
        }
    }
    items
}

/// Functions that matched, at most.
const MAX_MATCHED: usize = 4;

/// Columns of such a name, at most: its end tells functions apart.
const MATCHED_NAME: usize = 56;

/// What matched on a side of a comparison, and what matches beside it; none where a single function did and nothing else,
/// unless the sides differ.
pub(super) fn matched_and_others(view: &View<'_>, selection: &Selection, differ: bool) -> Vec<String> {
    let labelled = |label: &str, items: Vec<String>| {
        let all = items.join(", ");
        (!all.is_empty()).then(|| format!("{label}: {all}"))
    };
    let list = [
        ("matched", if differ { functions(view, &selection.matched) } else { matched(view, selection) }),
        ("not counted, on no server", functions(view, &selection.others)),
    ];
    list.into_iter().filter_map(|(label, items)| labelled(label, items)).collect()
}

/// The functions that matched; none where a single one did and nothing else.
fn matched(view: &View<'_>, selection: &Selection) -> Vec<String> {
    if selection.matched.len() + selection.others.len() < 2 {
        return Vec::new();
    }
    functions(view, &selection.matched)
}

/// What matches and is no root because requests on a server are.
fn others(view: &View<'_>, selection: &Selection) -> Vec<String> {
    let mut items = functions(view, &selection.others);
    if !items.is_empty() {
        items.push("on no server: not counted".to_owned());
    }
    items
}

fn functions(view: &View<'_>, list: &[MatchedFunction]) -> Vec<String> {
    let name = |m: &MatchedFunction| view.fit_end(&clean(&m.function), MATCHED_NAME);
    let line = |m: &MatchedFunction| format!("{} by {}: {}", cut::matched(m), m.by, name(m));
    let mut items: Vec<String> = list.iter().take(MAX_MATCHED).map(line).collect();
    if list.len() > MAX_MATCHED {
        items.push(view.ascii(format!("… {} more", list.len() - MAX_MATCHED)));
    }
    items
}

/// Which requests count, and why others do not.
fn counts(view: &View<'_>, requests: &Requests, has_time: bool) -> Vec<String> {
    let before = if requests.only.is_some() { requests.before_only } else { requests.list.len() as u64 };
    let cut = count(requests.partial);
    let mut items = match (requests.include_partial, requests.partial) {
        (true, 1..) => vec![count(before), format!("{cut} of them cut by an edge (--include-partial)")],
        _ => vec![format!("{} whole", count(before))],
    };
    items.extend(cut::in_words(&requests.cut, has_time, view.options.unit).into_iter().map(|words| view.ascii(words)));
    if let Some(only) = &requests.only {
        items.push(format!("{} chosen by {}", count(requests.list.len() as u64), clean(only)));
        let chosen = requests.cut.iter().filter(|cut| cut.is_chosen).count() as u64;
        if chosen > 0 && !requests.include_partial {
            items.push(format!("{} cut took as long too", count(chosen)));
        }
    }
    if requests.inferred > 0 {
        let bounds = format!("{} with inferred edges: at most as long as shown", count(requests.inferred));
        let at_least_ns = requests.inferred_at_least_p50_ns;
        // Of a region that never ended nothing is certain but its beginning.
        let is_bounded = requests.inferred > requests.may_be_several && at_least_ns > 0;
        items.push(if is_bounded { format!("{bounds}, p50 at least {}", view.time(at_least_ns)) } else { bounds });
    }
    if requests.may_be_several > 0 {
        items.push(format!("{} may be several calls each", count(requests.may_be_several)));
    }
    if requests.capped > 0 {
        items.push(format!("{} with a cut path (too many intervals)", count(requests.capped)));
    }
    items
}

fn subtree(view: &View<'_>, profile: &Profile, requests: Option<&Requests>) -> Vec<String> {
    let selection = &profile.selection;
    let known = !profile.is_from_tables();
    let mut items: Vec<String> = known.then(|| counted(selection.goroutines, "goroutine")).into_iter().collect();
    if selection.max_depth > 0 {
        items.push(format!("depth {} {}", view.glyphs.at_most, count(u64::from(selection.max_depth))));
    }
    items.extend(parallel(view, profile, requests));
    if selection.whole_life {
        items.push("children until they end".to_owned());
    } else if selection.outlived > 0 {
        items.push(format!("{} outlived their root", count(selection.outlived)));
    }
    items
}

/// The time of all goroutines, and how many times that of the requests it is.
fn parallel(view: &View<'_>, profile: &Profile, requests: Option<&Requests>) -> Vec<String> {
    let all = profile.total.goroutine_ns;
    let latency_ns = profile.total.latency_ns;
    let Some(requests) = requests.filter(|_| latency_ns > 0) else {
        // A table has the time of goroutines by request, and of whole ones alone here.
        if profile.is_from_tables() {
            return Vec::new();
        }
        return vec![format!("{} goroutine time", view.time(all))];
    };
    // Goroutines of requests that do not count are in the sum of all: it must not be set against the others' latency.
    let same = requests.partial == 0 || requests.include_partial;
    let of_requests = requests.goroutine_ns.or(same.then_some(all));
    let shown = view.time(of_requests.unwrap_or(all));
    let mut items = vec![format!("{shown} goroutine time over {} latency", view.time(latency_ns))];
    let ratio = of_requests.map(|ns| factor(u128::from(ns), u128::from(latency_ns)));
    items.extend(ratio.map(|ratio| format!("{} parallel", view.ascii(ratio))));
    items
}

/// Requests that may be of the roots too, and which way the distribution leans without them.
fn undecided(view: &View<'_>, profile: &Profile, requests: Option<&Requests>) -> Vec<String> {
    let undecided = &profile.selection.undecided;
    let cut = cut_undecided(view, undecided);
    if undecided.count() == 0 {
        return cut.into_iter().collect();
    }
    let n = counted(undecided.count(), "more request");
    let took = view.time(undecided.total_ns());
    // Of calls on gRPC's stream workers nobody knows the connection.
    let total = match undecided.connections {
        0 => format!("{took} in all"),
        connections => format!("{took} on {}", counted(connections, "connection")),
    };
    let longest = format!("the longest {}", view.time(undecided.max_ns()));
    let mut items = vec![format!("{n} may be of these roots too"), total, longest];
    let leaning = requests.and_then(|requests| undecided.leaning(requests));
    // In two items, as one would be cut at 80 columns.
    items.extend(leaning.and_then(leaning::why).map(str::to_owned));
    items.extend(leaning.map(leaning::of_how_many));
    items.extend(likely(view, undecided, requests));
    items.extend(bounds(view, requests).into_iter().flatten());
    if undecided.likely_others > 0 {
        items.push(format!("{} likely are of other handlers", count(undecided.likely_others)));
    }
    items.extend(cut);
    items
}

/// Those that an edge cuts.
fn cut_undecided(view: &View<'_>, undecided: &Undecided) -> Option<String> {
    let DurationList { partial, cut_max_ns, .. } = undecided.took;
    let up_to = if partial > 1 { "up to " } else { "" };
    let n = counted(partial, "cut request");
    (partial > 0).then(|| format!("{n} may be too, seen for {up_to}{}", view.time(cut_max_ns)))
}

/// How far any of them can move the quantiles.
fn bounds(view: &View<'_>, requests: Option<&Requests>) -> Option<[String; 2]> {
    let with = requests.filter(|requests| !requests.list.is_empty())?.with_undecided.as_ref()?;
    let range = |of: QuantileBounds| {
        let [least, most] = [of.at_least_ns, of.at_most_ns].map(|ns| view.time(ns));
        if least == most { least } else { format!("{least} to {most}") }
    };
    Some([format!("with any of these: p50 {}", range(with.p50)), format!("p95 {}", range(with.p95))])
}

/// The figures with those that likely are of the roots.
fn likely(view: &View<'_>, undecided: &Undecided, requests: Option<&Requests>) -> Option<String> {
    let with = requests?.with_likely.as_ref()?;
    let likely = count(undecided.likely.count());
    let (p50, p95) = (view.time(with.p50_ns), view.time(with.p95_ns));
    Some(format!("{likely} likely are: with them {}, p50 {p50}, p95 {p95}", count(with.count)))
}

/// What the trace does not say, and what is therefore missing.
fn unknown(profile: &Profile) -> Vec<String> {
    let (selection, mut items) = (&profile.selection, Vec::new());
    if profile.calls_without_stack_are_unknown() {
        items.push("how many calls left no stack: these are not seen".to_owned());
    }
    if selection.cut_stacks > 0 {
        items.push(format!("{} cut where a match would stand", counted(selection.cut_stacks, "stack")));
    }
    if selection.no_creator > 0 {
        items.push(format!("{} of timers have no creator", counted(selection.no_creator, "goroutine")));
    }
    items
}

fn left_out(selection: &Selection) -> Vec<String> {
    [
        (selection.excluded, "by --exclude"),
        (selection.recording, "of the recording itself"),
        (selection.runtime, "of the runtime"),
        (selection.shared, "shared by many requests"),
    ]
    .into_iter()
    .filter(|&(n, _)| n > 0)
    .map(|(n, what)| format!("{} {what}", counted(n, "goroutine")))
    .collect()
}
