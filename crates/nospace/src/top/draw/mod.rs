//! The screen, drawn into memory.

mod budgets;
mod canvas;
mod columns;
mod figures;
mod findings;
mod frame;
mod help;
mod holders;
mod look;
mod refusals;
mod scrubber;
mod watches;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::state::{Shown, State, View};
use crate::ui::{Line, style};
use canvas::Canvas;
pub use look::Look;

/// Columns and lines that a screen needs at least.
pub const SMALLEST: (u16, u16) = (60, 12);

/// Draws all of `area`; says how much of the list there was room for.
pub fn draw(buffer: &mut Buffer, area: Rect, state: &State, look: Look) -> Shown {
    let mut canvas = Canvas::new(buffer, area, look);
    let line = Line::new(look.charset);
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let (columns, lines) = SMALLEST;
        let says = format!(
            "this screen is {}x{}, top needs {columns}x{lines}",
            area.width, area.height
        );
        canvas.line(&line.put(style::pressure(80), &says));
        return Shown::default();
    }
    frame::keys(&mut canvas, state);
    if let Some(position) = &state.moment {
        scrubber::draw(&mut canvas, position, state.trouble.as_deref());
    }
    let Some(sample) = state.data().sample.clone() else {
        canvas.line(&line.put(style::DIM, "reading ..."));
        return Shown::default();
    };
    frame::headline(&mut canvas, &sample.report);
    frame::views(&mut canvas, state);
    canvas.blank();
    if let Some(scroll) = state.help {
        return help::draw(&mut canvas, scroll, state.moment.is_some());
    }
    if let Some(drill) = &state.drill {
        return watches::draw(&mut canvas, drill);
    }
    match state.view {
        View::Holders => {
            budgets::panel(&mut canvas, state, &sample.report);
            canvas.blank();
            holders::draw(&mut canvas, state)
        }
        View::Limits => budgets::list(&mut canvas, state, &sample.report),
        View::Refusals => refusals::draw(&mut canvas, state),
        View::Findings => findings::draw(&mut canvas, state, &sample),
    }
}
