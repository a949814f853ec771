//! Names from DWARF, for programs without Go's line table.

use super::ResolvedFrame;
use addr2line::Context;
use gimli::{EndianArcSlice, RunTimeEndian};
use object::Object;

type Bytes = EndianArcSlice<RunTimeEndian>;

/// A program's DWARF.
pub(crate) struct DwarfLines(Context<Bytes>);

impl DwarfLines {
    /// The DWARF of a program, if it has some.
    pub(crate) fn read(file: &object::File<'_>) -> Option<Self> {
        file.section_by_name(".debug_info").or_else(|| file.section_by_name("__debug_info"))?;
        let endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
        let load = |id: gimli::SectionId| -> Result<Bytes, gimli::Error> {
            let data = file.section_by_name(id.name()).and_then(|s| super::section_data(&s));
            Ok(EndianArcSlice::new(data.unwrap_or_default().into(), endian))
        };
        let dwarf = gimli::Dwarf::load(load).ok()?;
        Context::from_dwarf(dwarf).ok().map(Self)
    }

    /// The frames at an address, innermost first; none where it is unknown.
    pub(crate) fn resolve(&self, pc: u64) -> Vec<ResolvedFrame> {
        let mut frames = Vec::new();
        // addr2line looks for what is before the next address, and adds without a check (0.27, `ResUnits::find`).
        if pc == u64::MAX {
            return frames;
        }
        let Ok(mut found) = self.0.find_frames(pc).skip_all_loads() else { return frames };
        while let Ok(Some(frame)) = found.next() {
            let function = frame.function.as_ref().and_then(|f| f.raw_name().ok()).unwrap_or_default();
            let location = frame.location.as_ref();
            let file = location.and_then(|p| p.file).unwrap_or_default();
            let line = location.and_then(|p| p.line).unwrap_or(0);
            frames.push(ResolvedFrame { function: function.into_owned(), file: file.to_owned(), line });
        }
        frames.retain(|frame| !frame.function.is_empty());
        frames
    }
}
