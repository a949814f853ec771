//! Texts of tables by number, and stacks made of them.

use super::limits::Limits;
use crate::profile::{NodeIdx, Precision, SharedText, StackTree};
use indexmap::IndexSet;
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use rustc_hash::{FxBuildHasher, FxHashMap};

/// What time is spent in; texts by number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct SampleKey {
    pub(super) state: u32,
    pub(super) detail: &'static str,
    pub(super) precision: Precision,
    pub(super) root: u32,
    pub(super) stack: u32,
    pub(super) lines: u32,
    pub(super) waited_in: u32,
}

/// Each text once.
#[derive(Default)]
pub(super) struct Texts {
    all: IndexSet<SharedText, FxBuildHasher>,
    /// By where a value is in memory, its number: values of a dictionary share their bytes, and each is looked at once. Holds as
    /// long as the batch that has them.
    of_batch: FxHashMap<(usize, usize), u32>,
}

impl Texts {
    /// Another batch follows.
    pub(super) fn begin_batch(&mut self) {
        self.of_batch.clear();
    }

    /// The number of a value of the batch, added if new; NULL is the empty text. An error where there is no room for it.
    pub(super) fn number(&mut self, value: Option<&ByteArray>, limits: &mut Limits) -> Result<u32> {
        let bytes = value.map_or(&[][..], ByteArray::data);
        let place = (bytes.as_ptr() as usize, bytes.len());
        if let Some(&number) = self.of_batch.get(&place) {
            return Ok(number);
        }
        // The text is copied: a value keeps all of its page.
        let text = String::from_utf8_lossy(bytes);
        let number = if let Some(known) = self.all.get_index_of(text.as_ref()) {
            known as u32
        } else {
            limits.text(text.len())?;
            self.all.insert_full(SharedText::from(text.as_ref())).0 as u32
        };
        self.of_batch.insert(place, number);
        Ok(number)
    }

    /// The text of a number: what is charged once is in memory once, however often it is cloned.
    pub(super) fn text(&self, number: u32) -> &SharedText {
        &self.all[number as usize]
    }
}

/// The node of a stack: functions and their lines, outermost first. Where there are fewer lines than functions, the others
/// have none.
pub(super) fn push_stack(tree: &mut StackTree, stack: &str, lines: &str) -> NodeIdx {
    let mut node = StackTree::ROOT;
    if stack.is_empty() {
        return node;
    }
    let mut lines = lines.split(';');
    for function in stack.split(';') {
        let (file, line) = place(lines.next().unwrap_or_default());
        let frame = tree.intern(function, file, line);
        node = tree.push(node, frame);
    }
    node
}

/// File and line of `file:line`.
fn place(text: &str) -> (&str, u32) {
    match text.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?))) {
        Some(place) => place,
        None => (text, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_come_back_from_their_text() {
        let mut tree = StackTree::default();
        let leaf = push_stack(&mut tree, "main.H;[waiting for];main.f", "/a:b.go:3;other goroutine:0;f.go:4");
        let frames: Vec<(&str, &str, u32)> =
            tree.stack(leaf).map(|f| (f.function.as_str(), f.file.as_str(), f.line)).collect();
        assert_eq!(frames, [("main.f", "f.go", 4), ("[waiting for]", "other goroutine", 0), ("main.H", "/a:b.go", 3)]);
        assert_eq!(push_stack(&mut tree, "", ""), StackTree::ROOT);
        // Fewer lines than functions, and lines that are none.
        let leaf = push_stack(&mut tree, "a;b", "x:y");
        let frames: Vec<(&str, u32)> = tree.stack(leaf).map(|f| (f.file.as_str(), f.line)).collect();
        assert_eq!(frames, [("", 0), ("x:y", 0)]);
    }
}
