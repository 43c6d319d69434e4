//! The formats, and which one a node needs.

use super::{Accepts, Comments, PlatformFormat, cloud};
use crate::documents::{cluster, files};
use crate::managers::Manager;

const DROP_IN_UNDO: &str =
    "delete the file, then set the values below with `sysctl -w KEY=VALUE`, or reboot.";
const NEW_NODES_UNDO: &str = "take this out again; it holds for nodes that are created afterwards.";

/// Every format, in the order of the help.
pub static FORMATS: &[PlatformFormat] = &[
    PlatformFormat {
        name: "systemd",
        title: "systemd-sysctl and procps",
        place: "/etc/sysctl.d/99-zz-nospace.conf on the node, then `sysctl -p /etc/sysctl.d/99-zz-nospace.conf`. \
             `nospace tune --apply` does as much, and can undo it.",
        undo: DROP_IN_UNDO,
        never_lowers: false,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: files::sysctl_d,
    },
    PlatformFormat {
        name: "talos",
        title: "Talos Linux",
        place: "save as nospace.yaml, then `talosctl patch machineconfig --patch @nospace.yaml` for each node; it needs no reboot.",
        undo: "`talosctl edit machineconfig`, and take the keys out of machine.sysctls; after the next boot the node has Talos's own values again.",
        never_lowers: false,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: cluster::talos,
    },
    PlatformFormat {
        name: "bottlerocket",
        title: "Bottlerocket",
        place: "merge into the user data of new nodes; on a running one `apiclient apply` takes it from its standard input.",
        undo: "take it out of the user data; on a running node, give `apiclient apply` the values below.",
        never_lowers: false,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: cluster::bottlerocket,
    },
    PlatformFormat {
        name: "machineconfig",
        title: "OpenShift's Machine Config Operator",
        place: "`oc apply -f FILE`: every worker is drained and restarted. `--for openshift` needs no restart.",
        undo: "`oc delete machineconfig 99-worker-nospace`: the workers are drained and restarted again.",
        never_lowers: false,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: cluster::machine_config,
    },
    PlatformFormat {
        name: "openshift",
        title: "OpenShift's Node Tuning Operator",
        place: "`oc apply -f FILE`. It replaces profile openshift-node on the workers and includes it. A profile with a lower priority number \
             wins, as that of a PerformanceProfile does (20): include that one instead, and set priority 10.",
        undo: "`oc delete tuned nospace -n openshift-cluster-node-tuning-operator`.",
        never_lowers: true,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: cluster::tuned_resource,
    },
    PlatformFormat {
        name: "tuned",
        title: "TuneD",
        place: "/etc/tuned/profiles/nospace/tuned.conf (before TuneD 2.23: /etc/tuned/nospace/tuned.conf), then \
             `tuned-adm profile $(cat /etc/tuned/active_profile) nospace`, which keeps the profiles that are active.",
        undo: "`tuned-adm profile` with the profiles that were active before; TuneD restores the values.",
        never_lowers: true,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: files::tuned_profile,
    },
    PlatformFormat {
        name: "nixos",
        title: "NixOS",
        place: "/etc/nixos/nospace.nix, listed in `imports` of configuration.nix, then `nixos-rebuild switch`.",
        undo: "take the import out, then `nixos-rebuild switch`, or `nixos-rebuild switch --rollback`.",
        never_lowers: false,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: files::nixos,
    },
    PlatformFormat {
        name: "ignition",
        title: "Ignition",
        place: "merge into the Ignition configuration of new nodes (Fedora CoreOS, Flatcar); it is read at their first boot only.",
        undo: NEW_NODES_UNDO,
        never_lowers: false,
        comments: Comments::None,
        accepts: Accepts::All,
        document: files::ignition,
    },
    PlatformFormat {
        name: "butane",
        title: "Butane",
        place: "merge into the Butane configuration of new nodes, and run `butane --strict`. For Flatcar: `variant: flatcar` and \
             `version: 1.1.0`. A running node takes `--for systemd`.",
        undo: NEW_NODES_UNDO,
        never_lowers: false,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: files::butane,
    },
    PlatformFormat {
        name: "cloud-init",
        title: "cloud-init",
        place: "user data of new machines; check it by `cloud-init schema --config-file FILE`.",
        undo: NEW_NODES_UNDO,
        never_lowers: false,
        comments: Comments::After("#cloud-config"),
        accepts: Accepts::All,
        document: files::cloud_config,
    },
    PlatformFormat {
        name: "ansible",
        title: "Ansible",
        place: "`ansible-playbook -i INVENTORY FILE --limit NODES`. It reads each node's values first.",
        undo: "delete /etc/sysctl.d/99-zz-nospace.conf on the nodes, then set what each had before with `sysctl -w KEY=VALUE`, or reboot it.",
        never_lowers: true,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: files::ansible,
    },
    PlatformFormat {
        name: "gke",
        title: "GKE's node system configuration",
        place: "`gcloud container node-pools update POOL --cluster CLUSTER --system-config-from-file FILE`: the nodes are created \
             anew. It replaces the pool's configuration: add what that has already. Container-Optimized OS outside of GKE takes \
             `--for cloud-init`.",
        undo: "the same command with the file without these keys.",
        never_lowers: false,
        comments: Comments::Top,
        accepts: Accepts::Only(cloud::GKE_KEYS),
        document: cloud::gke,
    },
    PlatformFormat {
        name: "aks",
        title: "AKS's custom node configuration",
        place: "`az aks nodepool add --cluster-name CLUSTER -g GROUP --name POOL --linux-os-config FILE`: for a new node pool.",
        undo: "move the pods to a pool without it, and delete this one.",
        never_lowers: false,
        comments: Comments::None,
        accepts: Accepts::Only(cloud::AKS_KEYS),
        document: cloud::aks,
    },
    PlatformFormat {
        name: "eks",
        title: "EKS with Amazon Linux 2023",
        place: "user data of the launch template of a node group: merge the part into what it has, and update the group to the new \
             version. With Bottlerocket: `--for bottlerocket`.",
        undo: "the launch template's version before, in the same way.",
        never_lowers: false,
        comments: Comments::After("#!/bin/bash"),
        accepts: Accepts::All,
        document: cloud::eks,
    },
    PlatformFormat {
        name: "eksctl",
        title: "eksctl",
        place: "in the ClusterConfig, in an entry of managedNodeGroups or nodeGroups (Amazon Linux 2023 needs eksctl 0.198.0), then \
             `eksctl create nodegroup --config-file FILE`: for a new node group.",
        undo: "a node group without it, and `eksctl delete nodegroup` for this one.",
        never_lowers: false,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: cloud::eksctl,
    },
    PlatformFormat {
        name: "karpenter",
        title: "Karpenter on AWS with Amazon Linux 2023",
        place: "`kubectl patch ec2nodeclass NAME --type merge --patch-file FILE`. It replaces userData: add what that has already. \
             Karpenter then replaces the nodes. With Bottlerocket the user data is what `--for bottlerocket` prints.",
        undo: "the same patch with the userData before.",
        never_lowers: false,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: cloud::karpenter,
    },
    PlatformFormat {
        name: "k3s",
        title: "the host of a k3s server or agent",
        place: "/etc/sysctl.d/99-zz-nospace.conf on servers and agents, then `sysctl -p /etc/sysctl.d/99-zz-nospace.conf`.",
        undo: DROP_IN_UNDO,
        never_lowers: false,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: files::sysctl_d,
    },
    PlatformFormat {
        name: "kind",
        title: "the machine that runs kind",
        place: "/etc/sysctl.d/99-zz-nospace.conf on the machine whose kernel the nodes share, then \
             `sysctl -p /etc/sysctl.d/99-zz-nospace.conf` there; in a node's container it would not last.",
        undo: DROP_IN_UNDO,
        never_lowers: false,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: files::sysctl_d,
    },
    PlatformFormat {
        name: "minikube",
        title: "minikube in a virtual machine",
        place: "~/.minikube/files/etc/sysctl.d/99-zz-nospace.conf, which `minikube start` copies into the node; after each \
             start, `minikube ssh -- sudo sysctl --system`. With the drivers docker and podman: `--for kind`.",
        undo: "delete the file there and in the node, then `minikube stop` and `minikube start`.",
        never_lowers: false,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: files::sysctl_d,
    },
    PlatformFormat {
        name: "kubernetes",
        title: "any Kubernetes",
        place: "`kubectl apply -f FILE`: a DaemonSet with a privileged init container. The limits last until a node's next boot, and \
             are raised again when its pod starts.",
        undo: "`kubectl -n kube-system delete daemonset nospace-tune`; the values stay until a node's next boot.",
        never_lowers: true,
        comments: Comments::Top,
        accepts: Accepts::All,
        document: cluster::daemonset,
    },
];

