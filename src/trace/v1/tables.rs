//! The strings and stacks of a file become [`Symbols`]; [`Tables`] maps the ids of the file to them.

use super::file_scan::{FileScan, StackBytes, StringBytes};
use super::record::RecordFormat;
use crate::trace::binary::{ResolvedFrame, Resolver};
use crate::trace::error::Warning;
use crate::trace::id_table::IdTable;
use crate::trace::ids::{FrameIdx, StackIdx, StringIdx};
use crate::trace::sample_stacks::frames_of_samples_alone;
use crate::trace::symbols::{Frame, Symbols};
use crate::trace::table_faults::{defined_twice, drop_conflicts, undefined_names};
use crate::trace::wire::cursor::{Cursor, Malformed};
use rustc_hash::{FxHashMap, FxHashSet};

/// What the ids of the file mean.
#[derive(Debug)]
pub(crate) struct Tables {
    strings: FxHashMap<u64, StringIdx>,
    stacks: IdTable<StackIdx>,
    /// Stacks by start address, in versions without names: these write the address where later ones have the id of a
    /// stack of one frame.
    start_stacks: FxHashMap<u64, StackIdx>,
    has_symbols: bool,
    /// Number of stacks whose record is damaged.
    pub bad_stacks: u64,
    /// Ids that are defined twice, or nowhere.
    pub warnings: Vec<Warning>,
}

impl Tables {
    /// A string by its id; [`StringIdx::NONE`] for 0 and for ids that the file does not define.
    pub(crate) fn string(&self, id: u64) -> StringIdx {
        self.strings.get(&id).copied().unwrap_or(StringIdx::NONE)
    }

    /// A stack by its id: the empty one for 0; none for ids that the file does not define.
    #[inline]
    pub(crate) fn stack(&self, id: u64) -> Option<StackIdx> {
        if id == 0 { Some(StackIdx::EMPTY) } else { self.stacks.get(id) }
    }

    /// The stack of a new goroutine, by the second argument of its creation: a stack's id or, in versions without names,
    /// the address of its function. None if the file does not define it.
    pub(crate) fn start_stack(&self, value: u64) -> Option<StackIdx> {
        if self.has_symbols { self.stack(value) } else { self.start_stacks.get(&value).copied() }
    }
}

/// Where strings and stacks come from.
#[derive(Clone, Copy)]
pub(crate) struct TableSource<'a> {
    /// The layout of the file.
    pub format: &'a RecordFormat,
    /// The file.
    pub bytes: &'a [u8],
    /// Its strings and stacks.
    pub scan: &'a FileScan,
    /// The start addresses of all goroutines, in versions without names.
    pub starts: &'a [u64],
    /// Names addresses. Without it, and where it has no name, a function is called by its address.
    pub resolver: Option<&'a dyn Resolver>,
}

/// Interns the strings and stacks of a file.
pub(crate) fn read_tables(source: TableSource<'_>, symbols: &mut Symbols) -> Tables {
    let TableSource { format, bytes, scan, starts, resolver } = source;
    let mut warnings = Vec::new();
    let intern =
        |s: &StringBytes| (s.id, symbols.intern_bytes(&bytes[s.pos as usize..s.pos as usize + s.len as usize]));
    let mut strings: Vec<(u64, StringIdx)> = scan.strings.iter().map(intern).collect();
    let conflict = drop_conflicts(&mut strings, |a, b| a == b);
    warnings.extend(conflict.as_ref().map(|(at, ids)| defined_twice("string", ids.len(), scan.strings[*at].pos)));
    let strings: FxHashMap<u64, StringIdx> = strings.into_iter().collect();
    let mut frames = FrameReader {
        strings: &strings,
        conflicting: conflict.map(|(_, ids)| ids).unwrap_or_default(),
        names_nothing: false,
        addresses: FxHashMap::default(),
        resolver,
        symbols,
    };
    let (mut stacks, bad_stacks) = frames.stacks(&source, &mut warnings);
    let mut start_stacks: FxHashMap<u64, StackIdx> = FxHashMap::default();
    let mut scratch = Vec::new();
    for &pc in starts {
        scratch.clear();
        frames.push_address(pc, pc, &mut scratch);
        start_stacks.entry(pc).or_insert_with(|| frames.symbols.intern_stack(&scratch));
    }
    if let Some((_, ids)) = drop_conflicts(&mut stacks, |a, b| a == b) {
        let at = scan.stacks.first().map_or(0, |stack| stack.pos);
        warnings.push(defined_twice("stack", ids.len(), at));
    }
    let stacks = IdTable::new(&stacks);
    Tables { strings, stacks, start_stacks, has_symbols: format.has_symbols(), bad_stacks, warnings }
}

struct FrameReader<'a> {
    strings: &'a FxHashMap<u64, StringIdx>,
    /// Ids of strings that are defined twice and differ.
    conflicting: FxHashSet<u64>,
    /// Whether a string was named that no table defines.
    names_nothing: bool,
    /// The frames at each address seen so far, innermost first.
    addresses: FxHashMap<u64, Box<[FrameIdx]>>,
    resolver: Option<&'a dyn Resolver>,
    symbols: &'a mut Symbols,
}

impl FrameReader<'_> {
    /// All stacks that can be read, by id; and how many cannot.
    fn stacks(&mut self, source: &TableSource<'_>, warnings: &mut Vec<Warning>) -> (Vec<(u64, StackIdx)>, u64) {
        let mut stacks = Vec::with_capacity(source.scan.stacks.len());
        let (mut bad, mut undefined) = (0, Vec::new());
        let mut scratch = Vec::new();
        for &StackBytes { pos, len } in &source.scan.stacks {
            let mut values = Cursor::new(&source.bytes[pos as usize..pos as usize + len as usize], pos);
            scratch.clear();
            match self.read(&mut values, source.format.has_symbols(), &mut scratch) {
                Ok(id) if values.is_empty() => {
                    let functions = scratch.iter().rev().map(|frame| self.symbols.function(*frame).as_bytes());
                    scratch.truncate(scratch.len() - frames_of_samples_alone(functions));
                    stacks.push((id, self.symbols.intern_stack(&scratch)));
                }
                _ => bad += 1,
            }
            if std::mem::take(&mut self.names_nothing) {
                undefined.push(pos);
            }
        }
        warnings.extend(undefined.first().map(|first| undefined_names(undefined.len(), *first)));
        (stacks, bad)
    }

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

    fn string(&mut self, id: u64) -> StringIdx {
        let string = self.strings.get(&id).copied();
        self.names_nothing |= string.is_none() && id != 0 && !self.conflicting.contains(&id);
        string.unwrap_or(StringIdx::EMPTY)
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
