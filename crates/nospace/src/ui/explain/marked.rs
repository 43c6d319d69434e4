use std::ops::Range;

use crate::ui::{Line, Page, style};

/// Lines that a message takes at most.
const LINES: usize = 6;

/// Adds `message` after `before`, the part at `telling` marked, broken at the width of the page;
/// of a long one the lines around the telling part.
pub fn marked(page: &mut Page, before: Line, message: &str, telling: &Range<usize>) {
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
        for (told, piece) in pieces {
            let look = if *told { style::BOLD } else { style::DIM };
            line = line.put(look, piece);
        }
        page.add(line);
        line = page.line().pad_to(start);
    }
}

/// Pieces of one line, each with whether it is telling.
type Pieces = Vec<(bool, String)>;

fn broken(page: &Page, message: &str, telling: &Range<usize>, room: usize) -> Vec<Pieces> {
    let mut lines: Vec<Pieces> = vec![Vec::new()];
    let mut used = 0;
    let parts = [
        (false, message.get(..telling.start)),
        (true, message.get(telling.clone())),
        (false, message.get(telling.end..)),
    ];
    for (told, part) in parts {
        // Cleaned before it is measured, for an escape is wider than what it stands for.
        for c in page.charset.clean(part.unwrap_or_default()).chars() {
            let width = crate::ui::text::width(c.encode_utf8(&mut [0; 4]));
            if used + width > room {
                lines.push(Vec::new());
                used = 0;
            }
            used += width;
            let Some(line) = lines.last_mut() else {
                continue;
            };
            match line.last_mut() {
                Some((same, piece)) if *same == told => piece.push(c),
                _ => line.push((told, c.to_string())),
            }
        }
    }
    lines
}
