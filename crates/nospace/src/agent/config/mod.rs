//! The agent's settings: from flags, the environment and a file.

mod values;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nospace_core::model::{InotifyResource, Pair};
use nospace_core::tune::Ceiling;
use tokio::sync::watch;

pub use values::{Guard, HostNames, Kube, List, Listen, Recording, Trace, WebhookFormat};
use values::{
    choice, from_str, history, interval, list, listen, node_name, parse, recording, resource, top,
};

use crate::guard::{GuardMode, ReserveSize, Wish, parse_budget};

const LOOK: &str = "What to look at";
const PUBLISH: &str = "Where to publish";
const ACCESS: &str = "Who may read";
const TUNE: &str = "Limits to raise";
const GUARD: &str = "What is kept for the node";

/// Defines [`Settings`]: the flags of `nospace agent`, and after the `=` how the same setting is parsed in the environment and in
/// the file.
macro_rules! settings {
    ($($(#[$attribute:meta])* $name:ident: $type:ty = $parser:expr;)*) => {
        /// Settings from one source; `None` falls through to the next.
        #[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
        pub struct Settings {
            $($(#[$attribute])* pub $name: Option<$type>,)*
        }

        /// The settings; in the file `node_name` is `node-name`, in the environment `NOSPACE_NODE_NAME`.
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        impl Settings {
            fn set(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
                match name {
                    $(stringify!($name) => self.$name = Some(parse(value, $parser)?),)*
                    _ => {
                        let known = NAMES.join(", ").replace('_', "-");
                        bail!("unknown setting; known are {known}")
                    }
                }
                Ok(())
            }

            /// Fills what is missing here from `other`.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self { $($name: self.$name.or(other.$name),)* }
            }
        }
    };
}

settings! {
    /// Time between checks [default: 15s]
    #[arg(long, value_name = "TIME", value_parser = interval, help_heading = LOOK)]
    interval: Duration = interval;
    /// Count failing calls as they happen; auto: where eBPF is available. On a kernel that cannot trace single functions, every
    /// system call on the node gets about 0.1 µs slower [default: auto]
    #[arg(long, value_enum, value_name = "WHEN", help_heading = LOOK)]
    trace: Trace = choice;
    /// Keep what was used over this time, for / and /api/v1/history; it takes up to 1 MiB of memory, however long [default: 6h]
    #[arg(long, value_name = "TIME", value_parser = history, help_heading = LOOK)]
    history: Duration = history;
    /// Keep the history in this directory, too, so that it survives a restart: up to 13 MiB, and the recording; made if missing [default: memory only]
    #[arg(long, value_name = "DIRECTORY", help_heading = LOOK)]
    state_dir: PathBuf = from_str("a directory");
    /// With --state-dir: record the node this often, for /api/v1/recording, but not more often than --interval; off: do not. Up to 16 MiB in that directory [default: 1m]
    #[arg(long, value_name = "TIME|off", value_parser = recording, help_heading = LOOK)]
    recording: Recording = recording;
    /// HTTP address and port; a port alone: on 127.0.0.1, and in a pod on its address ($POD_IP) [default: 9409]
    #[arg(long, value_name = "[ADDRESS:]PORT", value_parser = listen, help_heading = PUBLISH)]
    listen: Listen = listen;
    /// Report to the Kubernetes API; auto: in a pod of a cluster, or where KUBECONFIG is set [default: auto]
    #[arg(long, value_enum, value_name = "WHEN", help_heading = PUBLISH)]
    kube: Kube = choice;
    /// This node's name in Kubernetes [default: $NODE_NAME, or the host name]
    #[arg(long, value_name = "NAME", value_parser = node_name, help_heading = PUBLISH)]
    node_name: String = node_name;
    /// Pods with metrics of their own; the rest is added up as `other` [default: 50]
    #[arg(long, value_name = "N", value_parser = top, help_heading = PUBLISH)]
    top: usize = top;
    /// File with the URL of a webhook that gets each new, worse or resolved finding; it may hold a secret, and is never logged
    #[arg(long, value_name = "FILE", help_heading = PUBLISH)]
    webhook_url_file: PathBuf = from_str("a file");
    /// What the webhook understands: slack (also Mattermost, Rocket.Chat, Discord with /slack), json [default: json]
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = PUBLISH)]
    webhook_format: WebhookFormat = choice;
    /// Host names that HTTP requests may use besides IP addresses, localhost and this node's names; * for any
    #[arg(long, value_name = "NAME,...", value_parser = HostNames::parse, help_heading = ACCESS)]
    allowed_hosts: HostNames = HostNames::parse;
    /// Serve HTTPS with this certificate chain (PEM); needs --tls-key
    #[arg(long, value_name = "FILE", help_heading = ACCESS)]
    tls_cert: PathBuf = from_str("a file");
    /// Private key of --tls-cert (PEM)
    #[arg(long, value_name = "FILE", help_heading = ACCESS)]
    tls_key: PathBuf = from_str("a file");
    /// Ask clients for the bearer token in this file, except for /healthz and /readyz
    #[arg(long, value_name = "FILE", help_heading = ACCESS)]
    token_file: PathBuf = from_str("a file");
    /// Let clients in with a token of the cluster: asks the API server whether its user may `get` the path (TokenReview,
    /// SubjectAccessReview)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          help_heading = ACCESS)]
    token_review: bool = from_str("true or false");
    /// Raise limits at start, and when they are nearly used up
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          help_heading = TUNE)]
    tune: bool = from_str("true or false");
    /// Never raise limits above these: watches=1048576,instances=8192 [default: what would use half of the memory]
    #[arg(long, value_name = "NUMBERS", value_parser = Ceiling::parse, help_heading = TUNE)]
    tune_ceiling: Ceiling = Ceiling::parse;
    /// Guard the node as nospace guard does: only count calls of pods that would cut into the reserve, or refuse them [default: off]
    #[arg(long, value_enum, value_name = "MODE", help_heading = GUARD)]
    guard: Guard = choice;
    /// Guard only watches, or only instances
    #[arg(long, value_name = "watches|instances", value_parser = resource, help_heading = GUARD)]
    guard_only: InotifyResource = resource;
    /// How many of root's watches are kept: a number, or twice what a start of the kubelet takes, plus 64 [default: auto]
    #[arg(long, value_name = "N|auto", help_heading = GUARD)]
    guard_reserve_watches: ReserveSize = ReserveSize::from_str;
    /// The same of instances; of both, never more than half of the limit [default: auto]
    #[arg(long, value_name = "N|auto", help_heading = GUARD)]
    guard_reserve_instances: ReserveSize = ReserveSize::from_str;
    /// With shadow: report pods that use more than N of root's watches; nothing is refused
    #[arg(long, value_name = "N", value_parser = parse_budget, help_heading = GUARD)]
    guard_budget_watches: u64 = parse_budget;
    /// The same of instances
    #[arg(long, value_name = "N", value_parser = parse_budget, help_heading = GUARD)]
    guard_budget_instances: u64 = parse_budget;
    /// Pods of these namespaces may use all, as those of kube-system always may
    #[arg(long, value_name = "NAMESPACE,...", value_parser = list, help_heading = GUARD)]
    guard_exempt_namespaces: List = list;
    /// What is in these cgroups may use all, as /kubepods/burstable/podUID
    #[arg(long, value_name = "DIR,...", value_parser = list, help_heading = GUARD)]
    guard_exempt_cgroups: List = list;
}

