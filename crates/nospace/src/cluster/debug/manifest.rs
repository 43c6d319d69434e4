use serde_json::{Value, json};

use super::Options;

/// Labels that only pods of this source have; no other pod is ever deleted.
pub const LABELS: [(&str, &str); 2] = [
    ("app.kubernetes.io/name", "nospace-debug"),
    ("app.kubernetes.io/managed-by", "nospace-cluster"),
];
/// The label that has the id of the run.
pub const RUN_LABEL: &str = "app.kubernetes.io/instance";
/// Their names begin so.
pub const PREFIX: &str = "nospace-debug-";
/// Their container.
pub const CONTAINER: &str = "check";
/// What `check` needs for exact figures (docs/deploy.md).
const CAPABILITIES: [&str; 4] = ["BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"];

/// The pod that checks one node.
#[derive(Clone, Copy, Debug)]
pub struct Manifest<'a> {
    pub options: &'a Options,
    /// Id of the run.
    pub run: &'a str,
    /// Name of the pod.
    pub name: &'a str,
    /// Name of the node.
    pub node: &'a str,
    /// The format of `check -o`.
    pub format: &'a str,
    /// The kubelet ends the pod after this time, in seconds.
    pub deadline: u64,
}

impl Manifest<'_> {
    /// As the API has it. What an older API server does not know, it leaves out.
    pub fn pod(&self) -> Value {
        let Options {
            namespace,
            image,
            pull_secrets,
            privileged,
        } = self.options;
        let mut labels: serde_json::Map<String, Value> = LABELS
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect();
        labels.insert(RUN_LABEL.to_owned(), json!(self.run));
        let secrets: Vec<Value> = pull_secrets
            .iter()
            .map(|name| json!({"name": name}))
            .collect();
        let security = if *privileged {
            json!({"privileged": true})
        } else {
            json!({
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"], "add": CAPABILITIES},
            })
        };
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": self.name,
                "namespace": namespace,
                "labels": labels,
                // Before 1.30 AppArmor is set here.
                "annotations": {format!("container.apparmor.security.beta.kubernetes.io/{CONTAINER}"): "unconfined"},
            },
            "spec": {
                // The scheduler is not asked: it may be what does not work.
                "nodeName": self.node,
                "os": {"name": "linux"},
                "activeDeadlineSeconds": self.deadline,
                "terminationGracePeriodSeconds": 0,
                "restartPolicy": "Never",
                "hostPID": true,
                "hostNetwork": true,
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "imagePullSecrets": secrets,
                "tolerations": [{"operator": "Exists"}],
                "securityContext": {
                    "runAsUser": 0,
                    "runAsGroup": 0,
                    "seccompProfile": {"type": if *privileged { "Unconfined" } else { "RuntimeDefault" }},
                    "appArmorProfile": {"type": "Unconfined"},
                },
                "containers": [{
                    "name": CONTAINER,
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["nospace"],
                    "args": [
                        "--procfs=/host/proc", "--sysfs=/host/sys", "--rootfs=/host",
                        "check", format!("--output={}", self.format),
                    ],
                    "securityContext": security,
                    "volumeMounts": [{"name": "host", "mountPath": "/host", "readOnly": true, "mountPropagation": "HostToContainer"}],
                }],
                "volumes": [{"name": "host", "hostPath": {"path": "/"}}],
            },
        })
    }
}

/// The label selector of all pods of this source.
pub fn selector() -> String {
    let labels = LABELS.map(|(key, value)| format!("{key}={value}"));
    labels.join(",")
}
