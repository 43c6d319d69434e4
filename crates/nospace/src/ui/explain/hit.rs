use nospace_core::explain::Hit;

use super::highlight::highlight;
use crate::ui::screen::Screen;
use crate::ui::{Page, style};

/// One message as it comes by: when, where, which cause, and the message with its telling part.
#[must_use]
pub fn hit(source: &str, hit: &Hit, screen: &Screen) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    let mut line = page.line();
    if let Some(time) = &hit.time {
        line = line.put(style::DIM, time).plain("  ");
    }
    let place = format!("{source}:{}", hit.number);
    line = line.put(style::BOLD, hit.meaning.cause.code());
    line = line.plain(&format!(", {}", hit.meaning.confidence.word()));
    let others: Vec<&str> = hit
        .meaning
        .candidates
        .iter()
        .skip(1)
        .map(|c| c.code())
        .collect();
    if !others.is_empty() {
        line = line.plain(&format!(", or {}", others.join(", ")));
    }
    page.add(line.put(style::DIM, &format!("  {place}")));
    let before = page.indented();
    highlight(&mut page, before, &hit.message, &hit.telling);
    page
}
