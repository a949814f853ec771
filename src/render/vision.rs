//! How colours look to people who see fewer of them, and how much two colours differ; for tests. Knows no states.
//!
//! Simulated are whole dichromacies, as Machado, Oliveira and Fernandes have them (2009, severity 1.0; of linear RGB).
//! Differences are CIEDE2000 (Sharma, Wu and Dalal 2005), on paper lit by D65: about 1 is just noticed side by side.

use super::palette::Rgb;

/// Rows of a matrix.
type Matrix = [[f64; 3]; 3];

/// Who sees, and what that makes of linear RGB.
pub(super) const VISIONS: [(&str, Matrix); 4] = [
    ("all colours", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
    ),
    (
        "deuteranopia",
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    ),
    (
        "tritanopia",
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ),
];

/// sRGB to CIE XYZ, by the white of D65.
const XYZ: Matrix = [
    [0.412_456_4 / 0.950_47, 0.357_576_1 / 0.950_47, 0.180_437_5 / 0.950_47],
    [0.212_672_9, 0.715_152_2, 0.072_175_0],
    [0.019_333_9 / 1.088_83, 0.119_192_0 / 1.088_83, 0.950_304_1 / 1.088_83],
];

fn product(matrix: &Matrix, [x, y, z]: [f64; 3]) -> [f64; 3] {
    matrix.map(|[a, b, c]| a * x + b * y + c * z)
}

/// The parts of a colour as light.
pub(super) fn linear(color: Rgb) -> [f64; 3] {
    [color.0, color.1, color.2].map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

/// A colour as somebody sees it, in CIELAB.
pub(super) fn seen(color: Rgb, vision: &Matrix) -> [f64; 3] {
    let light = product(vision, linear(color)).map(|part| part.clamp(0.0, 1.0));
    let [x, y, z] = product(&XYZ, light)
        .map(|part| if part > 216.0 / 24389.0 { part.cbrt() } else { (24389.0 / 27.0 * part + 16.0) / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// CIEDE2000 of two colours in CIELAB.
pub(super) fn difference([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    let seventh = |chroma: f64| (chroma.powi(7) / (chroma.powi(7) + 25.0_f64.powi(7))).sqrt();
    let stretch = 1.0 + 0.5 * (1.0 - seventh(f64::midpoint(a1.hypot(b1), a2.hypot(b2))));
    let (c1, c2) = ((stretch * a1).hypot(b1), (stretch * a2).hypot(b2));
    let hue = |a: f64, b: f64| b.atan2(stretch * a).to_degrees().rem_euclid(360.0);
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    // Two hues, the shorter way around.
    let turn = if c1 * c2 == 0.0 { 0.0 } else { (h2 - h1 + 180.0).rem_euclid(360.0) - 180.0 };
    let h = if c1 * c2 == 0.0 { h1 + h2 } else { (h1 + turn / 2.0).rem_euclid(360.0) };
    let (dl, dc, dh) = (l2 - l1, c2 - c1, 2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin());
    let (l, c) = (f64::midpoint(l1, l2), f64::midpoint(c1, c2));
    let cos = |factor: f64, shift: f64| (factor * h + shift).to_radians().cos();
    let t = 1.0 - 0.17 * cos(1.0, -30.0) + 0.24 * cos(2.0, 0.0) + 0.32 * cos(3.0, 6.0) - 0.20 * cos(4.0, -63.0);
    let from_50 = (l - 50.0).powi(2);
    let sl = 1.0 + 0.015 * from_50 / (20.0 + from_50).sqrt();
    let (sc, sh) = (1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let turned = 60.0 * (-((h - 275.0) / 25.0).powi(2)).exp();
    let rt = -turned.to_radians().sin() * 2.0 * seventh(c);
    ((dl / sl).powi(2) + (dc / sc).powi(2) + (dh / sh).powi(2) + rt * (dc / sc) * (dh / sh)).sqrt()
}

#[test]
fn differences_are_those_of_the_published_examples() {
    for (a, b, expected) in [
        ([50.0, 2.677_2, -79.775_1], [50.0, 0.0, -82.748_5], 2.042_5),
        ([50.0, 3.157_1, -77.280_3], [50.0, 0.0, -82.748_5], 2.861_5),
        ([50.0, 2.49, -0.001], [50.0, -2.49, 0.000_9], 7.179_2),
        ([50.0, -0.001, 2.49], [50.0, 0.000_9, -2.49], 4.804_5),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.149_2),
        ([22.723_3, 20.090_4, -46.694_0], [23.033_1, 14.973_0, -42.561_9], 2.037_3),
        ([2.077_6, 0.079_5, -1.135_0], [0.903_3, -0.063_6, -0.551_4], 0.908_2),
    ] {
        let found = difference(a, b);
        assert!((found - expected).abs() < 5e-5, "{a:?} {b:?}: {found}");
        assert!((difference(b, a) - found).abs() < 1e-9);
    }
}

#[test]
fn red_and_green_look_alike_to_some() {
    let (red, green) = (Rgb(0xb0, 0x50, 0x20), Rgb(0x80, 0x7a, 0x20));
    let differ = |i: usize| difference(seen(red, &VISIONS[i].1), seen(green, &VISIONS[i].1));
    assert!(differ(0) > 3.0 * differ(2), "{} {}", differ(0), differ(2));
    let [l, a, b] = seen(Rgb(255, 255, 255), &VISIONS[3].1);
    assert!((l - 100.0).abs() < 0.1 && a.abs() < 0.1 && b.abs() < 0.1, "white stays white: {l} {a} {b}");
}
