//! By how many waits a profile tells what other goroutines did for requests, and the waits that its stacks do not show.

/// How a profile's stacks tell chains of waits.
///
/// Two profiles may tell the same chain differently, each by as many waits as it had room for:
///
/// ```text
///   by 8   A → [waiting for] → B → [waiting for] → C
///   by 1   A → [waiting for] → [more] → C
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ToldWaits {
    /// How many waits stacks show. None where that is not known: where one of the tables is of an engine, or of a build that did
    /// not write it.
    pub shown: Option<ShownWaits>,
    /// Time of chains that have more waits than their stacks show.
    pub(crate) unseen: Vec<UnseenWaits>,
}

/// How many waits stacks show at most before `[more]`, which stands for further ones: 8 where there was room for all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShownWaits {
    /// The fewest of all commands that told a part of the stacks: tables of several can be read together.
    pub fewest: u8,
    /// The most of them.
    pub most: u8,
}

impl ShownWaits {
    /// All stacks were told by one command.
    pub(crate) fn by_one(most: u8) -> Self {
        Self { fewest: most, most }
    }

    /// These stacks, and others.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { fewest: self.fewest.min(other.fewest), most: self.most.max(other.most) }
    }
}

/// Time of one sample that was waited for in a chain of which the stack does not show all waits. In some a goroutine did not
/// exist yet, so that they have no stack; they count nevertheless where chains are told by fewer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct UnseenWaits {
    /// Its position.
    pub(crate) sample: u32,
    /// All waits of the chain.
    pub(crate) waits: u8,
    /// The first bit is set where the first wait is not shown, and so on.
    pub(crate) unseen: u8,
    /// The time, in ns.
    pub(crate) ns: u64,
}

impl ToldWaits {
    /// Samples have other positions now.
    pub(crate) fn renumber(&mut self, position: impl Fn(u32) -> u32) {
        self.unseen.iter_mut().for_each(|of| of.sample = position(of.sample));
    }
}

impl UnseenWaits {
    /// How many of the first waits are shown.
    pub(crate) fn shown_of(&self, first: u8) -> u8 {
        let of_first = u8::try_from((1_u16 << first.min(8)) - 1).unwrap_or(u8::MAX);
        first.saturating_sub((self.unseen & of_first).count_ones() as u8)
    }
}
