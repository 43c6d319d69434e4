//! Columns that line up.

use anstyle::Style;

use super::{Charset, Line, style, text};

const GAP: usize = 2;
const NARROWEST: usize = 8;

/// Alignment of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Names.
    Left,
    /// Figures.
    Right,
}

/// One cell.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    style: Style,
    text: String,
}

impl Cell {
    /// An unstyled cell.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self::styled(style::PLAIN, text)
    }

    /// A cell in `style`.
    #[must_use]
    pub fn styled(style: Style, text: impl Into<String>) -> Self {
        Self {
            style,
            text: text.into(),
        }
    }
}

#[derive(Clone, Debug)]
struct Column {
    title: &'static str,
    align: Align,
    may_shrink: bool,
}

/// Rows under a heading, as wide as the page allows.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Adds a column that is as wide as its widest cell.
    #[must_use]
    pub fn column(mut self, title: &'static str, align: Align) -> Self {
        self.columns.push(Column {
            title,
            align,
            may_shrink: false,
        });
        self
    }

    /// Adds a column of names, which are shortened where room is short.
    #[must_use]
    pub fn names(mut self, title: &'static str) -> Self {
        self.columns.push(Column {
            title,
            align: Align::Left,
            may_shrink: true,
        });
        self
    }

    /// Adds a row: one cell a column.
    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// The heading and the rows, a line each, below `indent` and at most `room` columns wide.
    #[must_use]
    pub fn lines(&self, charset: Charset, indent: usize, room: usize) -> Vec<Line> {
        let head: Vec<Cell> = self
            .columns
            .iter()
            .map(|c| Cell::styled(style::DIM, c.title))
            .collect();
        let rows: Vec<Vec<Cell>> = std::iter::once(&head)
            .chain(&self.rows)
            .map(|row| cleaned(row, charset))
            .collect();
        let widths = self.widths(&rows, room);
        rows.iter()
            .map(|row| self.line(row, &widths, charset, indent))
            .collect()
    }

    fn widths(&self, rows: &[Vec<Cell>], room: usize) -> Vec<usize> {
        let widest = |at: usize| {
            rows.iter()
                .map(|row| text::width(&row[at].text))
                .max()
                .unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..self.columns.len()).map(widest).collect();
        let gaps = GAP * self.columns.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > room {
            let names = (0..widths.len()).filter(|&at| self.columns[at].may_shrink);
            match names.max_by_key(|&at| widths[at]) {
                Some(at) if widths[at] > NARROWEST => widths[at] -= 1,
                _ => break,
            }
        }
        widths
    }

    fn line(&self, row: &[Cell], widths: &[usize], charset: Charset, indent: usize) -> Line {
        let mut line = Line::new(charset);
        let mut start = indent;
        for ((cell, column), &width) in row.iter().zip(&self.columns).zip(widths) {
            let shown = text::shorten(&cell.text, width, charset);
            let left = match column.align {
                Align::Left => start,
                Align::Right => start + width - text::width(&shown),
            };
            line = line.pad_to(left).put(cell.style, &shown);
            start += width + GAP;
        }
        line
    }
}

fn cleaned(row: &[Cell], charset: Charset) -> Vec<Cell> {
    let clean = |cell: &Cell| Cell::styled(cell.style, charset.clean(&cell.text));
    row.iter().map(clean).collect()
}
