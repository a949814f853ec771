//! Traces of Go 1.5 to 1.21: one stream of records, strings among them.

use super::Use;
use super::names::{Renamer, stays};
use crate::trace::error::Result;
use crate::trace::source::{Source, read_full};
use crate::trace::v1::{EventRecord, FileScan, Kind, Record, RecordFormat, scan};
use crate::trace::version::{HEADER_SIZE, V1};
use crate::trace::wire::cursor::{Cursor, Malformed};
use crate::trace::wire::encode::put_uvarint;
use rustc_hash::FxHashMap;
use std::io::Write;

/// Writes all records.
pub(super) fn write(source: &dyn Source, version: V1, renamer: &Renamer, out: &mut dyn Write) -> Result<()> {
    let format = RecordFormat::new(version);
    let mut bytes = vec![0; usize::try_from(source.size()).unwrap_or(usize::MAX)];
    let read = read_full(source, &mut bytes, 0)?;
    bytes.truncate(read);
    let scanned = scan(&format, &bytes);
    let words = Words::of(&format, &bytes, &scanned);
    for (record, range) in records(&format, &bytes, &scanned) {
        let of_record = &bytes[range];
        match record {
            Record::String { id, bytes: text } => {
                let text = words.rename(renamer, id, &String::from_utf8_lossy(text));
                // The count in the first byte is 0: an id, a length, and the text.
                let mut renamed = vec![of_record[0]];
                put_uvarint(&mut renamed, id);
                put_uvarint(&mut renamed, text.len() as u64);
                renamed.extend_from_slice(text.as_bytes());
                out.write_all(&renamed)?;
            }
            Record::Event(EventRecord { kind: Kind::UserLog, .. }) => out.write_all(&log(of_record, renamer))?,
            _ => out.write_all(of_record)?,
        }
    }
    Ok(())
}

/// All sound records, and where each is.
fn records<'a>(
    format: &'a RecordFormat,
    bytes: &'a [u8],
    scanned: &'a FileScan,
) -> impl Iterator<Item = (Record<'a>, std::ops::Range<usize>)> + 'a {
    let mut gaps = scanned.gaps.iter().peekable();
    let mut at = HEADER_SIZE.min(bytes.len());
    std::iter::from_fn(move || {
        while let Some(gap) = gaps.next_if(|gap| gap.start as usize <= at) {
            at = at.max(gap.end as usize);
        }
        let mut cursor = Cursor::new(bytes.get(at..)?, at as u64);
        let record = format.read(&mut cursor).ok().flatten()?;
        let start = std::mem::replace(&mut at, cursor.offset() as usize);
        Some((record, start..at))
    })
}

/// What strings are for.
struct Words {
    uses: FxHashMap<u64, Use>,
    /// By file, a function of Go's own in it.
    of_go: FxHashMap<u64, String>,
}

impl Words {
    fn of(format: &RecordFormat, bytes: &[u8], scanned: &FileScan) -> Self {
        let mut names: FxHashMap<u64, String> = FxHashMap::default();
        for string in &scanned.strings {
            let range = string.pos as usize..string.pos as usize + string.len as usize;
            names.insert(string.id, String::from_utf8_lossy(bytes.get(range).unwrap_or_default()).into_owned());
        }
        let mut words = Self { uses: FxHashMap::default(), of_go: FxHashMap::default() };
        for stack in scanned.stacks.iter().filter(|_| format.has_symbols()) {
            let range = stack.pos as usize..stack.pos as usize + stack.len as usize;
            let mut cursor = Cursor::new(bytes.get(range).unwrap_or_default(), 0);
            let _ = words.add_stack(&mut cursor, &names);
        }
        for (record, _) in records(format, bytes, scanned) {
            if let Record::Event(EventRecord { kind: Kind::GoStartLabel, args, .. }) = record {
                words.uses.insert(args[2], Use::Runtime);
            }
        }
        words
    }

    /// `id n (pc function file line)…`
    fn add_stack(
        &mut self,
        cursor: &mut Cursor<'_>,
        names: &FxHashMap<u64, String>,
    ) -> std::result::Result<(), Malformed> {
        let (_, n) = (cursor.uvarint()?, cursor.uvarint()?);
        for _ in 0..n {
            let (_, function, file, _) = (cursor.uvarint()?, cursor.uvarint()?, cursor.uvarint()?, cursor.uvarint()?);
            self.uses.insert(function, Use::Function);
            self.uses.insert(file, Use::File);
            if let Some(name) = names.get(&function).filter(|name| stays(name)) {
                self.of_go.entry(file).or_insert_with(|| name.clone());
            }
        }
        Ok(())
    }

    fn rename(&self, renamer: &Renamer, id: u64, text: &str) -> String {
        match self.uses.get(&id) {
            Some(Use::Runtime) => text.to_owned(),
            Some(Use::Function) => renamer.function(text),
            Some(Use::File) => renamer.file(text, self.of_go.get(&id).map(String::as_str)),
            None => renamer.text(text),
        }
    }
}

/// A record of a log with another text, which is what it ends with, behind its length. Logs are of Go 1.11 and later: their
/// first byte says how many values come before that, or that their length in bytes does.
fn log(record: &[u8], renamer: &Renamer) -> Vec<u8> {
    let mut cursor = Cursor::new(record, 0);
    let text = before_text(&mut cursor).and_then(|()| {
        let at = cursor.offset() as usize;
        let length = cursor.uvarint()?;
        Ok((at, cursor.take(length)?))
    });
    let Ok((at, text)) = text else { return Vec::new() };
    let text = renamer.text(&String::from_utf8_lossy(text));
    let mut renamed = record[..at].to_vec();
    put_uvarint(&mut renamed, text.len() as u64);
    renamed.extend_from_slice(text.as_bytes());
    renamed
}

fn before_text(cursor: &mut Cursor<'_>) -> std::result::Result<(), Malformed> {
    match cursor.byte()? >> 6 {
        3 => {
            let length = cursor.uvarint()?;
            cursor.take(length)?;
        }
        n => {
            for _ in 0..=n {
                cursor.uvarint()?;
            }
        }
    }
    Ok(())
}