/// Where settings come from; it can be read again.
#[derive(Clone, Debug)]
pub struct SettingsSource {
    /// The command line.
    pub flags: Settings,
    /// The file of `--config`.
    pub file: Option<PathBuf>,
}

impl SettingsSource {
    /// The settings as they are now: flags, then the environment, then the file, then defaults.
    ///
    /// # Errors
    ///
    /// A setting is invalid; the error names it.
    pub fn config(&self) -> anyhow::Result<Config> {
        let variable = |name: &str| std::env::var(name).ok();
        let environment = Settings::of_environment(variable)?;
        let file = self.file.as_deref().map(Settings::of_file).transpose()?;
        let settings = self.flags.clone().or(environment);
        settings
            .or(file.unwrap_or_default())
            .config(pod_ip(variable)?)
    }
}

/// The agent's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Time from one collection to the next.
    pub interval: Duration,
    /// Addresses that HTTP is served on.
    pub listen: Vec<SocketAddr>,
    /// Who may read.
    pub access: AccessConfig,
    /// Name of this node in Kubernetes; `None` is the host name.
    pub node_name: Option<String>,
    /// Whether conditions and events are published to the API server.
    pub kube: Kube,
    /// File with the URL of a webhook; `None` for no webhook.
    pub webhook_url_file: Option<PathBuf>,
    /// What the webhook understands.
    pub webhook_format: WebhookFormat,
    /// Whether limits are raised.
    pub tune: bool,
    /// The highest values that limits are raised to.
    pub tune_ceiling: Ceiling,
    /// The guard; `None` for none.
    pub guard: Option<Wish>,
    /// Whether refused calls are traced.
    pub trace: Trace,
    /// How long the history is.
    pub history: Duration,
    /// Directory that the history survives a restart in; `None` for memory only.
    pub state_dir: Option<PathBuf>,
    /// Time from one recorded sample to the next; `None` where nothing is recorded.
    pub recording: Option<Duration>,
    /// Number of pods with metrics of their own.
    pub top: usize,
}

/// The newest settings.
pub type ConfigReceiver = watch::Receiver<Arc<Config>>;

