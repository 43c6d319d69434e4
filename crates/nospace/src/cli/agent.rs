//! `nospace agent`: checks the node continuously, for Prometheus and Kubernetes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use nospace_core::tune::Ceiling;

use super::args::{LOOK, Shared, UNKNOWN, unused};
use crate::agent::{self, Kube, Settings, Trace};

/// Watch the node continuously: Prometheus metrics, Kubernetes conditions and events
///
/// Serves /metrics (Prometheus or OpenMetrics text), / (this node's report as a web page), /api/v1/report (the JSON of
/// nospace check), /healthz and /readyz.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP, args = unused(&["color", "verbose"]))]
pub struct AgentArgs {
    /// Time between checks [default: 15s]
    #[arg(long, value_name = "TIME", value_parser = agent::interval, help_heading = LOOK)]
    interval: Option<Duration>,
    /// Count failing calls as they happen; auto: where eBPF is available. On a kernel that cannot trace single functions, every
    /// system call on the node gets about 0.1 µs slower [default: auto]
    #[arg(long, value_enum, value_name = "WHEN", help_heading = LOOK)]
    trace: Option<Trace>,
    /// HTTP address and port [default: 0.0.0.0:9409]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = agent::listen, help_heading = PUBLISH)]
    listen: Option<SocketAddr>,
    /// Report to the Kubernetes API; auto: in a pod of a cluster, or where KUBECONFIG is set [default: auto]
    #[arg(long, value_enum, value_name = "WHEN", help_heading = PUBLISH)]
    kube: Option<Kube>,
    /// This node's name in Kubernetes [default: $NODE_NAME, or the host name]
    #[arg(long, value_name = "NAME", value_parser = agent::node_name, help_heading = PUBLISH)]
    node_name: Option<String>,
    /// Pods with metrics of their own; the rest is added up as `other` [default: 50]
    #[arg(long, value_name = "N", value_parser = agent::top, help_heading = PUBLISH)]
    top: Option<usize>,
    /// Raise limits at start, and when they are nearly used up
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          help_heading = TUNE)]
    tune: Option<bool>,
    /// Never raise limits above these: watches=1048576,instances=8192 [default: what would use half of the memory]
    #[arg(long, value_name = "NUMBERS", value_parser = Ceiling::parse, help_heading = TUNE)]
    tune_ceiling: Option<Ceiling>,
    /// TOML file with settings that neither options nor the environment give
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

const PUBLISH: &str = "Where to publish";
const TUNE: &str = "Limits to raise";

const AFTER_HELP: &str = "\
Each option can also be set in the environment (NOSPACE_INTERVAL=30s, NOSPACE_NODE_NAME=n1) and in the file (interval = \"30s\", \
node-name = \"n1\"). Options override the environment, which overrides the file.

Examples:
  nospace agent                                # then: curl localhost:9409/metrics
  nospace agent --listen 127.0.0.1:9409 --kube off
  nospace agent --interval 1m --config /etc/nospace/agent.toml

Exit codes: 0 stopped by SIGTERM or SIGINT, 1 could not start, 3 wrong usage.";

/// Runs the agent.
///
/// # Errors
///
/// A setting that is wrong, or an agent that cannot start.
pub fn run(shared: &Shared, args: AgentArgs) -> anyhow::Result<ExitCode> {
    let told = || {
        let environment = Settings::of_environment(|name| std::env::var(name).ok())?;
        let file = args.config.as_deref().map(Settings::of_file).transpose()?;
        anyhow::Ok(environment.or(file.unwrap_or_default()))
    };
    let told = match told() {
        Ok(told) => told,
        Err(wrong) => {
            crate::ui::complain(&wrong);
            return Ok(ExitCode::from(UNKNOWN));
        }
    };
    let flags = Settings {
        interval: args.interval,
        listen: args.listen,
        node_name: args.node_name,
        kube: args.kube,
        tune: args.tune,
        tune_ceiling: args.tune_ceiling,
        trace: args.trace,
        top: args.top,
    };
    let config = flags.or(told).config();
    agent::run(config, &shared.roots(), !shared.no_ebpf)?;
    Ok(ExitCode::SUCCESS)
}
