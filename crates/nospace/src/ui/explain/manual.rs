use crate::ui::screen::Screen;
use crate::ui::{Line, Page, style};

/// A page of docs/causes in the terminal: headings, paragraphs, lists, tables as they stand, code.
#[must_use]
pub fn manual(markdown: &str, screen: &Screen) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    let mut code = false;
    let mut text = String::new();
    for line in markdown.lines() {
        if line.starts_with("```") {
            flush(&mut page, &mut text);
            code = !code;
        } else if code {
            page.add(page.indented().plain("  ").put(style::COMMAND, line));
        } else if let Some(title) = line.strip_prefix('#') {
            flush(&mut page, &mut text);
            let title = title.trim_start_matches('#').trim();
            page.add(page.line().put(style::BOLD, title));
        } else if line.is_empty() {
            flush(&mut page, &mut text);
            page.add(page.line());
        } else if line.starts_with('|') {
            flush(&mut page, &mut text);
            page.add(page.indented().plain(line));
        } else {
            if line.starts_with("- ") {
                flush(&mut page, &mut text);
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(line.trim());
        }
    }
    flush(&mut page, &mut text);
    page
}

fn flush(page: &mut Page, text: &mut String) {
    if text.is_empty() {
        return;
    }
    let plain = text.replace(['`', '*'], "");
    let (before, body): (Line, &str) = match plain.strip_prefix("- ") {
        Some(item) => (page.indented().plain("- "), item),
        None => (page.indented(), &plain),
    };
    page.wrapped(before, style::PLAIN, body);
    text.clear();
}
