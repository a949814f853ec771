//! Strings and stacks of the whole file, as [`Symbols`].

use super::record::Wire;
use super::scan::Scan;
use crate::trace::binary::{ResolvedFrame, Resolver};
use crate::trace::ids::{FrameIdx, StackIdx, StringIdx};
use crate::trace::symbols::{Frame, Symbols};
use crate::trace::wire::cursor::{Cursor, Malformed};
use rustc_hash::FxHashMap;

/// What the ids of the file stand for.
#[derive(Debug)]
pub struct Tables {
    strings: FxHashMap<u64, StringIdx>,
    stacks: Stacks,
    /// Frames of start addresses: versions without names write those instead of a stack of one frame.
    entries: FxHashMap<u64, StackIdx>,
    symbols: bool,
    /// Stacks whose record makes no sense.
    pub bad_stacks: u64,
}

impl Tables {
    /// A string by its id; none for 0 and for ids that the file does not define.
    pub fn string(&self, id: u64) -> StringIdx {
        self.strings.get(&id).copied().unwrap_or(StringIdx::NONE)
    }

    /// A stack by its id: the empty one for 0, none for ids that the file does not define.
    #[inline]
    pub fn stack(&self, id: u64) -> Option<StackIdx> {
        if id == 0 { Some(StackIdx::EMPTY) } else { self.stacks.get(id) }
    }

    /// The stack of a new goroutine, from the value that its creation carries.
    pub fn entry(&self, value: u64) -> Option<StackIdx> {
        if self.symbols { self.stack(value) } else { self.entries.get(&value).copied() }
    }
}

/// Interns the dictionaries of a file. `starts`: the start addresses of goroutines, where the version has no names.
pub fn read_tables(
    wire: &Wire,
    bytes: &[u8],
    scan: &Scan,
    starts: &[u64],
    resolver: Option<&dyn Resolver>,
    symbols: &mut Symbols,
) -> Tables {
    let mut strings: FxHashMap<u64, StringIdx> = FxHashMap::default();
    for &(id, at, length) in &scan.strings {
        let at = at as usize;
        strings.entry(id).or_insert_with(|| symbols.intern_bytes(&bytes[at..at + length as usize]));
    }
    let mut frames = Frames { strings: &strings, addresses: FxHashMap::default(), resolver, symbols };
    let mut stacks = Stacks::for_ids(scan.stacks.len());
    let mut bad_stacks = 0;
    let mut scratch = Vec::new();
    for &(at, length) in &scan.stacks {
        let mut values = Cursor::new(&bytes[at as usize..at as usize + length as usize], at);
        scratch.clear();
        match frames.read(&mut values, wire.symbols(), &mut scratch) {
            Ok(id) if values.is_empty() => {
                let stack = frames.symbols.intern_stack(&scratch);
                stacks.insert(id, stack);
            }
            _ => bad_stacks += 1,
        }
    }
    let mut entries: FxHashMap<u64, StackIdx> = FxHashMap::default();
    for &pc in starts {
        scratch.clear();
        frames.push_address(pc, pc, &mut scratch);
        entries.entry(pc).or_insert_with(|| frames.symbols.intern_stack(&scratch));
    }
    Tables { strings, stacks, entries, symbols: wire.symbols(), bad_stacks }
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

struct Frames<'a> {
    strings: &'a FxHashMap<u64, StringIdx>,
    /// Frames of an address, innermost first.
    addresses: FxHashMap<u64, Box<[FrameIdx]>>,
    resolver: Option<&'a dyn Resolver>,
    symbols: &'a mut Symbols,
}

impl Frames<'_> {
    /// Reads one stack into `frames`, leaf first; gives its id.
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

    /// Pushes the frames of the code at `call`, which the trace calls `address`.
    fn push_address(&mut self, address: u64, call: u64, frames: &mut Vec<FrameIdx>) {
        if !self.addresses.contains_key(&call) {
            let mut resolved = self.resolver.map_or_else(Vec::new, |r| r.resolve(call));
            if resolved.is_empty() {
                resolved.push(ResolvedFrame { function: format!("{address:#x}"), ..ResolvedFrame::default() });
            }
            let interned = resolved.iter().map(|frame| self.intern(frame)).collect();
            self.addresses.insert(call, interned);
        }
        frames.extend_from_slice(&self.addresses[&call]);
    }

    fn intern(&mut self, frame: &ResolvedFrame) -> FrameIdx {
        let function = self.symbols.intern(&frame.function);
        let file = self.symbols.intern(&frame.file);
        self.symbols.intern_frame(Frame { function, file, line: frame.line })
    }
}
