use crossterm::event::KeyCode;

use super::{State, View};

/// Where a key moves to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Lines up or down.
    Lines(isize),
    /// Screens up or down.
    Pages(isize),
    /// To the first line.
    First,
    /// To the last line.
    Last,
}

impl Move {
    /// What a key moves by; `None` for any other key.
    pub fn of_key(code: KeyCode) -> Option<Self> {
        match code {
            KeyCode::Up | KeyCode::Char('k') => Some(Self::Lines(-1)),
            KeyCode::Down | KeyCode::Char('j') => Some(Self::Lines(1)),
            KeyCode::PageUp => Some(Self::Pages(-1)),
            KeyCode::PageDown => Some(Self::Pages(1)),
            KeyCode::Home => Some(Self::First),
            KeyCode::End => Some(Self::Last),
            _ => None,
        }
    }

    /// From `at` in a list of `length`, of which `page` fit on the screen.
    fn from(self, at: usize, length: usize, page: usize) -> usize {
        let page = isize::try_from(page.max(2) - 1).unwrap_or(1);
        let to = match self {
            Self::Lines(lines) => at.saturating_add_signed(lines),
            Self::Pages(pages) => at.saturating_add_signed(pages.saturating_mul(page)),
            Self::First => 0,
            Self::Last => usize::MAX,
        };
        to.min(length.saturating_sub(1))
    }
}

impl State {
    /// Place of the chosen holder among `rows`.
    #[must_use]
    pub fn selected(&self) -> usize {
        let key = self.selected.as_ref();
        let place = key.and_then(|key| self.rows.iter().position(|row| row.key == *key));
        let last = self.rows.len().saturating_sub(1);
        place.unwrap_or(self.position).min(last)
    }

    /// Moves what is chosen, or scrolls where nothing can be chosen.
    pub(super) fn go(&mut self, to: Move) {
        let page = self.shown.rows;
        if let Some(first) = &mut self.help {
            let last = (self.shown.lines + 1).saturating_sub(page);
            *first = to.from(*first, last, page);
            return;
        }
        if let Some(drill) = &mut self.drill {
            drill.selected = to.from(drill.selected, drill.lines().len(), page);
            return;
        }
        match self.view {
            View::Holders => {
                self.position = to.from(self.selected(), self.rows.len(), page);
                // At the first row the choice stays with the row, not with the holder.
                let chosen = self.rows.get(self.position).filter(|_| self.position > 0);
                self.selected = chosen.map(|row| row.key.clone());
            }
            View::Limits => self.scroll_by(to, self.budgets.len()),
            View::Refusals => self.scroll_by(to, self.data().refusals.len()),
            View::Findings => self.scroll_by(to, self.shown.lines),
        }
    }

    fn scroll_by(&mut self, to: Move, length: usize) {
        let last = (length + 1).saturating_sub(self.shown.rows);
        self.scroll = to.from(self.scroll, last, self.shown.rows);
    }
}
