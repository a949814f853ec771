//! A number of nanoseconds that may be missing, in eight bytes: there can be millions of requests.

use std::fmt;

/// Nanoseconds, or none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OptionalNs(u64);

impl OptionalNs {
    /// Stands for none. No trace is that long: 584 years.
    const NONE: Self = Self(u64::MAX);

    /// The nanoseconds, if there are any.
    pub fn get(self) -> Option<u64> {
        (self != Self::NONE).then_some(self.0)
    }
}

impl Default for OptionalNs {
    fn default() -> Self {
        Self::NONE
    }
}

impl From<Option<u64>> for OptionalNs {
    fn from(ns: Option<u64>) -> Self {
        ns.map_or(Self::NONE, |ns| Self(ns.min(u64::MAX - 1)))
    }
}

impl fmt::Debug for OptionalNs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_comes_back() {
        for ns in [None, Some(0), Some(7), Some(u64::MAX - 1)] {
            assert_eq!((OptionalNs::from(ns).get(), format!("{:?}", OptionalNs::from(ns))), (ns, format!("{ns:?}")));
        }
        assert_eq!(OptionalNs::from(Some(u64::MAX)).get(), Some(u64::MAX - 1));
        assert_eq!(OptionalNs::default().get(), None);
    }
}
