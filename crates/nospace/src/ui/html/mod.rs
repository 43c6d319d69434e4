//! Pages that need nothing from anywhere else: the agent's, and the report of an incident.

/// Findings, with who holds, who is affected, and what to do.
pub mod findings;

use std::fmt::Display;

use nospace_core::report::Report;

use crate::ui::{Charset, human};

/// The style of every page.
pub const STYLE: &str = include_str!("style.css");

/// HTML in the making: markup is ours, and known when nospace is built; everything else is escaped.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    /// Markup.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Markup that nospace made of numbers.
    pub fn made(&mut self, markup: &str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, also for the value of an attribute in double quotes. What a reader could not see is written as an escape.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for c in Charset::Unicode.clean(text).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                other => self.0.push(other),
            }
        }
        self
    }

    /// Whatever can be shown, as text.
    pub fn show(&mut self, value: impl Display) -> &mut Self {
        self.text(&value.to_string())
    }

    /// A table's cell.
    pub fn cell(&mut self, value: impl Display) -> &mut Self {
        self.raw("<td>").show(value).raw("</td>")
    }

    /// A table's cell with a number.
    pub fn number(&mut self, value: impl Display) -> &mut Self {
        self.raw("<td class=n>").show(value).raw("</td>")
    }

    /// How full something is, as a cell.
    pub fn bar(&mut self, percent: u64) -> &mut Self {
        self.raw("<td class=b><div class=\"bar ")
            .raw(level(percent))
            .raw("\"><i style=\"width:")
            .show(percent.min(100))
            .raw("%\"></i></div></td><td class=n>")
            .show(percent)
            .raw("&#8239;%</td>")
    }

    /// The whole.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// The class of a share, as findings have it.
fn level(percent: u64) -> &'static str {
    match percent {
        95.. => "critical",
        80.. => "warning",
        _ => "ok",
    }
}

/// The top of a page: the node, its status, what that means, and when that was.
pub fn header(html: &mut Html, report: &Report, when: &str) {
    let status = report.status();
    html.raw("<main><header class=")
        .raw(status.word())
        .raw("><h1>")
        .text(&report.node.name)
        .raw("</h1><span class=pill>")
        .text(human::word(status))
        .raw("</span><p class=say>")
        .text(&human::sentence(report, Charset::Unicode))
        .raw("</p><p class=meta>Linux ")
        .text(&report.node.kernel)
        .raw(" · cgroup ")
        .text(report.node.cgroup_version.name())
        .raw(" · ")
        .text(when)
        .raw("</p></header>");
}

/// Rows of a table, at most.
pub const MAX_ROWS: usize = 12;

/// Says how many rows there are beside those.
pub fn more(html: &mut Html, all: usize) {
    if let Some(more @ 1..) = all.checked_sub(MAX_ROWS) {
        html.raw("<p class=\"dim why\">and ")
            .show(more)
            .raw(" more</p>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_node_is_markup() {
        let mut html = Html::default();
        html.raw("<p title=\"")
            .text("\"><script>'&\u{202e}\u{7}")
            .raw("\">");
        assert_eq!(
            String::from_utf8(html.into_bytes()).unwrap(),
            "<p title=\"&quot;&gt;&lt;script&gt;&#39;&amp;\\u{202e}\\x07\">"
        );
    }
}
