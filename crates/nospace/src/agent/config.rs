use std::fmt::Display;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nospace_core::tune::Ceiling;

/// Settings from one source; `None` falls through to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Time from one collection to the next.
    pub interval: Option<Duration>,
    /// Address that HTTP is served on.
    pub listen: Option<SocketAddr>,
    /// Name of this node in Kubernetes.
    pub node_name: Option<String>,
    /// Whether conditions and events are published to the API server.
    pub kube: Option<Kube>,
    /// Whether limits are raised.
    pub tune: Option<bool>,
    /// The highest values that limits are raised to.
    pub tune_ceiling: Option<Ceiling>,
    /// Whether refused calls are traced.
    pub trace: Option<Trace>,
    /// Number of pods with metrics of their own.
    pub top: Option<usize>,
}

/// Whether conditions and events are published to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kube {
    /// In a pod of a cluster, or with a kubeconfig.
    Auto,
    /// Never.
    Off,
}

/// Whether refused calls are traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Trace {
    /// Where eBPF is available.
    Auto,
    /// Never; no system call gets slower.
    Off,
}

/// The agent's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Time from one collection to the next.
    pub interval: Duration,
    /// Address that HTTP is served on.
    pub listen: SocketAddr,
    /// Name of this node in Kubernetes; `None` is the host name.
    pub node_name: Option<String>,
    /// Whether conditions and events are published to the API server.
    pub kube: Kube,
    /// Whether limits are raised.
    pub tune: bool,
    /// The highest values that limits are raised to.
    pub tune_ceiling: Ceiling,
    /// Whether refused calls are traced.
    pub trace: Trace,
    /// Number of pods with metrics of their own.
    pub top: usize,
}

/// The settings by their names in the file; in the environment `node-name` is `NOSPACE_NODE_NAME`.
const NAMES: [&str; 8] = [
    "interval",
    "listen",
    "node-name",
    "kube",
    "trace",
    "tune",
    "tune-ceiling",
    "top",
];

/// The usual name for `fieldRef: spec.nodeName` of the downward API.
const NODE_NAME: &str = "NODE_NAME";

impl Settings {
    /// Settings from the environment; `variable` reads one variable.
    ///
    /// # Errors
    ///
    /// A value is invalid; the error names the variable.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let mut settings = Self {
            node_name: variable(NODE_NAME).filter(|name| !name.is_empty()),
            ..Self::default()
        };
        for name in NAMES {
            let variable_name = format!("NOSPACE_{}", name.replace('-', "_").to_uppercase());
            if let Some(value) = variable(&variable_name).filter(|value| !value.is_empty()) {
                settings.set(name, &value).context(variable_name)?;
            }
        }
        Ok(settings)
    }

    /// Settings from a TOML file.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is not TOML, or a setting is unknown or invalid; the error names the setting.
    pub fn of_file(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read settings from {shown} (--config)"))?;
        let table: toml::Table = text
            .parse()
            .with_context(|| format!("{shown} is not valid TOML"))?;
        let mut settings = Self::default();
        for (name, value) in &table {
            let value = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(switch) => switch.to_string(),
                _ => bail!("{shown}: {name}: expected a single value"),
            };
            settings
                .set(name, &value)
                .with_context(|| format!("{shown}: {name}"))?;
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        match name {
            "interval" => self.interval = Some(parse(value, interval)?),
            "listen" => self.listen = Some(parse(value, listen)?),
            "node-name" => self.node_name = Some(parse(value, node_name)?),
            "kube" => self.kube = Some(parse(value, |v| clap::ValueEnum::from_str(v, false))?),
            "trace" => self.trace = Some(parse(value, |v| clap::ValueEnum::from_str(v, false))?),
            "tune-ceiling" => self.tune_ceiling = Some(parse(value, Ceiling::parse)?),
            "tune" => self.tune = Some(parse(value, from_str("true or false"))?),
            "top" => self.top = Some(parse(value, top)?),
            _ => bail!("unknown setting; known are {}", NAMES.join(", ")),
        }
        Ok(())
    }

    /// Fills what is missing here from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            interval: self.interval.or(other.interval),
            listen: self.listen.or(other.listen),
            node_name: self.node_name.or(other.node_name),
            kube: self.kube.or(other.kube),
            tune: self.tune.or(other.tune),
            tune_ceiling: self.tune_ceiling.or(other.tune_ceiling),
            trace: self.trace.or(other.trace),
            top: self.top.or(other.top),
        }
    }

    /// Fills what is still missing with defaults.
    #[must_use]
    pub fn config(self) -> Config {
        Config {
            interval: self.interval.unwrap_or(Duration::from_secs(15)),
            listen: self.listen.unwrap_or(SocketAddr::from(([0; 4], 9409))),
            node_name: self.node_name,
            kube: self.kube.unwrap_or(Kube::Auto),
            tune: self.tune.unwrap_or(false),
            tune_ceiling: self.tune_ceiling.unwrap_or_default(),
            trace: self.trace.unwrap_or(Trace::Auto),
            top: self.top.unwrap_or(nospace_core::metrics::DEFAULT_TOP),
        }
    }
}

