//! Which way a distribution leans without undecided requests, in words.

use super::units::count;
use crate::profile::{Leaning, LeansToward};

/// Why it leans; none where that is not known.
pub(super) fn why(leaning: Leaning) -> Option<&'static str> {
    match leaning.toward {
        LeansToward::Slow => Some("the fast ones leave no stack"),
        LeansToward::Fast => Some("slow ones left no stack"),
        LeansToward::Unknown => None,
    }
}

/// What undecided requests are, in fewer words: ` fast ones`, if those that count are slow.
pub(super) fn undecided_ones(leaning: Leaning) -> &'static str {
    match leaning.toward {
        LeansToward::Slow => " fast ones",
        LeansToward::Fast => " slow ones",
        LeansToward::Unknown => "",
    }
}

/// `p50 is of the slow 74 of up to 360`.
pub(super) fn of_how_many(leaning: Leaning) -> String {
    let which = match leaning.toward {
        LeansToward::Slow => "the slow ",
        LeansToward::Fast => "the fast ",
        LeansToward::Unknown => "",
    };
    format!("p50 is of {which}{} of up to {}", count(leaning.counted), count(leaning.at_most))
}
