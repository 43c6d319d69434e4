//! What `plan` says of 0, 2, 5 and 10 pods, term by term, beside what the node's programs then hold.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context as _;
use nospace_core::amount::count;
use nospace_core::model::{CgroupVersion, Pair, Runtime};
use nospace_core::plan::Plan;
use nospace_core::report::{Owner, PodPart, Report};

use super::pods;
use crate::Stage;
use crate::node::{minor, patience, runtime, runtime_version};
use crate::nospace::Nospace;

/// Pods of two containers, one after the other on the same node.
const SERIES: [usize; 4] = [0, 2, 5, 10];
/// cAdvisor hears of a new cgroup at once, and looks for new ones every minute.
const SETTLED: Duration = Duration::from_secs(3);

/// A part of the node: terms of the plan, those that there are, and the processes that they are about.
struct Part {
    terms: &'static [&'static str],
    holds: fn(&str, &Owner) -> bool,
}

const PARTS: [Part; 4] = [
    Part {
        terms: &["kubelet: cAdvisor", "kubelet: its own files"],
        holds: |comm, _| comm == "kubelet",
    },
    Part {
        terms: &["containerd", "CRI-O"],
        holds: |comm, owner| {
            let daemon = runtime().definition().and_then(|d| d.daemon);
            Some(comm) == daemon && !matches!(owner, Owner::Pod { .. })
        },
    },
    Part {
        terms: &["containerd shims", "conmon"],
        holds: |_, owner| {
            let part = PodPart::Shim;
            matches!(owner, Owner::Pod { part: p, .. } if *p == part)
        },
    },
    Part {
        terms: &["systemd (PID 1)"],
        holds: |comm, _| comm == "systemd",
    },
];

/// Each term, at each number of pods.
pub fn terms(stage: &mut Stage) -> anyhow::Result<()> {
    let mut running = 0;
    let played = series(stage, &mut running);
    let pods: Vec<String> = (0..running).map(name).collect();
    let cleared = stage.node.delete_all(&pods);
    played.and(cleared)
}

fn name(number: usize) -> String {
    format!("plan-{number}")
}

fn series(stage: &mut Stage, running: &mut usize) -> anyhow::Result<()> {
    let mut others = None;
    for wanted in SERIES {
        let begin = *running;
        for number in begin..wanted {
            let manifest = pods::web(&stage.node, &name(number), 3);
            stage.node.apply(&manifest)?;
            *running = number + 1;
        }
        for number in begin..wanted {
            stage.node.wait_ready(&name(number))?;
        }
        sleep(SETTLED * u32::try_from(patience())?);
        let report = stage.nospace.check()?.report;
        let hierarchies = Hierarchies::of(&report)?;
        let others = *others.get_or_insert(hierarchies.other_cgroups()?);
        let mut plan = planned(&stage.nospace, &report, wanted, others)?;
        hierarchies.weigh(&mut plan);
        for part in &PARTS {
            compare(stage, wanted, part, &plan, &report);
        }
    }
    Ok(())
}

fn compare(stage: &mut Stage, pods: usize, part: &Part, plan: &Plan, report: &Report) {
    let terms = (plan.terms.iter()).filter(|term| part.terms.contains(&term.who.as_str()));
    let usual = match runtime() {
        Runtime::CriO => part.terms.last(),
        _ => part.terms.first(),
    };
    let term = terms.clone().next().map(|term| term.who.as_str());
    let name = term.or(usual.copied()).unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default();
    let predicted = terms.fold(Pair::default(), |sum, term| sum.plus(term.amounts()));
    let measured = (report.processes.iter())
        .filter(|process| (part.holds)(&process.comm, &process.owner))
        .fold(Pair::default(), |sum, process| {
            sum.plus(Pair::of(process.instances, process.watches))
        });
    if name.starts_with("systemd") && measured == Pair::default() {
        return; // No systemd on this node.
    }
    let near = |predicted: u64, measured: u64| predicted.abs_diff(measured) * 20 <= measured;
    let right =
        near(predicted.instances, measured.instances) && near(predicted.watches, measured.watches);
    stage.table.row(
        &format!("{pods} pods of two containers: {name}"),
        &format!(
            "{}, {}",
            count(measured.instances, "instance", "instances"),
            count(measured.watches, "watch", "watches")
        ),
        &format!(
            "plan: {} and {} ({})",
            predicted.instances,
            predicted.watches,
            error(predicted.watches, measured.watches)
        ),
        right,
    );
}

