//! What could not be seen, so that silence about it is not taken for health.

use crate::attribute::View;
use crate::cause::Cause;
use crate::model::CollectorRun;
use crate::report::{Finding, Severity};

pub fn find(view: &View) -> Vec<Finding> {
    view.snapshot.collectors.iter().filter_map(blind).collect()
}

fn blind(run: &CollectorRun) -> Option<Finding> {
    let title = match &run.error {
        Some(error) => format!(
            "{} could not be read, nothing is known of it: {error}",
            run.name
        ),
        None if run.gaps.is_empty() => return None,
        None => format!("{} could not be seen in full", run.name),
    };
    Some(Finding {
        cause: cause(&run.name),
        rule: "blind".to_owned(),
        severity: Severity::Info,
        subject: run.name.clone(),
        title,
        evidence: run.gaps.clone(),
        culprits: Vec::new(),
        culprit_pods: Vec::new(),
        victims: Vec::new(),
        remedies: Vec::new(),
    })
}

/// What cannot be told without this collector.
fn cause(collector: &str) -> Cause {
    match collector {
        "cgroups" => Cause::CgroupLimit,
        "filesystems" => Cause::DiskSpace,
        "files" => Cause::SystemFiles,
        "processes" => Cause::ProcessFiles,
        "pids" => Cause::Pids,
        "mounts" => Cause::MountLimit,
        "keys" => Cause::Keys,
        "sysv" => Cause::SysvSemaphores,
        "epoll" => Cause::EpollWatches,
        "namespaces" => Cause::NamespaceLimit,
        _ => Cause::InotifyWatches,
    }
}
