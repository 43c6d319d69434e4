use anstyle::{AnsiColor, Color as Ansi, Effects};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line as Drawn, Span};

use crate::ui::{Charset, Line};

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whether to use colours: the sixteen that every terminal has.
    pub color: bool,
    /// What it can draw.
    pub charset: Charset,
    /// The Linux console, whose fonts lack the blocks of a sparkline.
    pub console: bool,
}

impl Look {
    /// The heights of a sparkline, the lowest first.
    pub fn steps(self) -> &'static [char] {
        match (self.charset, self.console) {
            (Charset::Unicode, false) => &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            // The block elements of code page 437.
            (Charset::Unicode, true) => &['_', '▄', '█'],
            (Charset::Ascii, _) => &['_', '.', '-', '=', '#'],
        }
    }

    /// A line of the program's own, as ratatui draws it.
    pub fn drawn(self, line: &Line) -> Drawn<'static> {
        let pieces = line.pieces();
        let spans = pieces.map(|(style, text)| Span::styled(text.to_owned(), self.style(style)));
        Drawn::from(spans.collect::<Vec<_>>())
    }

    fn style(self, style: anstyle::Style) -> Style {
        let mut drawn = Style::new();
        if let Some(Ansi::Ansi(color)) = style.get_fg_color().filter(|_| self.color) {
            drawn = drawn.fg(named(color));
        }
        let effects = [
            (Effects::BOLD, Modifier::BOLD),
            (Effects::DIMMED, Modifier::DIM),
            (Effects::UNDERLINE, Modifier::UNDERLINED),
            (Effects::INVERT, Modifier::REVERSED),
        ];
        let has = effects
            .into_iter()
            .filter(|(effect, _)| style.get_effects().contains(*effect));
        has.fold(drawn, |drawn, (_, modifier)| drawn.add_modifier(modifier))
    }
}

fn named(color: AnsiColor) -> Color {
    match color {
        AnsiColor::Black | AnsiColor::BrightBlack => Color::DarkGray,
        AnsiColor::Red | AnsiColor::BrightRed => Color::Red,
        AnsiColor::Green | AnsiColor::BrightGreen => Color::Green,
        AnsiColor::Yellow | AnsiColor::BrightYellow => Color::Yellow,
        AnsiColor::Blue | AnsiColor::BrightBlue => Color::Blue,
        AnsiColor::Magenta | AnsiColor::BrightMagenta => Color::Magenta,
        AnsiColor::Cyan | AnsiColor::BrightCyan => Color::Cyan,
        AnsiColor::White | AnsiColor::BrightWhite => Color::Reset,
    }
}
