//! Random numbers that are the same everywhere and always: xoshiro256++ (Blackman and Vigna, 2019), seeded by
//! SplitMix64 as its authors advise. Written out, because a crate may change its stream with a release.

/// The start of every seed. Any number will do; this one is the first 64 bits of pi's fraction.
const SEED: u64 = 0x243F_6A88_85A3_08D3;

/// A stream of random numbers.
pub(crate) struct Random([u64; 4]);

impl Random {
    /// The stream that belongs to these values. Equal values give equal streams, whichever side they stand on: that
    /// is what makes a comparison antisymmetric.
    pub(crate) fn of(values: &[u64]) -> Self {
        let start = mix(SEED ^ values.len() as u64);
        let mut seed = values.iter().fold(start, |seed, &value| mix(seed ^ value));
        let mut next = || {
            seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            mix(seed)
        };
        Self([next(), next(), next(), next()])
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }
}

/// The finaliser of SplitMix64: every bit of the result depends on every bit of `z`.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_xoshiro256_plus_plus() {
        // The first numbers of the reference implementation for the state 1, 2, 3, 4.
        let mut random = Random([1, 2, 3, 4]);
        let first = [random.next(), random.next(), random.next(), random.next()];
        assert_eq!(first, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn the_stream_depends_on_the_values_alone() {
        let first = |values: &[u64]| Random::of(values).next();
        assert_eq!(first(&[1, 2, 3]), first(&[1, 2, 3]));
        assert_ne!(first(&[1, 2, 3]), first(&[1, 2, 4]));
        assert_ne!(first(&[0]), first(&[0, 0]));
    }
}
