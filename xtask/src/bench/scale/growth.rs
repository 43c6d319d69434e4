//! How a cost grows with what is counted.

/// Less than this many milliseconds more at the largest size is no growth that could be measured.
const NOISE: f64 = 3.0;
/// And less than this share of what it takes with nothing there.
const NOISE_SHARE: f64 = 0.2;
/// A cost that grows with this power of the size still counts as linear.
pub const LINEAR: f64 = 1.1;

/// How a cost grows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Growth {
    /// Not measurably.
    None,
    /// With this power of the size.
    Power(f64),
}

impl Growth {
    /// Of the cost with nothing there, and of the costs at sizes above 0.
    pub fn of(base: f64, costs: &[(u32, f64)]) -> Self {
        let noise = NOISE.max(base * NOISE_SHARE);
        if costs.last().is_none_or(|(_, cost)| cost - base <= noise) {
            return Self::None;
        }
        // Below the noise anything is possible: with all of it the power is least.
        let points = costs
            .iter()
            .map(|&(size, cost)| (f64::from(size).ln(), (cost - base).max(noise).ln()));
        Self::Power(slope(&points.collect::<Vec<_>>()))
    }

    /// Whether it is faster than the size.
    pub fn is_too_fast(self) -> bool {
        matches!(self, Self::Power(power) if power >= LINEAR)
    }
}

impl std::fmt::Display for Growth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Power(power) => write!(f, "{power:.2}"),
        }
    }
}

/// Of the line with the least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let x = points.iter().map(|point| point.0).sum::<f64>() / count;
    let y = points.iter().map(|point| point.1).sum::<f64>() / count;
    let both: f64 = points
        .iter()
        .map(|point| (point.0 - x) * (point.1 - y))
        .sum();
    let square: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    both / square
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(of: impl Fn(f64) -> f64) -> Vec<(u32, f64)> {
        [125, 250, 500, 1000]
            .map(|size| (size, of(f64::from(size))))
            .to_vec()
    }

    #[test]
    fn the_power_is_found_above_a_constant_cost() {
        for power in [0.5, 1.0, 2.0] {
            let costs = costs(|size| 40.0 + size.powf(power));
            let Growth::Power(found) = Growth::of(40.0, &costs) else {
                panic!("no growth at {power}");
            };
            let noisy = power < 1.0;
            assert!(noisy || (found - power).abs() < 1e-6, "{found} for {power}");
            assert_eq!(Growth::of(40.0, &costs).is_too_fast(), power > 1.0);
        }
    }

    #[test]
    fn a_cost_that_is_seen_at_the_largest_size_alone_is_not_linear() {
        let cost = |size: f64| if size < 1000.0 { 0.0 } else { 50.0 };
        assert!(Growth::of(0.0, &costs(cost)).is_too_fast());
    }

    #[test]
    fn noise_is_no_growth() {
        assert_eq!(
            Growth::of(40.0, &costs(|size| 40.0 + size / 200.0)),
            Growth::None
        );
        assert_eq!(
            Growth::of(1.0, &costs(|size| 1.0 + size / 500.0)),
            Growth::None
        );
        assert_eq!(Growth::of(40.0, &costs(|_| 30.0)), Growth::None);
    }
}
