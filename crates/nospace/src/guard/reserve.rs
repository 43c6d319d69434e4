//! How much is kept.

use std::str::FromStr;

/// What `--reserve-watches` and `--reserve-instances` ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReserveSize {
    /// What a start of the kubelet takes, with room to spare.
    #[default]
    Auto,
    /// So many.
    Fixed(u64),
}

impl FromStr for ReserveSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(0) => Err(
                "a reserve has at least 1; to leave a resource out, guard only the other one"
                    .to_owned(),
            ),
            Ok(number) => Ok(Self::Fixed(number)),
            Err(_) if text == "auto" => Ok(Self::Auto),
            Err(_) => Err("expected a number, or auto".to_owned()),
        }
    }
}

/// A reserve that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// How many are to be kept.
    pub amount: u64,
    /// What a start of the kubelet takes, if the amount was calculated from that.
    pub needed: Option<u64>,
}

/// Threads that call at the same moment each get one watch past the line; the runtime and systemd need some, too.
const MARGIN: u64 = 64;

impl Asked {
    /// So many, whatever the kubelet takes.
    #[must_use]
    pub fn fixed(amount: u64) -> Self {
        Self {
            amount,
            needed: None,
        }
    }

    /// Twice what a start of the kubelet takes, and a margin.
    #[must_use]
    pub fn auto(needed: u64) -> Self {
        Self {
            amount: needed.saturating_mul(2).saturating_add(MARGIN),
            needed: Some(needed),
        }
    }

    /// Whether this differs by a tenth or more from `before`: what changes with every pod is no news.
    #[must_use]
    pub fn is_news(self, before: Self) -> bool {
        self.amount != before.amount
            && self.amount.abs_diff(before.amount).saturating_mul(10) >= before.amount
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_auto() {
        assert_eq!("auto".parse(), Ok(ReserveSize::Auto));
        assert_eq!("100".parse(), Ok(ReserveSize::Fixed(100)));
        for wrong in ["", "0", "-1", "all", "1k"] {
            assert!(wrong.parse::<ReserveSize>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn auto_is_twice_the_need_and_a_margin() {
        assert_eq!(Asked::auto(186).amount, 436);
        assert_eq!(Asked::auto(7).amount, 78);
        assert_eq!(Asked::auto(u64::MAX).amount, u64::MAX);
    }

    #[test]
    fn a_few_cgroups_more_are_no_news() {
        let before = Asked::fixed(1000);
        for (amount, news) in [
            (1000, false),
            (1099, false),
            (1100, true),
            (901, false),
            (900, true),
        ] {
            assert_eq!(Asked::fixed(amount).is_news(before), news, "{amount}");
        }
        assert!(!Asked::fixed(0).is_news(Asked::fixed(0)));
    }
}
