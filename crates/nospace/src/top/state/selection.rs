use super::{State, View};

/// Where a key moves to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// So many lines up or down.
    Lines(isize),
    /// So many screens up or down.
    Pages(isize),
    /// To the first line.
    First,
    /// To the last line.
    Last,
}

impl Move {
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
        if let Some(drill) = &mut self.drill {
            drill.selected = to.from(drill.selected, drill.lines().len(), page);
            return;
        }
        match self.view {
            View::Holders => {
                self.position = to.from(self.selected(), self.rows.len(), page);
                // The first place is kept by whoever comes to be first.
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