/// Who may read what the agent serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessConfig {
    /// Host names that requests may use besides this node's own.
    pub allowed_hosts: HostNames,
    /// Files of the certificate chain and the private key; HTTP without TLS where `None`.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// File with a bearer token.
    pub token_file: Option<PathBuf>,
    /// Whether the API server decides on tokens.
    pub token_review: bool,
}

/// The usual name for `fieldRef: spec.nodeName` of the downward API.
const NODE_NAME: &str = "NODE_NAME";
/// The usual name for `fieldRef: status.podIP` of the downward API.
const POD_IP: &str = "POD_IP";

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
            let variable_name = format!("NOSPACE_{}", name.to_uppercase());
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
                .set(&name.replace('-', "_"), &value)
                .with_context(|| format!("{shown}: {name}"))?;
        }
        Ok(settings)
    }

    /// The guard that they ask for.
    fn wish(&self) -> Option<Wish> {
        let mode = match self.guard? {
            Guard::Off => return None,
            Guard::Shadow => GuardMode::Shadow,
            Guard::Enforce => GuardMode::Enforce,
        };
        let values = |list: &Option<List>| list.clone().unwrap_or_default().0;
        let cgroups = values(&self.guard_exempt_cgroups).into_iter();
        Some(Wish {
            mode,
            only: self.guard_only,
            reserve: Pair::of(
                self.guard_reserve_instances.unwrap_or_default(),
                self.guard_reserve_watches.unwrap_or_default(),
            ),
            budget: Pair::of(self.guard_budget_instances, self.guard_budget_watches),
            exempt_namespaces: values(&self.guard_exempt_namespaces),
            exempt_cgroups: cgroups.map(PathBuf::from).collect(),
        })
    }

    /// Fills what is still missing with defaults; `pod_ip` is [`pod_ip`].
    ///
    /// # Errors
    ///
    /// Settings that belong together contradict each other.
    pub fn config(self, pod_ip: Option<IpAddr>) -> anyhow::Result<Config> {
        let guard = self.wish();
        if guard.as_ref().is_some_and(Wish::enforces_budgets) {
            bail!(
                "guard-budget-watches and guard-budget-instances do not go with guard enforce: {} (guard-reserve-watches, guard-reserve-instances)",
                Wish::BUDGETS_ARE_COUNTED
            );
        }
        let listen = match self.listen.unwrap_or(Listen::Port(9409)) {
            Listen::At(address) => vec![address],
            // Loopback, too: `kubectl port-forward` comes from there.
            Listen::Port(port) => {
                let addresses = pod_ip.into_iter().chain([Ipv4Addr::LOCALHOST.into()]);
                addresses.map(|address| (address, port).into()).collect()
            }
        };
        let tls = match (self.tls_cert, self.tls_key) {
            (None, None) => None,
            (Some(cert), Some(key)) => Some((cert, key)),
            (Some(_), None) => bail!("tls-cert is set, but tls-key is not; TLS needs both"),
            (None, Some(_)) => bail!("tls-key is set, but tls-cert is not; TLS needs both"),
        };
        let recording = match (self.recording, &self.state_dir) {
            (Some(Recording::Every(_)), None) => {
                bail!("recording is set, but state-dir is not; the samples are kept there")
            }
            (Some(Recording::Off), _) | (None, None) => None,
            (Some(Recording::Every(every)), Some(_)) => Some(every),
            (None, Some(_)) => Some(Duration::from_mins(1)),
        };
        let interval = self.interval.unwrap_or(Duration::from_secs(15));
        Ok(Config {
            guard,
            // Only a collection can be recorded.
            recording: recording.map(|every| every.max(interval)),
            interval,
            listen,
            access: AccessConfig {
                allowed_hosts: self.allowed_hosts.unwrap_or_default(),
                tls,
                token_file: self.token_file,
                token_review: self.token_review.unwrap_or(false),
            },
            node_name: self.node_name,
            kube: self.kube.unwrap_or(Kube::Auto),
            webhook_url_file: self.webhook_url_file,
            webhook_format: self.webhook_format.unwrap_or(WebhookFormat::Json),
            tune: self.tune.unwrap_or(false),
            tune_ceiling: self.tune_ceiling.unwrap_or_default(),
            trace: self.trace.unwrap_or(Trace::Auto),
            history: self.history.unwrap_or(Duration::from_hours(6)),
            state_dir: self.state_dir,
            top: self.top.unwrap_or(nospace_core::metrics::DEFAULT_TOP),
        })
    }
}

/// The address of the pod that the agent runs in, from the downward API.
///
/// # Errors
///
/// It is set, but is no address.
pub fn pod_ip(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Option<IpAddr>> {
    let Some(value) = variable(POD_IP).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let address = parse(&value, from_str("an IP address")).context(POD_IP)?;
    Ok(Some(address))
}

#[cfg(test)]
mod tests;
