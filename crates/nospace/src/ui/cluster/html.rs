use std::collections::HashMap;

use nospace_core::amount::thousands;
use nospace_core::fleet::{BudgetSummary, Fleet, FleetFinding, MorePods, Row, Summary};
use nospace_core::report::{NO_CULPRIT, Severity, StartVerdict, Status};

use super::words;
use crate::ui::html::{Html, STYLE};
use crate::ui::human::word;
use crate::ui::number;

/// Nodes with their details; the worst come first. More would make the page too heavy for a browser.
const DETAILED: usize = 500;
/// From here on the map has small squares.
const MANY: usize = 400;
/// Workloads in the page.
const WORKLOADS: usize = 20;

const SCRIPT: &str = include_str!("script.js");
/// The only script that the page may run: the digest of [`SCRIPT`].
const POLICY: &str = concat!(
    "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-",
    include_str!("script.sha256"),
    "'\">"
);

/// Draws the fleet as one page that loads nothing from anywhere.
#[must_use]
pub fn html(fleet: &Fleet) -> Vec<u8> {
    let mut html = Html::default();
    head(&mut html, fleet);
    map(&mut html, fleet);
    findings(&mut html, fleet);
    workloads(&mut html, fleet);
    nodes(&mut html, fleet);
    html.raw("<footer>nospace ")
        .raw(env!("CARGO_PKG_VERSION"))
        .raw("</footer></main><script>")
        .raw(SCRIPT)
        .raw("</script></html>");
    html.into_bytes()
}

fn head(html: &mut Html, fleet: &Fleet) {
    html.raw("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">")
        .raw(POLICY)
        .raw("<title>")
        .text(word(fleet.status))
        .raw(" ")
        .text(fleet.origin.cluster.as_deref().unwrap_or("cluster"))
        .raw(" · nospace cluster</title><style>")
        .raw(STYLE)
        .raw(include_str!("style.css"))
        .raw("</style><main><header class=")
        .raw(fleet.status.word())
        .raw("><h1>")
        .text(fleet.origin.cluster.as_deref().unwrap_or("Cluster"))
        .raw("</h1><span class=pill>")
        .text(word(fleet.status))
        .raw("</span><p class=say>")
        .text(&words::answer(fleet))
        .raw("</p><p class=meta>")
        .text(&words::origin(fleet))
        .raw("</p>");
    for note in &fleet.origin.notes {
        html.raw("<p class=meta>").text(note).raw("</p>");
    }
    let domain = words::domain(fleet);
    if !domain.is_empty() {
        html.raw("<p class=meta>names without ")
            .text(domain)
            .raw("</p>");
    }
    html.raw("</header>");
}

/// A square a node, by pool.
fn map(html: &mut Html, fleet: &Fleet) {
    if fleet.rows.is_empty() {
        return;
    }
    // That with the worst node comes first, as rows do.
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut pools: Vec<(&str, Vec<(usize, &Row)>)> = Vec::new();
    for (at, row) in fleet.rows.iter().enumerate() {
        let pool = row.pool.as_ref().map_or("", |pool| &pool.name);
        let place = *places.entry(pool).or_insert(pools.len());
        if place == pools.len() {
            pools.push((pool, Vec::new()));
        }
        pools[place].1.push((at, row));
    }
    let is_one = pools.len() == 1;
    html.raw("<section><h2>Nodes by state</h2><div class=pools>");
    for (pool, rows) in pools {
        html.raw("<div>");
        if !is_one {
            html.raw("<h3 class=pool>")
                .text(if pool.is_empty() { "no pool" } else { pool })
                .raw(" <span>")
                .show(number::count(rows.len() as u64, "node", "nodes"))
                .raw("</span></h3>");
        }
        html.raw(match fleet.rows.len() > MANY {
            true => "<div class=\"map many\">",
            false => "<div class=map>",
        });
        for (at, row) in rows {
            html.raw("<a class=\"")
                .raw(row.state.word())
                .raw(level(row))
                .raw("\" href=\"#n")
                .show(at)
                .raw("\" title=\"")
                .text(&caption(row))
                .raw("\"></a>");
        }
        html.raw("</div></div>");
    }
    html.raw("</div><ul class=key>");
    for (class, words) in [
        ("critical", "critical"),
        ("warning", "warning"),
        ("unknown", "unknown"),
        ("ok l0", "OK, fullest below 25 %"),
        ("ok l1", "below 50 %"),
        ("ok l2", "below 80 %"),
        ("ok", "80 % or more"),
    ] {
        html.raw("<li><i class=\"")
            .raw(class)
            .raw("\"></i>")
            .raw(words)
            .raw("</li>");
    }
    html.raw("</ul></section>");
}

fn caption(row: &Row) -> String {
    let fullest = row.summary().and_then(Summary::fullest);
    let said = match fullest {
        Some(budget) => format!("{}, {} %", words::budget(budget), budget.percent()),
        None => words::remark(row),
    };
    format!("{}: {}; {said}", row.node, words::state(row))
}

/// How full the fullest budget is, as a class.
fn level(row: &Row) -> &'static str {
    let fullest = row.summary().and_then(Summary::fullest);
    match fullest.map_or(0, BudgetSummary::percent) {
        0..25 => " l0",
        25..50 => " l1",
        50..80 => " l2",
        _ => "",
    }
}

