//! The pods of the story.

use crate::node::{IMAGE, Node};

/// A web server as nginx would be, and beside it a container that watches `watches` files of its configuration.
pub fn web(node: &Node, name: &str, watches: u32) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: web}}}}
spec:
  nodeName: {node}
  containers:
  - {{name: httpd, image: {IMAGE}, imagePullPolicy: Never, command: [/bin/busybox, httpd, -f, -p, '8080', -h, /tmp]}}
  - {{name: reloader, image: {IMAGE}, imagePullPolicy: Never, command: [/bin/watcher, '{watches}']}}
",
        node = node.name,
    )
}

/// A web server alone.
pub fn plain(node: &Node, name: &str) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: plain}}}}
spec:
  nodeName: {node}
  containers:
  - {{name: httpd, image: {IMAGE}, imagePullPolicy: Never, command: [/bin/busybox, httpd, -f, -p, '8080', -h, /tmp]}}
",
        node = node.name,
    )
}

/// What takes all of `resource` away from everybody: `nospace exhaust`.
pub fn exhaust(node: &Node, name: &str, resource: &str) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: inotify-consumer}}}}
spec:
  nodeName: {node}
  terminationGracePeriodSeconds: 2
  containers:
  - name: consumer
    image: {IMAGE}
    imagePullPolicy: Never
    command: [/bin/nospace, exhaust, {resource}, --leave, '0', --for, 1h, --yes-break-this-node]
    securityContext: {{privileged: true}}
",
        node = node.name,
    )
}

/// `nospace agent` on a node, as the pod of a DaemonSet has it, without rights in the API.
pub fn agent(node: &Node, name: &str) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: nospace, labels: {{app.kubernetes.io/name: nospace}}}}
spec:
  nodeName: {node}
  hostPID: true
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 20
  containers:
  - name: agent
    image: {IMAGE}
    imagePullPolicy: Never
    command: [/bin/nospace, --procfs=/host/proc, --sysfs=/host/sys, --rootfs=/host, agent, --interval=1s, --listen=9409, --kube=off]
    env:
    - {{name: NODE_NAME, valueFrom: {{fieldRef: {{fieldPath: spec.nodeName}}}}}}
    - {{name: POD_IP, valueFrom: {{fieldRef: {{fieldPath: status.podIP}}}}}}
    ports: [{{name: metrics, containerPort: 9409}}]
    readinessProbe: {{httpGet: {{path: /readyz, port: metrics}}, periodSeconds: 1}}
    securityContext: {{privileged: true}}
    volumeMounts: [{{name: host, mountPath: /host, readOnly: true}}]
  volumes: [{{name: host, hostPath: {{path: /}}}}]
",
        node = node.name,
    )
}

/// A container that opens one more inotify instance each second to watch the same files, and closes none.
pub fn leak(node: &Node, name: &str) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: config-reloader}}}}
spec:
  nodeName: {node}
  terminationGracePeriodSeconds: 1
  containers:
  - {{name: reloader, image: {IMAGE}, imagePullPolicy: Never, command: [/bin/watcher, '4', '1']}}
",
        node = node.name,
    )
}

/// A pod with a user namespace of its own, and in it a watcher for each of these arguments.
pub fn apart(node: &Node, name: &str, watchers: &[impl AsRef<str>]) -> String {
    use std::fmt::Write as _;

    let mut text = format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: apart}}}}
spec:
  nodeName: {node}
  hostUsers: false
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  containers:
",
        node = node.name,
    );
    for (number, arguments) in watchers.iter().enumerate() {
        let _ = writeln!(
            text,
            "  - {{name: watcher-{number}, image: {IMAGE}, imagePullPolicy: Never, command: [/bin/watcher, {}]}}",
            arguments.as_ref()
        );
    }
    text
}
