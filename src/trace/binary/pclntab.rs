//! Go's line table, `.gopclntab`: functions by address, and for each function the file and line of its code.
//!
//! ```text
//! header    magic, 0, 0, quantum, pointer size, then words: number of functions, [files, text start,]
//!           offsets of names, units, files, pc-value tables, functions          (Go 1.2: all offsets from the header)
//! functions (address, offset of data) … end address
//! data      address, name, …, file table, line table, …, unit
//! ```
//!
//! Sources: `src/debug/gosym/pclntab.go` of Go 1.27, and `golang.org/s/go12symtab`. Nothing in the table is
//! trusted: every read is checked, and every step of a loop consumes bytes.

use super::ResolvedFrame;

/// Longest plausible name or path, in bytes.
const MAX_NAME: usize = 1 << 16;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Layout {
    Go12,
    Go116,
    /// Addresses are offsets from the start of the code; Go 1.20 changed nothing that matters here.
    Go118,
}

/// A program's line table.
pub(crate) struct LineTable {
    data: Vec<u8>,
    layout: Layout,
    big_endian: bool,
    quantum: u64,
    pointer: usize,
    text: u64,
    n_functions: usize,
    names: usize,
    units: usize,
    files: usize,
    pc_values: usize,
    functions: usize,
    function_table: usize,
}

/// Whether these can be the first bytes of a table.
pub(crate) fn is_header(data: &[u8]) -> bool {
    layout(data).is_some()
}

/// The layout of a table by its first bytes, and whether it is big-endian; none if these are not a table's.
fn layout(data: &[u8]) -> Option<(Layout, bool)> {
    let &[a, b, c, d, 0, 0, 1 | 2 | 4, 4 | 8, ..] = data else { return None };
    let layout = |magic| match magic {
        0xffff_fffb => Some(Layout::Go12),
        0xffff_fffa => Some(Layout::Go116),
        0xffff_fff0 | 0xffff_fff1 => Some(Layout::Go118),
        _ => None,
    };
    let (little, big) = (u32::from_le_bytes([a, b, c, d]), u32::from_be_bytes([a, b, c, d]));
    layout(little).map(|l| (l, false)).or_else(|| layout(big).map(|l| (l, true)))
}

impl LineTable {
    /// The table at the start of `data`, if there is one. `text`: address of the symbol `runtime.text`.
    pub(crate) fn at(data: &[u8], text: u64) -> Option<Self> {
        let (layout, big_endian) = layout(data)?;
        let mut table = Self {
            data: data.to_vec(),
            layout,
            big_endian,
            quantum: u64::from(data[6]),
            pointer: usize::from(data[7]),
            text,
            n_functions: 0,
            names: 0,
            units: 0,
            files: 0,
            pc_values: 0,
            functions: 0,
            function_table: 0,
        };
        table.read_header()?;
        let last = table.function_pc(table.n_functions)?;
        (table.n_functions > 0 && table.function_pc(0)? < last).then_some(table)
    }

    fn read_header(&mut self) -> Option<()> {
        let word = |table: &Self, n: usize| Some(table.word(8 + n * table.pointer)? as usize);
        self.n_functions = word(self, 0)?;
        let offsets = match self.layout {
            Layout::Go12 => {
                self.function_table = 8 + self.pointer;
                let size = self.n_functions.checked_mul(2)?.checked_add(1)?.checked_mul(self.field())?;
                self.files = self.u32(self.function_table.checked_add(size)?)? as usize;
                return Some(());
            }
            Layout::Go116 => 2,
            Layout::Go118 => 3,
        };
        self.names = word(self, offsets)?;
        self.units = word(self, offsets + 1)?;
        self.files = word(self, offsets + 2)?;
        self.pc_values = word(self, offsets + 3)?;
        self.functions = word(self, offsets + 4)?;
        self.function_table = self.functions;
        Some(())
    }

    /// Function, file and line at an address.
    pub(crate) fn resolve(&self, pc: u64) -> Option<ResolvedFrame> {
        let data = self.function_data(pc)?;
        let entry = self.function_entry(data)?;
        let function = self.text_at(self.names.checked_add(self.field_of(data, 1)? as usize)?)?;
        let file = self.value(self.field_of(data, 5)?, entry, pc).and_then(|n| self.file(data, n));
        let line = self.value(self.field_of(data, 6)?, entry, pc).and_then(|n| u32::try_from(n).ok());
        Some(ResolvedFrame { function, file: file.unwrap_or_default(), line: line.unwrap_or(0) })
    }

