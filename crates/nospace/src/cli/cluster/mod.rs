//! `nospace cluster`, and `kubectl nospace`: all nodes of a Kubernetes cluster.

mod sources;
mod via;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use nospace_core::fleet::{Fleet, Origin, conclude};
use nospace_core::report::{Report, Status};
use nospace_core::select;

use self::sources::{DebugArgs, PrometheusArgs};
use self::via::Via;
use super::args::{CheckOutputArg, LOOK, OUTPUT, Shared};
use crate::cluster::agents::Agents;
use crate::cluster::debug::{Debug, Stopped};
use crate::cluster::prometheus::Prometheus;
use crate::cluster::{Asked, Cluster, Progress, Source as _, Target, runtime};
use crate::duration;
use crate::output::{Check, Document as _, Part, json, markdown};
use crate::ui;
use crate::ui::cluster::{self, Options, draw, html};
use crate::ui::screen::Screen;

/// Help heading: which cluster, and as whom.
const CLUSTER: &str = "Cluster";

/// Check all nodes of a Kubernetes cluster: a row per node, worst first, and findings across nodes
///
/// Asks the agents of the nodes through the API server. With NODE, shows the whole check of that node. `kubectl nospace` is the same
/// where this program is installed as kubectl-nospace.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct ClusterArgs {
    /// Show the check of this node
    #[arg(value_name = "NODE", conflicts_with_all = ["selector", "pool", "severity", "watch"])]
    node: Option<String>,
    /// Where answers come from: agents, prometheus=URL, or debug (nothing installed: a short-lived pod per node)
    #[arg(long, value_name = "SOURCE", default_value = "agents", help_heading = LOOK)]
    via: Via,
    /// Only nodes with these labels, as kubectl selects them
    #[arg(short = 'l', long, value_name = "SELECTOR", help_heading = LOOK)]
    selector: Option<String>,
    /// Only nodes of this pool; can be repeated
    #[arg(long, value_name = "POOL", help_heading = LOOK)]
    pool: Vec<String>,
    /// The label that names a node's pool [default: the first of the well-known ones that a node has]
    #[arg(long, value_name = "LABEL", help_heading = LOOK)]
    pool_label: Option<String>,
    /// List only nodes in this state or a worse one; findings and the exit code stay those of all
    #[arg(long, value_enum, value_name = "STATE", help_heading = LOOK)]
    severity: Option<AtLeast>,
    /// Longest time for the answer of one node [default: 5s; 30s for a query, and 60s with --via debug]
    #[arg(long, value_name = "TIME", value_parser = duration::parse, help_heading = LOOK)]
    timeout: Option<Duration>,
    /// Collect again after this time, until Ctrl-C [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse, num_args = 0..=1, default_missing_value = "30s",
          require_equals = true, help_heading = LOOK)]
    watch: Option<Duration>,
    /// Namespace of the agents, or of the pods of --via debug [default: nospace, or default with --via debug]
    #[arg(short, long, value_name = "NAMESPACE", help_heading = CLUSTER)]
    namespace: Option<String>,
    /// Labels of the agents' pods
    #[arg(long, value_name = "SELECTOR", default_value = "app.kubernetes.io/name=nospace", help_heading = CLUSTER)]
    agent_selector: String,
    /// Context of the kubeconfig
    #[arg(long, value_name = "CONTEXT", help_heading = CLUSTER)]
    context: Option<String>,
    /// The kubeconfig [default: KUBECONFIG, ~/.kube/config, or the pod's service account]
    #[arg(long, value_name = "FILE", help_heading = CLUSTER)]
    kubeconfig: Option<PathBuf>,
    /// User to impersonate
    #[arg(long = "as", value_name = "USER", help_heading = CLUSTER)]
    as_user: Option<String>,
    /// Group to impersonate; can be repeated
    #[arg(long = "as-group", value_name = "GROUP", requires = "as_user", help_heading = CLUSTER)]
    as_groups: Vec<String>,
    #[command(flatten)]
    debug: DebugArgs,
    #[command(flatten)]
    prometheus: PrometheusArgs,
    /// List at most N workloads [default: 10]
    #[arg(long, value_name = "N", default_value_t = 10, hide_default_value = true, help_heading = OUTPUT)]
    top: usize,
    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT", help_heading = OUTPUT, display_order = 0)]
    output: Option<FleetFormat>,
}