fn findings(html: &mut Html, fleet: &Fleet) {
    if fleet.findings.is_empty() {
        return;
    }
    html.raw("<section><h2>Findings of several nodes</h2>");
    for finding in &fleet.findings {
        html.raw("<div class=\"finding ")
            .raw(class_of(finding))
            .raw("\"><h3><b>")
            .raw(words::label(finding))
            .raw("</b>")
            .text(&finding.title)
            .raw("</h3><p class=why>")
            .text(&words::named(finding, usize::MAX, words::domain(fleet)))
            .raw("</p>");
        if !finding.evidence.is_empty() {
            html.raw("<details><summary>Evidence (")
                .raw(finding.rule.name())
                .raw(")</summary><ul>");
            for one in &finding.evidence {
                html.raw("<li>").text(one).raw("</li>");
            }
            html.raw("</ul></details>");
        }
        html.raw("</div>");
    }
    html.raw("</section>");
}

fn class_of(finding: &FleetFinding) -> &'static str {
    match (words::label(finding), finding.severity) {
        ("UNKNOWN", _) => "unknown",
        (_, Severity::Critical) => "critical",
        (_, Severity::Warning) => "warning",
        (_, Severity::Info) => "info",
    }
}

fn workloads(html: &mut Html, fleet: &Fleet) {
    if fleet.workloads.is_empty() {
        return;
    }
    let domain = words::domain(fleet);
    html.raw("<section class=wide><h2>Workloads</h2><p class=why>Sums ")
        .text(&words::reach(fleet.counts))
        .raw("</p><table><thead><tr><th>workload<th class=n>instances<th class=n>watches<th class=n>nodes<th>most on</thead><tbody>");
    for cost in fleet.workloads.iter().take(WORKLOADS) {
        html.raw("<tr>")
            .cell(&cost.workload)
            .number(words::sum(cost, cost.instances))
            .number(words::sum(cost, cost.watches))
            .number(thousands(cost.nodes))
            .cell(cost.most_on.strip_suffix(domain).unwrap_or(&cost.most_on))
            .raw("</tr>");
    }
    html.raw("</tbody></table></section>");
}

fn nodes(html: &mut Html, fleet: &Fleet) {
    html.raw("<section class=wide><h2>Nodes</h2><div class=tools hidden><input type=search placeholder=\"Filter\" aria-label=\"Filter nodes\">")
        .raw("<select aria-label=State><option value=\"\">every state<option>critical<option>warning<option>unknown<option>ok</select><output class=dim></output></div>");
    if let Some(listed) = words::listed(fleet) {
        html.raw("<p class=why>").text(&listed).raw("</p>");
    }
    let domain = words::domain(fleet);
    if let Some(more @ 1..) = fleet.rows.len().checked_sub(DETAILED) {
        html.raw("<p class=why>Details are of the worst ")
            .show(DETAILED)
            .raw(" nodes; the other ")
            .show(thousands(more as u64))
            .raw(" have a row only: nospace cluster NODE shows one of them.</p>");
    }
    html.raw("<table class=nodes><thead><tr><th data-n>state<th>node<th>pool<th>fullest budget<th class=n data-n>full<th data-n>kubelet<th class=n data-n>more pods<th class=n data-n>checked<th>held by, or why unknown</thead><tbody>");
    for (at, row) in fleet.rows.iter().enumerate() {
        node(html, at, row, domain);
    }
    html.raw("</tbody></table></section>");
}

