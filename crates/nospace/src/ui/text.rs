//! Text that fits: measured in columns, never in bytes or characters.

use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Charset;

/// Columns that `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `room` columns; what is cut out is cut from the middle, since names of pods differ at both ends.
#[must_use]
pub fn shorten(text: &str, room: usize, charset: Charset) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mark = charset.ellipsis();
    let Some(left) = room.checked_sub(width(mark)) else {
        return head(text, room).to_owned();
    };
    let tail = tail(text, left / 2);
    let head = head(text, left - width(tail));
    format!("{head}{mark}{tail}")
}

fn head(text: &str, room: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > room
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

fn tail(text: &str, room: usize) -> &str {
    let mut used = 0;
    let cut = text.char_indices().rev().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > room
    });
    &text[cut.map_or(0, |(at, c)| at + c.len_utf8())..]
}

/// `text`, cleaned before, in lines of at most `room` columns, broken at spaces, inside a word only where it alone is
/// too long. A percent sign stays with its figure.
#[must_use]
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    // Clean text holds no such space, so it can be told apart again.
    let bound = text.replace(" %", "\u{a0}%");
    let options = Options::new(room.max(1))
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    let lines = textwrap::wrap(&bound, options);
    lines
        .iter()
        .map(|line| line.replace('\u{a0}', " "))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_ends_of_a_name_stay() {
        assert_eq!(
            shorten("default/web-7d9f8c-abcde", 12, Charset::Unicode),
            "defaul…abcde"
        );
        assert_eq!(
            shorten("default/web-7d9f8c-abcde", 12, Charset::Ascii),
            "defau..abcde"
        );
        assert_eq!(shorten("web-0", 5, Charset::Unicode), "web-0");
    }

    #[test]
    fn a_wide_character_takes_two_columns() {
        assert_eq!(shorten("网页网页网页", 7, Charset::Unicode), "网页…页");
        assert_eq!(width("网页"), 4);
    }

    #[test]
    fn wrapping_keeps_names_whole() {
        assert_eq!(
            wrap("fs.inotify.max_user_instances of web-0-abc is used", 32),
            ["fs.inotify.max_user_instances of", "web-0-abc is used"]
        );
    }

    proptest! {
        #[test]
        fn it_fits(raw in "\\PC{0,60}", room in 1_usize..40) {
            let clean = Charset::Unicode.clean(&raw).into_owned();
            prop_assert!(width(&shorten(&clean, room, Charset::Unicode)) <= room);
            for line in wrap(&clean, room.max(2)) {
                prop_assert!(width(&line) <= room.max(2), "{line:?}");
            }
        }
    }
}
