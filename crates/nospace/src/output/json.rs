//! JSON: the documents of docs/schema/.
//!
//! A document is always indented, whether a person or a script reads it: what one sees is what the other gets, and
//! two runs can be compared line by line. It ends with one newline.

use std::io;

use serde::Serialize;

use super::{Format, Part, Write};
use crate::ui::is_invisible;

pub(super) const FORMAT: Format = Format {
    name: "json",
    help: "JSON; messages go to standard error",
    write: Write::Any(|document, part, _, text| document.json(part, text)),
};

/// Adds `value`, a [`nospace_core::report::Report`] for example: indented or, of a stream, as one line.
///
/// # Errors
///
/// It has no JSON form.
pub fn write<T: Serialize>(value: &T, part: Part, out: &mut Vec<u8>) -> io::Result<()> {
    let start = out.len();
    match part {
        Part::Whole => serde_json::to_writer_pretty(&mut *out, value)?,
        Part::OfStream => serde_json::to_writer(&mut *out, value)?,
    }
    finish(out, start);
    Ok(())
}

/// Ends the document that begins at `start`, and writes characters in it that a terminal would interpret or hide as
/// `\uXXXX`: another spelling of the same JSON, since outside of texts there are only spaces and line feeds.
fn finish(out: &mut Vec<u8>, start: usize) {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n');
    if !out[start..].iter().all(is_plain) {
        let raw = String::from_utf8_lossy(&out.split_off(start)).into_owned();
        let mut rest = raw.as_str();
        let hidden = |&(_, c): &(usize, char)| !matches!(c, ' '..='~' | '\n') && is_invisible(c);
        while let Some((at, c)) = rest.char_indices().find(hidden) {
            out.extend_from_slice(&rest.as_bytes()[..at]);
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.extend(format!("\\u{unit:04x}").bytes());
            }
            rest = &rest[at + c.len_utf8()..];
        }
        out.extend_from_slice(rest.as_bytes());
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> String {
        let mut out = Vec::new();
        write(&text, Part::Whole, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_steers_the_terminal_and_the_value_stays() {
        let raw = "a\x1b[2J\u{9b}31m\x7f\u{202e}\u{200b}\u{e0041} \u{e9}e\u{301}\n\"\\";
        let json = spelled(raw);
        assert!(json.trim_end().chars().all(|c| !is_invisible(c)), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), raw);
        assert_eq!(spelled("web-0 größe"), "\"web-0 größe\"\n");
    }
}
