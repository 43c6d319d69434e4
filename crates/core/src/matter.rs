//! What a node can be judged by: one cause, or whether its kubelet would start.

use std::fmt;
use std::str::FromStr;

use crate::cause::Cause;
use crate::limits;
use crate::report::{Finding, Report, Rule};

/// Something that a node condition, or a check by a monitoring system, is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matter {
    /// A cause, but for what is said of the kubelet's next start.
    Cause(Cause),
    /// Whether the kubelet would start now.
    KubeletStart,
}

impl Matter {
    /// What `finding` is about.
    #[must_use]
    pub fn of(finding: &Finding) -> Self {
        if finding.rule == Rule::KubeletStart {
            Self::KubeletStart
        } else {
            Self::Cause(finding.cause)
        }
    }
}

/// Leaves in `report` only the findings about any of `matters`, and makes its answer depend on what these
/// are read by.
pub fn judge_by(matters: &[Matter], report: &mut Report) {
    report
        .findings
        .retain(|finding| matters.contains(&Matter::of(finding)));
    let mut required: Vec<String> = matters
        .iter()
        .flat_map(|matter| matter.collectors())
        .collect();
    required.sort_unstable();
    required.dedup();
    report.required = required;
}

impl Matter {
    /// The collectors without which nothing is known of it. What no collector reads, but only logs tell of, never is:
    /// it stands for itself.
    fn collectors(self) -> Vec<String> {
        match self {
            Self::Cause(cause) => {
                let collector = limits::of(cause).collector;
                vec![collector.unwrap_or(cause.code()).to_owned()]
            }
            Self::KubeletStart => ["inotify", "cgroups"].map(str::to_owned).to_vec(),
        }
    }
}

impl FromStr for Matter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == Rule::KubeletStart.name() {
            return Ok(Self::KubeletStart);
        }
        Cause::from_code(text).map(Self::Cause).ok_or_else(|| {
            let codes: Vec<_> = Cause::ALL.iter().map(|cause| cause.code()).collect();
            format!(
                "there is no cause {text:?}; there are {} and {}",
                codes.join(", "),
                Rule::KubeletStart
            )
        })
    }
}

impl fmt::Display for Matter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cause(cause) => cause.fmt(f),
            Self::KubeletStart => Rule::KubeletStart.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CollectorRun;
    use crate::report::Status;

    #[test]
    fn what_could_not_be_read_is_unknown() {
        let mut snapshot = crate::testing::node().0;
        for (name, error) in [("sysv", Some("no word 4")), ("keys", None)] {
            snapshot.collectors.push(CollectorRun {
                name: name.to_owned(),
                error: error.map(str::to_owned),
                ..CollectorRun::default()
            });
        }
        let report = crate::conclude(&snapshot);
        assert_eq!(report.status(), Status::Unknown);
        assert_eq!(report.missing(), Some("sysv"));
        let judged = |cause: Cause| {
            let mut report = report.clone();
            judge_by(&[Matter::Cause(cause)], &mut report);
            report.status()
        };
        assert_eq!(judged(Cause::SysvShm), Status::Unknown);
        assert_eq!(judged(Cause::SysvSemaphores), Status::Unknown);
        assert_eq!(judged(Cause::Keys), Status::Ok);
        assert_eq!(judged(Cause::InotifyWatches), Status::Ok);
        // It did not run; no collector reads it.
        assert_eq!(judged(Cause::MountLimit), Status::Unknown);
        assert_eq!(judged(Cause::IpPool), Status::Unknown);
    }

    #[test]
    fn every_cause_can_be_named_and_nothing_else() {
        for cause in Cause::ALL {
            assert_eq!(cause.code().parse(), Ok(Matter::Cause(*cause)));
        }
        assert_eq!("kubelet-start".parse(), Ok(Matter::KubeletStart));
        let error = "inotify-watch".parse::<Matter>().unwrap_err();
        assert!(error.contains("\"inotify-watch\"") && error.contains("inotify-watches"));
    }
}
