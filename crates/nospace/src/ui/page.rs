use std::io;

use anstyle::Style;

use super::table::Table;
use super::{Charset, Line, style, text};

const INDENT: usize = 2;
const LABEL: usize = 15;
const NARROW: usize = 76;

/// What is being written, line by line, for a terminal of one width.
#[derive(Clone, Debug)]
pub struct Page {
    /// Columns.
    pub width: usize,
    /// What the terminal can draw.
    pub charset: Charset,
    lines: Vec<Line>,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub fn new(width: usize, charset: Charset) -> Self {
        Self {
            width,
            charset,
            lines: Vec::new(),
        }
    }

    /// Columns before the text of a section.
    #[must_use]
    pub fn indent(&self) -> usize {
        INDENT
    }

    /// Columns for the text of a section.
    #[must_use]
    pub fn room(&self) -> usize {
        self.width.saturating_sub(INDENT)
    }

    /// Whether what is not needed must give way to names.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        self.width < NARROW
    }

    /// An empty line.
    #[must_use]
    pub fn line(&self) -> Line {
        Line::new(self.charset)
    }

    /// A line that begins where the text of a section does.
    #[must_use]
    pub fn indented(&self) -> Line {
        self.line().pad_to(INDENT)
    }

    /// Adds a line as it is, however long.
    pub fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Adds a blank line and a heading with a remark.
    pub fn heading(&mut self, title: &str, remark: &str) {
        self.lines.push(self.line());
        let mut line = self.line().put(style::BOLD, title);
        if !remark.is_empty() {
            line = line.plain("  ").put(style::DIM, remark);
        }
        self.lines.push(line);
    }

    /// A line that begins with a heading, for what is said in one line.
    #[must_use]
    pub fn labelled(&self, title: &str) -> Line {
        self.line().put(style::BOLD, title).pad_to(LABEL)
    }

    /// Adds a table.
    pub fn table(&mut self, table: &Table) {
        self.table_with(table, |_, _| {});
    }

    /// Adds a table, and below each row what `notes` adds for the row of that number.
    pub fn table_with(&mut self, table: &Table, mut notes: impl FnMut(&mut Self, usize)) {
        let lines = table.lines(self.charset, self.indent(), self.room());
        for (at, line) in lines.into_iter().enumerate() {
            self.add(line);
            if let Some(row) = at.checked_sub(1) {
                notes(self, row);
            }
        }
    }

    /// Adds `body`, wrapped, each line of it below the first's start, after `before`.
    pub fn wrapped(&mut self, before: Line, style: Style, body: &str) {
        let start = before.width();
        let room = self.width.saturating_sub(start).max(20);
        let mut line = before;
        for part in text::wrap(&self.charset.clean(body), room) {
            self.lines.push(line.put(style, &part));
            line = self.line().pad_to(start);
        }
    }

    /// Lines so far.
    #[must_use]
    pub fn height(&self) -> usize {
        self.lines.len()
    }

    /// The lines.
    #[must_use]
    pub fn into_lines(self) -> Vec<Line> {
        self.lines
    }

    /// Writes it all, with styles.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        self.lines.iter().try_for_each(|line| line.write(out))
    }
}
