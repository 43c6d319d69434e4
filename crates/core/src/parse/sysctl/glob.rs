//! glob(7), as far as a key can use it.

/// Some character makes it a pattern.
pub fn is_pattern(key: &str) -> bool {
    key.contains(['*', '?', '['])
}

/// `*` for any run of characters, `?` for one, `[a-z]` and `[!a-z]` for one of a set; none crosses a
/// dot, as glob(7) does not cross `/`.
pub fn matches(pattern: &str, key: &str) -> bool {
    if !is_pattern(pattern) {
        return false;
    }
    let (mut patterns, mut parts) = (pattern.split('.'), key.split('.'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if part_matches(pattern.as_bytes(), part.as_bytes()) => {}
            _ => return false,
        }
    }
}

fn part_matches(pattern: &[u8], part: &[u8]) -> bool {
    // Where the last star stood, and how much of the part it has taken so far.
    let (mut p, mut s, mut star) = (0, 0, None);
    while s < part.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, s));
            p += 1;
        } else if let Some(taken) = one(&pattern[p..], part[s]) {
            p += taken;
            s += 1;
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            p = at + 1;
            s = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

/// How much of the pattern's beginning stands for `byte`; `None` when it stands for another.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', rest @ ..] => match set(rest, byte) {
            Some((taken, holds)) => holds.then_some(taken + 1),
            // Without an end it is a bracket like any other character.
            None => (byte == b'[').then_some(1),
        },
        [b'\\', c, ..] => (*c == byte).then_some(2),
        [c, ..] => (*c == byte).then_some(1),
        [] => None,
    }
}

/// A set behind its `[`: its length up to and with `]`, and whether `byte` is in it.
fn set(rest: &[u8], byte: u8) -> Option<(usize, bool)> {
    let negated = matches!(rest.first(), Some(b'!' | b'^'));
    let first = usize::from(negated);
    // A `]` that comes first is one of the set.
    let end = first + 1 + rest.get(first + 1..)?.iter().position(|c| *c == b']')?;
    let (mut inside, mut holds) = (&rest[first..end], false);
    while let [low, others @ ..] = inside {
        if let [b'-', high, after @ ..] = others {
            holds |= (*low..=*high).contains(&byte);
            inside = after;
        } else {
            holds |= *low == byte;
            inside = others;
        }
    }
    Some((end + 1, holds != negated))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_stay_within_a_part() {
        let key = "fs.inotify.max_user_watches";
        for pattern in [
            "fs.inotify.max_*_watches",
            "fs.inotify.max_user_watche?",
            "*.*.*",
            "fs.inotify.max_user_[uvw]*",
            "fs.inotify.max_user_[!i]*",
            "fs.inotify.max_user_[a-z]atches",
            "fs.inotify.max\\_user_*",
        ] {
            assert!(matches(pattern, key), "{pattern}");
        }
        for pattern in [
            "fs.*",
            "*",
            key,
            "fs.inotify.max_user_[i]*",
            "fs.inotify.max_user_[!w]*",
            "fs.inotify.[max_user_watches",
        ] {
            assert!(!matches(pattern, key), "{pattern}");
        }
        assert!(matches("a[]]*", "a]"));
        assert!(matches("a[b*", "a[bc"));
    }

    proptest! {
        #[test]
        fn stars_match_what_they_replace(a in "[a-z]{0,6}", b in "[a-z]{0,6}", c in "[a-z]{0,6}") {
            let (pattern, key) = (format!("{a}*{c}"), format!("{a}{b}{c}"));
            prop_assert!(part_matches(pattern.as_bytes(), key.as_bytes()));
        }

        #[test]
        fn never_panics(pattern in "[a-c.*?\\[\\]!^\\\\-]{0,12}", key in "[a-c.]{0,8}") {
            matches(&pattern, &key);
        }
    }
}
