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
    write: Write::Any(|document, part, _, out| document.json(part, out)),
};

/// Bytes that are written at once.
const CHUNK: usize = 1 << 16;

/// Writes `value`, a [`nospace_core::report::Report`] for example, as it is serialized: indented or, of a stream, as one line.
///
/// # Errors
///
/// It has no JSON form, or `out` fails.
pub fn write<T: Serialize>(value: &T, part: Part, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = Visible {
        out,
        buffer: Vec::new(),
    };
    match part {
        Part::Whole => serde_json::to_writer_pretty(&mut out, value)?,
        Part::OfStream => serde_json::to_writer(&mut out, value)?,
    }
    out.buffer.push(b'\n');
    out.write_buffer()
}

/// Writes characters that a terminal would interpret or hide as `\uXXXX`: another spelling of the same JSON, since outside of texts there are
/// only spaces and line feeds.
struct Visible<'a> {
    out: &'a mut dyn io::Write,
    buffer: Vec<u8>,
}

impl Visible<'_> {
    fn write_buffer(&mut self) -> io::Result<()> {
        let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n');
        if self.buffer.iter().all(is_plain) {
            self.out.write_all(&self.buffer)?;
        } else {
            let raw = String::from_utf8_lossy(&self.buffer);
            self.out.write_all(&spelled(&raw))?;
        }
        self.buffer.clear();
        Ok(())
    }
}

impl io::Write for Visible<'_> {
    /// `bytes` are whole characters: serde_json ends a piece of text only where it escapes something.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.write_buffer()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_buffer()?;
        self.out.flush()
    }
}

fn spelled(raw: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    let hidden = |&(_, c): &(usize, char)| !matches!(c, ' '..='~' | '\n') && is_invisible(c);
    while let Some((at, c)) = rest.char_indices().find(hidden) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.extend(format!("\\u{unit:04x}").bytes());
        }
        rest = &rest[at + c.len_utf8()..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write(&text, Part::Whole, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_steers_the_terminal_and_the_value_stays() {
        let raw = "a\x1b[2J\u{9b}31m\x7f\u{202e}\u{200b}\u{e0041} \u{e9}e\u{301}\n\"\\";
        let json = written(raw);
        assert!(json.trim_end().chars().all(|c| !is_invisible(c)), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), raw);
        assert_eq!(written("web-0 größe"), "\"web-0 größe\"\n");
    }

    #[test]
    fn a_long_text_is_written_in_pieces_of_whole_characters() {
        let long = "größe \u{1b}🦀".repeat(CHUNK);
        for value in [&long[..], &long[1..]] {
            let json = written(value);
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), value);
        }
        let many = vec!["ä"; CHUNK];
        let mut out = Vec::new();
        write(&many, Part::OfStream, &mut out).unwrap();
        assert_eq!(serde_json::from_slice::<Vec<String>>(&out).unwrap(), many);
    }
}
