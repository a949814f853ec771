//! The strings and stacks of a file become [`Symbols`]; [`Tables`] maps the ids of the file to them.

use super::record::RecordFormat;
use super::scan::{Scan, StackBytes, StringBytes};
use crate::trace::binary::{ResolvedFrame, Resolver};
use crate::trace::ids::{FrameIdx, StackIdx, StringIdx};
use crate::trace::symbols::{Frame, Symbols};
use crate::trace::wire::cursor::{Cursor, Malformed};
use rustc_hash::FxHashMap;

/// What the ids of the file mean.
#[derive(Debug)]
pub struct Tables {
    strings: FxHashMap<u64, StringIdx>,
    stacks: Stacks,
    /// Stacks by start address, in versions without names: these write the address where later ones have the id of a
    /// stack of one frame.
    start_stacks: FxHashMap<u64, StackIdx>,
    has_symbols: bool,
    /// Number of stacks whose record is damaged.
    pub bad_stacks: u64,
}

impl Tables {
    /// A string by its id; [`StringIdx::NONE`] for 0 and for ids that the file does not define.
    pub fn string(&self, id: u64) -> StringIdx {
        self.strings.get(&id).copied().unwrap_or(StringIdx::NONE)
    }

    /// A stack by its id: the empty one for 0; none for ids that the file does not define.
    #[inline]
    pub fn stack(&self, id: u64) -> Option<StackIdx> {
        if id == 0 { Some(StackIdx::EMPTY) } else { self.stacks.get(id) }
    }

    /// The stack of a new goroutine, by the second argument of its creation: a stack's id or, in versions without names,
    /// the address of its function. None if the file does not define it.
    pub fn start_stack(&self, value: u64) -> Option<StackIdx> {
        if self.has_symbols { self.stack(value) } else { self.start_stacks.get(&value).copied() }
    }
}

/// Interns the strings and stacks of a file. `starts`: the start addresses of all goroutines, in versions without names.
/// `resolver` names addresses; without it, and where it has no name, a function is called by its address.
pub fn read_tables(
    format: &RecordFormat,
    bytes: &[u8],
    scan: &Scan,
    starts: &[u64],
    resolver: Option<&dyn Resolver>,
    symbols: &mut Symbols,
) -> Tables {
    let mut strings: FxHashMap<u64, StringIdx> = FxHashMap::default();
    for &StringBytes { id, pos, len } in &scan.strings {
        let pos = pos as usize;
        strings.entry(id).or_insert_with(|| symbols.intern_bytes(&bytes[pos..pos + len as usize]));
    }
    let mut frames = FrameReader { strings: &strings, addresses: FxHashMap::default(), resolver, symbols };
    let mut stacks = Stacks::for_ids(scan.stacks.len());
    let mut bad_stacks = 0;
    let mut scratch = Vec::new();
    for &StackBytes { pos, len } in &scan.stacks {
        let mut values = Cursor::new(&bytes[pos as usize..pos as usize + len as usize], pos);
        scratch.clear();
        match frames.read(&mut values, format.has_symbols(), &mut scratch) {
            Ok(id) if values.is_empty() => {
                let stack = frames.symbols.intern_stack(&scratch);
                stacks.insert(id, stack);
            }
            _ => bad_stacks += 1,
        }
    }
    let mut start_stacks: FxHashMap<u64, StackIdx> = FxHashMap::default();
    for &pc in starts {
        scratch.clear();
        frames.push_address(pc, pc, &mut scratch);
        start_stacks.entry(pc).or_insert_with(|| frames.symbols.intern_stack(&scratch));
    }
    Tables { strings, stacks, start_stacks, has_symbols: format.has_symbols(), bad_stacks }
}

/// Stacks by their id. Writers number them from 1 on, so nearly all ids index a table; others go to a map.
#[derive(Debug)]
struct Stacks {
    dense: Vec<StackIdx>,
    sparse: FxHashMap<u64, StackIdx>,
}

impl Stacks {
    /// For `n` stacks, some of which may be lost.
    fn for_ids(n: usize) -> Self {
        Self { dense: vec![StackIdx::NONE; 2 * n + 1], sparse: FxHashMap::default() }
    }

    /// The first stack with an id stays.
    fn insert(&mut self, id: u64, stack: StackIdx) {
        match usize::try_from(id).ok().and_then(|id| self.dense.get_mut(id)) {
            Some(slot) if slot.is_some() => {}
            Some(slot) => *slot = stack,
            None => {
                self.sparse.entry(id).or_insert(stack);
            }
        }
    }

    #[inline]
    fn get(&self, id: u64) -> Option<StackIdx> {
        match usize::try_from(id).ok().and_then(|id| self.dense.get(id)) {
            Some(&stack) => stack.is_some().then_some(stack),
            None => self.sparse.get(&id).copied(),
        }
    }
}

struct FrameReader<'a> {
    strings: &'a FxHashMap<u64, StringIdx>,
    /// The frames at each address seen so far, innermost first.
    addresses: FxHashMap<u64, Box<[FrameIdx]>>,
    resolver: Option<&'a dyn Resolver>,
    symbols: &'a mut Symbols,
}

impl FrameReader<'_> {
    /// Appends the frames of one stack to `frames`, leaf first. Returns its id.
    fn read(&mut self, values: &mut Cursor<'_>, names: bool, frames: &mut Vec<FrameIdx>) -> Result<u64, Malformed> {
        let id = values.uvarint()?;
        let n = values.uvarint()?;
        for _ in 0..n {
            let pc = values.uvarint()?;
            if names {
                let (function, file, line) = (values.uvarint()?, values.uvarint()?, values.uvarint()?);
                let frame = Frame { function: self.string(function), file: self.string(file), line: line as u32 };
                frames.push(self.symbols.intern_frame(frame));
            } else {
                // A return address: the call is before it (`symbolize` in `internal/trace/parser.go` of Go 1.21).
                self.push_address(pc, pc.wrapping_sub(1), frames);
            }
        }
        Ok(id)
    }

    fn string(&self, id: u64) -> StringIdx {
        self.strings.get(&id).copied().unwrap_or(StringIdx::EMPTY)
    }

    /// Pushes the frames of the code at `wake`, which the trace calls `address`.
    fn push_address(&mut self, address: u64, wake: u64, frames: &mut Vec<FrameIdx>) {
        if !self.addresses.contains_key(&wake) {
            let mut resolved = self.resolver.map_or_else(Vec::new, |r| r.resolve(wake));
            if resolved.is_empty() {
                resolved.push(ResolvedFrame { function: format!("{address:#x}"), ..ResolvedFrame::default() });
            }
            let interned = resolved.iter().map(|frame| self.intern(frame)).collect();
            self.addresses.insert(wake, interned);
        }
        frames.extend_from_slice(&self.addresses[&wake]);
    }

    fn intern(&mut self, frame: &ResolvedFrame) -> FrameIdx {
        let function = self.symbols.intern(&frame.function);
        let file = self.symbols.intern(&frame.file);
        self.symbols.intern_frame(Frame { function, file, line: frame.line })
    }
}
