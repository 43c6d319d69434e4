//! The formats that commands print in, one file each.
//!
//! A new format is its file with a [`Format`], and a row in [`FORMATS`]: the values of `-o`, their help, completions
//! and man pages follow from that. A format that can print only the report of `check` is offered by `check` alone.

mod document;
mod human;
pub mod json;
mod line;
pub mod markdown;
mod prometheus;
pub mod summary;

use std::io;

pub use document::{Check, Document, document};

use crate::ui::{self, screen::Screen};

/// Every format, in the order of the help; the first is the default.
pub static FORMATS: [&Format; 6] = [
    &human::FORMAT,
    &line::FORMAT,
    &markdown::FORMAT,
    &json::FORMAT,
    &prometheus::FORMAT,
    &summary::FORMAT,
];

/// A value of `-o`.
#[derive(Debug)]
pub struct Format {
    /// What is typed.
    pub name: &'static str,
    /// For the help.
    pub help: &'static str,
    write: Write,
}

/// How a format writes.
#[derive(Debug)]
enum Write {
    /// The document of any command.
    Any(fn(&dyn Document, Part, &Screen, &mut dyn io::Write) -> io::Result<()>),
    /// The report of `check`.
    Check(fn(&Check<'_>, &mut dyn io::Write) -> io::Result<()>),
}

/// Whether more documents follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The document is all that is printed.
    Whole,
    /// One of many, printed as they come.
    OfStream,
}

impl Format {
    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.into_iter().find(|format| format.name == name)
    }

    /// Whether people read it; it may be followed by more text.
    #[must_use]
    pub fn is_for_people(&self) -> bool {
        self.name == human::FORMAT.name
    }

    /// Whether it can print what any command has to say, not only the report of `check`.
    #[must_use]
    pub fn prints_any(&self) -> bool {
        matches!(self.write, Write::Any(_))
    }

    /// Prints `document` on standard output.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written to, or this format cannot print such a document.
    pub fn print(&self, document: &dyn Document) -> io::Result<()> {
        let screen = Screen::of_stdout();
        ui::offer_from(|out| self.write(document, Part::Whole, &screen, out)).map(drop)
    }

    /// Adds `document`, one of many, to `text`, which is for `screen`.
    ///
    /// # Errors
    ///
    /// This format cannot print such a document.
    pub fn append(
        &self,
        document: &dyn Document,
        screen: &Screen,
        text: &mut Vec<u8>,
    ) -> io::Result<()> {
        self.write(document, Part::OfStream, screen, text)
    }

    fn write(
        &self,
        document: &dyn Document,
        part: Part,
        screen: &Screen,
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        match (&self.write, document.check()) {
            (Write::Any(write), _) => write(document, part, screen, out),
            (Write::Check(write), Some(check)) => write(check, out),
            (Write::Check(_), None) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("-o {} is for check alone", self.name),
            )),
        }
    }
}

impl Default for &'static Format {
    fn default() -> Self {
        FORMATS[0]
    }
}