/// The format of that name.
#[must_use]
pub fn format(name: &str) -> Option<&'static PlatformFormat> {
    FORMATS.iter().find(|format| format.name == name)
}

/// By `ID` or `VARIANT_ID` of os-release(5): what the operating system itself asks for.
const BY_SYSTEM: [(&str, &str); 8] = [
    ("talos", "talos"),
    ("bottlerocket", "bottlerocket"),
    ("rhcos", "openshift"),
    ("nixos", "nixos"),
    ("cos", "gke"),
    ("coreos", "butane"),
    ("flatcar", "butane"),
    ("iot", "butane"),
];

/// By who runs the kubelet.
const BY_MANAGER: [(&str, &str); 2] = [("K3s", "k3s"), ("kind", "kind")];

/// The format for a node, and what decided: its operating system, by `ID` and `VARIANT_ID` of os-release(5), then who runs its
/// kubelet; otherwise systemd.
#[must_use]
pub fn of_node(
    systems: &[String],
    manager: Option<&Manager>,
) -> Option<(&'static PlatformFormat, String)> {
    let of_system = BY_SYSTEM
        .iter()
        .find(|(id, _)| systems.iter().any(|os| os == id))
        .map(|(id, name)| (*name, format!("its operating system is {id}")));
    let of_manager = || {
        let title = manager?.title;
        let known = BY_MANAGER.iter().find(|(manager, _)| *manager == title);
        let name = match known {
            Some((_, name)) => name,
            None if systems.iter().any(|os| os == "amzn") => "eks",
            None => return None,
        };
        Some((name, format!("its kubelet is that of {title}")))
    };
    let (name, why) = of_system.or_else(of_manager).unwrap_or_else(|| {
        let why = match systems.first() {
            Some(id) => format!("its operating system is {id}"),
            None => "it names no operating system".to_owned(),
        };
        ("systemd", why)
    });
    Some((format(name)?, why))
}
