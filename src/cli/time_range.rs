//! `--time`: `1s-3s`, `1s+500ms`, `5s-`, `-2s`.

use gotrace_slice::slice::TimeRange;

const FORMS: &str = "write 1s-3s, 1s+500ms, 5s- (from 5 s on) or -2s (the last 2 s); units are ns us ms s m";

/// Reads a range of time.
pub(crate) fn parse(text: &str) -> Result<TimeRange, String> {
    let duration = |text| duration(text).map_err(|e| format!("{e}: {FORMS}"));
    let range = if let Some(last) = text.strip_prefix('-') {
        TimeRange { start: Some(-duration(last)?), end: None }
    } else if let Some((start, length)) = text.split_once('+') {
        let start = duration(start)?;
        TimeRange { start: Some(start), end: Some(start.saturating_add(duration(length)?)) }
    } else if let Some((start, end)) = text.split_once('-') {
        let end = if end.is_empty() { None } else { Some(duration(end)?) };
        TimeRange { start: Some(duration(start)?), end }
    } else {
        duration(text)?;
        return Err(format!("a range has two ends: {FORMS}"));
    };
    match (range.start, range.end) {
        (Some(start), Some(end)) if start >= end => Err("the range ends before it starts".to_owned()),
        (Some(0), None) if text.starts_with('-') => Err("the range is empty".to_owned()),
        _ => Ok(range),
    }
}

/// A length of time in ns: a decimal number and its unit. Zero needs no unit.
pub(super) fn duration(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let per: u64 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "" if number == "0" => 1,
        "" if number.is_empty() => return Err("a time is missing".to_owned()),
        "" => return Err(format!("'{text}' has no unit")),
        _ => return Err(format!("unknown unit '{unit}'")),
    };
    decimal(number, per).ok_or_else(|| format!("'{number}' is not a number that fits"))
}

/// `number × per` without rounding errors; digits below a nanosecond are dropped.
pub(super) fn decimal(number: &str, per: u64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let valid = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !valid(whole) || !valid(fraction) {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut ns = u128::from(whole) * u128::from(per);
    let mut unit = u128::from(per);
    for digit in fraction.bytes() {
        // Exact: every unit is a multiple of the powers of ten that matter here.
        ns += unit * u128::from(digit - b'0') / 10;
        unit /= 10;
    }
    i64::try_from(ns).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: i64, end: Option<i64>) -> TimeRange {
        TimeRange { start: Some(start), end }
    }

    #[test]
    fn all_forms() {
        assert_eq!(parse("1s-3s").unwrap(), range(1_000_000_000, Some(3_000_000_000)));
        assert_eq!(parse("1s+500ms").unwrap(), range(1_000_000_000, Some(1_500_000_000)));
        assert_eq!(parse("-2s").unwrap(), range(-2_000_000_000, None));
        assert_eq!(parse("5s-").unwrap(), range(5_000_000_000, None));
        assert_eq!(parse("0-1.5ms").unwrap(), range(0, Some(1_500_000)));
        assert_eq!(parse("1.25us-2m").unwrap(), range(1_250, Some(120_000_000_000)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("5s", "two ends"),
            ("3s-1s", "ends before"),
            ("1s+0", "ends before"),
            ("1-2", "no unit"),
            ("1h-", "unknown unit 'h'"),
            ("", "missing"),
            ("-", "missing"),
            ("1.2.3s-", "not a number"),
            (".s-", "not a number"),
            ("99999999999999s-", "not a number that fits"),
            ("-0", "empty"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
