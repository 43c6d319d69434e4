/// The median of the slopes between every two points, which are in the order of their first coordinate; `None` for fewer than two.
pub fn median_slope(points: &[(f64, f64)]) -> Option<f64> {
    let (_, first) = points.first()?;
    if points.iter().all(|(_, y)| y == first) {
        return (points.len() > 1).then_some(0.0);
    }
    let mut slopes: Vec<f64> = points
        .iter()
        .enumerate()
        .flat_map(|(at, a)| points[at + 1..].iter().map(move |b| (a, b)))
        .filter(|(a, b)| b.0 > a.0)
        .map(|(a, b)| (b.1 - a.1) / (b.0 - a.0))
        .collect();
    let middle = slopes.len().checked_sub(1)? / 2;
    let (_, lower, above) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = *lower;
    if slopes_are_odd(middle, above.len()) {
        return Some(lower);
    }
    let upper = above.iter().copied().min_by(f64::total_cmp)?;
    Some(f64::midpoint(lower, upper))
}

/// As many before the middle as behind it.
fn slopes_are_odd(before: usize, behind: usize) -> bool {
    before == behind
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slope(values: &[f64]) -> Option<f64> {
        let points: Vec<_> = (0_u32..)
            .map(f64::from)
            .zip(values.iter().copied())
            .collect();
        median_slope(&points)
    }

    #[test]
    fn lines_have_their_slope() {
        assert_eq!(slope(&[]), None);
        assert_eq!(slope(&[5.0]), None);
        assert_eq!(slope(&[5.0, 5.0]), Some(0.0));
        assert_eq!(slope(&[0.0, 2.0, 4.0, 6.0]), Some(2.0));
        assert_eq!(slope(&[6.0, 3.0, 0.0]), Some(-3.0));
        // Slopes 1, 1, 1, 4, 2.5, 2: the middle two are 1 and 2.
        assert_eq!(slope(&[0.0, 1.0, 2.0, 6.0]), Some(1.5));
    }

    #[test]
    fn outliers_and_a_step_move_it_little() {
        let mut line: Vec<f64> = (0..40).map(|n| f64::from(n) * 3.0).collect();
        line[7] = 1e9;
        line[23] = 0.0;
        line[39] = -1e9;
        let robust = slope(&line).unwrap();
        assert!((robust - 3.0).abs() < 0.5, "{robust}");
        let step: Vec<f64> = (0..40).map(|n| if n < 11 { 10.0 } else { 500.0 }).collect();
        assert_eq!(slope(&step), Some(0.0));
    }
}
