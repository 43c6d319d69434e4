//! Prometheus' text format, for node_exporter's textfile collector.

use nospace_core::metrics::{self, Dialect, Exposition};

use super::{Format, Write};

pub const FORMAT: Format = Format {
    name: "prometheus",
    help: "Prometheus metrics, for node_exporter's textfile collector",
    write: Write::Check(|check, to| {
        let mut out = Exposition::new(Dialect::Prometheus);
        let top = check.top.unwrap_or(metrics::DEFAULT_TOP);
        metrics::report(check.report, &[], top, &mut out);
        to.write_all(out.finish().as_bytes())
    }),
};
