use nospace_core::amount::thousands;
use nospace_core::model::InotifyResource;
use nospace_core::plan::{Capacity, NodeBase, Plan};
use nospace_core::report::Budget;

use crate::ui::{Page, number, style};

/// The node that is the base: what it runs, what a pod costs there, how many more fit.
pub fn draw(page: &mut Page, plan: &Plan) {
    let Some(node) = &plan.node else {
        return;
    };
    page.add(page.line());
    let pods = match node.pods {
        0 => "no pods".to_owned(),
        n => format!(
            "{} of {}, pause included",
            number::count(n, "pod", "pods"),
            number::count(node.containers, "container", "containers")
        ),
    };
    let now = format!(
        "{pods}; uid 0 uses {} instances and {} watches",
        used(&node.instances),
        used(&node.watches),
    );
    page.wrapped(page.labelled("Now"), style::PLAIN, &now);
    if let Some(pod) = &node.per_pod {
        let mark = number::ESTIMATED;
        let cost = format!(
            "{mark}{:.1} instances and {mark}{:.1} watches on average",
            pod.instances, pod.watches
        );
        page.wrapped(page.labelled("Per pod"), style::PLAIN, &cost);
    }
    let live = plan.limits.iter().find(|l| l.name == "this node");
    if let Some((text, color)) = live.map(|live| room(node, live)) {
        page.wrapped(page.labelled("Room"), color, &text);
    }
}

/// `27 of 128`
fn used(budget: &Budget) -> String {
    let used = number::figure(budget.used, budget.provenance);
    match budget.limit {
        Some(limit) => format!("{used} of {}", thousands(limit)),
        None => used,
    }
}

fn room(node: &NodeBase, live: &Capacity) -> (String, anstyle::Style) {
    let (limit, errno) = match live.binds {
        Some(InotifyResource::Instances) => ("instances", "EMFILE"),
        Some(InotifyResource::Watches) => ("watches", "ENOSPC"),
        None => return ("for any number of pods".to_owned(), style::pressure(0)),
    };
    match (node.more_pods, live.pods) {
        (Some(more @ 1..), Some(pods)) => (
            format!(
                "for {}; pod {} runs out of {limit} ({errno})",
                number::count(more, "more pod", "more pods"),
                thousands(pods + 1)
            ),
            style::pressure(0),
        ),
        _ => (
            format!("no room for another pod: {limit} run out first ({errno})"),
            style::pressure(100),
        ),
    }
}
