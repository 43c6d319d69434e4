//! What the screen shows: all that came in, and what the keys have chosen. Nothing here knows a terminal.

mod keys;
mod selection;

use std::time::Duration;

use super::budgets::Budget;
use super::data::Data;
use super::drill::Drill;
use super::holders::{Choice, Key, Row, rows};
use super::update::{Moment, Position, Request, Update};

/// What the screen shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Budgets and who holds them.
    #[default]
    Holders,
    /// Every limit, the fullest first.
    Limits,
    /// Calls that were refused, the newest first.
    Refusals,
    /// What is wrong, the forecast, and what was not seen.
    Findings,
}

impl View {
    /// All, in the order of their keys.
    pub const ALL: [Self; 4] = [Self::Holders, Self::Limits, Self::Refusals, Self::Findings];

    /// Its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Holders => "Holders",
            Self::Limits => "Limits",
            Self::Refusals => "Refusals",
            Self::Findings => "Findings",
        }
    }
}

/// What a key asks of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing but to draw again.
    Draw,
    /// To end.
    Quit,
    /// To stop until the shell continues it.
    Suspend,
    /// To ask the node.
    Ask(Request),
}

/// How much the last drawing had room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Rows of the list that fit.
    pub rows: usize,
    /// Lines of the text that is scrolled, all of them.
    pub lines: usize,
}

/// All that is shown, and what the keys have chosen.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// What comes in.
    live: Data,
    /// What is shown instead, while it is paused.
    paused: Option<Box<Data>>,
    /// Where in a recording; `None` for a live node.
    pub moment: Option<Position>,
    /// Why a recording cannot be read any further.
    pub trouble: Option<String>,
    /// What the screen shows.
    pub view: View,
    /// Order, groups and filter.
    pub choice: Choice,
    /// The filter is being typed.
    pub typing: bool,
    /// The keys are explained, from this line on.
    pub help: Option<usize>,
    /// The watches of a holder are shown.
    pub drill: Option<Drill>,
    /// Holders in their order, without what the filter leaves out.
    pub rows: Vec<Row>,
    /// Holders before the filter.
    pub all_rows: usize,
    /// Budgets, the fullest first, without what the filter leaves out.
    pub budgets: Vec<Budget>,
    /// The holder that is chosen: it stays so when the order changes.
    selected: Option<Key>,
    /// Where it was, for when it has gone.
    position: usize,
    /// First line or row that is shown, of what has no selection.
    pub scroll: usize,
    shown: Shown,
    requests: u64,
}

impl State {
    /// Nothing has come in yet.
    #[must_use]
    pub fn new(choice: Choice) -> Self {
        Self {
            choice,
            ..Self::default()
        }
    }

    /// What is shown.
    #[must_use]
    pub fn data(&self) -> &Data {
        self.paused.as_deref().unwrap_or(&self.live)
    }

    /// Whether what comes in is not shown.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Takes what came in.
    pub fn take(&mut self, update: Update) {
        match update {
            Update::Watches { id, result } => {
                if let Some(drill) = self.drill.as_mut().filter(|drill| drill.id == id) {
                    drill.answer(result);
                }
                return;
            }
            Update::Moment(moment) => self.show_moment(moment),
            Update::Unreadable(why) => {
                self.trouble = Some(why);
                self.moment = self.moment.map(|moment| Position {
                    playing: None,
                    ..moment
                });
            }
            update => self.live.take(update),
        }
        if self.paused.is_none() {
            self.refresh();
        }
    }

    /// Another moment of a recording: with a jump nothing of before counts.
    fn show_moment(&mut self, moment: Moment) {
        if moment.is_jump {
            self.live = Data::default();
        }
        for (sample, refused) in moment.samples {
            self.live.take(Update::Sample(sample));
            match refused {
                Ok(mut refused) => {
                    // Of a live node it is the sum.
                    refused.lost += self.live.refusals.lost;
                    self.live.take(Update::TraceBegan);
                    self.live.take(Update::Refusals(refused));
                }
                Err(why) => self.live.take(Update::TraceEnded(why)),
            }
            self.trouble = None;
        }
        self.moment = Some(moment.position);
    }

    /// Learns how much fits on the screen.
    pub fn learn(&mut self, shown: Shown) {
        self.shown = shown;
        if let Some(first) = &mut self.help {
            *first = (*first).min(shown.lines.saturating_sub(shown.rows));
            return;
        }
        let most = match self.view {
            View::Refusals => self.data().refusals.len(),
            View::Limits => self.budgets.len(),
            View::Findings | View::Holders => shown.lines,
        };
        self.scroll = self.scroll.min(most.saturating_sub(shown.rows));
    }

    /// The time between samples that a key has asked for, in the steps that people expect.
    fn interval(&self, longer: bool) -> Option<Request> {
        const STEPS: [u64; 7] = [1, 2, 5, 10, 15, 30, 60];
        let now = self.live.interval?.as_secs();
        let next = match longer {
            true => STEPS.into_iter().find(|&step| step > now),
            false => STEPS.into_iter().rev().find(|&step| step < now),
        };
        Some(Request::Interval(Duration::from_secs(next?)))
    }

    /// Works the lists out anew.
    fn refresh(&mut self) {
        let data = self.paused.as_deref().unwrap_or(&self.live);
        let Some(sample) = &data.sample else {
            return;
        };
        let (rows, all) = rows(sample, &data.windows, &data.refusals, &self.choice);
        let mut budgets = data.budgets.budgets(sample);
        if self.view == View::Limits {
            budgets.retain(|budget| budget.matches(&self.choice.filter));
        }
        (self.rows, self.all_rows, self.budgets) = (rows, all, budgets);
    }
}
