use std::ops::Range;

use crate::ui::{Line, Page, style};

/// Lines that a message takes at most.
const LINES: usize = 6;

/// Adds `message` after `before`, the part at `telling` marked, broken at the width of the page;
/// of a long one the lines around the telling part.
pub fn highlight(page: &mut Page, before: Line, message: &str, telling: &Range<usize>) {
    let start = before.width();
    let room = page.width.saturating_sub(start).max(20);
    let lines = broken(page, message, telling, room);
    let first = lines
        .iter()
        .position(|l| l.iter().any(|p| p.0))
        .unwrap_or(0);
    let skipped = first.min(lines.len().saturating_sub(LINES));
    let mut line = before;
    for pieces in lines.iter().skip(skipped).take(LINES) {
        for (matched, piece) in pieces {
            let look = if *matched { style::BOLD } else { style::DIM };
            line = line.put(look, piece);
        }
        page.add(line);
        line = page.line().pad_to(start);
    }
}

/// Of a line at least this share is used before it is broken at a space.
const FILLED: usize = 2;

/// Pieces of one line, each with whether it is telling.
type Pieces = Vec<(bool, String)>;

fn broken(page: &Page, message: &str, telling: &Range<usize>, room: usize) -> Vec<Pieces> {
    let cells = cells(page, message, telling);
    let mut lines = Vec::new();
    let mut rest = cells.as_slice();
    while !rest.is_empty() {
        let fits = fitting(rest, room);
        let here = &rest[..rest.len().min(fits + 1)];
        let space = here.iter().rposition(|c| c.1 == ' ');
        let (end, next) = match space.filter(|at| *at > fits / FILLED) {
            // The space that the line is broken at is not shown.
            Some(at) if fits < rest.len() => (at, at + 1),
            _ => (fits, fits),
        };
        lines.push(pieces(&rest[..end]));
        rest = &rest[next..];
    }
    lines
}

/// The characters of `message`, each with whether it is telling. They are cleaned before they are measured, for an
/// escape is wider than what it stands for.
fn cells(page: &Page, message: &str, telling: &Range<usize>) -> Vec<(bool, char)> {
    let parts = [
        (false, message.get(..telling.start)),
        (true, message.get(telling.clone())),
        (false, message.get(telling.end..)),
    ];
    let mut all = Vec::new();
    for (matched, part) in parts {
        let clean = page.charset.clean(part.unwrap_or_default());
        all.extend(clean.chars().map(|c| (matched, c)));
    }
    let indent = all.iter().take_while(|(_, c)| c.is_whitespace()).count();
    all.split_off(indent)
}

/// How many of `cells` take `room` columns at most; never none.
fn fitting(cells: &[(bool, char)], room: usize) -> usize {
    let mut used = 0;
    let wider = |(_, c): &(bool, char)| {
        used += crate::ui::text::width(c.encode_utf8(&mut [0; 4]));
        used > room
    };
    cells.iter().position(wider).unwrap_or(cells.len()).max(1)
}

fn pieces(cells: &[(bool, char)]) -> Pieces {
    let mut all: Pieces = Vec::new();
    for (matched, c) in cells {
        match all.last_mut() {
            Some((same, piece)) if same == matched => piece.push(*c),
            _ => all.push((*matched, c.to_string())),
        }
    }
    all
}