fn node(html: &mut Html, at: usize, row: &Row, domain: &str) {
    let name = row.node.strip_suffix(domain).unwrap_or(&row.node);
    let summary = row.summary();
    let fullest = summary.and_then(Summary::fullest);
    html.raw("<tr id=n")
        .show(at)
        .raw(" data-s=")
        .raw(row.state.word())
        .raw("><td class=\"s ")
        .raw(row.state.word())
        .raw("\" data-v=")
        .show(rank(row.state))
        .raw(">")
        .text(&words::state(row))
        .raw("</td><td class=m>");
    match summary.filter(|_| at < DETAILED) {
        Some(summary) => {
            html.raw("<details><summary>").text(name).raw("</summary>");
            details(html, summary);
            html.raw("</details>");
        }
        None => drop(html.text(name)),
    }
    html.raw("</td>")
        .raw("<td class=p>")
        .text(row.pool.as_ref().map_or("", |pool| &pool.name))
        .raw("</td>")
        .raw("<td class=k>")
        .text(&fullest.map(words::budget).unwrap_or_default())
        .raw("</td>");
    match fullest.map(BudgetSummary::percent) {
        Some(percent) => html
            .raw("<td class=n data-v=")
            .show(percent)
            .raw(">")
            .show(percent)
            .raw("&#8239;%</td>"),
        None => html.raw("<td class=n data-v=-1></td>"),
    };
    let more = row.current().and_then(|summary| summary.more_pods);
    html.raw("<td data-v=")
        .raw(kubelet_rank(row))
        .raw(">")
        .raw(words::kubelet(row))
        .raw("</td><td class=n data-v=")
        .show(pods_rank(more))
        .raw(">")
        .text(&words::more_pods(row))
        .raw("</td><td class=n data-v=")
        .show(
            row.age_seconds
                .map_or(-1, |age| i64::try_from(age).unwrap_or(i64::MAX)),
        )
        .raw(">")
        .text(&words::age(row))
        .raw("</td>")
        .cell(words::remark(row))
        .raw("</tr>");
}

/// What one node says.
fn details(html: &mut Html, summary: &Summary) {
    html.raw("<div><p>").text(&summary.headline).raw("</p>");
    for finding in &summary.findings {
        let holder = match (&finding.culprit, &finding.group) {
            (Some(culprit), _) => format!("; held by {culprit}"),
            (None, Some(group)) => format!("; {NO_CULPRIT}: {group}"),
            (None, None) => String::new(),
        };
        html.raw("<p><b>")
            .raw(finding.severity.name())
            .raw("</b> ")
            .text(&finding.title)
            .text(&holder)
            .raw("</p>");
    }
    let budgets: Vec<String> = summary
        .budgets
        .iter()
        .map(|budget| format!("{} ({} %)", words::budget(budget), budget.percent()))
        .collect();
    line(html, "Budgets", &budgets, summary.omitted.budgets);
    let workloads: Vec<String> = summary
        .workloads
        .iter()
        .map(|one| {
            let (instances, watches) = (
                number::count(one.instances, "instance", "instances"),
                number::count(one.watches, "watch", "watches"),
            );
            format!("{}: {instances}, {watches}", one.workload)
        })
        .collect();
    line(html, "Workloads", &workloads, summary.omitted.workloads);
    line(html, "Not seen", &summary.unseen, summary.omitted.unseen);
    line(
        html,
        "Not covered",
        &summary.not_covered,
        summary.omitted.not_covered,
    );
    let about = format!(
        "Linux {}, cgroup {}, nospace {}, {}",
        summary.kernel,
        summary.cgroup_version.name(),
        summary.nospace_version,
        summary.taken_at
    );
    html.raw("<p class=dim>").text(&about).raw("</p></div>");
}

fn line(html: &mut Html, title: &'static str, all: &[String], omitted: u64) {
    if all.is_empty() {
        return;
    }
    html.raw("<p><b>")
        .raw(title)
        .raw("</b> ")
        .text(&all.join("; "));
    if omitted > 0 {
        html.raw("; and ").show(omitted).raw(" more");
    }
    html.raw("</p>");
}

/// Worst first.
fn rank(status: Status) -> u8 {
    match status {
        Status::Critical => 0,
        Status::Warning => 1,
        Status::Unknown => 2,
        Status::Ok(_) => 3,
    }
}

fn kubelet_rank(row: &Row) -> &'static str {
    match words::kubelet_start(row) {
        Some(StartVerdict::Fails) => "0",
        Some(StartVerdict::Barely) => "1",
        Some(StartVerdict::Unknown) | None => "2",
        Some(StartVerdict::Starts) => "3",
    }
}

fn pods_rank(more: Option<MorePods>) -> i64 {
    match more {
        None => -1,
        Some(MorePods { pods: None, .. }) => i64::MAX,
        Some(MorePods { pods: Some(n), .. }) => i64::try_from(n).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_policy_allows_this_script() {
        let mut openssl = Command::new("openssl");
        openssl.args(["dgst", "-sha256", "-binary"]);
        let mut child = openssl
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(SCRIPT.as_bytes())
            .unwrap();
        let digest = child.wait_with_output().unwrap().stdout;
        let mut base64 = Command::new("base64");
        base64.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = base64.spawn().unwrap();
        child.stdin.take().unwrap().write_all(&digest).unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(include_str!("script.sha256"), said.trim());
    }
}
