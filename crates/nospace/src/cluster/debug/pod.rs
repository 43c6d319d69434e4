//! What the API says of a pod of ours.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::manifest::{LABELS, PREFIX, RUN_LABEL};

/// A run has read and deleted its pods by then, in seconds after their deadline.
const GRACE: i64 = 20;

/// The part of the object that is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    pub metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    pub name: String,
    #[serde(default)]
    pub uid: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    creation_timestamp: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    active_deadline_seconds: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    phase: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    start_time: Option<String>,
    #[serde(default)]
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Deserialize)]
struct ContainerStatus {
    #[serde(default)]
    state: ContainerState,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct ContainerState {
    waiting: Option<Reason>,
    terminated: Option<Terminated>,
}

#[derive(Clone, Debug, Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Terminated {
    exit_code: i64,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

/// How far a pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The kubelet has not taken note of it.
    Unseen,
    /// Not ended; what it waits for, if it does not run.
    Pending(Option<String>),
    /// The check has ended with this exit code.
    Ended(i64),
    /// It will not run, for this reason.
    Failed(String),
}

/// The kubelet tries again, and that takes longer than anybody waits; or nothing will change.
const HOPELESS: [&str; 7] = [
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "CreateContainerError",
    "CreateContainerConfigError",
    "RunContainerError",
];

impl Pod {
    /// How far it is.
    pub fn state(&self) -> State {
        let status = &self.status;
        let container = status.container_statuses.first().map(|one| &one.state);
        let words = |reason: &str, message: &str| match message {
            "" => reason.to_owned(),
            _ => format!("{reason}: {message}"),
        };
        if let Some(ended) = container.and_then(|state| state.terminated.as_ref()) {
            // With any other reason the kubelet or the runtime has ended it, or never started it: there is no answer in the log.
            return match ended.reason.as_str() {
                "" | "Completed" | "Error" if status.reason.is_empty() => {
                    State::Ended(ended.exit_code)
                }
                _ if !status.reason.is_empty() => {
                    State::Failed(words(&status.reason, &status.message))
                }
                reason => State::Failed(words(reason, &ended.message)),
            };
        }
        if matches!(status.phase.as_str(), "Failed" | "Succeeded") {
            let reason = match status.reason.as_str() {
                "" => status.phase.as_str(),
                reason => reason,
            };
            return State::Failed(words(reason, &status.message));
        }
        let waiting = container.and_then(|state| state.waiting.as_ref());
        match waiting {
            Some(why) if HOPELESS.contains(&why.reason.as_str()) => {
                State::Failed(words(&why.reason, &why.message))
            }
            Some(why) => State::Pending(Some(words(&why.reason, &why.message))),
            None if container.is_none() && status.start_time.is_none() => State::Unseen,
            None if status.phase == "Running" => State::Pending(None),
            None => State::Pending(Some("ContainerCreating".to_owned())),
        }
    }

    /// It is of this source, and of this run.
    pub fn is_of(&self, run: &str) -> bool {
        let labels = &self.metadata.labels;
        self.is_ours() && labels.get(RUN_LABEL).is_some_and(|id| id == run)
    }

    fn is_ours(&self) -> bool {
        let labels = &self.metadata.labels;
        let has = |(key, value): &(&str, &str)| labels.get(*key).is_some_and(|v| v == value);
        self.metadata.name.starts_with(PREFIX) && LABELS.iter().all(has)
    }
}

