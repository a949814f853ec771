//! Numbers become text here and nowhere else: durations, counts and shares.

/// The unit that durations are shown in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unit {
    /// The largest unit that leaves a figure before the point; three significant digits.
    #[default]
    Auto,
    /// Nanoseconds.
    Ns,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
}

impl Unit {
    /// Nanoseconds in one unit; 1 for [`Unit::Auto`].
    pub fn ns(self) -> u64 {
        match self {
            Self::Auto | Self::Ns => 1,
            Self::Us => 1_000,
            Self::Ms => 1_000_000,
            Self::S => 1_000_000_000,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Auto | Self::Ns => "ns",
            Self::Us => "µs",
            Self::Ms => "ms",
            Self::S => "s",
        }
    }

    /// Digits after the point when the unit is fixed.
    fn decimals(self) -> u32 {
        match self {
            Self::Auto | Self::Ns => 0,
            Self::Us => 1,
            Self::Ms | Self::S => 3,
        }
    }
}

/// A duration with its unit: `18.2 ms`, `3.90 s`, `61 ns`.
pub fn duration(ns: u64, unit: Unit) -> String {
    if unit == Unit::Auto {
        return automatic(ns);
    }
    format!("{} {}", fixed(ns, unit.ns(), unit.decimals()), unit.suffix())
}

/// How a duration changed, with its sign: `+2.80 ms`, `−61 ns`, `0 ns`.
pub fn change(from_ns: u64, to_ns: u64, unit: Unit) -> String {
    let sign = match to_ns.cmp(&from_ns) {
        std::cmp::Ordering::Less => "−",
        std::cmp::Ordering::Equal => "",
        std::cmp::Ordering::Greater => "+",
    };
    format!("{sign}{}", duration(from_ns.abs_diff(to_ns), unit))
}

/// A difference with its sign: `+2.80 ms`, `−61 ns`, `0 ns`.
pub fn signed(ns: i64, unit: Unit) -> String {
    let (from, to) = if ns < 0 { (ns.unsigned_abs(), 0) } else { (0, ns.unsigned_abs()) };
    change(from, to, unit)
}

/// A signed part of a whole in percent: `+43%`, `−0.4%`; empty when there is no whole.
pub fn percent(part: i64, whole: u64) -> String {
    if whole == 0 {
        return String::new();
    }
    let tenths = rounded(part.unsigned_abs(), whole, 3);
    let sign = match part.signum() {
        _ if tenths == 0 => "",
        1 => "+",
        _ => "−",
    };
    if tenths < 100 {
        format!("{sign}{}.{}%", tenths / 10, tenths % 10)
    } else {
        format!("{sign}{}%", count((tenths + 5) / 10))
    }
}

/// What a probability is: `= 0.031`, `< 0.001`.
pub fn probability(p: f64) -> String {
    let thousandths = (p * 1_000.0).round_ties_even() as u64;
    if p < 0.001 { "< 0.001".to_owned() } else { format!("= {}.{:03}", thousandths / 1_000, thousandths % 1_000) }
}

/// Three significant digits in the largest fitting unit. What rounds up to 1000 of one unit is 1.00 of the next.
fn automatic(ns: u64) -> String {
    if ns < 1_000 {
        return format!("{ns} ns");
    }
    for unit in [Unit::Us, Unit::Ms, Unit::S] {
        for decimals in [2, 1, 0] {
            let limit = 10_u64.pow(3);
            if rounded(ns, unit.ns(), decimals) < limit {
                return format!("{} {}", fixed(ns, unit.ns(), decimals), unit.suffix());
            }
        }
    }
    format!("{} s", fixed(ns, Unit::S.ns(), 0))
}

/// `ns / per` times `10^decimals`, rounded half up. In integers, so that all machines print the same.
fn rounded(ns: u64, per: u64, decimals: u32) -> u64 {
    let scaled = u128::from(ns) * u128::from(10_u64.pow(decimals));
    ((scaled + u128::from(per / 2)) / u128::from(per)) as u64
}

fn fixed(ns: u64, per: u64, decimals: u32) -> String {
    let value = rounded(ns, per, decimals);
    if decimals == 0 {
        return count(value);
    }
    let one = 10_u64.pow(decimals);
    format!("{}.{:0width$}", count(value / one), value % one, width = decimals as usize)
}

/// A whole number with its thousands set apart: `4 812 334`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 root`, `214 roots`. The noun's plural takes an `s`.
pub fn counted(n: u64, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(n))
}

/// A size in bytes as people say it: `41.9 MB`.
pub fn bytes(n: u64) -> String {
    for (per, suffix) in [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")] {
        if n >= per {
            return format!("{} {suffix}", fixed(n, per, 1));
        }
    }
    counted(n, "byte")
}

/// How many times as large `a` is as `b`: `15.8×`; empty when there is no such number.
pub fn factor(a: u128, b: u128) -> String {
    let round = |a: u128| a.saturating_add(b / 2).checked_div(b);
    match (round(a.saturating_mul(10)), round(a)) {
        (Some(tenths), _) if tenths < 1_000 => format!("{}.{}×", tenths / 10, tenths % 10),
        (_, Some(whole)) => format!("{}×", count(u64::try_from(whole).unwrap_or(u64::MAX))),
        (_, None) => String::new(),
    }
}

/// A mean in thousandths as people read it: `1.34`, `12.3`.
pub fn thousandths(n: u64) -> String {
    fixed(n, 1_000, if n < 10_000 { 2 } else { 1 })
}

/// The mean of `n` values that add up to `sum`, rounded; 0 of none.
pub fn mean(sum: u64, n: u64) -> u64 {
    rounded(sum, n.max(1), 0)
}

