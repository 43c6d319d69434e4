use nospace_core::metrics::AgentMetrics;
use nospace_core::report::{Report, percent};

use crate::ui::html::Html;
use crate::ui::html::{MAX_ROWS, more};
use crate::ui::human;

/// Pods that hold most.
pub fn pods(html: &mut Html, report: &Report) {
    if report.pods.is_empty() {
        return;
    }
    html.raw("<section><h2>Pods</h2><div class=wide><table>")
        .raw(
            "<tr><th>pod<th class=n>instances<th class=n>watches<th colspan=2>of all watches</tr>",
        );
    let all: u64 = report.users.iter().map(|u| u.watches.used).sum();
    for pod in report.pods.iter().take(MAX_ROWS) {
        html.raw("<tr>")
            .cell(human::pod(&pod.namespace, &pod.name, &pod.uid))
            .number(pod.instances)
            .number(pod.watches);
        share(html, pod.watches, all);
    }
    html.raw("</table></div>");
    more(html, report.pods.len());
    html.raw("</section>");
}

/// Processes that hold most.
pub fn processes(html: &mut Html, report: &Report) {
    if report.processes.is_empty() {
        return;
    }
    html.raw("<section><h2>Processes</h2><div class=wide><table>")
        .raw(
            "<tr><th>process<th>owner<th class=n>pid<th class=n>instances<th class=n>watches</tr>",
        );
    for process in report.processes.iter().take(MAX_ROWS) {
        html.raw("<tr>")
            .cell(&process.comm)
            .raw("<td class=dim>")
            .text(&human::owner(&process.owner))
            .raw("</td>")
            .number(process.pid)
            .number(process.instances)
            .number(process.watches)
            .raw("</tr>");
    }
    html.raw("</table></div>");
    more(html, report.processes.len());
    html.raw("</section>");
}

/// A share as such is neither good nor bad.
fn share(html: &mut Html, held: u64, all: u64) {
    let share = percent(held, all.max(1)).unwrap_or_default();
    html.raw("<td class=b><div class=\"bar info\"><i style=\"width:")
        .show(share.min(100))
        .raw("%\"></i></div></td><td class=n>")
        .show(share)
        .raw("&#8239;%</td></tr>");
}

/// Calls that were refused since the agent's start.
pub fn refusals(html: &mut Html, metrics: &AgentMetrics) {
    html.raw("<section><h2>Refused since the agent started</h2>");
    let Some(causes) = &metrics.refusals else {
        html.raw("<p class=dim>Not counted (needs eBPF).</p></section>");
        return;
    };
    let refused: Vec<_> = causes.iter().filter(|(_, calls)| **calls > 0).collect();
    if refused.is_empty() {
        html.raw("<p class=dim>None.</p>");
    } else {
        html.raw("<table><tr><th>reason<th class=n>calls</tr>");
        for (cause, calls) in refused {
            html.raw("<tr>").cell(cause).number(calls).raw("</tr>");
        }
        html.raw("</table>");
    }
    rows(html, metrics);
    if metrics.lost_events > 0 {
        html.raw("<p class=\"dim why\">")
            .show(metrics.lost_events)
            .raw(" more events were lost because they came too fast.</p>");
    }
    html.raw("</section>");
}

fn rows(html: &mut Html, metrics: &AgentMetrics) {
    let mut rows: Vec<_> = metrics.inotify_refusals.iter().collect();
    if rows.is_empty() {
        return;
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.calls));
    html.raw("<table style=\"margin-top:10px\"><tr><th>owner<th>call<th class=n>calls</tr>");
    for row in rows.iter().take(MAX_ROWS / 2) {
        html.raw("<tr>");
        match (row.pod.as_str(), row.container.as_str()) {
            ("", "") => html.cell("not in a pod"),
            ("", container) => html.cell(container),
            (pod, container) => html.cell(format!("{}/{pod} {container}", row.namespace)),
        };
        html.raw("<td class=dim>")
            .text(&format!("{} {}", row.call, row.errno))
            .raw("</td>")
            .number(row.calls)
            .raw("</tr>");
    }
    html.raw("</table>");
}

/// Where the figures come from; folded unless a collector failed.
pub fn collectors(html: &mut Html, report: &Report) {
    let failed = report.collectors.iter().filter(|run| run.error.is_some());
    html.raw("<section><h2>Collectors</h2><details")
        .raw(if failed.clone().count() > 0 {
            " open"
        } else {
            ""
        })
        .raw("><summary>")
        .show(report.collectors.len())
        .raw(" ran, ")
        .show(failed.count())
        .raw(" failed</summary><div class=wide><table>")
        .raw("<tr><th>collector<th>source<th>provenance<th class=n>duration<th>gaps</tr>");
    for run in &report.collectors {
        let gaps = run.error.iter().chain(&run.gaps);
        let gaps: Vec<&str> = gaps.map(String::as_str).collect();
        html.raw("<tr>")
            .raw("<td class=w>")
            .text(&run.name)
            .raw("</td><td class=w>")
            .text(&run.source)
            .raw("</td>")
            .raw(if run.error.is_some() {
                "<td class=\"w critical\" style=color:var(--c)>"
            } else {
                "<td class=w>"
            })
            .text(run.provenance.name())
            .raw("</td>")
            .number(format!("{:.1} ms", run.duration_ms))
            .raw("<td class=dim>")
            .text(&gaps.join("; "))
            .raw("</td></tr>");
    }
    html.raw("</table></div></details></section>");
}
