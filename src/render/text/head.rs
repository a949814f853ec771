//! The lines above the tables: the traces, the roots, and what was followed from them.

use super::layout::{INCOMPLETE, View, width};
use crate::profile::{Profile, Selection, TraceInfo};
use crate::render::clean::clean;
use crate::render::units::{Unit, count, counted, duration};
use std::io::{self, Write};

/// Columns of the labels: at least, and at most.
const LABEL: (usize, usize) = (12, 30);

pub(super) fn write(view: &View<'_>, profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let time = profile.selection.time.as_deref();
    let pad = trace_lines(view, &profile.traces, time, None, out)?;
    view.items(out, "roots", pad, &roots(&profile.selection))?;
    view.items(out, "subtree", pad, &subtree(view, profile))?;
    let left_out = left_out(&profile.selection);
    if !left_out.is_empty() {
        view.items(out, "left out", pad, &left_out)?;
    }
    Ok(())
}

/// One line per trace; gives the columns that labels take.
pub(crate) fn trace_lines(
    view: &View<'_>,
    traces: &[TraceInfo],
    time: Option<&str>,
    remark: Option<&str>,
    out: &mut dyn Write,
) -> io::Result<usize> {
    let names: Vec<String> = traces.iter().map(|t| view.fit_end(&clean(&t.name), LABEL.1 - 2)).collect();
    let pad = names.iter().map(|n| width(n) + 2).max().unwrap_or(0).clamp(LABEL.0, LABEL.1);
    for (i, (trace, name)) in traces.iter().zip(&names).enumerate() {
        let mut items = trace_items(view, trace, time);
        if i + 1 == traces.len() {
            // Traces are read together, so the time is that of all.
            let read_in = view.options.read_in.map(|t| duration(t.as_nanos() as u64, Unit::Auto));
            items.extend(read_in.map(|t| format!("read in {}", view.ascii(t))));
            items.extend(remark.map(str::to_owned));
        }
        view.items(out, name, pad, &items)?;
    }
    Ok(pad)
}

fn trace_items(view: &View<'_>, trace: &TraceInfo, time: Option<&str>) -> Vec<String> {
    let mut items = vec![format!("format {}", clean(&trace.version))];
    let duration = view.time(trace.duration_ns);
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
    let cut = match selection.time {
        Some(_) => "cut by the edge of the trace or of --time",
        None => "cut by the edge of the trace",
    };
    let mut items = vec![format!("{} of {}", count(selection.roots), asked.join(" or "))];
    for (n, how) in [
        (selection.roots_by_creation, "by creation"),
        (selection.roots_by_entry, "by entry"),
        (selection.roots_by_stack, "by stack"),
        (selection.roots_cut, cut),
    ] {
        if n > 0 {
            items.push(format!("{} {how}", count(n)));
        }
    }
    items
}

fn subtree(view: &View<'_>, profile: &Profile) -> Vec<String> {
    let selection = &profile.selection;
    let mut items = vec![counted(selection.goroutines, "goroutine")];
    if selection.max_depth > 0 {
        items.push(format!("depth {} {}", view.glyphs.at_most, count(u64::from(selection.max_depth))));
    }
    items.push(format!("{} goroutine time", view.time(profile.total.goroutine_ns)));
    if selection.whole_life {
        items.push("children until they end".to_owned());
    } else if selection.outlived > 0 {
        items.push(format!("{} outlived their root", count(selection.outlived)));
    }
    items
}

fn left_out(selection: &Selection) -> Vec<String> {
    [
        (selection.excluded, "by --exclude"),
        (selection.recording, "of the recording itself"),
        (selection.runtime, "of the runtime"),
        (selection.plumbing, "of shared plumbing"),
    ]
    .into_iter()
    .filter(|&(n, _)| n > 0)
    .map(|(n, what)| format!("{} {what}", counted(n, "goroutine")))
    .collect()
}
