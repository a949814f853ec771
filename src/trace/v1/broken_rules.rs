//! How many events contradict others or make no sense, and the first of them.

/// Events that break a rule.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct BrokenRules {
    /// How many.
    pub(crate) events: u64,
    /// The lowest file position of one, and the rule; none without any.
    pub(crate) first: Option<(u64, &'static str)>,
}

impl BrokenRules {
    /// Adds an event.
    #[cold]
    pub(crate) fn add(&mut self, pos: u64, rule: &'static str) {
        self.join(Self { events: 1, first: Some((pos, rule)) });
    }

    /// Adds those of another list.
    pub(crate) fn join(&mut self, other: Self) {
        self.events += other.events;
        self.first = self.first.into_iter().chain(other.first).min();
    }
}
