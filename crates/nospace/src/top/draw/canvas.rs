use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::look::Look;
use crate::ui::Line;

/// The lines of the screen that are still free, from the top down.
pub struct Canvas<'b> {
    buffer: &'b mut Buffer,
    area: Rect,
    /// What the terminal can show.
    pub look: Look,
}

impl<'b> Canvas<'b> {
    /// All of `area`.
    pub fn new(buffer: &'b mut Buffer, area: Rect, look: Look) -> Self {
        Self { buffer, area, look }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.area.width.into()
    }

    /// Lines that are free.
    pub fn height(&self) -> usize {
        self.area.height.into()
    }

    /// Draws the next line, if one is free.
    pub fn line(&mut self, line: &Line) {
        if let Some(row) = self.next() {
            let drawn = self.look.drawn(line);
            self.buffer.set_line(row.x, row.y, &drawn, row.width);
        }
    }

    /// Draws the next line as the one that is chosen.
    pub fn chosen(&mut self, line: &Line) {
        let row = Rect {
            height: self.area.height.min(1),
            ..self.area
        };
        self.line(line);
        let reversed = Style::new().add_modifier(Modifier::REVERSED);
        self.buffer.set_style(row, reversed);
    }

    /// Leaves a line free.
    pub fn blank(&mut self) {
        self.next();
    }

    /// Draws the last line that is free.
    pub fn last(&mut self, line: &Line) {
        if self.area.height == 0 {
            return;
        }
        self.area.height -= 1;
        let drawn = self.look.drawn(line);
        let at = self.area.y + self.area.height;
        self.buffer
            .set_line(self.area.x, at, &drawn, self.area.width);
    }

    fn next(&mut self) -> Option<Rect> {
        let row = Rect {
            height: 1,
            ..self.area
        };
        if self.area.height == 0 {
            return None;
        }
        self.area.y += 1;
        self.area.height -= 1;
        Some(row)
    }
}
