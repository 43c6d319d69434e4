use super::HowTo;
use super::sysctl::{self, Shell, Sysctl};

/// A machine of which nothing is known.
const ANY: HowTo = HowTo {
    title: "",
    programs: &[],
    hosts: &[],
    words: &[],
    manager: None,
    platform: None,
    sysctl: Sysctl::Usual,
    restart: None,
};

/// A pod that is root on a node, which the cluster's API starts.
const DEBUG: &str = "kubectl debug node/NODE -it --image=busybox --profile=sysadmin -- sh -c {}";
const DEBUG_RESTART: &str = "kubectl debug node/NODE -it --image=busybox --profile=sysadmin -- chroot /host systemctl restart kubelet";

/// Everything that is known, the more special first: a K3s in WSL2 is a K3s.
pub static PLACES: &[HowTo] = &[
    HowTo {
        title: "K3s",
        programs: &["k3s", "k3s-server", "k3s-agent"],
        // Not /run/k3s: RKE2 has its containerd there, too.
        words: &["/var/lib/rancher/k3s"],
        manager: Some("K3s"),
        ..ANY
    },
    HowTo {
        title: "RKE2",
        programs: &["rke2", "rke2-server", "rke2-agent"],
        words: &["/var/lib/rancher/rke2"],
        manager: Some("RKE2"),
        ..ANY
    },
    HowTo {
        title: "k0s",
        programs: &["k0s", "k0scontroller", "k0sworker"],
        words: &["/var/lib/k0s", "/run/k0s"],
        manager: Some("k0s"),
        ..ANY
    },
    HowTo {
        title: "MicroK8s",
        programs: &[
            "microk8s.daemon-kubelite",
            "microk8s.daemon-containerd",
            "microk8s.daemon-kubelet",
            "kubelite",
        ],
        words: &["/var/snap/microk8s"],
        manager: Some("MicroK8s"),
        ..ANY
    },
    HowTo {
        title: "Talos",
        programs: &["talos", "machined"],
        hosts: &["talos-*"],
        words: &["siderolabs/talos"],
        manager: Some("Talos"),
        platform: Some("talos"),
        sysctl: Sysctl::Document,
        ..ANY
    },
    HowTo {
        title: "Bottlerocket",
        programs: &["apiclient"],
        words: &["bottlerocket"],
        manager: Some("Bottlerocket"),
        platform: Some("bottlerocket"),
        sysctl: Sysctl::Document,
        restart: Some("systemctl restart kubelet  # in the admin container: sudo sheltie"),
        ..ANY
    },
    HowTo {
        title: "kind",
        hosts: &["kind-control-plane*", "kind-worker*"],
        words: &["kind-control-plane", "kind-worker"],
        manager: Some("kind"),
        sysctl: Sysctl::On("the host that runs the nodes' containers"),
        ..ANY
    },
    HowTo {
        title: "minikube",
        programs: &["minikube"],
        hosts: &["minikube", "minikube-m*"],
        words: &["/var/lib/minikube"],
        // deploy/iso/minikube-iso/package/automount/minikube-automount runs bootlocal.sh. What filesync copies to /etc comes too
        // late for systemd-sysctl, and nothing in /etc outlives the machine.
        sysctl: Sysctl::Command {
            now: Shell::User("minikube ssh {}"),
            lasts: sysctl::minikube,
        },
        restart: Some("minikube ssh 'sudo systemctl restart kubelet'"),
        ..ANY
    },
    HowTo {
        title: "Docker Desktop",
        hosts: &["docker-desktop"],
        words: &["docker-desktop", "linuxkit"],
        sysctl: Sysctl::Command {
            now: Shell::Root("docker run --rm --privileged alpine sh -c {}"),
            lasts: sysctl::docker_desktop,
        },
        ..ANY
    },
    HowTo {
        title: "WSL2",
        // What Windows calls itself.
        hosts: &["DESKTOP-???????", "LAPTOP-????????"],
        words: &[
            "microsoft-standard-WSL2",
            "/mnt/c/",
            "/mnt/wsl",
            "/mnt/wslg",
        ],
        // learn.microsoft.com/windows/wsl/wsl-config, kernelCommandLine; microsoft/WSL#4232.
        sysctl: Sysctl::Command {
            now: Shell::There,
            lasts: sysctl::wsl,
        },
        ..ANY
    },
    HowTo {
        title: "LXC, LXD and Incus",
        programs: &["lxc-start", "lxc-monitord", "lxd", "incusd"],
        words: &[
            "lxc.payload",
            "/lxc/",
            "/var/lib/lxc/",
            "/var/lib/incus/",
            "/var/snap/lxd/",
        ],
        sysctl: Sysctl::On("the host that runs the guest"),
        ..ANY
    },
    HowTo {
        title: "GKE",
        hosts: &["gke-*"],
        platform: Some("gke-cos"),
        sysctl: Sysctl::Command {
            now: Shell::User("gcloud compute ssh NODE --command {}"),
            lasts: sysctl::gke,
        },
        restart: Some("gcloud compute ssh NODE --command 'sudo systemctl restart kubelet'"),
        ..ANY
    },
    HowTo {
        title: "AKS",
        hosts: &["aks-*"],
        platform: Some("aks"),
        sysctl: Sysctl::Command {
            now: Shell::Root(DEBUG),
            lasts: sysctl::aks,
        },
        restart: Some(DEBUG_RESTART),
        ..ANY
    },
    HowTo {
        title: "EKS",
        programs: &["nodeadm"],
        // Not *.compute.internal: every machine of EC2 is called so.
        words: &[
            ".eks.amazonaws.com",
            "eks.amazonaws.com/nodegroup",
            "/etc/eks/",
        ],
        platform: Some("eks-al2023"),
        sysctl: Sysctl::Command {
            now: Shell::Root(DEBUG),
            lasts: sysctl::eks,
        },
        restart: Some(DEBUG_RESTART),
        ..ANY
    },
];
