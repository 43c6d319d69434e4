//! `nospace plan`: what limits a node needs.

use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use nospace_core::managers::{self, MANAGERS, Manager};
use nospace_core::model::{Pair, Runtime};
use nospace_core::plan::{
    CandidateLimits, Cgroup, CgroupDriver, Contradiction, NoVersion, NodeOverrides, Plan, Proposal,
    Question, Version, plan, plan_node,
};
use nospace_core::platforms::with_limits;
use nospace_core::runtimes::for_kubelet;

use super::args::{CheckOutputArg, LOOK, OutputArg, Shared, UNKNOWN, one_of};
use super::from::FromArgs;
use crate::collect::collect;
use crate::output::document;
use crate::ui::plan::draw;
use crate::ui::{self, screen::Screen};

/// Calculate the limits a node needs, what they cost, and whether its platform's defaults are enough
///
/// By formula for the pods described here, or with --from-node or --from by what a node uses per pod. `nospace tune --plan` reads
/// the JSON of a plan.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct PlanArgs {
    /// Start from what this node uses, measured per pod
    #[arg(long, group = "a_node", help_heading = LOOK)]
    from_node: bool,
    #[command(flatten)]
    from: FromArgs,
    /// Pods on the node [default: 110]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=10_000), help_heading = NODE)]
    pods: Option<u64>,
    /// Application containers per pod, without the pause container [default: 2, or those of the node]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=1_000), help_heading = NODE)]
    containers_per_pod: Option<u64>,
    /// Container runtime [default: containerd, or that of the node]
    #[arg(long, value_parser = runtimes(), value_name = "RUNTIME", help_heading = NODE)]
    runtime: Option<Runtime>,
    /// Version of the runtime, as 1.7 or 2.1.4 [default: enough for any]
    #[arg(long, value_name = "VERSION", conflicts_with = "a_node", help_heading = NODE)]
    runtime_version: Option<Version>,
    /// Cgroup version; hybrid is v1 [default: v2, or that of the node]
    #[arg(long, value_parser = cgroups(), value_name = "VERSION", help_heading = NODE)]
    cgroup: Option<Cgroup>,
    /// Cgroup driver [default: systemd, or that of the node]
    #[arg(long, value_parser = drivers(), value_name = "DRIVER", help_heading = NODE)]
    cgroup_driver: Option<CgroupDriver>,
    /// Version of Kubernetes, as 1.33 or v1.33.2
    #[arg(long, value_name = "VERSION", value_parser = kubernetes, default_value_t = Question::default().kubernetes,
          help_heading = NODE)]
    kubernetes: Version,
    /// Manager of the node: sets its runtime, adds what its own process holds, and compares with the platform that it always runs on
    #[arg(long, value_name = "MANAGER", value_parser = manager_names(), conflicts_with = "a_node", help_heading = NODE)]
    manager: Option<String>,
    /// Memory of the node, as 16Gi or 16384M; the kernel derives max_user_watches from it [default: that of the node]
    #[arg(long, value_name = "SIZE", value_parser = memory, help_heading = NODE)]
    memory: Option<u64>,
    /// Concurrent `kubectl logs -f` [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=1_000_000), conflicts_with = "a_node",
          help_heading = NODE)]
    log_follows: Option<u64>,
    /// Instances used by workloads that run as root; with a node, those still to come
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=MAX_EXTRA),
          help_heading = NODE)]
    extra_instances: u64,
    /// Watches used by workloads that run as root; with a node, those still to come
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=MAX_EXTRA),
          help_heading = NODE)]
    extra_watches: u64,
    /// Cgroups that workloads create below their own [default: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=1_000_000), conflicts_with = "a_node",
          help_heading = NODE)]
    nested_cgroups: Option<u64>,
    /// Cgroups of the host's own services and slices, without *.mount [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=1_000_000), conflicts_with = "a_node",
          help_heading = NODE)]
    other_cgroups: Option<u64>,
    /// Headroom, in percent of the need
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u64).range(0..=10_000),
          help_heading = LIMITS)]
    headroom: u64,
    /// Check whether the defaults of this platform are enough; can be repeated [default: kernel]
    #[arg(long, value_name = "PLATFORM", value_parser = PossibleValuesParser::new(names()), help_heading = LIMITS)]
    platform: Vec<String>,
    /// Check whether these limits are enough, together with --max-user-watches
    #[arg(long, value_name = "N", requires = "max_user_watches", help_heading = LIMITS)]
    max_user_instances: Option<u64>,
    /// Check whether these limits are enough, together with --max-user-instances
    #[arg(long, value_name = "N", requires = "max_user_instances", help_heading = LIMITS)]
    max_user_watches: Option<u64>,
    #[command(flatten)]
    output: OutputArg,
}

