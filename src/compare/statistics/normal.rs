//! The tail of the normal distribution.

use std::f64::consts::{PI, SQRT_2};

/// From here on the continued fraction is used: it converges fast, and `1 − erf` would lose digits.
const FAR: f64 = 2.0;
/// Steps of the continued fraction: at [`FAR`] a hundred leave an error below that of an `f64`.
const STEPS: u32 = 120;

/// The complementary error function, with a relative error below 1e-12 until it vanishes.
///
/// Near zero it is one less the series of erf whose terms are all positive, farther out Laplace's continued fraction
/// (Abramowitz and Stegun, 7.1.6 and 7.1.14). Neither needs a table of coefficients.
pub fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    if x < FAR {
        return 1.0 - erf_by_series(x);
    }
    let fraction = (1..=STEPS).rev().fold(x, |below, k| x + f64::from(k) / 2.0 / below);
    (-x * x).exp() / PI.sqrt() / fraction
}

/// erf(x) = 2/√π · e^(−x²) · Σ 2ᵏ x²ᵏ⁺¹ / (1·3·…·(2k+1)).
fn erf_by_series(x: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term > sum * f64::EPSILON / 4.0 {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// How much of a normal distribution is at least `z` standard deviations above its mean.
pub(crate) fn upper_tail(z: f64) -> f64 {
    erfc(z / SQRT_2) / 2.0
}
