//! Columns whose widths depend on the screen alone, so that nothing moves when a figure changes.

use anstyle::Style;

use crate::ui::table::Align;
use crate::ui::{Charset, Line, style, text};

const GAP: usize = 2;

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Heading.
    pub title: &'static str,
    align: Align,
    /// Columns that it takes at least.
    width: usize,
    /// Part that it gets of what is left over; 0 for none.
    share: usize,
    /// Those with the highest number are left out first; those with 0 never.
    rank: u8,
}

impl Column {
    /// Figures, right-aligned.
    pub const fn figures(title: &'static str, width: usize) -> Self {
        Self {
            title,
            align: Align::Right,
            width,
            share: 0,
            rank: 0,
        }
    }

    /// Names, of `width` columns at least.
    pub const fn names(title: &'static str, width: usize, share: usize) -> Self {
        Self {
            title,
            align: Align::Left,
            width,
            share,
            rank: 0,
        }
    }

    /// Left out where room is short, those with the highest `rank` first.
    pub const fn optional(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }
}

/// The columns that fit, and how wide they are: 0 for those that do not.
#[derive(Clone, Debug)]
pub struct Columns {
    columns: Vec<(Column, usize)>,
    charset: Charset,
}

impl Columns {
    /// Chooses among `all` for `room` columns.
    pub fn fit(all: &[Column], room: usize, charset: Charset) -> Self {
        let mut kept = vec![true; all.len()];
        let needed = |kept: &[bool]| {
            let shown = all.iter().zip(kept).filter(|(_, kept)| **kept);
            shown.map(|(column, _)| column.width + GAP).sum::<usize>() - GAP
        };
        while needed(&kept) > room {
            let optional = all
                .iter()
                .enumerate()
                .filter(|(at, c)| kept[*at] && c.rank > 0);
            match optional.max_by_key(|(_, column)| column.rank) {
                Some((at, _)) => kept[at] = false,
                None => break,
            }
        }
        let mut left = room.saturating_sub(needed(&kept));
        let mut shares: usize = all
            .iter()
            .zip(&kept)
            .filter(|(_, kept)| **kept)
            .map(|(c, _)| c.share)
            .sum();
        let columns = all.iter().zip(&kept).map(|(column, kept)| {
            if !kept {
                return (*column, 0);
            }
            let more = (left * column.share).checked_div(shares).unwrap_or(0);
            left -= more;
            shares -= column.share;
            (*column, column.width + more)
        });
        Self {
            columns: columns.collect(),
            charset,
        }
    }

    /// Columns that the column of this title has; 0 where it was left out.
    pub fn width(&self, title: &str) -> usize {
        let found = self
            .columns
            .iter()
            .find(|(column, _)| column.title == title);
        found.map_or(0, |(_, width)| *width)
    }

    /// The headings; the one of `sorted` stands out.
    pub fn headings(&self, sorted: &str) -> Line {
        let cells = self.columns.iter().map(|(column, _)| {
            let look = if column.title == sorted {
                style::BOLD
            } else {
                style::DIM
            };
            (look, column.title.to_owned())
        });
        self.row(cells)
    }

    /// A row: one cell a column, raw.
    pub fn row(&self, cells: impl IntoIterator<Item = (Style, String)>) -> Line {
        let mut line = Line::new(self.charset);
        let mut start = 0;
        for ((column, width), (look, raw)) in self.columns.iter().zip(cells) {
            if *width == 0 {
                continue;
            }
            let shown = text::shorten(&self.charset.clean(&raw), *width, self.charset);
            let left = match column.align {
                Align::Left => start,
                Align::Right => start + width.saturating_sub(text::width(&shown)),
            };
            line = line.pad_to(left).put(look, &shown);
            start += width + GAP;
        }
        line
    }
}
