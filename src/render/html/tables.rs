//! Names, frames, stacks and states: each is written once, and referred to by its position.

use crate::profile::{OwnCode, StackTree};
use crate::render::clean::clean;
use crate::render::{names, palette};
use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// Distinct texts, safe to show.
#[derive(Default)]
pub(super) struct Strings(IndexSet<String, FxBuildHasher>);

impl Strings {
    /// The position of a text, without what could disturb a reader.
    pub(super) fn add(&mut self, text: &str) -> usize {
        self.add_clean(&clean(text))
    }

    /// The position of a text that is clean already.
    fn add_clean(&mut self, text: &str) -> usize {
        match self.0.get_index_of(text) {
            Some(at) => at,
            None => self.0.insert_full(text.to_owned()).0,
        }
    }
}

impl Serialize for Strings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

/// Distinct states, in the order in which they were met.
#[derive(Default)]
pub(super) struct States(IndexSet<String, FxBuildHasher>);

impl States {
    /// The position of a state.
    pub(super) fn add(&mut self, state: &str) -> usize {
        match self.0.get_index_of(state) {
            Some(at) => at,
            None => self.0.insert_full(state.to_owned()).0,
        }
    }
}

#[derive(Serialize)]
struct StateRow<'a> {
    name: Cow<'a, str>,
    /// Its colour on light paper.
    light: String,
    /// Its colour on dark paper.
    dark: String,
}

impl<'a> StateRow<'a> {
    fn new(state: &'a str) -> Self {
        let palette::Fill { light, dark } = palette::of_state(state).fill;
        Self { name: clean(state), light: light.to_string(), dark: dark.to_string() }
    }
}

impl Serialize for States {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|state| StateRow::new(state)))
    }
}

/// The frames of stacks, in columns.
#[derive(Serialize, Default)]
pub(super) struct Frames {
    /// The function with its package path.
    function: Vec<usize>,
    /// The function as reports show it.
    short: Vec<usize>,
    file: Vec<usize>,
    line: Vec<u32>,
    /// 1 where the function is the program's own.
    own: Vec<u8>,
    /// 1 where this tool added the frame.
    pseudo: Vec<u8>,
}

impl Frames {
    pub(super) fn of(tree: &StackTree, own_code: &OwnCode, strings: &mut Strings) -> Self {
        let mut frames = Self::default();
        for frame in tree.frames() {
            frames.function.push(strings.add(&frame.function));
            frames.short.push(strings.add_clean(&names::function(&frame.function, false)));
            frames.file.push(strings.add(&frame.file));
            frames.line.push(frame.line);
            frames.own.push(u8::from(own_code.has(frame)));
            frames.pseudo.push(u8::from(frame.is_pseudo()));
        }
        frames
    }
}

/// Stacks as a tree: of each node but the first, which is the empty stack, its parent and its frame.
#[derive(Serialize)]
pub(super) struct Stacks {
    parent: Vec<u32>,
    frame: Vec<u32>,
}

impl Stacks {
    pub(super) fn of(tree: &StackTree) -> Self {
        let (parent, frame) = tree.nodes().map(|(parent, frame)| (parent.0, frame)).unzip();
        Self { parent, frame }
    }
}
