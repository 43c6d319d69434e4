use super::{HowTo, Sysctl};
use crate::report::Remedy;

/// How each of AKS' settings of a node's sysctls is called: learn.microsoft.com/azure/aks/custom-node-configuration-reference.
const AKS: &[(&str, &str)] = &[
    ("fs.inotify.max_user_watches", "fsInotifyMaxUserWatches"),
    ("fs.file-max", "fsFileMax"),
    ("fs.aio-max-nr", "fsAioMaxNr"),
    ("vm.max_map_count", "vmMaxMapCount"),
    ("kernel.threads-max", "kernelThreadsMax"),
    (
        "net.netfilter.nf_conntrack_max",
        "netNetfilterNfConntrackMax",
    ),
    (
        "net.ipv4.neigh.default.gc_thresh3",
        "netIpv4NeighDefaultGcThresh3",
    ),
];

/// Everything that is known, the more special first: a K3s in WSL2 is a K3s.
pub static PLACES: &[HowTo] = &[
    HowTo {
        title: "K3s",
        programs: &["k3s", "k3s-server", "k3s-agent"],
        hosts: &[],
        words: &["/var/lib/rancher/k3s", "/run/k3s/"],
        manager: Some("K3s"),
        platform: None,
        sysctl: Sysctl::Usual,
        restart: None,
    },
    HowTo {
        title: "RKE2",
        programs: &["rke2", "rke2-server", "rke2-agent"],
        hosts: &[],
        words: &["/var/lib/rancher/rke2"],
        manager: Some("RKE2"),
        platform: None,
        sysctl: Sysctl::Usual,
        restart: None,
    },
    HowTo {
        title: "MicroK8s",
        programs: &[
            "microk8s.daemon-kubelite",
            "microk8s.daemon-containerd",
            "microk8s.daemon-kubelet",
            "kubelite",
        ],
        hosts: &[],
        words: &["/var/snap/microk8s"],
        manager: Some("MicroK8s"),
        platform: None,
        sysctl: Sysctl::Usual,
        restart: None,
    },
    HowTo {
        title: "Talos",
        programs: &["talos", "machined"],
        hosts: &["talos-*"],
        words: &["siderolabs/talos"],
        manager: Some("Talos"),
        platform: Some("talos"),
        sysctl: Sysctl::Document,
        restart: None,
    },
    HowTo {
        title: "Bottlerocket",
        programs: &["apiclient"],
        hosts: &[],
        words: &["bottlerocket"],
        manager: Some("Bottlerocket"),
        platform: Some("bottlerocket"),
        sysctl: Sysctl::Document,
        restart: None,
    },
    HowTo {
        title: "kind",
        programs: &[],
        hosts: &["kind-*", "kind-control-plane"],
        words: &["kind-control-plane", "kind-worker"],
        manager: Some("kind"),
        platform: None,
        sysctl: Sysctl::On("the host that runs the nodes' containers"),
        restart: None,
    },
    HowTo {
        title: "minikube",
        programs: &["minikube"],
        hosts: &["minikube", "minikube-m*"],
        words: &["/var/lib/minikube"],
        manager: None,
        platform: None,
        // minikube.sigs.k8s.io/docs/handbook/filesync: ~/.minikube/files.
        sysctl: Sysctl::Command {
            now: "minikube ssh {}",
            lasts: |key, value| {
                Remedy {
                command: format!(
                    "mkdir -p ~/.minikube/files/etc/sysctl.d && echo '{key} = {value}' >> ~/.minikube/files/etc/sysctl.d/99-nospace.conf"
                ),
                why: "minikube copies this into its machine at each start (with the docker or podman driver the kernel is the host's: raise it there)".to_owned(),
            }
            },
        },
        restart: Some("minikube ssh 'sudo systemctl restart kubelet'"),
    },
    HowTo {
        title: "Docker Desktop",
        programs: &[],
        hosts: &["docker-desktop"],
        words: &["docker-desktop", "linuxkit"],
        manager: None,
        platform: None,
        sysctl: Sysctl::Command {
            now: "docker run --rm --privileged alpine sh -c {}",
            lasts: |key, value| {
                Remedy {
                command: format!("printf '[wsl2]\\nkernelCommandLine = sysctl.{key}={value}\\n'"),
                why: "on Windows this belongs into %UserProfile%\\.wslconfig, then `wsl --shutdown`; on other systems repeat the command after each start of Docker Desktop".to_owned(),
            }
            },
        },
        restart: None,
    },
    HowTo {
        title: "WSL2",
        programs: &[],
        hosts: &["DESKTOP-*", "LAPTOP-*"],
        words: &[
            "microsoft-standard-WSL2",
            "/mnt/c/",
            "/mnt/wsl",
            "/mnt/wslg",
        ],
        manager: None,
        platform: None,
        // learn.microsoft.com/windows/wsl/wsl-config, kernelCommandLine; sysctl.*= is Linux' since 5.8.
        sysctl: Sysctl::Command {
            now: "sudo sh -c {}",
            lasts: |key, value| {
                Remedy {
                command: format!("printf '[wsl2]\\nkernelCommandLine = sysctl.{key}={value}\\n'"),
                why: "this belongs into %UserProfile%\\.wslconfig, then `wsl --shutdown`; all distributions share one kernel".to_owned(),
            }
            },
        },
        restart: None,
    },
    HowTo {
        title: "LXC, LXD and Incus",
        programs: &["lxc-start", "lxc-monitord", "lxd", "incusd"],
        hosts: &[],
        words: &[
            "lxc.payload",
            "/lxc/",
            "/var/lib/lxc/",
            "/var/lib/incus/",
            "/var/snap/lxd/",
        ],
        manager: None,
        platform: None,
        sysctl: Sysctl::On("the host of the guest"),
        restart: None,
    },
    HowTo {
        title: "GKE",
        programs: &[],
        hosts: &["gke-*"],
        words: &[],
        manager: None,
        platform: Some("gke-cos"),
        // cloud.google.com/kubernetes-engine/docs/how-to/node-system-config.
        sysctl: Sysctl::Command {
            now: "gcloud compute ssh NODE --command {}",
            lasts: |key, value| {
                Remedy {
                command: format!("printf 'linuxConfig:\\n  sysctl:\\n    {key}: \"{value}\"\\n' > FILE"),
                why: "then `gcloud container node-pools update POOL --cluster CLUSTER --system-config-from-file FILE`, where GKE lists this key; otherwise a privileged DaemonSet sets it at each start".to_owned(),
            }
            },
        },
        restart: Some("gcloud compute ssh NODE --command 'sudo systemctl restart kubelet'"),
    },
    HowTo {
        title: "AKS",
        programs: &[],
        hosts: &["aks-*"],
        words: &[],
        manager: None,
        platform: Some("aks"),
        sysctl: Sysctl::Command {
            now: "kubectl debug node/NODE -it --image=busybox --profile=sysadmin -- sh -c {}",
            lasts: |key, value| {
                match AKS.iter().find(|(known, _)| *known == key) {
                Some((_, name)) => Remedy {
                    command: format!("echo '{{\"sysctls\": {{\"{name}\": {value}}}}}' > FILE"),
                    why: "then `az aks nodepool add --linux-os-config FILE`: only new node pools take it".to_owned(),
                },
                None => Remedy {
                    command: format!("sysctl -w {key}={value}"),
                    why: "AKS has no setting for this key: a privileged DaemonSet runs this at each start of a node".to_owned(),
                },
            }
            },
        },
        restart: Some(
            "kubectl debug node/NODE -it --image=busybox --profile=sysadmin -- chroot /host systemctl restart kubelet",
        ),
    },
    HowTo {
        title: "EKS",
        programs: &[],
        hosts: &["*.compute.internal", "*.ec2.internal"],
        words: &[],
        manager: None,
        platform: Some("eks-al2023"),
        sysctl: Sysctl::Command {
            now: "kubectl debug node/NODE -it --image=busybox --profile=sysadmin -- sh -c {}",
            lasts: |key, value| Remedy {
                command: format!(
                    "echo '{key} = {value}' > /etc/sysctl.d/99-nospace.conf && sysctl --system"
                ),
                why: "in the user data of the node group's launch template, for new nodes"
                    .to_owned(),
            },
        },
        restart: Some(
            "kubectl debug node/NODE -it --image=busybox --profile=sysadmin -- chroot /host systemctl restart kubelet",
        ),
    },
];
