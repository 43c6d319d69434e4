use super::*;
use crate::model::{CgroupPath, Program, Runtime};

fn at(path: &str) -> [CgroupPath; 1] {
    [CgroupPath {
        controllers: String::new(),
        path: path.to_owned(),
    }]
}

fn unit(name: &str) -> Owner {
    Owner::Unit {
        name: name.to_owned(),
    }
}

/// A node with every program and every service.
fn everything(os: Option<&str>) -> Environment {
    Environment {
        os: os.map(str::to_owned).into_iter().collect(),
        programs: Program::ALL.into(),
        services: services().into_iter().map(str::to_owned).collect(),
        ..Environment::default()
    }
}

/// A service that the node does not have is not restarted, and no engine is called that is not installed.
#[test]
fn what_is_not_there_is_not_named() {
    let container = Owner::Container {
        runtime: Runtime::Docker,
        id: "4f797c539e6c".to_owned(),
        name: None,
        inner_unit: None,
    };
    let none = Environment::default();
    for (comm, owner) in [
        ("kubelet", Owner::Host),
        ("kubelet", container),
        ("edgecore", Owner::Host),
    ] {
        let found = NodeManager::of(comm, &owner, &[], Some(&none)).expect(comm);
        assert_eq!(
            (found.restart_kubelet(), found.restart_runtime()),
            (None, None),
            "{owner:?}"
        );
    }
}

/// Each manager's kubelet in its place: title, and how kubelet and containerd are restarted.
#[test]
fn a_kubelet_has_its_manager_and_its_restart() {
    let node = Owner::Container {
        runtime: Runtime::Docker,
        id: "4f797c539e6c".to_owned(),
        name: Some("kind-worker".to_owned()),
        inner_unit: None,
    };
    let k3d = Owner::Container {
        runtime: Runtime::Docker,
        id: String::new(),
        name: Some("k3d-dev-server-0".to_owned()),
        inner_unit: None,
    };
    let host = Owner::Host;
    let restart = |service: &str| format!("systemctl restart {service}");
    for (comm, owner, cgroup, os, title, kubelet, runtime) in [
        (
            "kubelet",
            unit("kubelet.service"),
            "/",
            None,
            "kubeadm",
            restart("kubelet"),
            restart("containerd"),
        ),
        (
            "kubelet",
            unit("session-3.scope"),
            "/",
            None,
            "kubeadm",
            restart("kubelet"),
            restart("containerd"),
        ),
        (
            "k3s-server",
            unit("k3s.service"),
            "/",
            None,
            "K3s",
            restart("k3s"),
            restart("k3s"),
        ),
        (
            "k3s-agent",
            unit("k3s-agent.service"),
            "/",
            None,
            "K3s",
            restart("k3s-agent"),
            restart("k3s-agent"),
        ),
        (
            "k3s-server",
            k3d,
            "/",
            None,
            "K3s",
            "docker restart k3d-dev-server-0".to_owned(),
            "docker restart k3d-dev-server-0".to_owned(),
        ),
        (
            "kubelet",
            unit("rke2-agent.service"),
            "/",
            None,
            "RKE2",
            restart("rke2-agent"),
            restart("rke2-agent"),
        ),
        (
            "kubelite",
            unit("snap.microk8s.daemon-kubelite.service"),
            "/",
            None,
            "MicroK8s",
            restart("snap.microk8s.daemon-kubelite"),
            restart("snap.microk8s.daemon-containerd"),
        ),
        (
            "kubelet",
            unit("k0sworker.service"),
            "/",
            None,
            "k0s",
            restart("k0sworker"),
            restart("k0sworker"),
        ),
        (
            "microshift",
            unit("microshift.service"),
            "/",
            None,
            "MicroShift",
            restart("microshift"),
            restart("containerd"),
        ),
        (
            "edgecore",
            host.clone(),
            "/",
            None,
            "KubeEdge",
            restart("edgecore"),
            restart("containerd"),
        ),
        (
            "kubelet",
            host,
            "/podruntime/kubelet",
            None,
            "Talos",
            "talosctl service kubelet restart".to_owned(),
            "talosctl reboot".to_owned(),
        ),
        (
            "kubelet",
            unit("kubelet.service"),
            "/",
            Some("bottlerocket"),
            "Bottlerocket",
            restart("kubelet"),
            restart("containerd"),
        ),
        (
            "kubelet",
            node,
            "/",
            None,
            "kind",
            "docker exec kind-worker systemctl restart kubelet".to_owned(),
            "docker exec kind-worker systemctl restart containerd".to_owned(),
        ),
    ] {
        let all = everything(os);
        let found = NodeManager::of(comm, &owner, &at(cgroup), Some(&all)).expect(title);
        assert_eq!(found.manager.title, title, "{comm} in {owner:?}");
        assert_eq!(found.restart_kubelet(), Some(kubelet), "{title}");
        // Where the manager does not start it, containerd is a service of its own.
        let by_manager = runtime != restart("containerd");
        assert_eq!(
            found.restart_runtime(),
            by_manager.then_some(runtime),
            "{title}"
        );
    }
    let owner = unit("kubelet.service");
    assert!(NodeManager::of("nginx", &owner, &[], None).is_none());
}

#[test]
fn openshift_runs_cri_o() {
    let owner = unit("kubelet.service");
    let all = everything(Some("rhcos"));
    let found = NodeManager::of("kubelet", &owner, &[], Some(&all)).expect("a manager");
    assert_eq!(found.manager.title, "OpenShift");
    assert_eq!(found.restart_runtime(), None);
}

/// What a container is called is chosen by its user.
#[test]
fn a_hostile_name_is_one_word() {
    let owner = Owner::Container {
        runtime: Runtime::Podman,
        id: String::new(),
        name: Some("x; reboot".to_owned()),
        inner_unit: None,
    };
    let all = everything(None);
    let found = NodeManager::of("kubelet", &owner, &[], Some(&all)).expect("a manager");
    assert_eq!(
        found.restart_kubelet().as_deref(),
        Some("podman exec 'x; reboot' systemctl restart kubelet")
    );
}

#[test]
fn platforms_of_managers_are_in_the_table_and_say_how_a_sysctl_lasts() {
    for manager in MANAGERS {
        assert_eq!(
            manager.platform.is_some(),
            manager.sysctls().is_some(),
            "{}",
            manager.title
        );
    }
}

#[test]
fn each_place_is_read_once() {
    let stores = stores();
    let k3s = Store::ContainerdState("/run/k3s/containerd");
    assert_eq!(stores.iter().filter(|store| **store == k3s).count(), 1);
    assert!(stores.contains(&Store::ContainerdState("/run/containerd")));
    assert!(kubelet_roots().starts_with(&["/var/lib/kubelet"]));
}