const AFTER_HELP: &str = "\
Exit codes: 0 OK, 1 warning, 2 critical, 3 unknown (a node did not answer, or may be missing), or wrong usage.

Examples:
  nospace cluster                            all nodes, worst first
  nospace cluster worker-7                   the check of one node
  nospace cluster -l topology.kubernetes.io/zone=eu-1 --severity warning
  nospace cluster -o html > cluster.html     a page with a map of all nodes
  nospace cluster --via prometheus=https://prometheus.example
  nospace cluster --via debug --image registry.example/nospace:0.2.0
  nospace cluster -o json | jq '.findings[].title'
  kubectl nospace --context prod --watch";

/// What a fleet is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum FleetFormat {
    /// Text for people.
    #[default]
    Human,
    /// JSON; messages go to standard error.
    Json,
    /// One page for browsers, which loads nothing from anywhere.
    Html,
    /// Markdown, for tickets and chat.
    Markdown,
}

/// The states that `--severity` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AtLeast {
    /// Critical nodes.
    Critical,
    /// Also those with a warning.
    Warning,
    /// Also those of which nothing is known.
    Unknown,
}

impl AtLeast {
    fn shows(self, state: Status) -> bool {
        match state {
            Status::Critical => true,
            Status::Warning => self != Self::Critical,
            Status::Unknown => self == Self::Unknown,
            Status::Ok(_) => false,
        }
    }
}

/// Collects and prints.
///
/// # Errors
///
/// The cluster cannot be reached, or its nodes cannot be listed.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: &ClusterArgs) -> anyhow::Result<ExitCode> {
    let format = args.format(outer)?;
    ensure!(
        format != FleetFormat::Html || args.watch.is_none(),
        "-o html and --watch: a page is written once"
    );
    ensure!(
        format != FleetFormat::Html || !io::stdout().is_terminal(),
        "the page is for browsers: nospace cluster -o html > cluster.html"
    );
    ensure!(
        args.via != Via::Debug || args.watch.is_none(),
        "--via debug and --watch: each refresh would put a pod on every node"
    );
    let runtime = runtime()?;
    if let Some(node) = &args.node {
        let report = runtime.block_on(args.report(node))?;
        return print_report(report, format, shared.verbose);
    }
    loop {
        let mut fleet = match (runtime.block_on(args.fleet()), args.watch) {
            (Ok(fleet), _) => fleet,
            // An API server that is restarted comes back.
            (Err(error), Some(interval)) if !error.is::<Stopped>() => {
                ui::complain(&error);
                std::thread::sleep(interval);
                continue;
            }
            (Err(error), _) => return Err(error),
        };
        let code = fleet.status.exit_code();
        if let Some(least) = args.severity {
            fleet.rows.retain(|row| least.shows(row.state));
        }
        let part = match args.watch {
            Some(_) => Part::OfStream,
            None => Part::Whole,
        };
        let goes_on = print(&fleet, format, part, args.top, shared.verbose)?;
        match args.watch {
            Some(interval) if goes_on => std::thread::sleep(interval),
            _ => return Ok(ExitCode::from(code)),
        }
    }
}

impl ClusterArgs {
    fn format(&self, outer: CheckOutputArg) -> anyhow::Result<FleetFormat> {
        let outer = match outer.output.map(|format| format.name) {
            None => None,
            Some(name) => match FleetFormat::from_str(name, false) {
                Ok(format) => Some(format),
                Err(_) => bail!("-o {name} is not a format of cluster"),
            },
        };
        Ok(self.output.or(outer).unwrap_or_default())
    }

    fn target(&self) -> Target {
        Target {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            as_user: self.as_user.clone(),
            as_groups: self.as_groups.clone(),
        }
    }

    fn asked(&self) -> Asked {
        Asked {
            node: None,
            selector: self.selector.clone(),
            pools: self.pool.clone(),
            pool_label: self.pool_label.clone(),
            timeout: self.timeout.unwrap_or_else(|| self.via.timeout()),
        }
    }

