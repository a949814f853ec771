//! Which goroutine an id means inside one generation: ids can repeat in a trace.

use crate::survey::Survey;
use crate::trace::ids::{GIdx, GoId};
use crate::trace::v2::order::scheduler::Instances;
use rustc_hash::FxHashMap;

/// Which goroutine an id means at the current event of a generation.
pub(super) struct GenerationInstances<'a> {
    survey: &'a Survey,
    /// Position of the generation.
    generation: u32,
    /// Per thread, the goroutine that its next creation makes.
    next_created: Vec<GIdx>,
    /// The first of a range of ids, and the goroutine of each id of the range, or [`GIdx::NONE`]. Empty if ids repeat.
    first: u64,
    in_a_row: &'a [GIdx],
    /// For ids that repeat: the goroutine that was created last in this generation.
    last_created: FxHashMap<u64, GIdx>,
}

impl<'a> GenerationInstances<'a> {
    /// Begins where each thread has created `created_before` goroutines of the generation already; an empty slice stands
    /// for its start.
    pub(super) fn new(survey: &'a Survey, generation: u32, created_before: &[u32]) -> Self {
        let mut next_created = survey.generations[generation as usize].births.clone();
        next_created.iter_mut().zip(created_before).for_each(|(next, before)| next.0 += before);
        let (GoId(first), in_a_row) = survey.forest.in_a_row();
        Self { survey, generation, next_created, first, in_a_row, last_created: FxHashMap::default() }
    }

    /// The goroutine of an id that repeats, or is outside the range.
    #[inline(never)]
    fn current_slow(&self, id: u64) -> GIdx {
        let forest = &self.survey.forest;
        if !forest.repeats(GoId(id)) {
            return forest.latest(GoId(id));
        }
        self.last_created.get(&id).copied().unwrap_or_else(|| forest.alive_at(GoId(id), self.generation))
    }
}

impl Instances for GenerationInstances<'_> {
    #[inline]
    fn current(&self, id: u64) -> GIdx {
        match self.in_a_row.get(id.wrapping_sub(self.first) as usize) {
            Some(&g) if g.is_some() => g,
            _ => self.current_slow(id),
        }
    }

    fn created(&mut self, thread: usize, id: u64) -> GIdx {
        let Some(next) = self.next_created.get_mut(thread) else { return GIdx::NONE };
        let g = *next;
        next.0 += 1;
        // If the file changed between the passes, another goroutine may be here: it must not be mixed up with this one.
        let forest = &self.survey.forest;
        if forest.goroutines.get(g.at()).is_none_or(|known| known.id != GoId(id)) {
            return GIdx::NONE;
        }
        if forest.repeats(GoId(id)) {
            self.last_created.insert(id, g);
        }
        g
    }
}
