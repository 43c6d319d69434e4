use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::selection::Move;
use super::{Effect, State, View};
use crate::top::drill::Drill;
use crate::top::holders::{Grouping, SortKey};
use crate::top::update::Request;

/// Samples of a large step.
const TEN: isize = 10;

impl State {
    /// Does what a key says.
    pub fn key(&mut self, key: KeyEvent) -> Effect {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            match key.code {
                KeyCode::Char('c') => return Effect::Quit,
                KeyCode::Char('z') => return Effect::Suspend,
                KeyCode::Char('u') if self.typing => self.set_filter(String::new()),
                _ => {}
            }
            return Effect::Draw;
        }
        if self.typing {
            self.type_filter(key.code);
            return Effect::Draw;
        }
        if self.help.is_some() {
            return self.leave_help(key.code);
        }
        self.command(key.code)
    }

    fn command(&mut self, code: KeyCode) -> Effect {
        if let Some(request) = self.of_recording(code) {
            return Effect::Ask(request);
        }
        if let Some(to) = Move::of_key(code) {
            self.go(to);
            return Effect::Draw;
        }
        match code {
            KeyCode::Char('q') => return Effect::Quit,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.help = Some(0),
            KeyCode::Char('p' | ' ') => self.pause(),
            KeyCode::Esc | KeyCode::Backspace | KeyCode::Left => self.back(code),
            KeyCode::Enter | KeyCode::Right => return self.enter(),
            KeyCode::Char('u') if self.drill.is_some() => return self.list_again(),
            KeyCode::Char(digit @ '1'..='4') => {
                let at = digit.to_digit(10).unwrap_or(1) as usize - 1;
                self.show(View::ALL[at]);
            }
            KeyCode::Tab => self.show(next(&View::ALL, self.view, 1)),
            KeyCode::BackTab => self.show(next(&View::ALL, self.view, -1)),
            KeyCode::Char('c') if self.drill.is_none() => {
                self.choice.cmdlines = !self.choice.cmdlines;
                self.refresh();
                return Effect::Ask(Request::Cmdlines(self.choice.cmdlines));
            }
            KeyCode::Char('+') => return self.interval(true).map_or(Effect::Draw, Effect::Ask),
            KeyCode::Char('-') => return self.interval(false).map_or(Effect::Draw, Effect::Ask),
            _ if self.drill.is_none() => self.choose(code),
            _ => {}
        }
        Effect::Draw
    }

    /// The keys that move through a recording.
    fn of_recording(&self, code: KeyCode) -> Option<Request> {
        let step = |by| Some(Request::Step(by));
        self.moment?;
        match code {
            KeyCode::Char('[') => step(-1),
            KeyCode::Char(']') => step(1),
            // Within a list of watches they lead out of a directory and into it.
            KeyCode::Left if self.drill.is_none() => step(-1),
            KeyCode::Right if self.drill.is_none() => step(1),
            KeyCode::Char('{') => step(-TEN),
            KeyCode::Char('}') => step(TEN),
            KeyCode::Char('^') => Some(Request::First),
            KeyCode::Char('$') => Some(Request::Last),
            KeyCode::Char('p' | ' ') => Some(Request::Play),
            KeyCode::Char('+') => Some(Request::Faster(true)),
            KeyCode::Char('-') => Some(Request::Faster(false)),
            _ => None,
        }
    }

    /// Any key closes the help, but those that scroll it.
    fn leave_help(&mut self, code: KeyCode) -> Effect {
        match Move::of_key(code) {
            Some(to) => self.go(to),
            None => self.help = None,
        }
        match code {
            KeyCode::Char('q') => Effect::Quit,
            _ => Effect::Draw,
        }
    }

    /// Order, groups and filter.
    fn choose(&mut self, code: KeyCode) {
        let choice = &mut self.choice;
        match code {
            KeyCode::Char('/') => {
                self.typing = true;
                return;
            }
            KeyCode::Char('s') => choice.sort = next(&SortKey::ALL, choice.sort, 1),
            KeyCode::Char('S') => choice.sort = next(&SortKey::ALL, choice.sort, -1),
            KeyCode::Char('w') => choice.sort = SortKey::Watches,
            KeyCode::Char('i') => choice.sort = SortKey::Instances,
            KeyCode::Char('m') => choice.sort = SortKey::Rate,
            KeyCode::Char('f') => choice.sort = SortKey::Refusal,
            KeyCode::Char('n') => choice.sort = SortKey::Name,
            KeyCode::Char('r') => choice.reversed = !choice.reversed,
            KeyCode::Char('g') => choice.grouping = next(&Grouping::ALL, choice.grouping, 1),
            KeyCode::Char('G') => choice.grouping = next(&Grouping::ALL, choice.grouping, -1),
            _ => return,
        }
        self.refresh();
    }

    fn type_filter(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char(typed) => {
                let mut filter = self.choice.filter.clone();
                filter.push(typed);
                self.set_filter(filter);
            }
            KeyCode::Backspace => {
                let mut filter = self.choice.filter.clone();
                if filter.pop().is_none() {
                    self.typing = false;
                }
                self.set_filter(filter);
            }
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                self.typing = false;
                self.set_filter(String::new());
            }
            KeyCode::Up => self.go(Move::Lines(-1)),
            KeyCode::Down => self.go(Move::Lines(1)),
            _ => {}
        }
    }

    fn set_filter(&mut self, filter: String) {
        self.choice.filter = filter;
        self.scroll = 0;
        self.refresh();
    }

    fn show(&mut self, view: View) {
        self.view = view;
        self.drill = None;
        self.scroll = 0;
        self.refresh();
    }

    fn pause(&mut self) {
        self.paused = match self.paused {
            Some(_) => None,
            None => Some(Box::new(self.live.clone())),
        };
        self.refresh();
    }

    /// One step back: out of a directory, out of the watches, off with the filter.
    fn back(&mut self, code: KeyCode) {
        let escape = code == KeyCode::Esc;
        let went_out = |drill: &mut Drill| !escape && drill.leave();
        match self.drill.as_mut().map(went_out) {
            Some(true) => {}
            Some(false) => self.drill = None,
            None if escape => self.set_filter(String::new()),
            None => {}
        }
    }

    fn enter(&mut self) -> Effect {
        if let Some(drill) = &mut self.drill {
            drill.enter();
            return Effect::Draw;
        }
        let row = self.rows.get(self.selected());
        let Some(row) = row.filter(|row| self.view == View::Holders && !row.pids.is_empty()) else {
            return Effect::Draw;
        };
        let title = match row.pids.first() {
            Some(pid) if row.pids.len() == 1 => {
                format!("{} (pid {pid}), {}", row.program, row.owner)
            }
            _ => format!("{}, {} processes", row.owner, row.pids.len()),
        };
        let (key, pids) = (row.key.clone(), row.pids.iter().copied().collect());
        self.ask(Drill::new(0, key, title, pids))
    }

    /// The same watches as they are now, at the same place.
    fn list_again(&mut self) -> Effect {
        match self.drill.take() {
            Some(drill) => self.ask(drill),
            None => Effect::Draw,
        }
    }

    fn ask(&mut self, mut drill: Drill) -> Effect {
        self.requests += 1;
        drill.id = self.requests;
        let pids = drill.pids.clone();
        self.drill = Some(drill);
        Effect::Ask(Request::Watches {
            id: self.requests,
            pids,
        })
    }
}

/// The one after `now`, or before it, in a circle.
fn next<T: Copy + PartialEq>(all: &[T], now: T, by: isize) -> T {
    let at = all.iter().position(|one| *one == now).unwrap_or(0);
    let length = all.len();
    let to = match by {
        1.. => (at + 1) % length,
        _ => (at + length - 1) % length,
    };
    all[to]
}
