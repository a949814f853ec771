//! Warnings that are kept, and those that are only counted: damage can repeat at every sixth byte of a file.

use super::error::Warning;

/// Most warnings of one kind that are kept one by one.
const MAX_OF_A_KIND: u64 = 100;

/// Warnings in their order. Of each kind (`id`) the first [`MAX_OF_A_KIND`] are kept; all further ones are folded into one,
/// with their number, the offset of the first of them, and the sum of their bytes.
#[derive(Clone, Default, Debug)]
pub struct WarningList {
    kept: Vec<Warning>,
    kinds: Vec<KindOfWarning>,
}

/// What is known of one kind of warnings.
#[derive(Clone, Debug)]
struct KindOfWarning {
    id: &'static str,
    kept: u64,
    /// How many were folded.
    folded: u64,
    /// The first of those, with the bytes of all.
    first_folded: Option<Warning>,
}

impl WarningList {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Adds a warning.
    pub fn push(&mut self, warning: Warning) {
        let kind = self.kind(warning.id);
        if kind.kept < MAX_OF_A_KIND {
            kind.kept += 1;
            self.kept.push(warning);
        } else {
            kind.fold(warning, 1);
        }
    }

    /// Adds the warnings of another list, in their order.
    pub fn append(&mut self, other: Self) {
        self.extend(other.kept);
        for KindOfWarning { id, folded, first_folded, .. } in other.kinds {
            if let Some(warning) = first_folded {
                self.kind(id).fold(warning, folded);
            }
        }
    }

    /// All that were kept, then one for each kind of which more were folded.
    pub fn into_vec(self) -> Vec<Warning> {
        let mut all = self.kept;
        all.extend(self.kinds.into_iter().filter_map(KindOfWarning::into_warning));
        all
    }

    fn kind(&mut self, id: &'static str) -> &mut KindOfWarning {
        let at = self.kinds.iter().position(|kind| kind.id == id).unwrap_or_else(|| {
            self.kinds.push(KindOfWarning { id, kept: 0, folded: 0, first_folded: None });
            self.kinds.len() - 1
        });
        &mut self.kinds[at]
    }
}

impl Extend<Warning> for WarningList {
    fn extend<I: IntoIterator<Item = Warning>>(&mut self, warnings: I) {
        warnings.into_iter().for_each(|warning| self.push(warning));
    }
}

impl KindOfWarning {
    /// Folds a warning that stands for `n`.
    fn fold(&mut self, warning: Warning, n: u64) {
        self.folded += n;
        match &mut self.first_folded {
            Some(first) => first.bytes = first.bytes.saturating_add(warning.bytes),
            None => self.first_folded = Some(warning),
        }
    }

    fn into_warning(self) -> Option<Warning> {
        let first = self.first_folded?;
        if self.folded == 1 {
            return Some(first);
        }
        let message = format!("{} more of this kind; the first of them: {}", self.folded, first.message);
        Some(Warning { message, generation: None, ..first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(offsets: std::ops::Range<u64>) -> WarningList {
        let mut list = WarningList::default();
        list.extend(offsets.map(|offset| Warning::lost("damaged-batch", "an event cannot be read", offset, 5)));
        list
    }

    #[test]
    fn what_is_folded_is_counted() {
        let all = list(0..1000).into_vec();
        assert_eq!(all.len() as u64, MAX_OF_A_KIND + 1);
        let last = all.last().unwrap();
        assert_eq!((last.offset, last.bytes), (Some(MAX_OF_A_KIND), 900 * 5));
        assert!(last.message.starts_with("900 more of this kind"), "{}", last.message);
        assert_eq!(list(0..101).into_vec().len(), 101, "one is as good as one that says one more");
    }

    #[test]
    fn lists_that_are_joined_say_the_same() {
        for cut in [0, 1, 60, 100, 101, 150, 299, 300] {
            let mut joined = list(0..cut);
            joined.append(list(cut..300));
            assert_eq!(joined.into_vec(), list(0..300).into_vec(), "{cut}");
        }
    }

    #[test]
    fn kinds_are_counted_apart() {
        let mut list = list(0..100);
        list.push(Warning::note("recording", "left out"));
        assert_eq!(list.into_vec().len(), 101);
    }
}
