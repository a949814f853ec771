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
/// to 1, as WCAG 2 has it for graphics. The hues are those of gotraceui; colour-blind people can tell them apart.
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
        "running" => (Some(Green), fill(0x2e_8b_57, 0x3f_ae_70)),
        "runnable" => (Some(Cyan), fill(0x1f_90_a2, 0x35_b8_cb)),
        "network" => (Some(Magenta), fill(0xc4_68_82, 0xe3_9b_b0)),
        "syscall" => (Some(Red), fill(0xa0_52_2d, 0xc8_7d_55)),
        "sync" => (Some(Yellow), fill(0xc0_39_2b, 0xe5_60_4f)),
        "sync.(*Cond).Wait" => (Some(Yellow), fill(0x8f_5a_14, 0xc9_98_4a)),
        "sleep" | "forever" => (None, fill(0x74_82_95, 0x98_a5_b7)),
        _ if state.starts_with("chan ") => (Some(Blue), fill(0xcc_66_0a, 0xf0_8c_30)),
        _ if state.starts_with("select") => (Some(Blue), fill(0xa9_82_00, 0xf3_c0_50)),
        _ if state.starts_with("sync") => (Some(Yellow), OTHER),
        _ if state.contains("stop the world") || state.contains("STW") => (Some(Magenta), fill(0x4b_00_82, 0xc7_a6_ff)),
        _ if state.contains("GC") => (Some(Magenta), fill(0x7d_4f_b5, 0xa0_7c_d6)),
        _ => (None, OTHER),
    };
    StateColor { terminal, fill }
}

/// States that have no colour of their own.
pub(crate) const OTHER: Fill = fill(0x86_86_86, 0xb0_b0_b0);

/// Light and dark paper, in pictures and pages.
#[cfg(test)]
const PAPERS: ([u32; 2], [u32; 2]) = ([0xff_ff_ff, 0xfd_fd_fb], [0x1c_1c_1e, 0x16_18_1b]);

#[cfg(test)]
mod tests {
    use super::*;

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

    /// Relative luminance by WCAG 2.
    fn luminance(color: Rgb) -> f64 {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(color.0) + 0.7152 * linear(color.1) + 0.0722 * linear(color.2)
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
