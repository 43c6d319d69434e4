//! `nospace agent`: checks the node continuously, for Prometheus and Kubernetes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::args::{Shared, UNKNOWN, unused};
use crate::agent::{self, Settings, SettingsSource};

/// Watch the node continuously: Prometheus metrics, Kubernetes conditions and events
///
/// Serves /metrics (Prometheus or OpenMetrics text), / (this node's report as a web page), /api/v1/report (the JSON of
/// nospace check), /api/v1/summary (the same in at most 4 kB), /healthz and /readyz.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP, args = unused(&["color", "verbose"]))]
pub struct AgentArgs {
    #[command(flatten)]
    settings: Settings,
    /// TOML file with settings that neither options nor the environment give
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Each option can also be set in the environment (NOSPACE_INTERVAL=30s, NOSPACE_NODE_NAME=n1) and in the file (interval = \"30s\", \
node-name = \"n1\"). Options override the environment, which overrides the file.

Examples:
  nospace agent                                # then: curl localhost:9409/metrics
  nospace agent --listen 127.0.0.1:9409 --kube off
  nospace agent --interval 1m --config /etc/nospace/agent.toml
  nospace agent --listen 0.0.0.0:9409 --tls-cert node.crt --tls-key node.key --token-file /etc/nospace/token

SIGHUP: reads the file, the token and the certificate again. A wrong setting is reported and the old ones stay in force.

Exit codes: 0 stopped by SIGTERM or SIGINT, 1 could not start, 3 wrong usage.";

/// Runs the agent.
///
/// # Errors
///
/// A setting that is wrong, or an agent that cannot start.
pub fn run(shared: &Shared, args: AgentArgs) -> anyhow::Result<ExitCode> {
    let source = SettingsSource {
        flags: args.settings,
        file: args.config,
    };
    match source.config() {
        Ok(config) => agent::run(config, source, &shared.roots(), !shared.no_ebpf)?,
        Err(wrong) => {
            crate::ui::complain(&wrong);
            return Ok(ExitCode::from(UNKNOWN));
        }
    }
    Ok(ExitCode::SUCCESS)
}