/// A part of a whole, in tenths of a percent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Share(pub u32);

impl Share {
    /// All of it.
    pub const ALL: Self = Self(1000);
}

impl Share {
    /// The share of `part` in `whole`, rounded; none of nothing.
    pub fn of(part: u64, whole: u64) -> Self {
        let tenths = rounded(part, whole.max(1), 3);
        Self(if whole == 0 { 0 } else { u32::try_from(tenths).unwrap_or(u32::MAX) })
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{}.{}%", self.0 / 10, self.0 % 10))
    }
}

/// The share of a part in a whole, rounded half up. Shares of several parts need not add up: see [`shares`].
pub fn share(part: u128, whole: u128) -> Share {
    let (part, whole) = if whole > u128::MAX >> 12 { (part >> 12, whole >> 12) } else { (part, whole) };
    let tenths = (part.min(whole) * u128::from(Share::ALL.0) * 2 + whole) / (whole * 2).max(1);
    Share(tenths as u32)
}

/// The shares of all values in their sum. They add up to 100.0 % exactly (largest remainder); all are zero when the
/// sum is.
pub fn shares(values: &[u64]) -> Vec<Share> {
    let total: u128 = values.iter().map(|&v| u128::from(v)).sum();
    if total == 0 {
        return vec![Share(0); values.len()];
    }
    let all = u128::from(Share::ALL.0);
    let mut parts: Vec<(u32, u128)> =
        values.iter().map(|&v| ((u128::from(v) * all / total) as u32, u128::from(v) * all % total)).collect();
    let missing = Share::ALL.0 - parts.iter().map(|p| p.0).sum::<u32>();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|&a, &b| parts[b].1.cmp(&parts[a].1).then(a.cmp(&b)));
    for &i in order.iter().take(missing as usize) {
        parts[i].0 += 1;
    }
    parts.into_iter().map(|p| Share(p.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_three_digits() {
        for (ns, text) in [
            (0, "0 ns"),
            (61, "61 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (18_240, "18.2 µs"),
            (612_499, "612 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (3_900_000_000, "3.90 s"),
            (12_345_678_900, "12.3 s"),
            (1_234_567_890_123, "1 235 s"),
            (u64::MAX, "18 446 744 074 s"),
        ] {
            assert_eq!(duration(ns, Unit::Auto), text, "{ns}");
        }
    }

    #[test]
    fn a_fixed_unit_stays() {
        assert_eq!(duration(1_234_567, Unit::Ns), "1 234 567 ns");
        assert_eq!(duration(1_234_567, Unit::Us), "1 234.6 µs");
        assert_eq!(duration(1_234_567, Unit::Ms), "1.235 ms");
        assert_eq!(duration(1_234_567, Unit::S), "0.001 s");
        assert_eq!(duration(u64::MAX, Unit::S), "18 446 744 073.710 s");
    }

    #[test]
    fn changes_have_a_sign() {
        assert_eq!(change(0, 2_800_000, Unit::Auto), "+2.80 ms");
        assert_eq!(change(u64::MAX, u64::MAX - 61, Unit::Auto), "−61 ns");
        assert_eq!(change(5, 5, Unit::Ms), "0.000 ms");
        assert_eq!(signed(i64::MIN, Unit::S), "−9 223 372 036.855 s");
        assert_eq!([percent(43, 100), percent(-4, 1_000), percent(0, 7), percent(1, 0)], ["+43%", "−0.4%", "0.0%", ""]);
        assert_eq!([probability(0.0312), probability(0.0), probability(1.0)], ["= 0.031", "< 0.001", "= 1.000"]);
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(4_812_334), "4 812 334");
        assert_eq!(counted(1, "root"), "1 root");
        assert_eq!(counted(2_000, "root"), "2 000 roots");
        assert_eq!(bytes(41_943_040), "41.9 MB");
        assert_eq!(bytes(17), "17 bytes");
    }

    #[test]
    fn ratios_are_rounded() {
        assert_eq!(factor(158, 10), "15.8×");
        assert_eq!(factor(1, 3), "0.3×");
        assert_eq!(factor(99_950, 1_000), "100×");
        assert_eq!(factor(u128::from(u64::MAX), 1), "18 446 744 073 709 551 615×");
        assert_eq!(factor(1, 0), "");
        assert_eq!(thousandths(1_342), "1.34");
        assert_eq!(thousandths(12_345), "12.3");
        assert_eq!((mean(7, 2), mean(7, 0)), (4, 7));
        assert_eq!(Share::of(1, 3), Share(333));
        assert_eq!(Share::of(u64::MAX, u64::MAX), Share::ALL);
        assert_eq!(Share::of(1, 0), Share(0));
    }

    #[test]
    fn shares_add_up_to_a_hundred() {
        let sum = |values: &[u64]| shares(values).iter().map(|s| s.0).sum::<u32>();
        assert_eq!(sum(&[1, 1, 1]), 1000);
        assert_eq!(sum(&[u64::MAX, u64::MAX, 1]), 1000);
        assert_eq!(sum(&[7, 11, 13, 17, 0, 1, 1, 1]), 1000);
        assert_eq!(shares(&[0, 0]), [Share(0), Share(0)]);
        assert_eq!(shares(&[1, 2]).iter().map(ToString::to_string).collect::<Vec<_>>(), ["33.3%", "66.7%"]);
        assert_eq!(format!("{:>7}", Share(5)), "   0.5%");
        assert_eq!(
            [share(1, 3), share(2, 3), share(0, 0), share(5, 5)],
            [Share(333), Share(667), Share(0), Share(1000)]
        );
        assert_eq!(share(u128::MAX, u128::MAX), Share::ALL);
    }
}