    fn agents<'c>(&self, cluster: &'c Cluster) -> Agents<'c> {
        Agents {
            cluster,
            namespace: self.namespace.as_deref().unwrap_or("nospace").to_owned(),
            selector: self.agent_selector.clone(),
        }
    }

    fn debug<'c>(&self, cluster: &'c Cluster) -> Debug<'c> {
        Debug {
            cluster,
            options: self.debug.options(self.namespace.as_deref()),
        }
    }

    async fn fleet(&self) -> anyhow::Result<Fleet> {
        let progress = Progress::on_stderr();
        let connected = Cluster::connect(&self.target()).await;
        let asked = self.asked();
        let (via, collected, cluster) = if let Via::Prometheus(url) = &self.via {
            let server = self.prometheus.server(url);
            let cluster = connected.as_ref();
            let context = cluster.ok().and_then(|cluster| cluster.context.clone());
            let source = Prometheus {
                server: &server,
                cluster: cluster.map_err(|error| format!("{error:#}")),
            };
            let collected = source.collect(&asked, &progress).await;
            (source.via(), collected, context)
        } else {
            let cluster = connected?;
            let (via, collected) = match self.via {
                Via::Debug => {
                    let source = self.debug(&cluster);
                    (source.via(), source.collect(&asked, &progress).await)
                }
                _ => {
                    let source = self.agents(&cluster);
                    (source.via(), source.collect(&asked, &progress).await)
                }
            };
            (via, collected, cluster.context)
        };
        progress.finish();
        let collected = collected?;
        let origin = Origin {
            taken_at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            via,
            cluster,
            selector: self.selector.clone(),
            pools: self.pool.clone(),
            may_lack_nodes: collected.may_lack_nodes,
            notes: collected.notes,
        };
        Ok(conclude(collected.rows, origin))
    }

    async fn report(&self, node: &str) -> anyhow::Result<Report> {
        ensure!(
            !matches!(self.via, Via::Prometheus(_)),
            "Prometheus does not have the whole check of a node: ask its agent (without --via), or --via debug"
        );
        let cluster = Cluster::connect(&self.target()).await?;
        match self.via {
            Via::Agents => self.agents(&cluster).report(node, &self.asked()).await,
            _ => self.debug(&cluster).report(node, &self.asked()).await,
        }
    }
}

/// As `check` prints it.
fn print_report(
    mut report: Report,
    format: FleetFormat,
    verbose: bool,
) -> anyhow::Result<ExitCode> {
    let order = select::nearest_limit(&report);
    select::sort(&mut report, order);
    let check = Check {
        report: &report,
        only: &[],
        top: None,
        order,
        verbose,
        more_pods: None,
    };
    let mut text = Vec::new();
    match format {
        FleetFormat::Human => check.page(&Screen::of_stdout()).write(&mut text)?,
        FleetFormat::Json => check.json(Part::Whole, &mut text)?,
        FleetFormat::Markdown => text.extend(markdown::report(&report).into_bytes()),
        FleetFormat::Html => {
            bail!("-o html is for the whole cluster; one node is human, json or markdown")
        }
    }
    ui::print(&text)?;
    Ok(ExitCode::from(report.status().exit_code()))
}

/// Prints; `false` when nobody reads any more.
fn print(
    fleet: &Fleet,
    format: FleetFormat,
    part: Part,
    top: usize,
    verbose: bool,
) -> anyhow::Result<bool> {
    let screen = Screen::of_stdout();
    let mut text = Vec::new();
    match format {
        FleetFormat::Human => {
            // A terminal shows the newest alone.
            if part == Part::OfStream && screen.height.is_some() {
                text.extend(b"\x1b[H\x1b[2J");
            }
            let options = Options {
                screen,
                top,
                verbose,
            };
            draw(fleet, &options).write(&mut text)?;
        }
        FleetFormat::Json => json::write(fleet, part, &mut text)?,
        FleetFormat::Html => text = html(fleet),
        FleetFormat::Markdown => text.extend(cluster::markdown(fleet).into_bytes()),
    }
    Ok(ui::offer(&text)?)
}