/// Pods that a run which was killed has left: by the clock of the API server, which made those of this run just now, nobody waits for them.
pub fn left_over<'p>(pods: impl Iterator<Item = &'p Pod> + Clone, run: &str) -> Vec<&'p Pod> {
    let own = pods.clone().filter(|pod| pod.is_of(run));
    let Some(now) = own.filter_map(|pod| pod.metadata.creation_timestamp).max() else {
        return Vec::new();
    };
    let is_over = |pod: &&Pod| {
        let created = pod.metadata.creation_timestamp;
        let deadline = pod.spec.active_deadline_seconds;
        let (Some(created), Some(deadline)) = (created, deadline) else {
            return false;
        };
        now.as_second() - created.as_second() > deadline.saturating_add(GRACE)
    };
    pods.filter(|pod| pod.is_ours() && !pod.is_of(run))
        .filter(is_over)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn state(status: &Value) -> State {
        let pod = json!({"metadata": {"name": "p"}, "status": status});
        serde_json::from_value::<Pod>(pod).unwrap().state()
    }

    fn waiting(reason: &str) -> Value {
        json!({"phase": "Pending", "startTime": "2026-01-01T00:00:00Z",
               "containerStatuses": [{"state": {"waiting": {"reason": reason, "message": "why"}}}]})
    }

    #[test]
    fn how_far_a_pod_is() {
        assert_eq!(state(&json!({"phase": "Pending"})), State::Unseen);
        let seen = json!({"phase": "Pending", "startTime": "2026-01-01T00:00:00Z"});
        assert_eq!(
            state(&seen),
            State::Pending(Some("ContainerCreating".to_owned()))
        );
        assert_eq!(
            state(&waiting("ErrImagePull")),
            State::Pending(Some("ErrImagePull: why".to_owned()))
        );
        assert_eq!(
            state(&waiting("ImagePullBackOff")),
            State::Failed("ImagePullBackOff: why".to_owned())
        );
        let running =
            json!({"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]});
        assert_eq!(state(&running), State::Pending(None));
        let full = json!({"phase": "Failed", "reason": "OutOfpods", "message": "Node has no room"});
        assert_eq!(
            state(&full),
            State::Failed("OutOfpods: Node has no room".to_owned())
        );
    }

    #[test]
    fn what_the_kubelet_ended_has_no_answer() {
        let ended = |reason: &str, of_pod: &str| {
            state(
                &json!({"phase": "Failed", "reason": of_pod, "containerStatuses": [
                    {"state": {"terminated": {"exitCode": 2, "reason": reason, "message": "why"}}}]}),
            )
        };
        assert_eq!(ended("Error", ""), State::Ended(2));
        assert_eq!(
            ended("OOMKilled", ""),
            State::Failed("OOMKilled: why".to_owned())
        );
        assert_eq!(
            ended("Error", "DeadlineExceeded"),
            State::Failed("DeadlineExceeded".to_owned())
        );
    }

    #[test]
    fn only_old_pods_of_ours_are_left_over() {
        let pod = |name: &str, run: &str, made: &str, managed: &str| -> Pod {
            serde_json::from_value(json!({
                "metadata": {"name": name, "creationTimestamp": made, "labels": {
                    "app.kubernetes.io/name": "nospace-debug", "app.kubernetes.io/managed-by": managed, RUN_LABEL: run}},
                "spec": {"activeDeadlineSeconds": 70},
            }))
            .unwrap()
        };
        let pods = [
            pod(
                "nospace-debug-1",
                "me",
                "2026-01-01T01:00:00Z",
                "nospace-cluster",
            ),
            pod(
                "nospace-debug-2",
                "them",
                "2026-01-01T00:59:00Z",
                "nospace-cluster",
            ),
            pod(
                "nospace-debug-3",
                "dead",
                "2026-01-01T00:58:00Z",
                "nospace-cluster",
            ),
            pod(
                "database",
                "dead",
                "2026-01-01T00:00:00Z",
                "nospace-cluster",
            ),
            pod("nospace-debug-4", "dead", "2026-01-01T00:00:00Z", "Helm"),
        ];
        let names = |left: Vec<&Pod>| -> Vec<String> {
            left.iter().map(|pod| pod.metadata.name.clone()).collect()
        };
        assert_eq!(names(left_over(pods.iter(), "me")), ["nospace-debug-3"]);
        // Without a pod of its own it does not know the time.
        assert!(left_over(pods.iter(), "nobody").is_empty());
    }
}
