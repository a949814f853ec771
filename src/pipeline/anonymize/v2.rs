//! Traces of Go 1.22 and later: a table of strings a generation, in batches of its own.

use super::Use;
use super::names::{Renamer, stays};
use crate::trace::error::Result;
use crate::trace::source::Source;
use crate::trace::v2::batch::{BatchKind, BatchRef};
use crate::trace::v2::generation::Generation;
use crate::trace::v2::index::read_index;
use crate::trace::v2::tables::{Tables, read_tables};
use crate::trace::version::V2;
use crate::trace::wire::cursor::{Cursor, Malformed};
use crate::trace::wire::encode::put_uvarint;
use crate::trace::wire::event_spec::{EVENTS, code};
use crate::trace::wire::limits::{MAX_BATCH_SIZE, MAX_STRING_SIZE};
use rustc_hash::FxHashMap;
use std::io::Write;

/// Writes all generations.
pub(super) fn write(source: &dyn Source, version: V2, renamer: &Renamer, out: &mut dyn Write) -> Result<()> {
    let index = read_index(source, version, 0)?;
    for generation in &index.generations {
        write_generation(&Generation::new(source, generation), renamer, out)?;
        if version.explicit_end && generation.ended {
            out.write_all(&[code::END_OF_GENERATION])?;
        }
    }
    Ok(())
}

fn write_generation(generation: &Generation<'_>, renamer: &Renamer, out: &mut dyn Write) -> Result<()> {
    // What is wrong with them is said when the trace is read.
    let tables = read_tables(generation, &mut Vec::new())?;
    let mut uses = uses_in_stacks(&tables);
    let mut data = Vec::new();
    for batch in generation.index.batches.iter().filter(|batch| batch.kind == BatchKind::Events) {
        generation.read(batch, &mut data)?;
        let _ = add_runtime_words(&mut Cursor::new(&data, batch.offset), &mut uses);
    }
    let of_go = functions_of_go(&tables);
    let rename = |id: u64, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        match uses.get(&id) {
            Some(Use::Runtime) => text.into_owned(),
            Some(Use::Function) => renamer.function(&text),
            Some(Use::File) => renamer.file(&text, of_go.get(&id).map(String::as_str)),
            None => renamer.text(&text),
        }
    };
    for batch in &generation.index.batches {
        generation.read(batch, &mut data)?;
        if batch.kind == BatchKind::Strings {
            write_strings(generation, batch, &data, &rename, out)?;
        } else {
            write_batch(generation, batch, &data, out)?;
        }
    }
    Ok(())
}

/// The strings that stacks name.
fn uses_in_stacks(tables: &Tables) -> FxHashMap<u64, Use> {
    let mut uses = FxHashMap::default();
    for frame in tables.all_frames() {
        uses.insert(frame.function, Use::Function);
        uses.insert(frame.file, Use::File);
    }
    uses
}

/// By file, a function of Go's own in it.
fn functions_of_go(tables: &Tables) -> FxHashMap<u64, String> {
    let mut found = FxHashMap::default();
    for frame in tables.all_frames() {
        let name = tables.string(frame.function).map(String::from_utf8_lossy);
        if let Some(name) = name.filter(|name| stays(name)) {
            found.entry(frame.file).or_insert_with(|| name.into_owned());
        }
    }
    found
}

/// The strings that the runtime's own events name.
fn add_runtime_words(cursor: &mut Cursor<'_>, uses: &mut FxHashMap<u64, Use>) -> std::result::Result<(), Malformed> {
    while !cursor.is_empty() {
        let event = cursor.byte()?;
        let spec = &EVENTS[usize::from(event)];
        if !spec.timed {
            return Ok(());
        }
        cursor.uvarint()?;
        for name in spec.args {
            let value = cursor.uvarint()?;
            if matches!(*name, "reason_string" | "kind_string" | "label_string") {
                uses.insert(value, Use::Runtime);
            }
        }
    }
    Ok(())
}

/// Writes a batch of strings with other strings, as two where it gets too long.
fn write_strings(
    generation: &Generation<'_>,
    batch: &BatchRef,
    data: &[u8],
    rename: &dyn Fn(u64, &[u8]) -> String,
    out: &mut dyn Write,
) -> Result<()> {
    let mut renamed = vec![code::STRINGS];
    let mut cursor = Cursor::new(data, batch.offset);
    let _ = cursor.byte();
    while let Ok((id, bytes)) = read_string(&mut cursor) {
        let mut entry = vec![code::STRING];
        let text = rename(id, bytes);
        let text = &text.as_bytes()[..text.len().min(MAX_STRING_SIZE as usize)];
        put_uvarint(&mut entry, id);
        put_uvarint(&mut entry, text.len() as u64);
        entry.extend_from_slice(text);
        if renamed.len() + entry.len() > MAX_BATCH_SIZE as usize {
            write_batch(generation, batch, &renamed, out)?;
            renamed.truncate(1);
        }
        renamed.append(&mut entry);
    }
    write_batch(generation, batch, &renamed, out)
}

fn read_string<'a>(cursor: &mut Cursor<'a>) -> std::result::Result<(u64, &'a [u8]), Malformed> {
    if cursor.byte()? != code::STRING {
        return Err(Malformed::Ends);
    }
    let (id, length) = (cursor.uvarint()?, cursor.uvarint()?);
    Ok((id, cursor.take(length)?))
}

fn write_batch(generation: &Generation<'_>, batch: &BatchRef, data: &[u8], out: &mut dyn Write) -> Result<()> {
    let mut header = vec![code::EVENT_BATCH];
    let thread = generation.index.threads[batch.thread as usize].0;
    for value in [generation.index.number, thread, batch.time, data.len() as u64] {
        put_uvarint(&mut header, value);
    }
    out.write_all(&header)?;
    out.write_all(data)?;
    Ok(())
}
