//! Names of functions as lines show them: each is made once, however many lines have it.

use crate::profile::SharedText;
use crate::render::names;
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// Makes names, and keeps them.
pub(in crate::render::text) struct LineNames {
    /// Whether they have their whole package path.
    full: bool,
    /// By what stands before it, and by function.
    known: RefCell<FxHashMap<(&'static str, SharedText), SharedText>>,
}

impl LineNames {
    pub(in crate::render::text) fn new(full: bool) -> Self {
        Self { full, known: RefCell::default() }
    }

    /// The name of a function.
    pub(super) fn of(&self, function: &SharedText) -> SharedText {
        self.after("", function)
    }

    /// The same after a word.
    pub(super) fn after(&self, before: &'static str, function: &SharedText) -> SharedText {
        let mut known = self.known.borrow_mut();
        let name = || (before.to_owned() + &names::function(function, self.full)).into();
        known.entry((before, function.clone())).or_insert_with(name).clone()
    }
}
