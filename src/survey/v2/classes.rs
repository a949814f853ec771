//! What each stack of a generation says.

use crate::survey::roots::classify::{Classifier, FunctionFacts, HiddenMatches, PartialClass};
use crate::survey::roots::stack_class::StackClass;
use crate::trace::id_table::IdTable;
use crate::trace::v2::tables::Tables;
use rustc_hash::{FxHashMap, FxHashSet};

/// What each stack of a generation says; none when no caller needs it. Looks at each function name once.
pub(crate) fn classify(tables: &Tables, classifier: &Classifier<'_>) -> Option<IdTable<StackClass>> {
    let mut functions: FxHashMap<u64, FunctionFacts> = FxHashMap::default();
    let mut serves = false;
    // Outermost functions of stacks that say more than what they exclude.
    let mut informative: FxHashSet<u64> = FxHashSet::default();
    let mut hidden = HiddenMatches::default();
    let mut outer_stacks: Vec<PartialClass> = Vec::new();
    let stacks = tables.stacks.map(|stack| {
        outer_stacks.clear();
        let mut at = PartialClass::default();
        for frame in tables.frames(stack).iter().rev() {
            let function = functions.entry(frame.function).or_insert_with(|| {
                let name = tables.string(frame.function).unwrap_or_default();
                let file =
                    || tables.string(frame.file).and_then(|file| std::str::from_utf8(file).ok()).unwrap_or_default();
                let function = classifier.function(&String::from_utf8_lossy(name), file);
                // A function without a name gets one later, and one that is not UTF-8 another.
                if name.is_empty() || std::str::from_utf8(name).is_err() { function.unnamed() } else { function }
            });
            let outer = at;
            at = outer.enter(*function, frame.line);
            outer_stacks.push(outer);
            if hidden.note(&outer, &at) {
                for stack in &outer_stacks {
                    hidden.note_outside(stack);
                }
            }
        }
        (at, tables.frames(stack).last().map(|frame| frame.function))
    });
    let classes = stacks.map(|(stack, outermost)| {
        let class = StackClass { hides_match: hidden.hides(&stack), ..classifier.class(stack) };
        serves |= class.serves();
        if !class.is_plain() {
            informative.extend(outermost);
        }
        (class, outermost)
    });
    let with_skippable = |(class, outermost): (StackClass, Option<u64>)| {
        let skippable = class.excludes() && outermost.is_some_and(|outermost| !informative.contains(&outermost));
        StackClass { skippable, ..class }
    };
    classifier.needs_classes(serves).then(|| classes.map(with_skippable))
}
