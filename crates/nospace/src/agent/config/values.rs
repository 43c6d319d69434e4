//! Values of settings, and how they are parsed.

use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use nospace_core::model::InotifyResource;

/// Whether conditions and events are published to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kube {
    /// In a pod of a cluster, or with a kubeconfig.
    Auto,
    /// Never.
    Off,
}

/// Whether refused calls are traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Trace {
    /// Where eBPF is available.
    Auto,
    /// Never; no system call gets slower.
    Off,
}

/// The body that a webhook understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WebhookFormat {
    /// An object with the text of a chat message.
    Slack,
    /// An object with every notice.
    Json,
}

/// Address that HTTP is served on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// This address and port.
    At(SocketAddr),
    /// This port of 127.0.0.1 and of the pod's address.
    Port(u16),
}

/// Names of a host in HTTP requests, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostNames(Vec<String>);

impl HostNames {
    /// Parses names separated by commas.
    ///
    /// # Errors
    ///
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let names = text.split(',').map(|name| {
            let name = name.trim();
            if name == "*" || (!name.is_empty() && name.chars().all(fits)) {
                return Ok(name.to_ascii_lowercase());
            }
            Err("expected host names without ports, such as metrics.example.com,node1".to_owned())
        });
        Ok(Self(names.collect::<Result<_, _>>()?))
    }

    /// Whether a request may use this name, which is in lower case.
    #[must_use]
    pub fn allow(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|allowed| allowed == "*" || allowed == name)
    }
}

/// Parses one of the choices.
///
/// # Errors
///
/// What was expected.
pub fn choice<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, false)
}

/// Parses a value; the error has it.
///
/// # Errors
///
/// What was expected.
pub fn parse<T>(value: &str, parser: impl Fn(&str) -> Result<T, String>) -> anyhow::Result<T> {
    parser(value).map_err(|why| anyhow::anyhow!("{value:?}: {why}"))
}

/// Parses what has no rule but its type's.
pub fn from_str<T: FromStr>(expected: impl Display) -> impl Fn(&str) -> Result<T, String> {
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

/// Parses how long the history is.
///
/// # Errors
///
/// What was expected.
pub fn history(text: &str) -> Result<Duration, String> {
    let fits = Duration::from_mins(10)..=Duration::from_hours(7 * 24);
    crate::duration::parse(text)
        .ok()
        .filter(|history| fits.contains(history))
        .ok_or_else(|| "expected a time from 10m to 168h, such as 6h".to_owned())
}

/// Whether the node is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// It is not.
    Off,
    /// It is, this often.
    Every(Duration),
}

/// Whether the agent guards the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Guard {
    /// It does not.
    Off,
    /// It counts calls that would cut into the reserve.
    Shadow,
    /// It refuses them.
    Enforce,
}

/// Parses one of the two resources.
///
/// # Errors
///
/// What was expected.
pub fn resource(text: &str) -> Result<InotifyResource, String> {
    let mut both = InotifyResource::BOTH.into_iter();
    both.find(|one| one.unit() == text)
        .ok_or_else(|| "expected watches or instances".to_owned())
}

/// Values separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(pub Vec<String>);

/// Parses values separated by commas.
///
/// # Errors
///
/// One of them is empty.
pub fn list(text: &str) -> Result<List, String> {
    let values = text.split(',').map(|value| value.trim().to_owned());
    let values: Vec<String> = values.collect();
    match values.iter().any(String::is_empty) {
        true => Err("expected values separated by commas".to_owned()),
        false => Ok(List(values)),
    }
}

/// Parses how often the node is recorded.
///
/// # Errors
///
/// What was expected.
pub fn recording(text: &str) -> Result<Recording, String> {
    if text == "off" {
        return Ok(Recording::Off);
    }
    let fits = Duration::from_millis(10)..=Duration::from_hours(1);
    crate::duration::parse(text)
        .ok()
        .filter(|every| fits.contains(every))
        .map(Recording::Every)
        .ok_or_else(|| "expected off, or a time from 10ms to 1h, such as 1m".to_owned())
}

/// Parses an address to listen on.
///
/// # Errors
///
/// What was expected.
pub fn listen(text: &str) -> Result<Listen, String> {
    if let Ok(port) = text.parse() {
        return Ok(Listen::Port(port));
    }
    let whole = match text.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => text.to_owned(),
    };
    from_str("a port, or an address and a port, such as 9409, 10.0.0.1:9409 or [::]:9409")(&whole)
        .map(Listen::At)
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
