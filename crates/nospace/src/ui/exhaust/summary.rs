use std::time::Duration;

use super::{amount, figure, span};
use crate::exhaust::{Ended, ExhaustSummary};
use crate::ui::screen::Screen;
use crate::ui::{Page, style};

/// What came of it.
#[must_use]
pub fn summary(document: &ExhaustSummary, screen: &Screen) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    let title = page.line().put(
        style::BOLD,
        &format!(
            "Held {} of {}",
            amount(document.held, document.target),
            document.subject
        ),
    );
    page.add(title.plain(&format!(
        " for {}, all given back: {}",
        span(Duration::from_millis(document.held_ms)),
        match document.ended {
            Ended::Time => "the time was up",
            Ended::Signal => "a signal came",
            Ended::Command => "the command has ended",
        }
    )));
    let before = page.indented();
    page.wrapped(before, style::DIM, &details(document));
    page
}

fn details(document: &ExhaustSummary) -> String {
    let target = document.target;
    let mut parts = Vec::new();
    if let Some(left) = document.left {
        let limit = document.limit.map_or(String::new(), |limit| {
            format!(" of {}", figure(limit, target))
        });
        parts.push(format!("{}{limit} were left", figure(left, target)));
    }
    if let Some(error) = &document.refused {
        parts.push(format!("the kernel refused more with {error}"));
    }
    parts.push(format!(
        "taking took {}",
        span(Duration::from_millis(document.took_ms))
    ));
    if document.inodes > 0 {
        parts.push(format!(
            "{} inodes and {} instances were needed",
            document.inodes, document.instances
        ));
    }
    parts.join("; ")
}
