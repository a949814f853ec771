//! Bootstrap intervals: how much a figure would differ with other requests of the same kind.
//!
//! 1. Draw as many values from a side as it has, with replacement, and note the figures of this resample.
//! 2. Repeat [`RESAMPLES`] times for each side.
//! 3. Pair the resamples of both sides and sort the differences of their figures.
//! 4. Leave out 2.5 % at either end: what is left spans the interval (percentile method).
//!
//! Cost is bounded. A side with more than [`DRAWS`] values is resampled with that many draws, and the deviation of a
//! figure is scaled by √(draws / values): with all draws it would be smaller by this factor. The mean deviates in ns; a
//! quantile deviates in ranks, and is then looked up among the values, so it stays one of them.

use super::durations::{Durations, Quantile};
use super::random::Random;
use super::{ConfidenceInterval, difference};

/// Resamples of each side.
pub const RESAMPLES: usize = 2000;

/// Draws of one resample at most.
pub const DRAWS: usize = 10_000;

/// Resamples left out at either end: 2.5 %.
const TAIL: usize = RESAMPLES / 40;

/// The figures of one side in each of its resamples.
pub(crate) struct Resamples {
    means: Vec<f64>,
    quantiles: [Vec<u64>; Quantile::REPORTED.len()],
}

/// Draws from one side, by the stream that belongs to its values; none without values.
pub(crate) fn resample(side: &Durations) -> Option<Resamples> {
    let values = side.sorted();
    if values.is_empty() {
        return None;
    }
    let n_draws = values.len().min(DRAWS);
    let scale = (n_draws as f64 / values.len() as f64).sqrt();
    let mean = side.sum_ns() as f64 / values.len() as f64;
    let mut random = Random::of(values);
    let mut drawn = vec![0u32; n_draws];
    let mut out = Resamples { means: Vec::with_capacity(RESAMPLES), quantiles: Default::default() };
    for _ in 0..RESAMPLES {
        drawn.fill(0);
        let sum = draw(values, &mut drawn, &mut random);
        let drawn_mean = sum as f64 / n_draws as f64;
        out.means.push(mean + (drawn_mean - mean) * scale);
        let ranks = ranks(&drawn);
        for ((quantile, rank), all) in Quantile::REPORTED.iter().zip(ranks).zip(&mut out.quantiles) {
            all.push(values[scaled_index(*quantile, rank, n_draws, values.len(), scale)]);
        }
    }
    Some(out)
}

/// Draws as many values as `drawn` has buckets, counts in which bucket of the sorted values each is, and gives their sum.
/// One random number chooses the value and its bucket; with as many buckets as values, a bucket is one value.
fn draw(values: &[u64], drawn: &mut [u32], random: &mut Random) -> u128 {
    let (n, n_buckets) = (values.len() as u128, drawn.len() as u128);
    let mut sum = 0;
    for _ in 0..drawn.len() {
        let number = u128::from(random.next());
        drawn[((number * n_buckets) >> 64) as usize] += 1;
        sum += u128::from(values[((number * n) >> 64) as usize]);
    }
    sum
}

/// The buckets that the reported quantiles of a resample are in.
fn ranks(drawn: &[u32]) -> [usize; Quantile::REPORTED.len()] {
    let wanted = Quantile::REPORTED.map(|q| q.index(drawn.len()));
    let mut found = [drawn.len() - 1; Quantile::REPORTED.len()];
    let (mut seen, mut next) = (0, 0);
    for (bucket, &count) in drawn.iter().enumerate() {
        seen += count as usize;
        while next < wanted.len() && seen > wanted[next] {
            found[next] = bucket;
            next += 1;
        }
    }
    found
}

/// The position among `n` sorted values of a quantile that was found in `bucket` of `n_buckets`.
fn scaled_index(quantile: Quantile, bucket: usize, n_buckets: usize, n: usize, scale: f64) -> usize {
    if n_buckets == n {
        return bucket;
    }
    let deviation = (bucket as f64 - quantile.index(n_buckets) as f64) * (n as f64 / n_buckets as f64) * scale;
    let index = quantile.index(n) as f64 + deviation.round_ties_even();
    (index.max(0.0) as usize).min(n - 1)
}

/// The interval of the difference of the means.
pub(crate) fn mean_interval(base: &Resamples, new: &Resamples) -> ConfidenceInterval {
    // Swapping the sides must mirror the interval. The difference of floats and rounding half to even change their sign
    // exactly, and the cast saturates; only `i64::MIN` has no counterpart, so it is excluded.
    let delta = |(b, n): (&f64, &f64)| ((n - b).round_ties_even() as i64).max(-i64::MAX);
    percentiles(base.means.iter().zip(&new.means).map(delta).collect())
}

/// The interval of the difference of a quantile, given by its position in [`Quantile::REPORTED`].
pub(crate) fn quantile_interval(base: &Resamples, new: &Resamples, which: usize) -> ConfidenceInterval {
    let pairs = base.quantiles[which].iter().zip(&new.quantiles[which]);
    percentiles(pairs.map(|(&b, &n)| difference(b, n)).collect())
}

/// The middle 95 %: as many are left out below as above, so that negated differences give the mirrored interval.
fn percentiles(mut deltas: Vec<i64>) -> ConfidenceInterval {
    deltas.sort_unstable();
    ConfidenceInterval { low_ns: deltas[TAIL], high_ns: deltas[deltas.len() - 1 - TAIL] }
}
