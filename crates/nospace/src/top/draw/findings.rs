use nospace_core::growth;
use nospace_core::report::Rule;

use super::canvas::Canvas;
use super::figures::what;
use crate::top::sample::Sample;
use crate::top::state::{Shown, State};
use crate::ui::{Line, Page, human, style};

/// What is wrong, what will be, and what was not seen.
pub fn draw(canvas: &mut Canvas<'_>, state: &State, sample: &Sample) -> Shown {
    let report = &sample.report;
    let mut page = Page::new(canvas.width(), canvas.look.charset);
    let findings = report.findings.iter().filter(|f| f.rule != Rule::Blind);
    if findings.clone().next().is_none() {
        let says = page
            .line()
            .put(style::BOLD, human::word(report.status()))
            .plain("  ");
        page.wrapped(says, style::PLAIN, &human::summary(report));
        if let Some(not_covered) = human::not_covered(report) {
            page.wrapped(page.indented(), style::PLAIN, &not_covered);
        }
    }
    for (at, finding) in findings.enumerate() {
        if at > 0 {
            page.add(page.line());
        }
        human::finding_title(&mut page, finding);
        human::finding_details(&mut page, finding, true);
    }
    human::forecast(&mut page, report);
    growing(&mut page, state);
    human::collectors(&mut page, &report.collectors, false);
    let room = canvas.width();
    let lines = page.into_lines();
    let lines: Vec<Line> = lines.iter().flat_map(|line| line.broken(room)).collect();
    let shown = Shown {
        rows: canvas.height(),
        lines: lines.len(),
    };
    for line in lines.iter().skip(state.scroll).take(shown.rows) {
        canvas.line(line);
    }
    shown
}

/// Budgets that grow, the first to be full first.
fn growing(page: &mut Page, state: &State) {
    let full_in = |budget: &&crate::top::budgets::Budget| budget.full_in.is_some();
    let mut all: Vec<_> = state.budgets.iter().filter(full_in).collect();
    all.sort_by(|a, b| {
        let seconds = |full_in: Option<f64>| full_in.unwrap_or(f64::INFINITY);
        seconds(a.full_in).total_cmp(&seconds(b.full_in))
    });
    if all.is_empty() {
        return;
    }
    page.heading("At the current rate", "the trend of the last minutes");
    for budget in all.into_iter().take(10) {
        let full_in = growth::span(budget.full_in.unwrap_or_default());
        let says = format!(
            "{} of {} will run out in {full_in}",
            what(budget),
            budget.owner
        );
        page.wrapped(page.indented(), style::PLAIN, &says);
    }
}
