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
    /// In pictures.
    pub(crate) fill: Fill,
}

/// The background of a box in pictures. Both differ enough from the paper that a box and a mark in a legend are seen: by 3
/// to 1, as WCAG 2 has it for graphics. The hues are near those of gotraceui, and so chosen that colour-blind people can tell
/// them apart, too: the tests below say how well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Fill {
    /// On light paper.
    pub(crate) light: Rgb,
    /// On dark paper.
    pub(crate) dark: Rgb,
}

impl Fill {
    /// The same colour on both.
    pub(crate) const fn on_both(color: Rgb) -> Self {
        Self { light: color, dark: color }
    }
}

const fn fill(light: u32, dark: u32) -> Fill {
    const fn rgb(hex: u32) -> Rgb {
        let [_, r, g, b] = hex.to_be_bytes();
        Rgb(r, g, b)
    }
    Fill { light: rgb(light), dark: rgb(dark) }
}

/// The colours of a state, by its name.
pub(crate) fn of_state(state: &str) -> StateColor {
    use AnsiColor::{Blue, Cyan, Green, Magenta, Red, Yellow};
    let (terminal, fill) = match state {
        "running" => (Some(Green), fill(0x1b_83_5c, 0x3d_aa_83)),
        "runnable" => (Some(Cyan), fill(0x16_9a_b4, 0x44_c7_de)),
        "network" => (Some(Magenta), fill(0xbd_6e_79, 0xec_9e_a8)),
        "syscall" => (Some(Red), fill(0x8d_41_12, 0xb2_79_5d)),
        "sync" => (Some(Yellow), fill(0xbe_45_40, 0xef_43_2b)),
        "sync.(*Cond).Wait" => (Some(Yellow), fill(0x97_5c_00, 0xbe_97_50)),
        "sleep" | "forever" => (None, fill(0x6b_77_89, 0x8e_98_aa)),
        _ if state.starts_with("chan ") => (Some(Blue), fill(0xe6_68_00, 0xff_85_02)),
        _ if state.starts_with("select") => (Some(Blue), fill(0xa7_8f_5a, 0xff_d0_56)),
        _ if state.starts_with("sync") => (Some(Yellow), OTHER),
        _ if state.contains("stop the world") || state.contains("STW") => (Some(Magenta), fill(0x36_05_72, 0xc4_9b_ff)),
        _ if state.contains("GC") => (Some(Magenta), fill(0x80_5b_b7, 0xa1_72_da)),
        _ => (None, OTHER),
    };
    StateColor { terminal, fill }
}

/// States that have no colour of their own.
pub(crate) const OTHER: Fill = fill(0x90_90_91, 0xba_bc_c2);

/// Light and dark paper, in pictures and pages.
#[cfg(test)]
const PAPERS: ([u32; 2], [u32; 2]) = ([0xff_ff_ff, 0xfd_fd_fb], [0x1c_1c_1e, 0x16_18_1b]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::vision;

    const STATES: [&str; 12] = [
        "running",
        "runnable",
        "network",
        "syscall",
        "sync",
        "sync.(*Cond).Wait",
        "sleep",
        "chan receive",
        "select",
        "stop the world",
        "GC sweep wait",
        "x",
    ];

    /// States that stand side by side in most requests.
    const COMMON: [&str; 9] =
        ["running", "runnable", "network", "syscall", "sync", "sleep", "chan receive", "select", "GC sweep wait"];

    /// Relative luminance by WCAG 2.
    fn luminance(color: Rgb) -> f64 {
        let [red, green, blue] = vision::linear(color);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn pictures_show_each_state_on_light_and_dark_paper() {
        for (at, state) in STATES.iter().enumerate() {
            let color = of_state(state).fill;
            for (papers, of_paper) in [(PAPERS.0, color.light), (PAPERS.1, color.dark)] {
                for paper in papers.map(|paper| fill(paper, 0).light) {
                    assert!(contrast(of_paper, paper) >= 3.0, "{state}: {of_paper} on {paper}");
                }
            }
            let others = || STATES[at + 1..].iter().map(|other| of_state(other).fill);
            assert!(others().all(|other| other.light != color.light && other.dark != color.dark), "{state}");
        }
    }

    /// By CIEDE2000, of which about 1 is just noticed: common states by 10, all others by 6.5. Those that share a colour are
    /// told apart by what is written beside it: sending and receiving on channels, the waits of `sync` without a row in the
    /// table, kinds of collector work.
    #[test]
    fn states_differ_for_people_who_see_fewer_colours() {
        for (name, seen_by) in &vision::VISIONS {
            for (at, state) in STATES.iter().enumerate() {
                for other in &STATES[at + 1..] {
                    let fills = [of_state(state).fill, of_state(other).fill];
                    let least = if [state, other].iter().all(|of| COMMON.contains(of)) { 10.0 } else { 6.5 };
                    for (paper, [a, b]) in
                        [("light", fills.map(|fill| fill.light)), ("dark", fills.map(|fill| fill.dark))]
                    {
                        let found = vision::difference(vision::seen(a, seen_by), vision::seen(b, seen_by));
                        assert!(found >= least, "{state} {a} and {other} {b} on {paper}, {name}: {found:.1}");
                    }
                }
            }
        }
        assert_eq!(of_state("chan send"), of_state("chan receive"));
    }

    #[test]
    fn terminals_show_only_colours_that_no_theme_hides() {
        let hidden = [AnsiColor::Black, AnsiColor::White];
        for state in STATES {
            let terminal = of_state(state).terminal;
            assert!(terminal.is_none_or(|color| !hidden.contains(&color) && !color.is_bright()), "{state}");
        }
        assert_eq!(of_state("sleep").terminal, None);
    }
}
