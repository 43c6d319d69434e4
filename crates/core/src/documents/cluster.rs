//! Formats of Kubernetes, and of operating systems made for it.

use super::files::{data_url, sysctl_d};
use super::{DOCUMENT_DROP_IN, Settings, lines};

/// docs.siderolabs.com/talos/latest/reference/configuration/v1alpha1/config, machine.sysctls.
pub(crate) fn talos(settings: &Settings<'_>) -> String {
    let lines = lines(settings, |key, value| format!("    {key}: \"{value}\""));
    format!("machine:\n  sysctls:\n{lines}")
}

/// bottlerocket.dev/en/os/latest/api/settings/kernel.
pub(crate) fn bottlerocket(settings: &Settings<'_>) -> String {
    let lines = lines(settings, |key, value| format!("\"{key}\" = \"{value}\""));
    format!("[settings.kernel.sysctl]\n{lines}")
}

/// docs.openshift.com, "Using the Node Tuning Operator"; `>`: never lowers (TuneD, plugin sysctl). The priority is between that of a
/// PerformanceProfile (20), which must stay, and that of the profiles that come with OpenShift (30 and 40).
pub(crate) fn tuned_resource(settings: &Settings<'_>) -> String {
    let lines = lines(settings, |key, value| format!("      {key}=>{value}"));
    format!(
        "apiVersion: tuned.openshift.io/v1
kind: Tuned
metadata:
  name: nospace
  namespace: openshift-cluster-node-tuning-operator
spec:
  profile:
  - name: nospace
    data: |
      [main]
      include=openshift-node
      [sysctl]
{lines}  recommend:
  - match:
    - label: node-role.kubernetes.io/worker
    priority: 25
    profile: nospace
"
    )
}

/// docs.openshift.com, "Using machine config objects to configure nodes"; Ignition 3.2.0 is what 4.7 and all later read.
pub(crate) fn machine_config(settings: &Settings<'_>) -> String {
    let source = data_url(&sysctl_d(settings));
    format!(
        "apiVersion: machineconfiguration.openshift.io/v1
kind: MachineConfig
metadata:
  name: 99-worker-nospace
  labels:
    machineconfiguration.openshift.io/role: worker
spec:
  config:
    ignition:
      version: 3.2.0
    storage:
      files:
      - path: {DOCUMENT_DROP_IN}
        mode: 420
        overwrite: true
        contents:
          source: \"{source}\"
"
    )
}

/// An init container that writes /proc/sys of the node. It never lowers, and leaves out what a node does not have (a module that
/// is not loaded). Sysctls of the network are the node's in its own network namespace only.
pub(crate) fn daemonset(settings: &Settings<'_>) -> String {
    let raise = lines(settings, |key, value| {
        let path = format!("/proc/sys/{}", key.replace('.', "/"));
        format!(
            "            [ ! -e {path} ] || [ \"$(cat {path})\" -ge {value} ] || echo {value} > {path}"
        )
    });
    let network = if settings.iter().any(|(key, _)| key.starts_with("net.")) {
        "      hostNetwork: true\n"
    } else {
        ""
    };
    format!(
        "# Raises limits of each node until its next boot, and again whenever the pod starts.
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: nospace-tune
  namespace: kube-system
spec:
  selector:
    matchLabels: {{app: nospace-tune}}
  template:
    metadata:
      labels: {{app: nospace-tune}}
    spec:
{network}      tolerations: [{{operator: Exists}}]
      automountServiceAccountToken: false
      initContainers:
        - name: raise
          image: busybox:stable
          securityContext: {{privileged: true}}
          command: [sh, -ec]
          args:
          - |
{raise}      containers:
        - name: pause
          image: registry.k8s.io/pause:3.10
          resources: {{requests: {{cpu: 1m, memory: 4Mi}}}}
"
    )
}
