use std::cmp::Reverse;

use nospace_core::growth::{self, Growth};
use nospace_core::model::{INITIAL_USER_NAMESPACE, Provenance};
use nospace_core::report::{Budget, Report, Resource, StartVerdict, User};

use crate::agent::observation::Observation;
use crate::ui::html::Html;
use crate::ui::html::{MAX_ROWS, more};
use crate::ui::number;

/// From here on a budget other than inotify's is shown without being asked for.
const PRESSURE_PERCENT: u64 = 80;
/// Users that are shown: a node has few that matter.
const MAX_USERS: usize = 6;

/// inotify's budgets, and whatever else is under pressure.
pub fn draw(html: &mut Html, observation: &Observation) {
    let report = &observation.report;
    html.raw("<section><h2>Budgets</h2><div class=wide><table>");
    for user in report.users.iter().take(MAX_USERS) {
        row(html, "inotify instances", user, &user.instances);
        row(html, "inotify watches", user, &user.watches);
    }
    for resource in pressed(report) {
        other(html, resource);
    }
    html.raw("</table></div>");
    if report.users.is_empty() {
        html.raw("<p class=dim>No inotify instances found.</p>");
    }
    if report.inotify_provenance() == Provenance::Estimated {
        html.raw("<p class=\"dim why\">~ estimate, counted from /proc (the kernel's own figure may be higher).</p>");
    }
    html.raw("</section>");
}

fn pressed(report: &Report) -> impl Iterator<Item = &Resource> {
    let all = report.resources.iter();
    all.filter(|r| r.limit > 0 && r.percent() >= PRESSURE_PERCENT)
}

fn row(html: &mut Html, what: &'static str, user: &User, budget: &Budget) {
    html.raw("<tr><td>")
        .raw(what)
        .raw(" <span class=dim>uid ")
        .show(user.uid);
    if user.user_namespace != INITIAL_USER_NAMESPACE {
        html.raw(" of user namespace ").show(user.user_namespace);
    }
    html.raw("</span></td>").number(number::of_limit(budget));
    match number::percent(budget) {
        Some(percent) => html.bar(percent),
        None => html.raw("<td></td><td class=n>?</td>"),
    };
    html.raw("</tr>");
}

fn other(html: &mut Html, resource: &Resource) {
    let amounts = number::amounts(
        resource.used,
        resource.limit,
        &resource.unit,
        resource.provenance,
    );
    html.raw("<tr><td>")
        .text(resource.cause.code())
        .raw(" <span class=dim>")
        .text(&resource.subject.to_string())
        .raw("</span></td>")
        .number(amounts)
        .bar(resource.percent())
        .raw("</tr>");
}

/// Every other budget, folded.
pub fn others(html: &mut Html, report: &Report) {
    let mut all: Vec<&Resource> = report.resources.iter().collect();
    all.sort_by_key(|r| Reverse(r.percent()));
    if all.is_empty() {
        return;
    }
    html.raw("<section><h2>Other limits</h2><div class=wide><table>");
    all.iter()
        .take(MAX_ROWS)
        .for_each(|resource| other(html, resource));
    html.raw("</table></div>");
    more(html, all.len());
    html.raw("</section>");
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
    let free_is = match start.verdict {
        StartVerdict::Unknown => Provenance::Unavailable,
        _ => start.provenance,
    };
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
            .text(&growth.subject.to_string())
            .raw("</span></td>")
            .number(growth::rate(growth))
            .number(growth::span(*full_in))
            .raw("</tr>");
    }
    html.raw("</table></div></section>");
}