    /// Offset of the data of the function at an address.
    fn function_data(&self, pc: u64) -> Option<usize> {
        let (mut low, mut high) = (0, self.n_functions);
        if pc < self.function_pc(0)? || pc >= self.function_pc(self.n_functions)? {
            return None;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.function_pc(middle)? <= pc { low = middle } else { high = middle }
        }
        let offset = self.number(self.function_table + (2 * low + 1) * self.field(), self.field())?;
        self.functions.checked_add(usize::try_from(offset).ok()?)
    }

    fn function_pc(&self, n: usize) -> Option<u64> {
        let at = n.checked_mul(2)?.checked_mul(self.field())?.checked_add(self.function_table)?;
        self.address(self.number(at, self.field())?)
    }

    fn function_entry(&self, data: usize) -> Option<u64> {
        self.address(self.number(data, self.field())?)
    }

    fn address(&self, stored: u64) -> Option<u64> {
        if self.layout == Layout::Go118 { stored.checked_add(self.text) } else { Some(stored) }
    }

    /// Size of an address in the table of functions.
    fn field(&self) -> usize {
        if self.layout == Layout::Go118 { 4 } else { self.pointer }
    }

    /// The n-th field of a function's data; the fields after the address have 4 bytes each.
    fn field_of(&self, data: usize, n: usize) -> Option<u32> {
        self.u32(data.checked_add(self.field() + (n - 1) * 4)?)
    }

    fn file(&self, data: usize, number: i32) -> Option<String> {
        let number = usize::try_from(number).ok()?;
        if self.layout == Layout::Go12 {
            let offset = self.u32(self.files.checked_add(4 * number)?).filter(|_| number > 0)?;
            return self.text_at(offset as usize);
        }
        let unit = self.field_of(data, 8)?;
        let index = (unit as usize).checked_add(number)?;
        let offset = self.u32(self.units.checked_add(index.checked_mul(4)?)?).filter(|&o| o != u32::MAX)?;
        self.text_at(self.files.checked_add(offset as usize)?)
    }

    /// The value at an address in a table of steps: (change of value, change of address), both as varints.
    fn value(&self, table: u32, entry: u64, pc: u64) -> Option<i32> {
        let mut at = self.pc_values.checked_add(table as usize)?;
        let (mut value, mut upto) = (-1i32, entry);
        let mut first = true;
        loop {
            let step = self.varint(&mut at)?;
            if step == 0 && !first {
                return None;
            }
            first = false;
            let step = if step & 1 == 1 { !(step >> 1) } else { step >> 1 };
            value = value.wrapping_add(step as i32);
            upto = upto.wrapping_add(u64::from(self.varint(&mut at)?).wrapping_mul(self.quantum));
            if pc < upto {
                return Some(value);
            }
        }
    }

    fn varint(&self, at: &mut usize) -> Option<u32> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let byte = *self.data.get(*at)?;
            *at += 1;
            value |= u32::from(byte & 0x7f).wrapping_shl(shift);
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn text_at(&self, at: usize) -> Option<String> {
        let bytes = self.data.get(at..)?;
        let length = bytes.iter().take(MAX_NAME).position(|&b| b == 0)?;
        Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }

    fn word(&self, at: usize) -> Option<u64> {
        self.number(at, self.pointer)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        self.number(at, 4).map(|n| n as u32)
    }

    fn number(&self, at: usize, size: usize) -> Option<u64> {
        let bytes = self.data.get(at..at.checked_add(size)?)?;
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of the table of functions does not fit into 64 bits, although their number does; found by fuzzing.
    #[test]
    fn a_table_that_is_too_large_is_none() {
        let mut table = vec![0xfb, 0xff, 0xff, 0xff, 0, 0, 1, 8];
        table.extend_from_slice(&(u64::MAX / 4).to_le_bytes());
        table.resize(128, 0);
        assert!(is_header(&table) && LineTable::at(&table, 0).is_none());
    }
}
