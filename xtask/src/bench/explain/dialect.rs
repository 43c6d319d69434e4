//! The table's patterns as other programs read them.

/// What `%path%` stands for.
const PATH: &str = r#"["'`<\[(]*/[^\s"'`<>|]+"#;

/// As ripgrep reads them: without names of groups.
pub fn rust(pattern: &str) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("(?P<") {
        text += before;
        text += "(?:";
        rest = after.split_once('>').map_or("", |(_, rest)| rest);
    }
    (text + rest).replace("%path%", PATH)
}

/// As `grep -E` reads them: POSIX has no groups without a number, no lazy repetition, no `\d`, and in brackets no
/// escapes.
pub fn posix(pattern: &str) -> String {
    let rust = rust(pattern).replace("(?:", "(");
    let mut text = String::new();
    let mut chars = rust.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => text += "[0-9]",
                Some(escaped) => text.extend(['\\', escaped]),
                None => text.push('\\'),
            },
            '[' => text += &bracket(&mut chars),
            '*' | '+' | '?' | '}' => {
                text.push(c);
                chars.next_if_eq(&'?');
            }
            _ => text.push(c),
        }
    }
    text
}

/// A literal as `grep -E` reads it.
pub fn quoted(literal: &str) -> String {
    let special = |c: char| r"\^$.[]|()*+?{}".contains(c);
    literal
        .chars()
        .flat_map(|c| special(c).then_some('\\').into_iter().chain([c]))
        .collect()
}

/// What is left of a bracket expression that has begun: `]` comes first in it, and `-` last.
fn bracket(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let negated = chars.next_if_eq(&'^').is_some();
    let (mut inner, mut first, mut last) = (String::new(), "", "");
    while let Some(c) = chars.next() {
        match c {
            ']' => break,
            '-' if inner.is_empty() || chars.peek() == Some(&']') => last = "-",
            '\\' => match chars.next() {
                Some('s') => inner += " \t",
                Some('w') => inner += "a-zA-Z0-9_",
                Some('d') => inner += "0-9",
                Some(']') => first = "]",
                Some('-') => last = "-",
                Some(other) => inner.push(other),
                None => break,
            },
            _ => inner.push(c),
        }
    }
    let not = if negated { "^" } else { "" };
    format!("[{not}{first}{inner}{last}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_keep_their_meaning() {
        for (pattern, ours, theirs) in [
            (r"(?P<path>/\S+): x", r"(?:/\S+): x", r"(/\S+): x"),
            (r"a{1,3}?b+?\d", r"a{1,3}?b+?\d", "a{1,3}b+[0-9]"),
            (
                r"[^\s\]:-]+[\w.-]",
                r"[^\s\]:-]+[\w.-]",
                "[^] \t:-]+[a-zA-Z0-9_.-]",
            ),
        ] {
            assert_eq!(rust(pattern), ours);
            assert_eq!(posix(pattern), theirs);
        }
        assert_eq!(quoted("(os error 24)"), r"\(os error 24\)");
    }
}
