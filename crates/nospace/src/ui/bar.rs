//! Usage, drawn.

use super::Charset;

/// A bar of `width` columns, `percent` full. Anything above zero is visible, and only 100 % looks full.
#[must_use]
pub fn bar(percent: u64, width: usize, charset: Charset) -> String {
    let (full, half, track, steps) = match charset {
        // The block elements of code page 437: the Linux console has these, and not the eighths.
        Charset::Unicode => ('█', '▌', '░', 2),
        Charset::Ascii => ('#', '#', '.', 1),
    };
    let filled = filled(percent, width * steps);
    let mut bar: String = std::iter::repeat_n(full, filled / steps).collect();
    if !filled.is_multiple_of(steps) {
        bar.push(half);
    }
    bar.extend(std::iter::repeat_n(track, width - filled.div_ceil(steps)));
    bar
}

fn filled(percent: u64, steps: usize) -> usize {
    if percent >= 100 {
        return steps;
    }
    let share = usize::try_from(percent).unwrap_or(100) * steps / 100;
    share
        .max(usize::from(percent > 0))
        .min(steps.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_tell_the_truth_at_the_ends() {
        let unicode = |percent| bar(percent, 10, Charset::Unicode);
        assert_eq!(unicode(0), "░░░░░░░░░░");
        assert_eq!(unicode(1), "▌░░░░░░░░░");
        assert_eq!(unicode(50), "█████░░░░░");
        assert_eq!(unicode(99), "█████████▌");
        assert_eq!(unicode(100), "██████████");
        assert_eq!(unicode(250), "██████████");
        assert_eq!(bar(98, 10, Charset::Ascii), "#########.");
        assert_eq!(bar(50, 0, Charset::Ascii), "");
    }
}
