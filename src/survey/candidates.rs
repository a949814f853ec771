//! What a trace could be sliced by: its goroutines, grouped by where they were created and what they run.

use super::Survey;
use super::forest::{Goroutine, Origin};
use super::spans::CutSpan;
use super::started::Started;
use crate::profile::Candidate;
use crate::trace::gos_own::is_gos_own;
use crate::trace::ids::{FrameIdx, GIdx, StackIdx, StringIdx};
use crate::trace::symbols::Symbols;
use crate::trace::time::Window;
use petgraph::visit::Dfs;
use rustc_hash::FxHashMap;

/// A creation site, an entry function, and what goroutines with that entry function were started for.
type Site = (Option<FrameIdx>, StackIdx, Option<StringIdx>);

/// Groups the goroutines that were created in the trace and lived in the part that is looked at. Returns the groups, and the
/// number of goroutines that are older than the trace.
pub(crate) fn candidates(survey: &Survey, started: &Started, looked_at: Window) -> (Vec<Candidate>, u64) {
    let forest = &survey.forest;
    let lives: Vec<Option<CutSpan>> = forest.lives.iter().map(|life| life.inside(looked_at)).collect();
    let part = Window { end: looked_at.end.min(survey.end), ..looked_at };
    let descendants = descendants(survey, &lives);
    let mut groups: FxHashMap<Site, Candidate> = FxHashMap::default();
    let mut older = 0;
    for (i, goroutine) in forest.goroutines.iter().enumerate() {
        let Some(life) = lives[i].filter(|_| !survey.left_out.contains(&GIdx(i as u32))) else { continue };
        if goroutine.origin == Origin::Older {
            older += 1;
            continue;
        }
        let site = site(&survey.symbols, goroutine, started.of(GIdx(i as u32)));
        let row = groups.entry(site).or_insert_with(|| blank(&survey.symbols, site));
        let ns = life.ended.unwrap_or(part.end).since(life.began.unwrap_or(part.start));
        row.count += 1;
        row.total_ns = row.total_ns.saturating_add(ns);
        row.max_ns = row.max_ns.max(ns);
        row.alive += u64::from(life.ended.is_none());
        // Where a group's goroutine created another of the group, the first one's descendants include the other's.
        let parent = goroutine.parent;
        if !parent.is_some() || self::site(&survey.symbols, forest.get(parent), started.of(parent)) != site {
            row.children += descendants[i];
        }
    }
    let mut rows: Vec<Candidate> = groups.into_values().collect();
    rows.sort_by(|a, b| {
        let names = |c: &Candidate| (c.creation_site.clone(), c.line, c.entry.clone(), c.runs.clone());
        b.total_ns.cmp(&a.total_ns).then_with(|| names(a).cmp(&names(b)))
    });
    (rows, older)
}

fn site(symbols: &Symbols, goroutine: &Goroutine, started_for: Option<StringIdx>) -> Site {
    (symbols.leaf(goroutine.creation), goroutine.entry, started_for)
}

fn blank(symbols: &Symbols, (creation, entry, started_for): Site) -> Candidate {
    let mut row = Candidate::default();
    if let Some(frame) = creation {
        symbols.function(frame).clone_into(&mut row.creation_site);
        symbols.text(symbols.frame(frame).file).clone_into(&mut row.file);
        row.line = symbols.frame(frame).line;
    }
    if let Some(frame) = symbols.leaf(entry) {
        symbols.function(frame).clone_into(&mut row.entry);
    }
    row.is_gos_own = is_gos_own(&row.entry, &row.creation_site);
    row.runs = started_for.map_or_else(String::new, |function| symbols.text(function).to_owned());
    row
}

/// Per goroutine, how many it created, directly or not, that lived in the part that is looked at.
fn descendants(survey: &Survey, lives: &[Option<CutSpan>]) -> Vec<u64> {
    let forest = &survey.forest;
    let graph = forest.spawn_graph();
    let mut dfs = Dfs::empty(&graph);
    let mut preorder = Vec::with_capacity(forest.goroutines.len());
    for (top, _) in forest.goroutines.iter().enumerate().filter(|(_, g)| !g.parent.is_some()) {
        dfs.move_to(top as u32);
        while let Some(g) = dfs.next(&graph) {
            preorder.push(g);
        }
    }
    let mut descendants = vec![0u64; forest.goroutines.len()];
    for g in preorder.into_iter().rev() {
        let parent = forest.get(GIdx(g)).parent;
        if parent.is_some() {
            descendants[parent.at()] += descendants[g as usize] + u64::from(lives[g as usize].is_some());
        }
    }
    descendants
}
