use std::cmp::Reverse;

use nospace_core::metrics::{AgentMetrics, GuardMetrics, GuardedCalls};
use nospace_core::model::{GuardMode, InotifyResource};

use crate::agent::guard::Standing;
use crate::agent::observation::Observation;
use crate::ui::html::{Html, MAX_ROWS};
use crate::ui::number;

/// What the agent's guard keeps, and what it refused.
pub fn draw(html: &mut Html, observation: &Observation, metrics: &AgentMetrics) {
    let Some(guard) = &metrics.guard else {
        return;
    };
    html.raw("<section><h2>Guard</h2>");
    match (guard.is_up, &guard.why) {
        (Some(true), _) => at_work(html, observation, guard),
        (_, Some(why)) => {
            html.raw("<p class=critical style=\"margin:0 0 8px;font-weight:600;color:var(--c)\">It is not at work, and keeps nothing for the node.</p><p class=\"dim why\">")
                .text(why)
                .raw("</p>");
        }
        _ => {
            html.raw("<p class=dim>It is starting.</p>");
        }
    }
    rows(html, guard);
    html.raw("</section>");
}

fn at_work(html: &mut Html, observation: &Observation, guard: &GuardMetrics) {
    html.raw("<p>").raw(match guard.mode {
        GuardMode::Enforce => "Pods are refused what would cut into the reserve",
        GuardMode::Shadow => {
            "Counts calls of pods that would cut into the reserve, and refuses none"
        }
    });
    let view = observation.guard.as_ref();
    if let Some(Standing::Up(kept)) = view.map(|view| &view.standing) {
        html.raw(": ").text(kept);
    }
    html.raw(".</p><p class=\"dim why\">");
    for resource in InotifyResource::BOTH {
        if let Some(hook) = &guard.hooks[resource] {
            html.raw(resource.unit()).raw(" by ").text(hook).raw("; ");
        }
    }
    for (at, (policy, pods)) in guard.pods.iter().enumerate() {
        html.raw(if at > 0 { ", " } else { "pods: " })
            .show(pods)
            .raw(" ")
            .raw(policy);
    }
    if let Some(age) = guard.test_age_seconds {
        html.raw("; tested ")
            .text(&format!("{age:.0}"))
            .raw(" s ago");
    }
    html.raw("</p>");
    let skipped: u64 = guard.skipped.values().sum();
    if skipped > 0 && guard.mode == GuardMode::Enforce {
        html.raw("<p class=critical style=color:var(--c)>")
            .text(&number::count(skipped, "call", "calls"))
            .raw(" got past it: pods may have cut into the reserve.</p>");
    }
}

fn rows(html: &mut Html, guard: &GuardMetrics) {
    let rows = guard.calls.iter().filter(|row| row.mode == guard.mode);
    let mut rows: Vec<&GuardedCalls> = rows.collect();
    if rows.is_empty() {
        return;
    }
    rows.sort_by_key(|row| Reverse(row.calls));
    html.raw("<table><tr><th>").raw(match guard.mode {
        GuardMode::Enforce => "refused since the agent started",
        GuardMode::Shadow => "would have been refused",
    });
    html.raw("<th><th class=n>calls</tr>");
    for row in rows.iter().take(MAX_ROWS / 2) {
        let who = match row.namespace.as_str() {
            "" => row.pod.clone(),
            namespace => format!("{namespace}/{}", row.pod),
        };
        html.raw("<tr>")
            .cell(who)
            .raw("<td class=dim>")
            .text(&row.resource)
            .raw("</td>")
            .number(row.calls)
            .raw("</tr>");
    }
    html.raw("</table>");
}
