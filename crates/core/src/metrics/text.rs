use std::fmt::{Display, Write as _};

use super::{Family, Kind};

/// How Prometheus is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Its text format 0.0.4, also what node_exporter's textfile collector reads.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Dialect {
    /// Its media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Name of the family in the line of its type.
    fn name(self, family: &Family) -> &'static str {
        let name = family.name;
        match (self, family.kind) {
            (Self::OpenMetrics, Kind::Counter) => name.strip_suffix("_total").unwrap_or(name),
            (Self::OpenMetrics, Kind::Info) => name.strip_suffix("_info").unwrap_or(name),
            _ => name,
        }
    }

    fn kind(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (_, Kind::Counter) => "counter",
            (Self::OpenMetrics, Kind::Info) => "info",
            _ => "gauge",
        }
    }
}

/// Samples as text, family after family.
#[derive(Clone, Debug)]
pub struct Exposition {
    dialect: Dialect,
    text: String,
}

impl Exposition {
    /// Nothing yet.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            text: String::new(),
        }
    }

    /// What was written so far, without an end: more may be added to it.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    /// All that was written, with the end that the dialect wants.
    #[must_use]
    pub fn finish(mut self) -> String {
        if self.dialect == Dialect::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    /// Adds text of the same dialect that has no end.
    pub fn append(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds a family: its samples are label values, in the family's order, and a number. A family without samples is left out.
    pub fn family<'a, L, V>(&mut self, family: &Family, samples: impl IntoIterator<Item = (L, V)>)
    where
        L: AsRef<[&'a str]>,
        V: Display,
    {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_some() {
            self.head(family);
        }
        for (labels, value) in samples {
            self.sample(family, labels.as_ref(), &value);
        }
    }

    /// Adds a family of one sample without labels, where there is one.
    pub fn single<V: Display>(&mut self, family: &Family, value: Option<V>) {
        self.family(family, value.map(|value| ([], value)));
    }

    fn head(&mut self, family: &Family) {
        let name = self.dialect.name(family);
        let kind = self.dialect.kind(family.kind);
        // Help is ours, and has nothing to be escaped: a test holds that.
        let _ = writeln!(self.text, "# HELP {name} {}", family.help);
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
        if self.dialect == Dialect::OpenMetrics && !family.unit.is_empty() {
            let _ = writeln!(self.text, "# UNIT {name} {}", family.unit);
        }
    }

    fn sample(&mut self, family: &Family, labels: &[&str], value: &impl Display) {
        debug_assert_eq!(family.labels.len(), labels.len(), "{}", family.name);
        self.text.push_str(family.name);
        let mut before = '{';
        for (label, value) in family.labels.iter().zip(labels) {
            self.text.push(before);
            self.text.push_str(label);
            self.text.push_str("=\"");
            escape(value, &mut self.text);
            self.text.push('"');
            before = ',';
        }
        if before == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

/// The same three characters in both dialects.
fn escape(value: &str, out: &mut String) {
    let mut rest = value;
    while let Some(at) = rest.find(['\\', '"', '\n']) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'\\' => "\\\\",
            b'"' => "\\\"",
            _ => "\\n",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}
