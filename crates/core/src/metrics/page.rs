use std::fmt::Write as _;

use super::{Family, Kind, families};

/// docs/metrics.md.
#[must_use]
pub fn page() -> String {
    let mut text = String::from(HEAD);
    table(&mut text, |family| !family.agent_only);
    text.push_str("\n## Of the agent alone\n\n");
    table(&mut text, |family| family.agent_only);
    text.push_str(FOOT);
    text
}

const HEAD: &str = "# Metrics

<!-- Made by `cargo xtask metrics` from crates/core/src/metrics/: change it there. -->

What `nospace agent` serves at `/metrics`, in Prometheus' text format or in OpenMetrics, as the scraper asks. `cause` is one of
the [cause codes](causes/). A family without anything to say is left out.

## Of every look

`nospace check -o prometheus` prints these, too, for node_exporter's textfile collector.

";

const FOOT: &str = "
## How many series there are

Every set of labels has a most, so that a node cannot make many series; what is above it is summed in a row whose labels are
`other`. Pods: `--top` (50), those that hold most watches or most instances; of one pod, 16 containers. Users: 100. Budgets: 20 of
a cause and unit, the fullest. Refusals: 200 rows. A pod that has gone has no row at the next look; its refusals go over to `other`.

The containers `sandbox` and `shim` of a pod are its pause container and the runtime's own process for it. Where only the uid of a pod is
known, `pod` is that uid.
";

fn table(text: &mut String, wanted: impl Fn(&Family) -> bool) {
    text.push_str("| name | kind | labels | says |\n|---|---|---|---|\n");
    for family in families().iter().filter(|family| wanted(family)) {
        let kind = match family.kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Info => "info",
        };
        let labels: Vec<_> = family.labels.iter().map(|l| format!("`{l}`")).collect();
        let (name, help) = (family.name, family.help);
        let _ = writeln!(
            text,
            "| `{name}` | {kind} | {} | {help} |",
            labels.join(" ")
        );
    }
}