const NODE: &str = "The node to plan for";
const LIMITS: &str = "Limits to check";

/// Limits and counts of inotify are C ints.
const MAX_EXTRA: u64 = i32::MAX as u64;

const AFTER_HELP: &str = "\
Examples:
  nospace plan                                    110 pods with two containers each
  nospace plan --pods 250 --runtime cri-o --platform openshift
  nospace plan --manager k0s --kubernetes 1.37
  nospace plan --platform eks-al2023 --platform aks --memory 16Gi
  nospace plan --from-node                        how many more pods fit here
  nospace plan --from-node -o json | nospace tune --plan -

Exit codes: 0 plan printed, whatever it says; 1 failed; 3 wrong usage. Scripts read the JSON:
  nospace plan --platform aks -o json | jq -e '.limits[1].verdict == \"holds\"'";

fn runtimes() -> impl TypedValueParser<Value = Runtime> {
    one_of(for_kubelet().map(|d| {
        let name = PossibleValue::new(d.name);
        (name.aliases(d.aliases), d.runtime)
    }))
}

fn manager_names() -> PossibleValuesParser {
    PossibleValuesParser::new(
        MANAGERS
            .iter()
            .map(|m| PossibleValue::new(m.name).help(m.title)),
    )
}

fn cgroups() -> impl TypedValueParser<Value = Cgroup> {
    let versions = [("v1", Cgroup::V1), ("v2", Cgroup::V2)];
    one_of(versions.map(|(name, version)| (name.into(), version)))
}

fn drivers() -> impl TypedValueParser<Value = CgroupDriver> {
    let drivers = [
        ("systemd", CgroupDriver::Systemd),
        ("cgroupfs", CgroupDriver::Cgroupfs),
    ];
    one_of(drivers.map(|(name, driver)| (name.into(), driver)))
}

fn names() -> Vec<PossibleValue> {
    with_limits()
        .map(|(platform, _)| PossibleValue::new(platform.name).help(platform.title))
        .collect()
}

/// A version of Kubernetes: all begin with 1.
fn kubernetes(text: &str) -> Result<Version, NoVersion> {
    let version: Version = text.parse()?;
    (version.major == 1).then_some(version).ok_or(NoVersion)
}

/// Bytes of `16Gi`, `16GiB`, `16G`, `16384M`, `17179869184`.
fn memory(text: &str) -> Result<u64, String> {
    let wrong = || "expected a size such as 16Gi, 16G, 16384Mi or a number of bytes".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let factor: u64 = match unit.trim_end_matches('B').to_ascii_lowercase().as_str() {
        "" => 1,
        "k" => 1_000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        "t" => 1_000_000_000_000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "gi" => 1 << 30,
        "ti" => 1 << 40,
        _ => return Err(wrong()),
    };
    let bytes = number.checked_mul(factor).filter(|bytes| *bytes <= 1 << 50);
    match bytes {
        Some(bytes) if bytes >= 64 << 20 => Ok(bytes),
        _ => Err("must be between 64Mi and 1024Ti".to_owned()),
    }
}

