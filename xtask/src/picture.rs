//! Renders what nospace prints as SVG, for scripts/terminal-pictures.

use std::io::{self, Read as _, Write as _};

use anstyle::RgbColor;
use anstyle_svg::{Palette, Term};
use anyhow::{Context, Result};

const BACKGROUND: RgbColor = RgbColor(0x16, 0x1b, 0x22);
const FOREGROUND: RgbColor = RgbColor(0xd1, 0xd7, 0xe0);

/// Renders standard input below the command that printed it.
pub fn write(command: Option<String>) -> Result<()> {
    let mut styled = command.map_or(String::new(), |command| format!("$ {command}\n"));
    io::stdin()
        .read_to_string(&mut styled)
        .context("standard input")?;
    let term = Term::new()
        .palette(palette())
        .bg_color(BACKGROUND.into())
        .fg_color(FOREGROUND.into());
    let svg = term.render_svg(&styled);
    io::stdout()
        .write_all(svg.as_bytes())
        .context("standard output")
}

/// Colours that are legible on the dark background, in the order of ANSI; the bright eight are the same.
fn palette() -> Palette {
    let eight = [
        RgbColor(0x48, 0x4f, 0x58),
        RgbColor(0xff, 0x7b, 0x72),
        RgbColor(0x7e, 0xe7, 0x87),
        RgbColor(0xe3, 0xb3, 0x41),
        RgbColor(0x79, 0xb8, 0xff),
        RgbColor(0xd2, 0xa8, 0xff),
        RgbColor(0x56, 0xd4, 0xdd),
        RgbColor(0xd1, 0xd7, 0xe0),
    ];
    Palette(std::array::from_fn(|at| eight[at % eight.len()]))
}