#[allow(clippy::cast_precision_loss, reason = "small numbers")]
fn error(predicted: u64, measured: u64) -> String {
    if measured == 0 {
        return "none measured".to_owned();
    }
    let error = (predicted as f64 - measured as f64) / measured as f64 * 100.0;
    format!("{error:+.1} %")
}

fn planned(nospace: &Nospace, report: &Report, pods: usize, others: u64) -> anyhow::Result<Plan> {
    let v2 = report.node.cgroup_version == CgroupVersion::V2;
    let driver = if std::env::var("SYSTEMD_CGROUP").is_ok_and(|set| set == "true") {
        "systemd"
    } else {
        "cgroupfs"
    };
    let answer = nospace.run(&[
        "plan",
        "-o",
        "json",
        "--pods",
        &pods.to_string(),
        "--containers-per-pod",
        "2",
        "--runtime",
        runtime().definition().context("its runtime")?.name,
        "--runtime-version",
        &runtime_version()?,
        "--cgroup",
        if v2 { "v2" } else { "v1" },
        "--cgroup-driver",
        driver,
        "--kubernetes",
        &std::env::var("KUBE_VERSION").context("KUBE_VERSION")?,
        "--other-cgroups",
        &others.to_string(),
    ])?;
    serde_json::from_str(&answer).context("plan's JSON")
}

/// Where cAdvisor watches each cgroup on this node.
struct Hierarchies {
    roots: Vec<PathBuf>,
    /// As many as the formula counts: v1 as most distributions mount it, which this machine may not do.
    counted: u64,
}

impl Hierarchies {
    fn of(report: &Report) -> anyhow::Result<Self> {
        let all = Path::new("/sys/fs/cgroup");
        if report.node.cgroup_version == CgroupVersion::V2 {
            let roots = vec![all.to_owned()];
            return Ok(Self { roots, counted: 1 });
        }
        let lists: [&[&str]; 2] = [
            &["cpu", "cpuacct", "memory", "blkio", "pids", "devices"],
            &["hugetlb", "cpuset", "perf_event"],
        ];
        let (lists, counted) = if minor()? < 29 {
            (&lists[..], 8)
        } else {
            (&lists[..1], 5)
        };
        let roots = lists
            .iter()
            .flat_map(|list| *list)
            .map(|name| all.join(name));
        let roots = roots.filter(|root| root.is_dir() && !root.is_symlink());
        Ok(Self {
            roots: roots.collect(),
            counted,
        })
    }

    /// Cgroups of the node before any pod, on the average: what `--other-cgroups` asks for.
    fn other_cgroups(&self) -> anyhow::Result<u64> {
        let mut sum = 0;
        for root in &self.roots {
            sum += directories(root)?;
        }
        Ok(sum.div_ceil(self.roots.len() as u64))
    }

    /// What the plan says of cAdvisor, for as many hierarchies as there are.
    fn weigh(&self, plan: &mut Plan) {
        let cadvisor = plan.terms.iter_mut().filter(|t| t.who.contains("cAdvisor"));
        for term in cadvisor {
            term.watches.value = term.watches.value / self.counted * self.roots.len() as u64;
        }
    }
}

fn directories(directory: &Path) -> anyhow::Result<u64> {
    let mut count = 1;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_dir() && !name.as_encoded_bytes().ends_with(b".mount") {
            count += directories(&entry.path())?;
        }
    }
    Ok(count)
}
