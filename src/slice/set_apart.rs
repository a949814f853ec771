//! What matches and is no root, because requests on a server are.

use crate::trace::ids::StringIdx;
use rustc_hash::FxHashMap;

/// Roots that are no requests on a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct OtherRoots {
    /// How many there would be, by what would make them roots and what matched.
    pub(crate) counts: FxHashMap<(&'static str, StringIdx), u64>,
    /// What selects those that are goroutines, and nothing else; none where nothing is known to.
    pub(crate) goroutines: Option<Narrowed>,
    /// What selects those that are stretches, and nothing else but requests.
    pub(crate) stretches: Option<Narrowed>,
}

/// How less is selected than was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Narrowed {
    /// By the patterns as they are, and fewer kinds of roots.
    AsAsked,
    /// By the names of the functions that matched.
    ByName,
}