fn parse<T>(value: &str, parser: impl Fn(&str) -> Result<T, String>) -> anyhow::Result<T> {
    parser(value).map_err(|why| anyhow::anyhow!("{value:?}: {why}"))
}

fn from_str<T: FromStr>(expected: impl Display) -> impl Fn(&str) -> Result<T, String> {
    move |value| value.parse().map_err(|_| format!("expected {expected}"))
}

/// Parses the time from one collection to the next.
///
/// # Errors
///
/// What was expected.
pub fn interval(text: &str) -> Result<Duration, String> {
    let fits = Duration::from_millis(10)..=Duration::from_hours(1);
    crate::duration::parse(text)
        .ok()
        .filter(|interval| fits.contains(interval))
        .ok_or_else(|| "expected a time from 10ms to 1h, such as 15s".to_owned())
}

/// Parses an address to listen on; without a host, all addresses.
///
/// # Errors
///
/// What was expected.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    let whole = match text.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => text.to_owned(),
    };
    from_str("an address and a port, such as 0.0.0.0:9409 or [::]:9409")(&whole)
}

/// Parses a node's name, a DNS subdomain.
///
/// # Errors
///
/// What was expected.
pub fn node_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    if !text.is_empty() && text.len() <= 253 && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err("expected the node's name as kubectl get nodes shows it".to_owned())
}

/// Parses a number of pods.
///
/// # Errors
///
/// What was expected.
pub fn top(text: &str) -> Result<usize, String> {
    from_str("a number from 0 to 1000")(text).and_then(|top| {
        (top <= 1000)
            .then_some(top)
            .ok_or_else(|| "expected at most 1000".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> anyhow::Result<Settings> {
        Settings::of_environment(|name| {
            let mut pairs = pairs.iter();
            pairs
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        })
    }

    fn file(text: &str) -> anyhow::Result<Settings> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), text)?;
        Settings::of_file(file.path())
    }

    #[test]
    fn earlier_sources_take_precedence() {
        let flags = Settings {
            top: Some(1),
            ..Settings::default()
        };
        let environment = environment(&[("NOSPACE_TOP", "2"), ("NOSPACE_INTERVAL", "2m")]).unwrap();
        let file =
            file("top = 3\ninterval = '3m'\nlisten = ':1'\nkube = 'off'\ntune = true").unwrap();
        let config = flags.or(environment).or(file).config();
        assert_eq!(config.top, 1);
        assert_eq!(config.interval, Duration::from_mins(2));
        assert_eq!(config.listen, SocketAddr::from(([0; 4], 1)));
        assert_eq!((config.kube, config.tune), (Kube::Off, true));
    }

    #[test]
    fn the_node_is_named_by_the_downward_api() {
        let of = |pairs| environment(pairs).unwrap().node_name;
        assert_eq!(of(&[("NODE_NAME", "a")]).as_deref(), Some("a"));
        let both = [("NODE_NAME", "a"), ("NOSPACE_NODE_NAME", "b")];
        assert_eq!(of(&both).as_deref(), Some("b"));
    }

    #[test]
    fn invalid_settings_are_named() {
        let error = |text| format!("{:#}", file(text).unwrap_err());
        for (text, names) in [
            ("intervall = 3", "intervall"),
            ("interval = 'soon'", "interval: \"soon\""),
            ("interval = 0", "interval: \"0\""),
            ("listen = 'here'", "listen: \"here\""),
            ("kube = 'yes'", "kube: \"yes\""),
            ("tune = 'perhaps'", "tune: \"perhaps\""),
            (
                "tune-ceiling = 'watches=many'",
                "tune-ceiling: \"watches=many\"",
            ),
            ("trace = 'on'", "trace: \"on\""),
            ("top = -1", "top: \"-1\""),
            ("top = [1]", "top: expected a single value"),
            ("node-name = 'a b'", "node-name: \"a b\""),
            ("top", "is not valid TOML"),
        ] {
            assert!(error(text).contains(names), "{text}: {}", error(text));
        }
        let error = environment(&[("NOSPACE_TOP", "many")]).unwrap_err();
        assert!(format!("{error:#}").starts_with("NOSPACE_TOP: "));
    }

    #[test]
    fn every_name_can_be_set() {
        for name in NAMES {
            let error = Settings::default().set(name, "\0").unwrap_err().to_string();
            assert!(!error.contains("unknown setting"), "{name}");
        }
    }
}
