use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Pair;

/// `times` / `of` of `value`, rounded up.
#[must_use]
pub fn share(value: u64, times: u64, of: u64) -> u64 {
    let exact = (u128::from(value) * u128::from(times)).div_ceil(u128::from(of.max(1)));
    u64::try_from(exact).unwrap_or(u64::MAX)
}

/// How far a term can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Measured on real nodes; tests hold the formula against them.
    Measured,
    /// Read in the program's source.
    Read,
    /// A figure that nodes differ in; an option sets it.
    Assumed,
    /// As asked for.
    Given,
}

/// A sum with its numbers filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Formula {
    /// `2 x 330 containers + 3`.
    pub formula: String,
    /// What it comes to.
    pub value: u64,
}

/// One part of a sum: a number times an amount.
pub type Part = (u64, u64, &'static str);

impl Formula {
    /// The sum of `parts`.
    #[must_use]
    pub fn sum(parts: &[Part]) -> Self {
        let value = parts.iter().fold(0_u64, |sum, (times, count, _)| {
            sum.saturating_add(times.saturating_mul(*count))
        });
        let words: Vec<String> = parts
            .iter()
            .filter(|(times, count, _)| *times > 0 && *count > 0)
            .map(|(times, count, what)| match (times, *what) {
                (_, "") => times.saturating_mul(*count).to_string(),
                (1, _) => format!("{count} {what}"),
                _ => format!("{times} x {count} {what}"),
            })
            .collect();
        Self {
            formula: if words.is_empty() {
                "0".to_owned()
            } else {
                words.join(" + ")
            },
            value,
        }
    }

    /// `value`, with what it is.
    #[must_use]
    pub fn fixed(value: u64) -> Self {
        Self::sum(&[(1, value, "")])
    }

    /// This, and `times` the sum of `parts` in brackets.
    #[must_use]
    pub fn times(times: u64, of: Self, each: &str) -> Self {
        if times == 1 {
            return of;
        }
        Self {
            formula: format!("{times} {each} x ({})", of.formula),
            value: times.saturating_mul(of.value),
        }
    }
}

/// What one part of a node needs of root's budgets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Term {
    /// Who.
    pub who: String,
    /// What for, in a few words.
    pub why: String,
    /// Instances.
    pub instances: Formula,
    /// Watches.
    pub watches: Formula,
    /// How far it can be trusted.
    pub basis: Basis,
    /// Where the formula is from: a source file, a measurement.
    pub source: String,
}

impl Term {
    /// What it comes to.
    #[must_use]
    pub fn amounts(&self) -> Pair<u64> {
        Pair::of(self.instances.value, self.watches.value)
    }
}

/// What all terms come to.
#[must_use]
pub fn total(terms: &[Term]) -> Pair<u64> {
    terms
        .iter()
        .fold(Pair::default(), |sum, term| sum.plus(term.amounts()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_shows_its_numbers() {
        let sum = Formula::sum(&[
            (2, 330, "containers"),
            (1, 110, "pods"),
            (1, 12, ""),
            (5, 0, "nested"),
        ]);
        assert_eq!(
            (sum.formula.as_str(), sum.value),
            ("2 x 330 containers + 110 pods + 12", 782)
        );
        assert_eq!(Formula::sum(&[]).formula, "0");
        let five = Formula::times(5, Formula::fixed(7), "hierarchies");
        assert_eq!(
            (five.formula.as_str(), five.value),
            ("5 hierarchies x (7)", 35)
        );
    }

    #[test]
    fn shares_are_rounded_up_and_do_not_overflow() {
        assert_eq!(share(7, 1, 2), 4);
        assert_eq!(share(7, 3, 1), 21);
        assert_eq!(share(u64::MAX, 1, 2), u64::MAX / 2 + 1);
        assert_eq!(share(u64::MAX, 3, 1), u64::MAX);
        assert_eq!(share(u64::MAX, 0, 5), 0);
    }
}
