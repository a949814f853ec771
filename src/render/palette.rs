//! The colours of states, in terminals and in pictures: one table.
//!
//! A terminal's user chooses what its colours look like. Those from 1 to 6 are readable on the dark and the light background
//! of common themes; the bright ones are greys in Solarized, and white and black are the background of some. So states have
//! one of the six or none, and those that share a colour differ in their names and in the signs of lanes.

use anstyle::AnsiColor;

/// A colour of the screen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Rgb(pub(crate) u8, pub(crate) u8, pub(crate) u8);

impl std::fmt::Display for Rgb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// The colours of a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StateColor {
    /// In a terminal; none for the colour of other text.
    pub(crate) terminal: Option<AnsiColor>,
    /// In pictures, as the background of a box. The hues are those of gotraceui; colour-blind people can tell them apart.
    pub(crate) fill: Rgb,
}

/// The colours of a state, by its name.
pub(crate) fn of_state(state: &str) -> StateColor {
    use AnsiColor::{Blue, Cyan, Green, Magenta, Red, Yellow};
    let (terminal, fill) = match state {
        "running" => (Some(Green), Rgb(0x2e, 0x8b, 0x57)),
        "runnable" => (Some(Cyan), Rgb(0x2a, 0xa6, 0xb8)),
        "network" => (Some(Magenta), Rgb(0xd9, 0x8b, 0xa0)),
        "syscall" => (Some(Red), Rgb(0xa0, 0x52, 0x2d)),
        "sync" => (Some(Yellow), Rgb(0xc0, 0x39, 0x2b)),
        "sync.(*Cond).Wait" => (Some(Yellow), Rgb(0xb5, 0x65, 0x1d)),
        "sleep" | "forever" => (None, Rgb(0x88, 0x95, 0xa7)),
        _ if state.starts_with("chan ") => (Some(Blue), Rgb(0xe6, 0x7e, 0x22)),
        _ if state.starts_with("select") => (Some(Blue), Rgb(0xf0, 0xa6, 0x3c)),
        _ if state.starts_with("sync") => (Some(Yellow), OTHER),
        _ if state.contains("stop the world") || state.contains("STW") => (Some(Magenta), Rgb(0x4b, 0x00, 0x82)),
        _ if state.contains("GC") => (Some(Magenta), Rgb(0x7d, 0x4f, 0xb5)),
        _ => (None, OTHER),
    };
    StateColor { terminal, fill }
}

/// States that have no colour of their own.
pub(crate) const OTHER: Rgb = Rgb(0xb0, 0xb0, 0xb0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_show_only_colours_that_no_theme_hides() {
        let hidden = [AnsiColor::Black, AnsiColor::White];
        for state in
            ["running", "runnable", "network", "syscall", "sync", "select", "chan receive", "GC sweep wait", "x"]
        {
            let terminal = of_state(state).terminal;
            assert!(terminal.is_none_or(|color| !hidden.contains(&color) && !color.is_bright()), "{state}");
        }
        assert_eq!(of_state("sleep").terminal, None);
    }
}
