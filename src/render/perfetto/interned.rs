//! What events refer to by number: names, categories, stacks. Each is written once, with the event that needs it first.

use super::proto as pb;
use crate::profile::{NodeIdx, StackTree};
use crate::render::frames;
use rustc_hash::FxHashMap;

/// The mapping that all frames are of: they need one, and a trace of Go has none.
const MAPPING: u64 = 1;

/// Numbers from 1 on, by text.
#[derive(Default)]
struct Numbers(FxHashMap<String, u64>);

impl Numbers {
    /// The number of a text, and whether it is new.
    fn of(&mut self, text: &str) -> (u64, bool) {
        if let Some(&number) = self.0.get(text) {
            return (number, false);
        }
        let number = self.0.len() as u64 + 1;
        self.0.insert(text.to_owned(), number);
        (number, true)
    }
}

/// All that has a number, and what of it was not written yet.
pub(super) struct Interned<'a> {
    tree: &'a StackTree,
    names: Numbers,
    categories: Numbers,
    annotations: Numbers,
    functions: Numbers,
    paths: Numbers,
    /// Our own frames, those of states, come after those of the tree.
    own_frames: Numbers,
    known_frames: Vec<bool>,
    callstacks: FxHashMap<(NodeIdx, u64), u64>,
    fresh: pb::InternedData,
}

impl<'a> Interned<'a> {
    pub(super) fn new(tree: &'a StackTree) -> Self {
        let path = pb::InternedString { iid: Some(1), str: Some(b"Go".to_vec()) };
        let mapping = pb::Mapping { iid: Some(MAPPING), path_string_ids: vec![1] };
        Self {
            tree,
            names: Numbers::default(),
            categories: Numbers::default(),
            annotations: Numbers::default(),
            functions: Numbers::default(),
            paths: Numbers::default(),
            own_frames: Numbers::default(),
            known_frames: vec![false; tree.frames().len()],
            callstacks: FxHashMap::default(),
            fresh: pb::InternedData { mapping_paths: vec![path], mappings: vec![mapping], ..Default::default() },
        }
    }

    /// What the next packet has to bring; none when all is known.
    pub(super) fn take_fresh(&mut self) -> Option<pb::InternedData> {
        let fresh = std::mem::take(&mut self.fresh);
        (fresh != pb::InternedData::default()).then_some(fresh)
    }

    pub(super) fn name(&mut self, text: &str) -> u64 {
        named(self.names.of(text), text, &mut self.fresh.event_names)
    }

    pub(super) fn category(&mut self, text: &str) -> u64 {
        named(self.categories.of(text), text, &mut self.fresh.event_categories)
    }

    pub(super) fn annotation(&mut self, text: &str) -> u64 {
        named(self.annotations.of(text), text, &mut self.fresh.debug_annotation_names)
    }

    /// A stack with the state as its innermost frame.
    pub(super) fn callstack(&mut self, stack: NodeIdx, state: &str) -> u64 {
        let leaf = self.own_frame(&frames::state_frame(state), frames::STATE_FILE);
        if let Some(&iid) = self.callstacks.get(&(stack, leaf)) {
            return iid;
        }
        let (indexes, cut) = frames::leaf_first(self.tree, stack);
        let mut frame_ids = Vec::with_capacity(indexes.len() + 2);
        if cut {
            frame_ids.push(self.own_frame(frames::CUT, frames::CUT_FILE));
        }
        for index in indexes.into_iter().rev() {
            frame_ids.push(self.frame(index));
        }
        frame_ids.push(leaf);
        let iid = self.callstacks.len() as u64 + 1;
        self.callstacks.insert((stack, leaf), iid);
        self.fresh.callstacks.push(pb::Callstack { iid: Some(iid), frame_ids });
        iid
    }

    fn frame(&mut self, index: u32) -> u64 {
        let iid = u64::from(index) + 1;
        if !std::mem::replace(&mut self.known_frames[index as usize], true) {
            let frame = &self.tree.frames()[index as usize];
            self.add_frame(iid, &frame.function, &frame.file, frame.line);
        }
        iid
    }

    fn own_frame(&mut self, name: &str, file: &str) -> u64 {
        let (number, is_new) = self.own_frames.of(name);
        let iid = self.known_frames.len() as u64 + number;
        if is_new {
            self.add_frame(iid, name, file, 0);
        }
        iid
    }

    fn add_frame(&mut self, iid: u64, function: &str, file: &str, line: u32) {
        let function = string(self.functions.of(function), function, &mut self.fresh.function_names);
        let file = (!file.is_empty()).then(|| string(self.paths.of(file), file, &mut self.fresh.source_paths));
        self.fresh.frames.push(pb::Frame {
            iid: Some(iid),
            function_name_id: Some(function),
            mapping_id: Some(MAPPING),
            rel_pc: Some(iid),
            source_path_iid: file,
            line_number: Some(line).filter(|line| *line > 0),
        });
    }
}

fn named((iid, is_new): (u64, bool), text: &str, fresh: &mut Vec<pb::InternedName>) -> u64 {
    if is_new {
        fresh.push(pb::InternedName { iid: Some(iid), name: Some(text.to_owned()) });
    }
    iid
}

fn string((iid, is_new): (u64, bool), text: &str, fresh: &mut Vec<pb::InternedString>) -> u64 {
    if is_new {
        fresh.push(pb::InternedString { iid: Some(iid), str: Some(text.as_bytes().to_vec()) });
    }
    iid
}
