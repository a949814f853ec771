//! Which goroutine instance an id means.

use crate::survey::Survey;
use crate::trace::ids::{GIdx, GoId};
use crate::trace::v2::order::scheduler::Instances;
use rustc_hash::FxHashMap;

/// Which goroutine an id means inside one generation.
pub(super) struct GenerationInstances<'a> {
    survey: &'a Survey,
    generation: u32,
    next_birth: Vec<GIdx>,
    /// The first of ids that follow each other, and the goroutine of each.
    first: u64,
    in_a_row: &'a [GIdx],
    /// For ids that repeat: the instance created last in this generation.
    recent: FxHashMap<u64, GIdx>,
}

impl<'a> GenerationInstances<'a> {
    /// From where each thread has created so many goroutines; from the generation's start for no threads.
    pub(super) fn new(survey: &'a Survey, generation: u32, before: &[u32]) -> Self {
        let mut next_birth = survey.generations[generation as usize].births.clone();
        next_birth.iter_mut().zip(before).for_each(|(next, before)| next.0 += before);
        let (GoId(first), in_a_row) = survey.forest.in_a_row();
        Self { survey, generation, next_birth, first, in_a_row, recent: FxHashMap::default() }
    }

    /// The same where ids repeat, or do not follow each other.
    #[inline(never)]
    fn current_instance(&self, id: u64) -> GIdx {
        let forest = &self.survey.forest;
        if !forest.repeats(GoId(id)) {
            return forest.latest(GoId(id));
        }
        self.recent.get(&id).copied().unwrap_or_else(|| forest.alive_at(GoId(id), self.generation))
    }
}

impl Instances for GenerationInstances<'_> {
    #[inline]
    fn current(&self, id: u64) -> GIdx {
        match self.in_a_row.get(id.wrapping_sub(self.first) as usize) {
            Some(&g) if g.is_some() => g,
            _ => self.current_instance(id),
        }
    }

    fn created(&mut self, thread: usize, id: u64) -> GIdx {
        let Some(next) = self.next_birth.get_mut(thread) else { return GIdx::NONE };
        let g = *next;
        next.0 += 1;
        // A file that changed between the passes must not mix goroutines up.
        let forest = &self.survey.forest;
        if forest.goroutines.get(g.at()).is_none_or(|known| known.id != GoId(id)) {
            return GIdx::NONE;
        }
        if forest.repeats(GoId(id)) {
            self.recent.insert(id, g);
        }
        g
    }
}
