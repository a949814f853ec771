//! What a slice of a simulated schedule must come to, computed from what happened and not from the trace.

use super::States;
use super::sim::{Life, Mark, Sim};
use regex::Regex;

/// Which goroutines match by creation or entry, or descend from one that does.
pub fn closure(sim: &Sim, pattern: &str) -> Vec<bool> {
    let regex = Regex::new(pattern).expect("a valid pattern");
    let mut member = vec![false; sim.lives.len()];
    // Who creates comes before whom it creates.
    for (i, life) in sim.lives.iter().enumerate() {
        let matches = regex.is_match(&life.entry) || life.creation.iter().any(|f| regex.is_match(f));
        member[i] = life.created.is_some() && (matches || life.parent.is_some_and(|p| member[p]));
    }
    member
}

/// The states of these goroutines over their whole lives.
pub fn whole_lives(sim: &Sim, member: &[bool]) -> States {
    let mut states = States::new();
    for (life, _) in sim.lives.iter().zip(member).filter(|(_, m)| **m) {
        add(&mut states, life, (0, u64::MAX));
    }
    states
}

fn add(states: &mut States, life: &Life, window: (u64, u64)) {
    for (state, from, to) in &life.intervals {
        let ns = window.1.min(*to).saturating_sub(window.0.max(*from));
        // One that begins with the trace's last event counts, without time.
        if ns > 0 || from == to && window.0 <= *to && *to < window.1 {
            let total = states.entry(state.clone()).or_default();
            total.0 += ns;
            total.1 += 1;
        }
    }
}

/// Who called the outermost matching function of a stack, outermost last; none if it does not say.
fn callers<'a>(frames: &'a [String], is_stop: bool, regex: &Regex) -> Option<&'a [String]> {
    let outermost = frames.iter().rposition(|f| regex.is_match(f)).filter(|at| !is_stop || *at > 0)?;
    Some(&frames[outermost + 1..])
}

/// The stretches of a goroutine during which a matching function is on its own stack, called by the same.
fn stretches(life: &Life, regex: &Regex, sim: &Sim) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    // A goroutine that is older than the trace may be in the call already, unless a stack shows it outside.
    let (mut quiet, mut open, mut outside) = (sim.start, None, life.created.is_some());
    let mut called_by = None;
    for (at, mark) in &life.marks {
        match mark {
            Mark::Stack(frames) | Mark::Stop(frames) if frames.iter().any(|f| regex.is_match(f)) => {
                let callers = callers(frames, matches!(mark, Mark::Stop(_)), regex);
                if open.is_some() && called_by.is_some() && callers.is_some() && called_by != callers {
                    (quiet, outside) = (*at, true);
                    found.extend(open.take().map(|start| (start, *at)));
                }
                called_by = callers.or(called_by.filter(|_| open.is_some()));
                open.get_or_insert(if outside { quiet } else { sim.start });
            }
            Mark::Resume => quiet = *at,
            Mark::Stack(_) | Mark::Stop(_) | Mark::End => {
                (quiet, outside) = (*at, true);
                found.extend(open.take().map(|start| (start, *at)));
            }
        }
    }
    found.extend(open.map(|start| (start, u64::MAX)));
    found
}

/// The states of a selection by stack alone, children clipped to their root's window; and the number of roots.
pub fn by_stack(sim: &Sim, pattern: &str) -> (States, u64) {
    let regex = Regex::new(pattern).expect("a valid pattern");
    let mut states = States::new();
    let mut roots = 0;
    let mut windows: Vec<Vec<(u64, u64)>> = vec![Vec::new(); sim.lives.len()];
    let mut owner: Vec<Option<(u64, u64)>> = vec![None; sim.lives.len()];
    for (i, life) in sim.lives.iter().enumerate() {
        if let (Some(parent), Some(born)) = (life.parent, life.created) {
            let inside = windows[parent].iter().find(|w| w.0 <= born && born < w.1);
            let matches = life.creation.iter().any(|f| regex.is_match(f));
            owner[i] = owner[parent].or(inside.copied().filter(|_| matches));
        }
        if let Some(window) = owner[i] {
            add(&mut states, life, window);
            continue;
        }
        windows[i] = stretches(life, &regex, sim);
        roots += windows[i].len() as u64;
        for &window in &windows[i] {
            add(&mut states, life, window);
        }
    }
    (states, roots)
}