impl PlanArgs {
    fn question(&self) -> Question {
        let usual = Question::default();
        Question {
            pods: self.pods.unwrap_or(usual.pods),
            containers_per_pod: self.containers_per_pod.unwrap_or(usual.containers_per_pod),
            runtime: self
                .runtime
                .or(self.manager().map(|manager| manager.runtime))
                .unwrap_or(usual.runtime),
            runtime_version: self.runtime_version,
            cgroup: self.cgroup.unwrap_or(usual.cgroup),
            cgroup_driver: self.cgroup_driver.unwrap_or(match self.manager() {
                Some(manager) if !manager.systemd => CgroupDriver::Cgroupfs,
                _ => usual.cgroup_driver,
            }),
            kubernetes: self.kubernetes,
            manager: self.manager.clone(),
            log_follows: self.log_follows.unwrap_or(usual.log_follows),
            extra: Pair::of(self.extra_instances, self.extra_watches),
            nested_cgroups: self.nested_cgroups.unwrap_or(usual.nested_cgroups),
            other_cgroups: self.other_cgroups.unwrap_or(usual.other_cgroups),
            headroom_percent: self.headroom,
            memory_bytes: self.memory,
        }
    }

    fn manager(&self) -> Option<&'static Manager> {
        managers::find(self.manager.as_deref()?)
    }

    fn overrides(&self) -> NodeOverrides {
        NodeOverrides {
            containers_per_pod: self.containers_per_pod,
            runtime: self.runtime,
            cgroup: self.cgroup,
            cgroup_driver: self.cgroup_driver,
            memory_bytes: self.memory,
        }
    }

    /// The limits to hold the need against.
    fn against(&self, memory: Option<u64>, verbose: bool) -> Vec<CandidateLimits> {
        let mut all = Vec::new();
        if let (Some(max_user_instances), Some(max_user_watches)) =
            (self.max_user_instances, self.max_user_watches)
        {
            let limits = Proposal {
                max_user_instances,
                max_user_watches,
            };
            all.push(CandidateLimits::figures(
                "given",
                limits,
                "the command line",
            ));
        }
        let on_node = self.from_node || self.from.is_given();
        let default = self.platform.is_empty() && all.is_empty() && !on_node;
        let usual = self.manager().and_then(|manager| manager.platform);
        let usual = usual.filter(|name| with_limits().any(|(platform, _)| platform.name == *name));
        let usual = usual.unwrap_or("kernel");
        let wanted = |name: &str| {
            self.platform.iter().any(|p| p == name) || verbose || default && name == usual
        };
        let platforms = with_limits().filter(|(platform, _)| wanted(platform.name));
        all.extend(platforms.map(|(p, limits)| CandidateLimits::platform(p, limits, memory)));
        all
    }

    fn plan(&self, shared: &Shared) -> anyhow::Result<Plan> {
        let asked = self.question();
        if !self.from_node && !self.from.is_given() {
            return Ok(plan(
                &asked,
                &self.against(asked.memory_bytes, shared.verbose),
            )?);
        }
        let snapshot = collect(self.from.host(shared)?.as_ref());
        let memory = self.memory.or(snapshot.node.memory_bytes);
        let against = self.against(memory, shared.verbose);
        Ok(plan_node(
            &asked,
            self.overrides(),
            &nospace_core::view(&snapshot),
            &against,
        )?)
    }
}

/// Makes a plan.
///
/// # Errors
///
/// The options contradict each other, or the node cannot be read.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: &PlanArgs) -> anyhow::Result<ExitCode> {
    let plan = match args.plan(shared) {
        Err(error) if error.is::<Contradiction>() => {
            ui::complain(&error);
            return Ok(ExitCode::from(UNKNOWN));
        }
        plan => plan?,
    };
    let draw = |screen: &Screen| draw(&plan, screen, shared.verbose);
    args.output.or(outer).print(&document(&plan, draw))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_of_kubernetes_are_taken() {
        assert_eq!(kubernetes("v1.33.2"), Ok(Version::new(1, 33)));
        assert_eq!(kubernetes("2.0"), Err(NoVersion));
    }

    #[test]
    fn sizes_are_read_as_kubernetes_writes_them() {
        assert_eq!(memory("16Gi"), Ok(16 << 30));
        assert_eq!(memory("16GiB"), Ok(16 << 30));
        assert_eq!(memory("16g"), Ok(16_000_000_000));
        assert_eq!(memory("536870912"), Ok(512 << 20));
        for wrong in [
            "",
            "Gi",
            "16X",
            "-1",
            "1",
            "9999999999999Ti",
            "18446744073709551616",
        ] {
            assert!(memory(wrong).is_err(), "{wrong}");
        }
    }
}
