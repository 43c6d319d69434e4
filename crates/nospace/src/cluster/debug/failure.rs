//! Why the pod of a node gave no answer, with what to do; and what a run has left behind.

use std::time::Duration;

use nospace_core::fleet::{Failure, FailureKind};

use super::Options;
use super::manifest::selector;
use super::pod::State;
use crate::cluster::{RequestError, Right};

/// Parts of the reasons for which a container waits for its image: pkg/kubelet/images and k8s.io/cri-api/pkg/errors.
const OF_IMAGES: [&str; 3] = ["Image", "RegistryUnavailable", "SignatureValidationFailed"];

fn is_about_image(why: &str) -> bool {
    OF_IMAGES.iter().any(|reason| why.contains(reason))
}

/// What a run has left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing: a list of its pods was empty.
    None,
    /// This many pods could not be removed.
    Pods(usize),
    /// Each was deleted, but no list confirms it.
    Unknown,
}

impl Left {
    /// For the person who has to remove them, the command on a line of its own. `None` where nothing is left.
    pub fn note(self, namespace: &str) -> Option<String> {
        let what = match self {
            Self::None => return None,
            Self::Pods(1) => "1 pod of this run could not be removed".to_owned(),
            Self::Pods(n) => format!("{n} pods of this run could not be removed"),
            Self::Unknown => {
                "Pods of this run may be left: the last list of them failed".to_owned()
            }
        };
        Some(format!(
            "{what}. Pods end by themselves; to delete them now:\nkubectl delete pods -n {namespace} -l {}",
            selector()
        ))
    }
}

impl Options {
    /// The pod ended, or will never start, for that reason.
    pub(super) fn failed(&self, why: &str) -> Failure {
        Failure::new(FailureKind::Pod, self.with_advice(why))
    }

    fn with_advice(&self, why: &str) -> String {
        if is_about_image(why) {
            format!(
                "{why} ({}: --image names another, --pull-secret what to pull it with)",
                self.image
            )
        } else {
            why.to_owned()
        }
    }

    /// The pod was in this state when the time was up; `None`: never listed.
    pub(super) fn late(&self, timeout: Duration, state: Option<State>) -> Failure {
        let seconds = timeout.as_secs();
        let why = match state {
            None => format!("its pod was not listed within {seconds} s"),
            Some(State::Unseen) => {
                format!("its kubelet did not pick up the pod within {seconds} s")
            }
            Some(State::Pending(Some(why))) => {
                format!(
                    "after {seconds} s its pod is still waiting: {}",
                    self.with_advice(&why)
                )
            }
            Some(_) => format!("the check did not end within {seconds} s"),
        };
        Failure::new(FailureKind::Timeout, format!("{why} (--timeout)"))
    }

    /// The pod of this name was not created. The same text for all nodes where the reason is: without the name.
    pub(super) fn refused(&self, name: &str, error: &RequestError) -> Failure {
        let namespace = &self.namespace;
        let said = error.to_string();
        let lacks_right = said.contains("cannot create resource");
        let why = if said.contains("violates PodSecurity") {
            format!(
                "{said}. The check sees the whole node, which this namespace does not allow. Use another (-n), or allow it: \
                 kubectl label namespace {namespace} pod-security.kubernetes.io/enforce=privileged"
            )
        } else if said.contains("exceeded quota") || said.contains("failed quota") {
            format!("{said}. Use a namespace without this quota (-n)")
        } else if lacks_right {
            error.explain(Right::CREATE_PODS)
        } else if matches!(error, RequestError::Status { code: 404, .. }) {
            format!("{said}. -n names another namespace")
        } else {
            said
        };
        let kind = match lacks_right {
            true => FailureKind::Forbidden,
            false => FailureKind::Pod,
        };
        let why = why.replace(&format!("pods {name:?}"), "the pod");
        let why = format!("cannot create a pod in namespace {namespace}: {why}");
        Failure::new(kind, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_cannot_be_had_has_many_names() {
        for reason in [
            "ImagePullBackOff: Back-off pulling image",
            "ErrImagePull: why",
            "RegistryUnavailable: pull failed for localhost/no:1 because the registry is unavailable",
            "SignatureValidationFailed: why",
        ] {
            assert!(is_about_image(reason), "{reason}");
        }
        assert!(!is_about_image("OutOfpods: Node has no room"));
    }
}
