//! `nospace agent`: looks again and again, and tells Prometheus and Kubernetes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use nospace_core::tune::Ceiling;

use super::{Shared, UNKNOWN};
use crate::agent::{self, Kube, Settings, Trace};

/// Look at the node again and again: metrics for Prometheus, conditions and events for Kubernetes
///
/// Serves /metrics (Prometheus' text format or OpenMetrics), / (this node's report for people), /api/v1/report (the JSON of
/// nospace check), /healthz and /readyz.
#[derive(Args, Debug)]
#[command(after_long_help = HELP)]
pub struct AgentArgs {
    /// Time from look to look [default: 15s]
    #[arg(long, value_name = "TIME", value_parser = agent::interval)]
    interval: Option<Duration>,
    /// Where to serve HTTP [default: 0.0.0.0:9409]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = agent::listen)]
    listen: Option<SocketAddr>,
    /// This node's name in Kubernetes [default: $NODE_NAME, or the host's name]
    #[arg(long, value_name = "NAME", value_parser = agent::node_name)]
    node_name: Option<String>,
    /// Whether to tell the Kubernetes API: auto does in a pod of a cluster, or where KUBECONFIG is set [default: auto]
    #[arg(long, value_enum, value_name = "WHEN")]
    kube: Option<Kube>,
    /// Raise limits at start and when they come near their end
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    tune: Option<bool>,
    /// Raise no limit beyond these [default: half of what the memory bears] (watches=1048576,instances=8192)
    #[arg(long, value_name = "NUMBERS", value_parser = Ceiling::parse)]
    tune_ceiling: Option<Ceiling>,
    /// Whether to count refused calls as they happen, which makes each system call of the node some 0.1 µs slower: auto does where
    /// eBPF is to be had [default: auto]
    #[arg(long, value_enum, value_name = "WHEN")]
    trace: Option<Trace>,
    /// Pods with metrics of their own; the rest is summed as `other` [default: 50]
    #[arg(long, value_name = "N", value_parser = agent::top)]
    top: Option<usize>,
    /// Take what is not given here or in the environment from this TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

const HELP: &str = "\
Each option can be given in the environment, too (NOSPACE_INTERVAL=30s, NOSPACE_NODE_NAME=n1), and in the file (interval = \"30s\", \
node-name = \"n1\"): options go before the environment, that before the file.

Examples:
  nospace agent                                # then: curl localhost:9409/metrics
  nospace agent --listen 127.0.0.1:9409 --kube off
  nospace agent --interval 1m --config /etc/nospace/agent.toml

Exit codes: 0 ended by SIGTERM or SIGINT, 1 could not start, 3 wrong usage.";

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
