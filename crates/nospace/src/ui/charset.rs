use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// What the terminal can draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    #[default]
    Unicode,
    /// Nothing beyond ASCII: the locale is not UTF-8.
    Ascii,
}

impl Charset {
    /// Stands for what was cut out of a name.
    #[must_use]
    pub fn ellipsis(self) -> &'static str {
        match self {
            Self::Unicode => "…",
            Self::Ascii => "..",
        }
    }

    /// Text that a terminal shows as it is: every character that would steer the terminal, reorder
    /// the line, or take no room of its own is written as an escape.
    #[must_use]
    pub fn clean(self, raw: &str) -> Cow<'_, str> {
        if raw.chars().all(|c| self.shows(c)) {
            return Cow::Borrowed(raw);
        }
        let mut clean = String::with_capacity(raw.len() + 16);
        for c in raw.chars() {
            if self.shows(c) {
                clean.push(c);
            } else if let (Self::Ascii, Some(like)) = (self, ascii_like(c)) {
                clean.push_str(like);
            } else {
                escape(c, &mut clean);
            }
        }
        Cow::Owned(clean)
    }

    fn shows(self, c: char) -> bool {
        match self {
            _ if c.is_ascii() => c == ' ' || c.is_ascii_graphic(),
            Self::Ascii => false,
            Self::Unicode => !is_invisible(c),
        }
    }
}

/// Control characters and line separators; whatever has no width, which is every bidirectional control, joiner,
/// combining mark, variation selector and tag; and the blanks that look like a space or like nothing.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c, '\u{ad}' | '\u{115f}' | '\u{2800}')
        || c.width().unwrap_or(0) == 0
}

fn escape(c: char, into: &mut String) {
    // Writing to a String cannot fail.
    let _ = match c {
        '\n' | '\r' | '\t' => write!(into, "{}", c.escape_default()),
        '\0'..='\u{ff}' => write!(into, "\\x{:02x}", u32::from(c)),
        _ => write!(into, "{}", c.escape_unicode()),
    };
}

/// What typewriters wrote for the few marks that nospace's own sentences use.
fn ascii_like(c: char) -> Option<&'static str> {
    Some(match c {
        '…' => "...",
        '–' | '—' | '−' => "-",
        '×' => "x",
        '→' => "->",
        '·' => ",",
        '‘' | '’' => "'",
        '“' | '”' => "\"",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_are_untouched() {
        for name in [
            "default/web-0",
            "dev-disk-by\\x2duuid.device",
            "größe",
            "网页",
            "σ",
        ] {
            assert!(
                matches!(Charset::Unicode.clean(name), Cow::Borrowed(_)),
                "{name}"
            );
        }
    }

    #[test]
    fn nothing_steers_the_terminal() {
        let cases = [
            ("\x1b[2J", "\\x1b[2J"),
            ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
            ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
            ("\u{9b}31m", "\\x9b31m"),
            ("\x7f\x08", "\\x7f\\x08"),
            ("a\u{202e}txt.exe", "a\\u{202e}txt.exe"),
            ("a\u{2066}b\u{2069}", "a\\u{2066}b\\u{2069}"),
            (
                "x\u{200b}y\u{200d}z\u{feff}",
                "x\\u{200b}y\\u{200d}z\\u{feff}",
            ),
            ("e\u{301}", "e\\u{301}"),
            ("a\u{2028}b\u{85}c", "a\\u{2028}b\\x85c"),
            (
                "a\u{a0}b\u{3000}c\u{ad}d\u{3164}",
                "a\\xa0b\\u{3000}c\\xadd\\u{3164}",
            ),
            ("\u{e0041}\u{fe0f}\u{34f}", "\\u{e0041}\\u{fe0f}\\u{34f}"),
        ];
        for (raw, shown) in cases {
            assert_eq!(Charset::Unicode.clean(raw), shown);
        }
    }

    #[test]
    fn ascii_is_ascii() {
        assert_eq!(
            Charset::Ascii.clean("2 × 3 → größe"),
            "2 x 3 -> gr\\xf6\\xdfe"
        );
    }

    proptest! {
        #[test]
        fn every_column_of_clean_text_is_seen(raw in "\\PC*|(?s).{0,40}") {
            let unicode = Charset::Unicode.clean(&raw).into_owned();
            prop_assert!(unicode.chars().all(|c| !is_invisible(c)));
            prop_assert!(Charset::Ascii.clean(&raw).chars().all(|c| (' '..='~').contains(&c)));
            prop_assert_eq!(Charset::Unicode.clean(&unicode), unicode.as_str());
        }
    }
}
