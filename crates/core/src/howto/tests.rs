#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

#[test]
fn programs_words_and_hosts_tell_who_speaks() {
    for (program, host, text, title) in [
        ("k3s", "node1", "", "K3s"),
        ("rke2-agent", "node1", "", "RKE2"),
        ("microk8s.daemon-kubelite", "n", "", "MicroK8s"),
        ("kubelet", "n", "/run/k0s/containerd.sock", "k0s"),
        ("kubelet", "kind-control-plane", "", "kind"),
        ("kubelet", "minikube", "", "minikube"),
        ("kubelet", "gke-prod-pool-1-4d5c", "", "GKE"),
        ("kubelet", "aks-nodepool1-123-vmss000001", "", "AKS"),
        (
            "kubelet",
            "ip-10-0-1-2.eu-west-1.compute.internal",
            "dial tcp: lookup ABC.gr7.eu-west-1.eks.amazonaws.com",
            "EKS",
        ),
        (
            "kubelet",
            "n",
            "/run/k3s/containerd /var/lib/rancher/rke2",
            "RKE2",
        ),
        ("node", "DESKTOP-4F7K2QJ", "", "WSL2"),
        ("kubelet", "talos-abc-def", "", "Talos"),
        ("node", "pc", "watch /mnt/c/Users/joe/app", "WSL2"),
        ("app", "docker-desktop", "", "Docker Desktop"),
        (
            "tail",
            "ct1",
            "/lxc.payload.web/system.slice",
            "LXC, LXD and Incus",
        ),
    ] {
        let (programs, hosts) = (owned(&[program]), owned(&[host]));
        let speaker = spoken_by(&programs, &hosts, &[text]);
        assert_eq!(
            speaker.map(|s| s.how.title),
            Some(title),
            "{program} on {host}: {text}"
        );
    }
    for hosts in [
        &["node1"][..],
        &["ip-10-0-1-2.eu-west-1.compute.internal"],
        &["DESKTOP-of-joe"],
        &["kind-of-blue"],
        &["talos-abc-def", "node1"],
    ] {
        let speaker = spoken_by(&[], &owned(hosts), &["/run/k3s/containerd"]).map(|s| s.how.title);
        assert_eq!(speaker, None, "{hosts:?}");
    }
}

#[test]
fn what_is_restarted_has_the_name_that_it_has_there() {
    for (program, hosts, expected) in [
        ("k3s-agent", &["n"][..], "systemctl restart k3s-agent"),
        ("k3s-server", &["n"], "systemctl restart k3s"),
        (
            "k3s",
            &["n"],
            "systemctl restart k3s  # on an agent: k3s-agent",
        ),
        ("rke2-server", &["n"], "systemctl restart rke2-server"),
        (
            "rke2",
            &[],
            "systemctl restart rke2-server  # on an agent: rke2-agent",
        ),
        ("k0sworker", &[], "systemctl restart k0sworker"),
        (
            "k0s",
            &[],
            "systemctl restart k0scontroller  # on a worker: k0sworker",
        ),
        (
            "kubelite",
            &[],
            "systemctl restart snap.microk8s.daemon-kubelite",
        ),
        (
            "kubelet",
            &["kind-worker"],
            "docker exec kind-worker systemctl restart kubelet",
        ),
        (
            "kubelet",
            &["kind-worker", "kind-worker2"],
            "docker exec NODE systemctl restart kubelet",
        ),
        (
            "kubelet",
            &["talos-1-2"],
            "talosctl service kubelet restart",
        ),
    ] {
        let (programs, hosts) = (owned(&[program]), owned(hosts));
        let speaker = spoken_by(&programs, &hosts, &[]);
        let restart = speaker.and_then(|s| s.restart_kubelet());
        assert_eq!(restart.as_deref(), Some(expected), "{program} on {hosts:?}");
    }
}

/// The kubelet is that of K3s, and the kernel another's.
#[test]
fn a_guest_has_no_kernel() {
    let (programs, text) = (owned(&["k3s-agent"]), "/lxc.payload.k/x");
    let speaker = spoken_by(&programs, &[], &[text]).unwrap();
    assert_eq!(speaker.how.title, "K3s");
    let raise = speaker
        .raise("fs.inotify.max_user_watches", 524_288)
        .unwrap();
    assert!(raise[0].command.starts_with("# on the host"), "{raise:?}");
    let alone = spoken_by(&programs, &[], &[]).unwrap();
    assert!(alone.raise("fs.inotify.max_user_watches", 1).is_none());
}

/// Every command is one that a shell takes, and the clouds' documents hold what they take.
#[test]
fn commands_are_whole() {
    let one = |title: &str, key: &str| {
        let how = PLACES.iter().find(|how| how.title == title).unwrap();
        let steps = how.raise(key, 8_192).unwrap();
        steps
            .iter()
            .map(|step| step.command.clone() + "\n")
            .collect::<String>()
    };
    let instances = "fs.inotify.max_user_instances";
    let watches = "fs.inotify.max_user_watches";
    assert!(one("AKS", watches).contains("\"fsInotifyMaxUserWatches\": 2097152"));
    // It has no such key.
    assert!(!one("AKS", instances).contains("FILE"));
    assert!(one("GKE", instances).contains("fs.inotify.max_user_instances: '\\''8192'"));
    assert!(
        one("minikube", instances).ends_with("| sudo tee -a /var/lib/boot2docker/bootlocal.sh'\n")
    );
    assert!(one("WSL2", instances).contains("\nprintf '[wsl2]\\nkernelCommandLine = sysctl.fs"));
}

/// Each step names a value, and none is below what the place has by default.
#[test]
fn nothing_is_lowered() {
    for (key, value) in [
        ("fs.inotify.max_user_watches", 524_288),
        ("fs.inotify.max_user_instances", 300),
    ] {
        for how in PLACES {
            let least = value.max(how.known(key).map_or(0, |known| known * 2));
            for step in how.raise(key, value).into_iter().flatten() {
                let numbers = step.command.split(|c: char| !c.is_ascii_digit());
                let numbers = numbers.filter_map(|n| n.parse::<u64>().ok());
                let set = numbers.filter(|n| *n >= 300).min();
                assert!(set >= Some(least), "{}: {}", how.title, step.command);
            }
        }
    }
}

#[test]
fn every_name_is_known_where_it_belongs() {
    for how in PLACES {
        assert_eq!(
            how.manager.is_some(),
            how.manager().is_some(),
            "{}",
            how.title
        );
        let platform = how.platform.map(platforms::find);
        assert!(platform.is_none_or(|p| p.is_some()), "{}", how.title);
        assert!(!matches!(how.sysctl, Sysctl::Document) || how.persistence().is_some());
    }
}
