//! Ids of tasks that begin twice. The runtime never gives one again.

use crate::trace::error::Warning;

/// The ids of all tasks that began, each with the file position of the event.
#[derive(Default, Debug)]
pub(crate) struct TaskIds(Vec<(u64, u64)>);

impl TaskIds {
    /// A task begins.
    pub(crate) fn begin(&mut self, id: u64, pos: u64) {
        self.0.push((id, pos));
    }

    /// The tasks that another list has.
    pub(crate) fn join(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// A warning if an id is that of several tasks.
    pub(crate) fn into_warning(self) -> Option<Warning> {
        let Self(mut begun) = self;
        begun.sort_unstable();
        let again = || begun.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1);
        let first = again().min()?;
        let message = match again().count() {
            1 => "a task begins whose id another task has: what belongs to which is not known".to_owned(),
            n => format!("{n} tasks begin whose ids other tasks have: what belongs to which is not known"),
        };
        Some(Warning::lost("repeated-task", message, first, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_that_repeat_are_told() {
        let ids = |list: &[(u64, u64)]| TaskIds(list.to_vec()).into_warning();
        assert_eq!(ids(&[]), None);
        assert_eq!(ids(&[(3, 10), (1, 20), (2, 30)]), None);
        let warning = ids(&[(3, 10), (1, 20), (3, 30), (1, 25), (3, 40)]).unwrap();
        assert_eq!(warning.offset, Some(25));
        assert!(warning.message.starts_with("3 tasks begin"), "{}", warning.message);
    }
}
