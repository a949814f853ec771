//! What walks know of a trace before: when servers began and ended requests, and whether roots have many names.

use super::served_borders::ServedBorders;
use crate::measure::spec::MeasureSpec;
use crate::trace::ids::StringIdx;

/// Most names of roots whose paths are walked one name after the other; with more, time in other goroutines does not say
/// for which root it counts.
const MAX_LABELS: usize = 16;

/// What is known of a trace before any path is walked.
#[derive(Debug)]
pub(crate) struct KnownBefore {
    pub(super) served: ServedBorders,
    /// Whether roots have so many names that their paths are walked together.
    pub(super) many_labels: bool,
}

impl KnownBefore {
    /// What pass 1 and the selection say.
    pub(super) fn new(spec: MeasureSpec<'_>) -> Self {
        let mut labels: Vec<StringIdx> = Vec::new();
        for chain in spec.slice.windows.chains() {
            let label = spec.slice.chains.get(chain).label;
            if !labels.contains(&label) {
                labels.push(label);
            }
            if labels.len() > MAX_LABELS {
                break;
            }
        }
        Self { served: ServedBorders::new(spec.forest), many_labels: labels.len() > MAX_LABELS }
    }
}
