//! A generation's strings and stacks → symbols of the whole trace.

use crate::trace::id_table::IdTable;
use crate::trace::ids::{FrameIdx, StringIdx};
use crate::trace::symbols::{Frame, Symbols};
use crate::trace::v2::order::translate::GenerationNames;
use crate::trace::v2::tables::{Tables, WireFrame};
use rustc_hash::{FxHashMap, FxHashSet};

/// The symbols of one generation's strings by their ids, filled as they are needed. Its memory serves the next one.
#[derive(Default)]
pub(crate) struct StringCache(FxHashMap<u64, StringIdx>);

impl StringCache {
    /// Adds a generation's stacks to the symbols, and the strings with the ids in `wanted`.
    pub(crate) fn names(&mut self, symbols: &mut Symbols, tables: &Tables, wanted: &FxHashSet<u64>) -> GenerationNames {
        self.0.clear();
        let mut frames = Vec::new();
        let stacks = tables.stacks.map(|range| {
            frames.clear();
            frames.extend(tables.frames(range).iter().map(|f| self.intern_frame(symbols, tables, f)));
            symbols.intern_stack(&frames)
        });
        // Sorted, so that symbols get the same indexes in whatever order the set was filled.
        let mut wanted: Vec<u64> = wanted.iter().copied().collect();
        wanted.sort_unstable();
        let named: Vec<(u64, StringIdx)> = wanted
            .into_iter()
            .filter_map(|id| tables.string(id).map(|bytes| (id, symbols.intern_bytes(bytes))))
            .collect();
        GenerationNames::new(stacks, IdTable::new(&named))
    }

    fn intern_frame(&mut self, symbols: &mut Symbols, tables: &Tables, frame: &WireFrame) -> FrameIdx {
        let mut string = |id: u64, missing: &dyn Fn() -> String| {
            *self.0.entry(id).or_insert_with(|| match tables.string(id) {
                Some(bytes) => symbols.intern_bytes(bytes),
                None => symbols.intern(&missing()),
            })
        };
        let function = string(frame.function, &|| format!("0x{:x}", frame.pc));
        let file = string(frame.file, &String::new);
        symbols.intern_frame(Frame { function, file, line: u32::try_from(frame.line).unwrap_or(0) })
    }
}
