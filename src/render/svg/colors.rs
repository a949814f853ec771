//! Colours of flame graphs. States have fixed colours (`palette`), others on dark paper than on light; frames of the program
//! are pale, so that the states stand out. All are readable on both, because each box brings its own background.

use crate::profile::ProfileFrame;
use crate::render::names;
use crate::render::palette;
pub(crate) use crate::render::palette::{Fill, Rgb};

/// The name that inferno gives the box of everything.
pub(super) const ALL: &str = "all";

/// The text on light boxes.
pub(super) const DARK_TEXT: Rgb = Rgb(0x14, 0x14, 0x14);
/// The text on dark boxes.
pub(super) const LIGHT_TEXT: Rgb = Rgb(0xff, 0xff, 0xff);

/// Between a goroutine and its creator, and the box of everything.
const PSEUDO: Rgb = Rgb(0xc9, 0xc9, 0xc5);

/// Packages of the program: warm, muted, and different enough to see where one ends.
const OWN: [Rgb; 6] = [
    Rgb(0xf0, 0xd9, 0xa8),
    Rgb(0xec, 0xcb, 0xb0),
    Rgb(0xe8, 0xdc, 0xb8),
    Rgb(0xf2, 0xd2, 0x9c),
    Rgb(0xe6, 0xc9, 0xa4),
    Rgb(0xf3, 0xdf, 0xc4),
];

/// Packages of Go itself: the same, nearly grey.
const STD: [Rgb; 4] = [Rgb(0xdf, 0xdb, 0xd2), Rgb(0xd6, 0xd3, 0xcb), Rgb(0xe4, 0xdf, 0xd8), Rgb(0xdb, 0xd5, 0xcc)];

/// The colours of a state.
pub(super) fn of_state(state: &str) -> Fill {
    palette::of_state(state).fill
}

/// The colours of a box by the name in it.
pub(super) fn of_frame(name: &str) -> Fill {
    if matches!(name, ProfileFrame::GO | ProfileFrame::AFTER_LAST_STACK | ALL) {
        return Fill::on_both(PSEUDO);
    }
    if let Some(state) = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')) {
        return of_state(state);
    }
    let colors: &[Rgb] = if names::is_std(name) { &STD } else { &OWN };
    Fill::on_both(colors[(hash(names::package(name)) % colors.len() as u64) as usize])
}

/// FNV-1a: the same package has the same colour in every picture.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// What took as long as before.
const SAME: Rgb = Rgb(0xdd, 0xdc, 0xd6);
/// What is new.
pub(crate) const SLOWER: Rgb = Rgb(0xc0, 0x39, 0x2b);
/// What is gone. Not green: red and green look the same to many.
pub(crate) const FASTER: Rgb = Rgb(0x2a, 0x6f, 0xb5);
/// Shades between the same and the new or the gone. Few, so that few rules say which text they bear.
const SHADES: u16 = 16;

/// The colour of a change. What matters is the part that changed, and small parts must be seen too: hence the root.
pub(crate) fn of_change(base_ns: u128, new_ns: u128) -> Fill {
    let both = base_ns.saturating_add(new_ns).max(1) as f64;
    let part = (base_ns.abs_diff(new_ns) as f64 / both).sqrt();
    let shade = (part * f64::from(SHADES)).round() as u16;
    let to = if new_ns > base_ns { SLOWER } else { FASTER };
    let mix = |a: u8, b: u8| ((u16::from(a) * (SHADES - shade) + u16::from(b) * shade) / SHADES) as u8;
    Fill::on_both(Rgb(mix(SAME.0, to.0), mix(SAME.1, to.1), mix(SAME.2, to.2)))
}

/// The text that is easier to read on a colour.
pub(super) fn text_on(fill: Rgb) -> Rgb {
    let brightness = luminance(fill) + 0.05;
    let (on_dark, on_light) = (1.05 / brightness, brightness / (luminance(DARK_TEXT) + 0.05));
    if on_dark > on_light { LIGHT_TEXT } else { DARK_TEXT }
}

/// Relative luminance by WCAG 2, with the exponent 2 for its 2.4: near enough to choose between black and white.
fn luminance(color: Rgb) -> f64 {
    let linear = |c: u8| (f64::from(c) / 255.0) * (f64::from(c) / 255.0);
    0.2126 * linear(color.0) + 0.7152 * linear(color.1) + 0.0722 * linear(color.2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::palette::OTHER;

    #[test]
    fn frames_are_coloured_by_what_they_are() {
        assert_eq!(of_frame("[running]").light.to_string(), "#1b835c");
        assert_eq!(of_frame("[chan receive]").light.to_string(), "#e66800");
        assert_eq!(of_frame("[GC mark assist wait for work]").light.to_string(), "#805bb7");
        assert_eq!(of_frame("[never heard of]"), OTHER);
        assert_eq!(of_frame("[go]"), Fill::on_both(PSEUDO));
        assert!(STD.contains(&of_frame("net/http.(*conn).serve").light));
        assert_eq!(of_frame("main.a"), of_frame("main.(*T).b"));
        assert!(OWN.contains(&of_frame("github.com/shop/cart.load[...]").dark));
    }

    #[test]
    fn changes_are_red_or_blue_by_how_much() {
        assert_eq!(of_change(0, 0), Fill::on_both(SAME));
        assert_eq!(of_change(1_000_000, 1_000_000), Fill::on_both(SAME));
        assert_eq!(of_change(0, 5), Fill::on_both(SLOWER));
        assert_eq!(of_change(5, 0), Fill::on_both(FASTER));
        assert_ne!(of_change(100, 105), Fill::on_both(SAME));
        assert_eq!(of_change(u128::MAX, 0), Fill::on_both(FASTER));
    }

    #[test]
    fn text_is_readable_on_every_colour() {
        for fill in OWN.iter().chain(&STD).chain([&PSEUDO, &SAME]) {
            assert_eq!(text_on(*fill), DARK_TEXT);
        }
        assert_eq!(text_on(SLOWER), LIGHT_TEXT);
        assert_eq!(text_on(of_state("STW").light), LIGHT_TEXT);
        assert_eq!(text_on(of_state("STW").dark), DARK_TEXT);
        assert_eq!(text_on(of_state("network").dark), DARK_TEXT);
    }
}
