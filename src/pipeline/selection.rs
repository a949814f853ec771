//! What was asked for and what it selected, as a profile tells it.

use crate::measure::Measured;
use crate::profile;
use crate::slice::{self, RootKind, Selector};

/// What was asked for, as it was given.
pub(crate) fn selection_of(selector: &Selector) -> profile::Selection {
    let given = &selector.given;
    let root_by = match given.root_by.as_slice() {
        [] => &[RootKind::Creation, RootKind::Entry, RootKind::Stack],
        kinds => kinds,
    };
    profile::Selection {
        patterns: given.roots.clone(),
        fixed_strings: given.syntax.fixed_strings,
        ignore_case: given.syntax.ignore_case,
        root_by: root_by.iter().map(|kind| kind.name().to_owned()).collect(),
        exclude: given.exclude.clone(),
        goids: given.goids.clone(),
        whole_life: given.whole_life,
        time: given.time.as_ref().map(|(_, text)| text.clone()),
        ..profile::Selection::default()
    }
}

pub(super) fn add_selection(selection: &mut profile::Selection, counts: &slice::Counts, measured: &Measured) {
    selection.roots += measured.roots;
    selection.roots_cut += measured.roots_cut;
    selection.roots_by_creation += measured.roots_by_creation;
    selection.roots_by_entry += measured.roots_by_entry;
    selection.roots_by_stack += measured.roots_by_stack;
    selection.roots_by_task += measured.roots_by_task;
    selection.roots_by_region += measured.roots_by_region;
    selection.goroutines += counts.goroutines;
    selection.max_depth = selection.max_depth.max(counts.max_depth);
    selection.excluded += counts.excluded;
    selection.recording += counts.recording;
    selection.runtime += counts.runtime;
    selection.shared += counts.shared;
    selection.outlived += measured.outlived;
}
