//! Which handlers the trace's servers ran, and how long their requests took.

use super::Survey;
use super::forest::Origin;
use super::roots::served::CutSpan;
use super::roots::servers::{RECORDING_HANDLER, StackWalk, protocol_of, role};
use crate::profile::Handler;
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::symbols::Symbols;
use rustc_hash::FxHashMap;

/// Handlers by name and protocol.
type Rows<'a> = FxHashMap<(StringIdx, &'static str), Handler>;

/// The handlers of a trace, in no order; the survey must have been made with `lists_handlers`.
pub(crate) fn handlers(survey: &Survey) -> Vec<Handler> {
    let mut rows = Rows::default();
    for (&stack, took) in &survey.served.handlers {
        let row = row(&mut rows, &survey.symbols, stack, "HTTP/1");
        row.took.absorb(took);
    }
    for (&g, &stack) in &survey.served.streams {
        let entry = survey.symbols.leaf(survey.symbols.root_frame(stack));
        // The goroutine of a `TimeoutHandler` serves a part of a request that the connection's goroutine shows whole.
        let Some(protocol) = entry.and_then(|frame| protocol_of(survey.symbols.function(frame))) else { continue };
        let row = row(&mut rows, &survey.symbols, stack, protocol);
        let CutSpan { began, ended } = life(survey, g);
        match began.zip(ended) {
            Some((began, ended)) => row.took.durations_ns.push(ended.since(began)),
            None => CutSpan { began, ended }.add_to(&mut row.took, survey.span()),
        }
    }
    for &(stack, cut) in &survey.served.cut {
        cut.add_to(&mut row(&mut rows, &survey.symbols, stack, "HTTP/1").took, survey.span());
    }
    let mut rows: Vec<Handler> = rows.into_values().filter(|r| r.function != RECORDING_HANDLER).collect();
    for row in &mut rows {
        row.took.sort();
    }
    rows
}

/// When a goroutine lived: it can be older than the trace, and outlive it.
fn life(survey: &Survey, g: GIdx) -> CutSpan {
    let life = survey.forest.lives[g.at()];
    let was_created = survey.forest.get(g).origin != Origin::Older;
    CutSpan { began: was_created.then_some(life.born), ended: life.died }
}

fn row<'r>(rows: &'r mut Rows<'_>, symbols: &Symbols, stack: StackIdx, protocol: &'static str) -> &'r mut Handler {
    let name = handler(symbols, stack);
    rows.entry((name, protocol)).or_insert_with(|| Handler {
        function: symbols.text(name).to_owned(),
        protocol,
        ..Handler::default()
    })
}

/// The first function below the server's own wrappers.
fn handler(symbols: &Symbols, stack: StackIdx) -> StringIdx {
    let frames: Vec<_> = symbols.frames(stack).collect();
    let mut walk = StackWalk::default();
    let handler = frames.into_iter().rev().find(|&frame| {
        walk = walk.enter(role(symbols.function(frame)));
        walk.is_handler()
    });
    handler.map_or(StringIdx::EMPTY, |frame| symbols.frame(frame).function)
}
