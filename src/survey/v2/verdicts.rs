//! What the fast path of a scan needs to know of a stack: two bits of its class. On the hot path.

use crate::survey::roots::stack_class::StackClass;
use crate::trace::id_table::IdTable;

/// The verdicts on a generation's stacks, by their ids as far as these are dense.
#[derive(Debug)]
pub(crate) struct StackVerdicts(Vec<StackVerdict>);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum StackVerdict {
    /// It says nothing.
    Nothing,
    /// It excludes that a matching function is at work, and says nothing else.
    Excludes,
    /// The same, and it is skippable.
    Skippable,
    /// It says more: its class is needed.
    More,
}

impl StackVerdict {
    fn of(class: StackClass) -> Self {
        match (class.is_plain(), class.excludes()) {
            (false, _) => Self::More,
            (true, true) if class.skippable => Self::Skippable,
            (true, true) => Self::Excludes,
            (true, false) => Self::Nothing,
        }
    }
}

impl StackVerdicts {
    /// The verdicts on all classes.
    pub(crate) fn new(classes: &IdTable<StackClass>) -> Self {
        // The general path sees that a stack is not defined.
        let of = |class: &Option<StackClass>| class.map_or(StackVerdict::More, StackVerdict::of);
        let mut verdicts: Vec<StackVerdict> = classes.dense().iter().map(of).collect();
        verdicts.resize(verdicts.len().max(1), StackVerdict::Nothing);
        // Id 0 is no stack.
        verdicts[0] = StackVerdict::Nothing;
        Self(verdicts)
    }

    /// Whether a stack excludes that a matching function is at work; none if its class is needed.
    #[inline]
    pub(crate) fn excludes(&self, stack: u64) -> Option<bool> {
        let verdict = *self.0.get(usize::try_from(stack).ok()?)?;
        (verdict != StackVerdict::More).then_some(verdict != StackVerdict::Nothing)
    }

    /// The same, and whether the stack is skippable.
    #[inline]
    pub(crate) fn excludes_and_skippable(&self, stack: u64) -> Option<(bool, bool)> {
        let verdict = *self.0.get(usize::try_from(stack).ok()?)?;
        let both = (verdict != StackVerdict::Nothing, verdict == StackVerdict::Skippable);
        (verdict != StackVerdict::More).then_some(both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::roots::servers::ServerStep;

    /// A verdict says what the class says, or leaves that to the class.
    #[test]
    fn verdicts_agree_with_classes() {
        let steps = [ServerStep::None, ServerStep::Between];
        let bits = |i: usize| [1, 2, 4, 8].map(|bit| i & bit != 0);
        let of = |(i, step)| {
            let [present, matches, truncated, skippable] = bits(i);
            StackClass { present, matches, truncated, step, skippable, ..StackClass::default() }
        };
        let all: Vec<StackClass> = (0..16).flat_map(|i| steps.map(|step| of((i, step)))).collect();
        let table: Vec<(u64, StackClass)> = (1..).zip(all).chain([(1 << 50, StackClass::default())]).collect();
        let classes = IdTable::new(&table);
        let verdicts = StackVerdicts::new(&classes);
        for id in 0..70 {
            let class = classes.get(id).unwrap_or_default();
            let is_known = id == 0 || classes.get(id).is_some();
            let expected = (is_known && class.is_plain()).then_some(class.excludes());
            assert!(verdicts.excludes(id) == expected || id > 32 && verdicts.excludes(id).is_none(), "{id}: {class:?}");
            let both = verdicts.excludes(id).map(|excludes| (excludes, excludes && class.skippable));
            assert_eq!(verdicts.excludes_and_skippable(id), both);
        }
        // Where ids are not dense the class is looked up.
        assert_eq!(verdicts.excludes(1 << 50), None);
        assert_eq!(StackVerdicts::new(&IdTable::default()).excludes(0), Some(false));
    }
}
