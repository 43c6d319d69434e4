use super::*;
use crate::model::{Program, Runtime};
use crate::testing::node;

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

/// Of the services of a server and of an agent the one that the node has is restarted.
#[test]
fn the_service_that_the_node_has_is_restarted() {
    for (comm, service) in [
        ("k3s", "k3s-agent"),
        ("k3s", "k3s"),
        ("edgecore", "edgecore"),
    ] {
        let here = Environment {
            services: [service.to_owned()].into(),
            ..Environment::default()
        };
        let found = NodeManager::of(comm, &Owner::Host, &[], Some(&here)).expect(comm);
        assert_eq!(found.restart_kubelet(), restart_service(service));
    }
}

/// A kubelet that has died is restarted by the only service there can be of it.
#[test]
fn a_dead_kubelet_has_the_service_that_the_node_has() {
    for (services, restarted) in [
        (&["edgecore", "containerd"][..], Some("edgecore")),
        (&["kubelet", "crio"], Some("kubelet")),
        (&["k3s-agent"], Some("k3s-agent")),
        (&["kubelet", "k3s"], None),
        (&["containerd"], None),
    ] {
        let here = Environment {
            services: services.iter().map(|&one| one.to_owned()).collect(),
            ..Environment::default()
        };
        let report = node().with(|s| s.environment = Some(here)).report();
        let command = restarted.and_then(restart_service);
        assert_eq!(
            report.remedy_context.restart_kubelet, command,
            "{services:?}"
        );
    }
}

/// The kubelet of each layout, found by its cgroup as on a node: who manages it, how it and containerd are restarted, how a sysctl
/// lasts, and where files are looked for.
#[test]
fn each_layout_has_its_manager() {
    let id = "4f797c539e6c".repeat(5) + "4f79";
    let lines = include_str!("layouts.tsv").lines();
    let mut seen = BTreeSet::new();
    for row in lines.filter(|line| !line.starts_with('#')) {
        let row = row.replace("ID", &id);
        let [
            comm,
            cgroup,
            os,
            services,
            title,
            kubelet,
            runtime,
            lasts,
            root,
            state,
            source,
        ] = row.split('\t').collect::<Vec<_>>()[..]
        else {
            panic!("{row}")
        };
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let environment = Environment {
            services: services.split(',').map(str::to_owned).collect(),
            ..everything(Some(os))
        };
        let node = node().cgroups_v2(20, 0).process(9, comm).cgroup(cgroup);
        let node = node.holds(7, 3).with(|s| s.environment = Some(environment));
        let view = crate::view(&node.0);
        let found = view.manager().expect(comm);
        assert_eq!(found.manager.title, title, "{row}");
        assert_eq!(or_none(found.restart_kubelet()), kubelet, "{row}");
        assert_eq!(or_none(found.restart_runtime()), runtime, "{row}");
        let system = platforms::operating_system(os).map(|os| os.title.to_owned());
        assert_eq!(or_none(system), lasts, "{row}");
        let own = found.manager.containerd_state.map(str::to_owned);
        assert_eq!(or_none(own), state, "{row}");
        assert!(kubelet_roots().contains(&root), "{row}");
        assert!(root == found.manager.kubelet_root && !source.is_empty());
        seen.insert(title.to_owned());
    }
    let titles: BTreeSet<String> = MANAGERS.iter().map(|m| m.title.to_owned()).collect();
    assert_eq!(seen, titles);
    let owner = unit("kubelet.service");
    assert!(NodeManager::of("nginx", &owner, &[], None).is_none());
}

/// What a container is called is chosen by its user.
#[test]
fn a_hostile_name_is_one_word() {
    let owner = Owner::Container {
        runtime: Runtime::Podman,
        id: String::new(),
        name: Some("x; reboot".to_owned()),
        inner_unit: Some("kubelet.service".to_owned()),
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
