use std::fmt::Write as _;

use nospace_core::tune::Tuning;

/// A DaemonSet whose init container raises the limits on every node, for `kubectl apply -f -`.
#[must_use]
pub fn daemonset(tuning: &Tuning) -> String {
    let mut raise = String::new();
    for change in &tuning.changes {
        let Some(value) = change.proposed else {
            continue;
        };
        let path = format!("/proc/sys/{}", change.key.replace('.', "/"));
        // Never lowers, here either.
        let _infallible = writeln!(
            raise,
            "            [ \"$(cat {path})\" -ge {value} ] || echo {value} > {path}"
        );
    }
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
      tolerations: [{{operator: Exists}}]
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
