//! Names for the addresses of a Go program: for traces that carry no names (Go 1.5 and 1.6).
//!
//! Go's own line table (`pclntab.rs`) comes first: every Go program has it, stripped or not, and Go's reader of such
//! traces uses it through `go tool addr2line`. DWARF (`dwarf.rs`) is for programs without one (gccgo); it has inlined
//! calls too.

mod dwarf;
mod pclntab;

use super::error::{Error, ErrorKind, Result};
use object::{Object, ObjectSection, ObjectSymbol};
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

/// The name of the code at an address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ResolvedFrame {
    /// Function, with its package path.
    pub function: String,
    /// Source file; empty when unknown.
    pub file: String,
    /// Line in the file; 0 when unknown.
    pub line: u32,
}

/// Gives names to the addresses of a program.
pub trait Resolver {
    /// The frames at an address, innermost first: several where calls are inlined, none where the address is unknown.
    fn resolve(&self, pc: u64) -> Vec<ResolvedFrame>;
}

/// A program's file that has names for its addresses.
pub struct Binary(NameTables);

enum NameTables {
    Go(pclntab::LineTable),
    /// DWARF is read lazily, by one thread at a time.
    Dwarf(Box<Mutex<dwarf::DwarfLines>>),
}

impl Resolver for Binary {
    fn resolve(&self, pc: u64) -> Vec<ResolvedFrame> {
        match &self.0 {
            NameTables::Go(table) => table.resolve(pc).into_iter().collect(),
            NameTables::Dwarf(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).resolve(pc),
        }
    }
}

/// Reads the file of a program: ELF, Mach-O or PE. Fails if it is none of these or has no names.
pub fn open(bytes: &[u8]) -> Result<Binary> {
    let file = object::File::parse(bytes)
        .map_err(|e| no_names(&format!("the program given with --binary is no ELF, Mach-O or PE file: {e}")))?;
    if let Some(table) = go_table(&file) {
        return Ok(Binary(NameTables::Go(table)));
    }
    let lines = dwarf::DwarfLines::read(&file).ok_or_else(|| {
        no_names("the program given with --binary has neither Go's line table nor DWARF; was it built by Go?")
    })?;
    Ok(Binary(NameTables::Dwarf(Box::new(Mutex::new(lines)))))
}

fn no_names(text: &str) -> Error {
    Error::new(ErrorKind::NothingUsable(text.to_owned()))
}

/// The section with Go's line table: of ELF, of ELF with relocated data, of Mach-O.
const TABLE_SECTIONS: &[&str] = &[".gopclntab", ".data.rel.ro.gopclntab", "__gopclntab"];

fn go_table(file: &object::File<'_>) -> Option<pclntab::LineTable> {
    let text = text_start(file)?;
    let named = TABLE_SECTIONS.iter().filter_map(|name| file.section_by_name(name));
    let whole = named.filter_map(|s| section_data(&s)).find_map(|data| pclntab::LineTable::at(&data, text));
    whole.or_else(|| at_symbol(file, text)).or_else(|| by_magic(file, text))
}

/// A section's bytes. None where they cannot be read, or are packed and claim to be more than [`MAX_RATIO`] times as many.
fn section_data<'d>(section: &object::Section<'d, '_>) -> Option<Cow<'d, [u8]>> {
    let packed = section.compressed_data().ok()?;
    let is_plausible = packed.uncompressed_size / MAX_RATIO <= packed.data.len() as u64;
    is_plausible.then(|| packed.decompress().ok()).flatten()
}

/// A compiler's sections are packed to a third or a tenth; one that unpacks to more than this was made to fill the memory.
const MAX_RATIO: u64 = 32;

/// Address of the symbol `runtime.text`, or of the section that holds the code.
fn text_start(file: &object::File<'_>) -> Option<u64> {
    let symbol = file.symbols().find(|s| s.name() == Ok("runtime.text")).map(|s| s.address());
    let section = || [".text", "__text"].iter().find_map(|n| file.section_by_name(n)).map(|s| s.address());
    symbol.or_else(section)
}

/// The table at the address of its symbol, where it has no section of its own (PE).
fn at_symbol(file: &object::File<'_>, text: u64) -> Option<pclntab::LineTable> {
    let symbol = file.symbols().find(|s| matches!(s.name(), Ok("runtime.pclntab" | "pclntab")))?;
    let address = symbol.address();
    let section = file.sections().find(|s| address.checked_sub(s.address()).is_some_and(|offset| offset < s.size()))?;
    let data = section_data(&section)?;
    pclntab::LineTable::at(data.get((address - section.address()) as usize..)?, text)
}

/// The first bytes that make a plausible table, where there are no symbols either.
fn by_magic(file: &object::File<'_>, text: u64) -> Option<pclntab::LineTable> {
    file.sections().filter_map(|s| section_data(&s)).find_map(|data: Cow<'_, [u8]>| {
        let starts = (0..data.len().saturating_sub(64)).step_by(4);
        starts.filter(|&at| pclntab::is_header(&data[at..])).find_map(|at| pclntab::LineTable::at(&data[at..], text))
    })
}
