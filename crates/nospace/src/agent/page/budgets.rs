use std::cmp::Reverse;

use nospace_core::growth::{self, Growth};
use nospace_core::model::{InotifyResource, Provenance, UserNames, percent};
use nospace_core::report::{Report, Resource, StartVerdict, User};

use crate::agent::observation::Observation;
use crate::ui::html::Html;
use crate::ui::html::MAX_ROWS;
use crate::ui::number;

/// From here on a budget is shown without being asked for.
const PRESSURE_PERCENT: u64 = 80;
/// The fullest are shown in any case: this many.
const FULLEST: usize = 5;
/// Folded budgets: a node can have hundreds of mounts.
const MAX_FOLDED: usize = 100;

/// A budget of the report.
enum Line<'a> {
    /// inotify instances or watches of a user.
    User(InotifyResource, &'a User),
    /// Another one.
    Other(&'a Resource),
}

impl Line<'_> {
    fn percent(&self) -> Option<u64> {
        match self {
            Self::User(resource, user) => number::percent(user.budget(*resource)),
            Self::Other(resource) if resource.provenance == Provenance::Unavailable => None,
            // A limit of 0 of which nothing is used is not full.
            Self::Other(resource) => Some(percent(resource.used, resource.limit).unwrap_or(0)),
        }
    }

    /// Under pressure, or nobody knows.
    fn is_of_interest(&self) -> bool {
        self.percent()
            .is_none_or(|percent| percent >= PRESSURE_PERCENT)
    }

    fn draw(&self, html: &mut Html, names: &UserNames) {
        match self {
            Self::User(resource, user) => row(html, *resource, &names.user(user.key()), user),
            Self::Other(resource) => other(html, &names.caption(&resource.subject), resource),
        }
    }
}

/// Every budget, the fullest first; those that are neither under pressure nor among the fullest are folded.
pub fn draw(html: &mut Html, report: &Report) {
    let users = report.users.iter();
    let of_users = users.flat_map(|user| InotifyResource::BOTH.map(|one| Line::User(one, user)));
    let others = report.resources.iter().map(Line::Other);
    let mut all: Vec<Line<'_>> = of_users.chain(others).collect();
    // Stable: of equals inotify's come first.
    all.sort_by_key(|line| Reverse((line.is_of_interest(), line.percent())));
    let pressed = all.iter().filter(|line| line.is_of_interest()).count();
    let shown = pressed.clamp(FULLEST, MAX_ROWS.max(FULLEST)).min(all.len());
    let (open, folded) = all.split_at(shown);
    html.raw("<section><h2>Budgets</h2>");
    let names = &report.user_names;
    table(html, names, open);
    if report.users.is_empty() {
        html.raw("<p class=dim>No inotify instances found.</p>");
    }
    if !folded.is_empty() {
        html.raw("<details><summary>").show(folded.len());
        html.raw(match pressed > shown {
            true => " more</summary>",
            false => " more, all below ",
        });
        if pressed <= shown {
            html.show(PRESSURE_PERCENT).raw("&#8239;%</summary>");
        }
        table(html, names, &folded[..folded.len().min(MAX_FOLDED)]);
        if let Some(more @ 1..) = folded.len().checked_sub(MAX_FOLDED) {
            html.raw("<p class=\"dim why\">and ")
                .show(more)
                .raw(" more</p>");
        }
        html.raw("</details>");
    }
    if report.inotify_provenance() == Provenance::Estimated {
        html.raw("<p class=\"dim why\">~ estimate, counted from /proc (the kernel's own figure may be higher).</p>");
    }
    html.raw("</section>");
}

fn table(html: &mut Html, names: &UserNames, lines: &[Line<'_>]) {
    html.raw("<div class=wide><table>");
    lines.iter().for_each(|line| line.draw(html, names));
    html.raw("</table></div>");
}

fn row(html: &mut Html, resource: InotifyResource, name: &str, user: &User) {
    html.raw("<tr><td>")
        .raw(match resource {
            InotifyResource::Instances => "inotify instances",
            InotifyResource::Watches => "inotify watches",
        })
        .raw(" <span class=dim>")
        .text(name);
    let budget = user.budget(resource);
    html.raw("</span></td>").number(number::of_limit(budget));
    bar(html, number::percent(budget));
}

fn other(html: &mut Html, name: &str, resource: &Resource) {
    let amounts = number::amounts(
        resource.used,
        resource.limit,
        &resource.unit,
        resource.provenance,
    );
    html.raw("<tr><td>")
        .text(resource.cause.code())
        .raw(" <span class=dim>")
        .text(name)
        .raw("</span></td>")
        .number(amounts);
    bar(html, Line::Other(resource).percent());
}

fn bar(html: &mut Html, percent: Option<u64>) {
    match percent {
        Some(percent) => html.bar(percent),
        None => html.raw("<td class=b></td><td class=n>?</td>"),
    };
    html.raw("</tr>");
}

/// Whether the kubelet would start.
pub fn start(html: &mut Html, report: &Report) {
    let Some(start) = &report.forecast.kubelet_start else {
        return;
    };
    let (class, says) = match start.verdict {
        StartVerdict::Starts => ("ok", "It would restart."),
        StartVerdict::Barely => ("warning", "It would barely restart."),
        StartVerdict::Fails => ("critical", "It would fail to restart."),
        StartVerdict::Unknown => ("warning", "It is not known whether it would restart."),
    };
    html.raw("<section><h2>If the kubelet restarted now</h2><p class=")
        .raw(class)
        .raw(" style=\"margin:0 0 8px;font-weight:600;color:var(--c)\">")
        .raw(says)
        .raw("</p><table><tr><th><th class=n>needed<th class=n>free</tr>");
    let figure = |value| number::figure(value, start.provenance);
    let free_is = report.free_provenance(start);
    for (what, needed, free) in [
        ("instances", start.instances_needed, start.instances_free),
        ("watches", start.watches_needed, start.watches_free),
    ] {
        html.raw("<tr>")
            .cell(what)
            .number(figure(needed))
            .number(number::figure(free, free_is))
            .raw("</tr>");
    }
    html.raw("</table><p class=\"dim why\" style=\"margin-top:8px\">")
        .text(&start.basis)
        .raw("</p></section>");
}

/// What is full soon, the soonest first.
pub fn growth(html: &mut Html, observation: &Observation) {
    let mut growing: Vec<(f64, &Growth)> = observation
        .growth
        .iter()
        .filter_map(|g| Some((g.full_in?, g)))
        .collect();
    growing.sort_by(|a, b| a.0.total_cmp(&b.0));
    let names = &observation.report.user_names;
    html.raw("<section><h2>Forecast</h2>");
    if observation.growth.is_empty() {
        html.raw("<p class=dim>Available after ")
            .show(growth::MIN_SAMPLES)
            .raw(" collections.</p></section>");
        return;
    }
    if growing.is_empty() {
        html.raw("<p class=dim>No resource is growing.</p></section>");
        return;
    }
    html.raw(
        "<div class=wide><table><tr><th>resource<th class=n>growth<th class=n>runs out in</tr>",
    );
    for (full_in, growth) in growing.iter().take(MAX_ROWS / 2) {
        html.raw("<tr><td>")
            .text(growth.cause.code())
            .raw(" <span class=dim>")
            .text(&names.caption(&growth.subject))
            .raw("</span></td>")
            .number(growth::rate(growth))
            .number(growth::span(*full_in))
            .raw("</tr>");
    }
    html.raw("</table></div></section>");
}
