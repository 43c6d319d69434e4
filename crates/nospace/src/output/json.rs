//! JSON: the documents of docs/schema/.
//!
//! A document is always indented, whether a person or a script reads it: what one sees is what the other gets, and
//! two runs can be compared line by line. It ends with one newline.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::{Format, Part, Write};
use crate::ui::is_invisible;

pub(super) const FORMAT: Format = Format {
    name: "json",
    help: "JSON; messages go to standard error",
    write: Write::Any(|document, part, _, text| match part {
        Part::Whole => document.json(text),
        Part::OfStream => document.json_line(text),
    }),
};

/// Writes `value`, a [`nospace_core::report::Report`] for example.
///
/// # Errors
///
/// Those of `out`.
pub fn write<T: Serialize>(value: &T, mut out: &mut dyn io::Write) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut out, Visible(PrettyFormatter::new()));
    value.serialize(&mut serializer)?;
    out.write_all(b"\n")
}

/// Adds `value` as one line, for streams of documents.
///
/// # Errors
///
/// It has no JSON form.
pub fn write_line<T: Serialize>(value: &T, out: &mut Vec<u8>) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut *out, Visible(CompactFormatter));
    value.serialize(&mut serializer)?;
    out.push(b'\n');
    Ok(())
}

/// Writes characters that a terminal would interpret or hide as `\uXXXX`: another spelling of the same JSON.
struct Visible<F>(F);

impl<F: Formatter> Formatter for Visible<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Nearly all are, and looking at bytes is much faster than at characters.
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return self.0.write_string_fragment(out, fragment);
        }
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| is_invisible(c)) {
            self.0.write_string_fragment(out, &rest[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        self.0.write_string_fragment(out, rest)
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> String {
        let mut out = Vec::new();
        write(&text, &mut out).unwrap();
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
