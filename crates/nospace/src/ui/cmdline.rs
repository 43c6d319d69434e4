//! Command lines below the processes that have them.

use super::{Page, style, text};

/// Adds a command line, where it was asked for: on one line, unless all of it is to be shown.
pub fn draw(page: &mut Page, arguments: Option<&[String]>, whole: bool) {
    let Some(arguments) = arguments else {
        return;
    };
    let line = line(arguments);
    let before = page.indented().plain("  ");
    if whole {
        page.wrapped(before, style::DIM, &line);
    } else {
        // Its beginning says most.
        let rest = format!(" {}", page.charset.ellipsis());
        let room = page.width.saturating_sub(before.width() + rest.len());
        let lines = text::wrap(&page.charset.clean(&line), room.max(20));
        let begin = lines.first().map_or("", String::as_str);
        let rest = if lines.len() > 1 { rest.as_str() } else { "" };
        page.add(before.put(style::DIM, begin).put(style::DIM, rest));
    }
}

/// Its arguments as a shell takes them.
pub fn line(arguments: &[String]) -> String {
    let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

/// As a shell takes it for one word; what a shell cannot be given so is shown as it is.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/:@=+,-%…".contains(c);
    if word.is_empty() || !word.chars().all(is_plain) {
        format!("'{}'", word.replace('\'', "'\\''"))
    } else {
        word.to_owned()
    }
}
