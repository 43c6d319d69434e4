//! Amounts as people read them, the same in findings and tables.

use std::time::Duration;

/// `512 B`, `1.5 KiB`, `20 GiB`: at most one decimal, rounded down.
#[must_use]
pub fn bytes(value: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let step = value.checked_ilog2().unwrap_or(0) / 10;
    let Some(unit) = UNITS.get(step as usize) else {
        return format!("{value} B");
    };
    let (whole, rest) = (value >> (10 * step), value & ((1 << (10 * step)) - 1));
    let tenths = (u128::from(rest) * 10) >> (10 * step);
    if step == 0 || whole >= 100 || tenths == 0 {
        return format!("{whole} {unit}");
    }
    format!("{whole}.{tenths} {unit}")
}

/// `22,444`: for people, never in JSON or metrics.
#[must_use]
pub fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 watch`, `2,000 watches`.
#[must_use]
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// `0.3 s`, `12 s`, `4 min 51 s`, `2 h 1 min`, `12 d`: the two largest units, rounded down.
#[must_use]
pub fn duration(value: Duration) -> String {
    let seconds = value.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes, seconds % 60) {
        (0, 0, 0..10) if value.subsec_millis() >= 100 => format!("{:.1} s", value.as_secs_f64()),
        (0, 0, 0) if !value.is_zero() => "less than 0.1 s".to_owned(),
        (0, 0, s) => format!("{s} s"),
        (0, min, 0) => format!("{min} min"),
        (0, min, s) => format!("{min} min {s} s"),
        (48.., ..) => format!("{} d", hours / 24),
        (h, 0, _) => format!("{h} h"),
        (h, min, _) => format!("{h} h {min} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let cases = [
            (0, "0 s"),
            (4, "less than 0.1 s"),
            (300, "0.3 s"),
            (2_000, "2 s"),
            (12_000, "12 s"),
            (300_000, "5 min"),
            (299_000, "4 min 59 s"),
            (7_200_000, "2 h"),
            (7_260_000, "2 h 1 min"),
            (172_800_000, "2 d"),
        ];
        for (milliseconds, shown) in cases {
            assert_eq!(duration(Duration::from_millis(milliseconds)), shown);
        }
    }

    #[test]
    fn thousands_are_separated() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (22_444, "22,444"),
            (100_000, "100,000"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ];
        for (value, shown) in cases {
            assert_eq!(thousands(value), shown);
        }
    }

    #[test]
    fn bytes_are_short() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (150 * 1024 + 900, "150 KiB"),
            (1 << 40, "1 TiB"),
            (u64::MAX, "15.9 EiB"),
        ];
        for (value, shown) in cases {
            assert_eq!(bytes(value), shown);
        }
    }
}
