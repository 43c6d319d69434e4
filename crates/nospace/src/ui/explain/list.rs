use nospace_core::cause::Cause;
use nospace_core::signatures::{Signature, Table};

use crate::ui::screen::Screen;
use crate::ui::{Page, style};

/// The table of signatures, by cause.
#[must_use]
pub fn list(table: &Table, screen: &Screen, verbose: bool) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    let all = table.signatures();
    let title = format!("{} signatures", all.len());
    page.add(page.line().put(style::BOLD, &title));
    for cause in Cause::ALL {
        let of_cause: Vec<&Signature> = all.iter().filter(|s| s.cause == *cause).collect();
        let remark = match (cause, of_cause.is_empty()) {
            (_, false) => "",
            (Cause::DiskBlocks | Cause::DiskInodes, true) => {
                "logs only say disk-space; the node shows which it is"
            }
            (_, true) => "no signature: recognised by words near an error",
        };
        page.heading(cause.code(), remark);
        for signature in of_cause {
            entry(&mut page, signature, verbose);
        }
    }
    page
}

fn entry(page: &mut Page, signature: &Signature, verbose: bool) {
    let line = page.indented().put(style::COMMAND, &signature.id);
    let about = format!("  {}, {}", signature.program, signature.confidence.word());
    page.add(line.plain(&about));
    let deeper = page.indent() * 2;
    let say = |page: &mut Page, text: &str| {
        page.wrapped(page.line().pad_to(deeper), style::DIM, text);
    };
    say(page, &signature.example);
    if let Some(note) = &signature.note {
        page.wrapped(page.line().pad_to(deeper), style::PLAIN, note);
    }
    if verbose {
        say(page, &signature.pattern);
        say(page, &signature.source);
    }
}
