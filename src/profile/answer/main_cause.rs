//! The causes of an answer as one, for whoever has no room to name two places.

use super::{Answer, Cause};
use std::borrow::Cow;

impl Answer {
    /// Whether nothing but their places and what they wait for tells two causes apart: both are of one state.
    pub fn differ_in_place(&self) -> bool {
        matches!(self.causes.as_slice(), [first, second] if first.state == second.state)
    }

    /// What decides, without a second cause. What requests do themselves in two places is one cause then, without a place,
    /// unless the first is most of it.
    pub fn main_cause(&self) -> Option<Cow<'_, Cause>> {
        let first = self.causes.first()?;
        let second = self.causes.get(1).filter(|second| first.is_own_doing_as(second) && second.ns >= first.ns / 2);
        let Some(second) = second else { return Some(Cow::Borrowed(first)) };
        let ns = first.ns.saturating_add(second.ns);
        Some(Cow::Owned(Cause { place: None, waits_in: String::new(), ns, ..first.clone() }))
    }
}

impl Cause {
    /// Whether both are the requests' own doing, and the same.
    fn is_own_doing_as(&self, other: &Self) -> bool {
        let is_own = self.waits_for.is_none() && other.waits_for.is_none();
        is_own
            && matches!(self.state.as_str(), "running" | "syscall" | "sleep")
            && (self.state.as_str(), self.detail) == (other.state.as_str(), other.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{CodePlace, WaitsFor};

    fn cause(function: &str, state: &str, ns: u64) -> Cause {
        let place = CodePlace { function: function.to_owned(), ..CodePlace::default() };
        Cause { place: Some(place), waits_in: "os.Stat".to_owned(), state: state.to_owned(), ns, ..Cause::default() }
    }

    fn main(first: &Cause, second: &Cause) -> (bool, Cause) {
        let answer = Answer { causes: vec![first.clone(), second.clone()], ..Answer::default() };
        (answer.differ_in_place(), answer.main_cause().expect("a cause").into_owned())
    }

    #[test]
    fn what_requests_do_in_two_places_is_one_cause() {
        for state in ["running", "syscall", "sleep"] {
            let both = Cause { place: None, waits_in: String::new(), ..cause("", state, 90) };
            assert_eq!(main(&cause("main.a", state, 60), &cause("main.b", state, 30)), (true, both));
            // The first is most of it.
            let first = cause("main.a", state, 60);
            assert_eq!(main(&first, &cause("main.b", state, 29)), (true, first));
        }
    }

    #[test]
    fn two_things_are_two_causes() {
        let first = cause("main.a", "running", 60);
        let swept = Cause { detail: "sweep", ..cause("main.b", "running", 50) };
        assert_eq!(main(&first, &swept), (true, first.clone()));
        assert_eq!(main(&first, &cause("main.b", "sleep", 50)), (false, first.clone()));
        // Waits in two places are for different things; and so is what others do meanwhile.
        let wait = cause("main.a", "chan receive", 60);
        assert_eq!(main(&wait, &cause("main.b", "chan receive", 50)), (true, wait));
        let for_other = Cause { waits_for: Some(WaitsFor::default()), ..cause("main.b", "running", 50) };
        assert_eq!(main(&first, &for_other), (true, first.clone()));
        let alone = Answer { causes: vec![first.clone()], ..Answer::default() };
        assert_eq!((alone.differ_in_place(), alone.main_cause().as_deref()), (false, Some(&first)));
        assert_eq!(Answer::default().main_cause(), None);
    }
}
