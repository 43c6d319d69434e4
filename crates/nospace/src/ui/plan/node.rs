use nospace_core::amount::count;
use nospace_core::plan::{Bound, Capacity, NodeBase, Plan};

use crate::ui::{Page, number, style};

/// The node that is the base: what it runs, what a pod costs there, how many more fit.
pub fn draw(page: &mut Page, plan: &Plan) {
    let Some(node) = &plan.node else {
        return;
    };
    page.add(page.line());
    let pods = match node.pods {
        0 => "no pod".to_owned(),
        n => format!(
            "{} of {}, pause included",
            count(n, "pod", "pods"),
            count(node.containers, "container", "containers")
        ),
    };
    let now = format!(
        "{pods}; uid 0 has {} instances, {} watches",
        number::of_limit(&node.instances),
        number::of_limit(&node.watches),
    );
    page.wrapped(page.labelled("Now"), style::PLAIN, &now);
    if let Some(pod) = &node.per_pod {
        let mark = number::ESTIMATED;
        let cost = format!(
            "{mark}{:.1} instances, {mark}{:.1} watches on the average",
            pod.instances, pod.watches
        );
        page.wrapped(page.labelled("A pod takes"), style::PLAIN, &cost);
    }
    let live = plan.limits.iter().find(|l| l.name == "this node");
    if let Some((text, color)) = live.map(|live| room(node, live)) {
        page.wrapped(page.labelled("Room"), color, &text);
    }
}

fn room(node: &NodeBase, live: &Capacity) -> (String, anstyle::Style) {
    let (limit, errno) = match live.binds {
        Some(Bound::Instances) => ("instances", "EMFILE"),
        Some(Bound::Watches) => ("watches", "ENOSPC"),
        None => return ("for any number of pods".to_owned(), style::pressure(0)),
    };
    match (node.more_pods, live.pods) {
        (Some(more @ 1..), Some(pods)) => (
            format!(
                "for {more} more pods; pod {} runs out of {limit} ({errno})",
                pods + 1
            ),
            style::pressure(0),
        ),
        _ => (
            format!("for no pod more: {limit} run out first ({errno})"),
            style::pressure(100),
        ),
    }
}
