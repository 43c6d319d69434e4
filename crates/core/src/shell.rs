//! Words for a shell.

/// The word as a shell takes it for one. Names are chosen by the users of the node:
/// `None` where a command would take it for an option, or a terminal for more than a name.
#[must_use]
pub fn quote(word: &str) -> Option<String> {
    if word.is_empty() || word.starts_with('-') || word.chars().any(char::is_control) {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/:@=+,-".contains(c);
    Some(if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    })
}
