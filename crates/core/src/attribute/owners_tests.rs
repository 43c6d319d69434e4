use proptest::prelude::*;

use super::*;
use crate::model::{CgroupPath, ContainerLog, Containers, PodLog, UserKey};

const UID: &str = "5721c88f-ca83-4ee4-ab1f-0b553119c397";
const APP: &str = "15e0b305bb522d06e0896842b8ebf8d17b535f0207c1895510e63b6c5b48e70e";
const PAUSE: &str = "efd0b8d06c2609df2dbfb898ea88159539e775205f05aa29c3fb270f3b1cee6c";
const NODE: &str = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970";

fn process(pid: u32, comm: &str, paths: &[&str], serves: Option<&str>) -> Process {
    let cgroup = |path: &&str| CgroupPath {
        controllers: String::new(),
        path: (*path).to_owned(),
    };
    Process {
        pid,
        ppid: 1,
        comm: comm.to_owned(),
        start_ticks: 0,
        user: UserKey::initial(0),
        cgroups: paths.iter().map(cgroup).collect(),
        descriptors: 0,
        descriptor_limit: None,
        descriptor_hard_limit: None,
        serves: serves.map(str::to_owned),
    }
}

fn bundle(
    runtime: Runtime,
    id: &str,
    cgroups_path: Option<&str>,
    annotations: &[(&str, &str)],
) -> Bundle {
    let text = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Bundle {
        runtime,
        id: id.to_owned(),
        cgroups_path: cgroups_path.map(str::to_owned),
        annotations: annotations.iter().map(text).collect(),
        ..Bundle::default()
    }
}

/// What containerd 1.6 leaves for a pod with one container: no uid among the annotations.
fn containerd_pod() -> Vec<Bundle> {
    let names = [
        ("io.kubernetes.cri.sandbox-name", "web-0"),
        ("io.kubernetes.cri.sandbox-namespace", "default"),
    ];
    let of = |id: &str, own: &[(&str, &str)]| {
        let path = format!("/kubepods/besteffort/pod{UID}/{id}");
        bundle(
            Runtime::Containerd,
            id,
            Some(&path),
            &[&names[..], own].concat(),
        )
    };
    vec![
        of(PAUSE, &[("io.kubernetes.cri.container-type", "sandbox")]),
        of(
            APP,
            &[
                ("io.kubernetes.cri.container-type", "container"),
                ("io.kubernetes.cri.container-name", "app"),
            ],
        ),
    ]
}

fn logs() -> Containers {
    let text = str::to_owned;
    Containers {
        pod_logs: vec![PodLog {
            namespace: text("default"),
            name: text("web-0"),
            uid: text(UID),
        }],
        container_logs: vec![ContainerLog {
            pod: text("web-0"),
            namespace: text("default"),
            container: text("app"),
            id: text(APP),
        }],
        bundles: Vec::new(),
    }
}

fn owner_of(containers: Containers, process: Process) -> Owner {
    let snapshot = Snapshot {
        containers,
        processes: vec![process],
        ..Snapshot::default()
    };
    owners(&snapshot).into_values().next().expect("one process")
}

fn with_bundles(bundles: Vec<Bundle>) -> Containers {
    Containers {
        bundles,
        ..Containers::default()
    }
}

fn pod(container: Option<(&str, &str)>, part: PodPart) -> Owner {
    let container = container.map(|(name, id)| ContainerRef {
        name: name.to_owned(),
        id: id.to_owned(),
    });
    Owner::Pod {
        namespace: "default".to_owned(),
        name: "web-0".to_owned(),
        uid: UID.to_owned(),
        container,
        part,
    }
}

#[test]
fn a_pod_by_its_bundles() {
    for (id, name, part) in [
        (APP, "app", PodPart::Container),
        (PAUSE, "", PodPart::Sandbox),
    ] {
        let path = format!("/kubepods/besteffort/pod{UID}/{id}");
        let owner = owner_of(
            with_bundles(containerd_pod()),
            process(9, "nginx", &["/", &path], None),
        );
        assert_eq!(owner, pod(Some((name, id)), part));
    }
}

#[test]
fn a_shim_belongs_to_the_pod_of_its_sandbox() {
    let shim = process(
        9,
        "containerd-shim",
        &["/system.slice/containerd.service"],
        Some(PAUSE),
    );
    assert_eq!(
        owner_of(with_bundles(containerd_pod()), shim),
        pod(None, PodPart::Shim)
    );
}

#[test]
fn conmon_belongs_to_the_pod_of_its_container() {
    let conmon = process(
        9,
        "conmon",
        &["/system.slice/crio-conmon-x.scope"],
        Some(APP),
    );
    assert_eq!(owner_of(logs(), conmon), pod(None, PodPart::Shim));
    let path = format!("/kubepods/pod{UID}/crio-conmon-{APP}");
    assert_eq!(
        owner_of(logs(), process(9, "conmon", &[&path], None)),
        pod(None, PodPart::Shim)
    );
}

#[test]
fn a_monitor_of_a_container_without_a_name() {
    let path = format!("/machine.slice/libpod-conmon-{APP}.scope");
    let owner = owner_of(
        Containers::default(),
        process(9, "conmon", &[&path], Some(APP)),
    );
    assert_eq!(
        owner,
        Owner::Container {
            runtime: Runtime::Podman,
            id: APP.to_owned(),
            name: None,
            inner_unit: None
        }
    );
}

#[test]
fn a_pod_by_the_kubelets_logs_alone() {
    let path = format!(
        "/kubepods.slice/kubepods-pod{}.slice/cri-containerd-{APP}.scope",
        UID.replace('-', "_")
    );
    assert_eq!(
        owner_of(logs(), process(9, "nginx", &[&path], None)),
        pod(Some(("app", APP)), PodPart::Container)
    );
}

#[test]
fn a_pod_of_which_only_the_uid_is_known() {
    let path = format!("/kubepods/pod{UID}/{APP}");
    let owner = owner_of(Containers::default(), process(9, "nginx", &[&path], None));
    let Owner::Pod {
        name,
        uid,
        container,
        ..
    } = owner
    else {
        panic!("{owner:?}")
    };
    assert_eq!((name.as_str(), uid.as_str()), ("", UID));
    assert_eq!(
        container,
        Some(ContainerRef {
            name: String::new(),
            id: APP.to_owned()
        })
    );
}

#[test]
fn ctr_run_is_known_by_the_cgroup_alone() {
    let web = bundle(Runtime::Containerd, "web", Some("/default/web"), &[]);
    for path in [
        "/default/web",
        "/default/web/nested",
        "/docker/x/default/web",
    ] {
        let owner = owner_of(
            with_bundles(vec![web.clone()]),
            process(9, "holder", &["/", path], None),
        );
        assert_eq!(
            owner,
            Owner::Container {
                runtime: Runtime::Containerd,
                id: "web".to_owned(),
                name: None,
                inner_unit: None
            },
            "{path}"
        );
    }
    for path in ["/", "/default", "/default/website", "/web"] {
        let owner = owner_of(
            with_bundles(vec![web.clone()]),
            process(9, "holder", &[path], None),
        );
        assert_eq!(owner, Owner::Host, "{path}");
    }
}

#[test]
fn a_docker_container_has_its_name() {
    let mut web = bundle(Runtime::Docker, APP, None, &[]);
    web.name = Some("web".to_owned());
    web.init_pid = Some(9);
    let expected = Owner::Container {
        runtime: Runtime::Docker,
        id: APP.to_owned(),
        name: Some("web".to_owned()),
        inner_unit: None,
    };
    let path = format!("/system.slice/docker-{APP}.scope");
    let paths: [&[&str]; 2] = [&[&path], &["/my/own/parent"]];
    for paths in paths {
        assert_eq!(
            owner_of(
                with_bundles(vec![web.clone()]),
                process(9, "nginx", paths, None)
            ),
            expected
        );
    }
    let reused = process(9, "sshd", &["/system.slice/ssh.service"], None);
    assert_eq!(
        owner_of(with_bundles(vec![web]), reused),
        Owner::Unit {
            name: "ssh.service".to_owned()
        }
    );
}

/// With the labels of pkg/kubelet/kuberuntime/labels.go of Kubernetes, and the type of core/helpers.go of cri-dockerd.
#[test]
fn a_pod_of_cri_dockerd() {
    let config = |id: &str, kind: &str, name: &str| {
        serde_json::json!({
            "ID": id,
            "Name": format!("/k8s_{name}_web-0_default_{UID}_0"),
            "State": {"Pid": 4711},
            "Config": {"Labels": {
                "io.kubernetes.pod.name": "web-0",
                "io.kubernetes.pod.namespace": "default",
                "io.kubernetes.pod.uid": UID,
                "io.kubernetes.container.name": name,
                "io.kubernetes.docker.type": kind,
            }},
        })
    };
    let read =
        |config: serde_json::Value| crate::parse::bundle::docker(config.to_string().as_bytes());
    let bundles = vec![
        read(config(PAUSE, "podsandbox", "POD")).unwrap(),
        read(config(APP, "container", "app")).unwrap(),
    ];
    let with_uid = UID.replace('-', "_");
    for path in [
        format!("/kubepods/besteffort/pod{UID}/{APP}"),
        format!(
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{with_uid}.slice/docker-{APP}.scope"
        ),
    ] {
        let owner = owner_of(
            with_bundles(bundles.clone()),
            process(5, "web", &[&path], None),
        );
        assert_eq!(owner, pod(Some(("app", APP)), PodPart::Container), "{path}");
    }
    let shim = process(
        6,
        "containerd-shim",
        &["/system.slice/containerd.service"],
        Some(APP),
    );
    let owner = owner_of(with_bundles(bundles), shim);
    assert_eq!(owner, pod(None, PodPart::Shim));
}

#[test]
fn a_node_in_a_container() {
    let mut node = bundle(Runtime::Docker, NODE, None, &[]);
    node.name = Some("kind-worker".to_owned());
    let path = format!("/docker/{NODE}/kubelet/kubepods/pod{UID}/{APP}");
    let kindnet = || process(9, "kindnetd", &[&path], None);
    let on_host = owner_of(with_bundles(vec![node]), kindnet());
    assert_eq!(
        on_host,
        Owner::Container {
            runtime: Runtime::Docker,
            id: NODE.to_owned(),
            name: Some("kind-worker".to_owned()),
            inner_unit: None
        }
    );
    assert_eq!(
        owner_of(logs(), kindnet()),
        pod(Some(("app", APP)), PodPart::Container)
    );
}

/// Docker's bundle of the node says where its cgroup is. Of those of the containerd inside it is not known: they say it from their own root on.
#[test]
fn a_pod_of_a_node_in_a_container() {
    let uid = UID.replace('-', "_");
    let slices = format!("kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{uid}.slice");
    let docker = |cgroup: &str| bundle(Runtime::Docker, NODE, Some(cgroup), &[]);
    for node in [
        format!("/docker/{NODE}"),
        format!("/system.slice/docker-{NODE}.scope"),
    ] {
        let mut bundles = containerd_pod();
        bundles.iter_mut().for_each(|one| one.cgroups_path = None);
        let path = format!("{node}/{slices}/cri-containerd-{APP}.scope");
        let nginx = || process(9, "nginx", &[&path], None);
        bundles.push(docker(&node));
        assert_eq!(
            owner_of(with_bundles(bundles), nginx()),
            pod(Some(("app", APP)), PodPart::Container),
            "{path}"
        );
        let logs = Containers {
            bundles: vec![docker(&node)],
            ..logs()
        };
        assert_eq!(
            owner_of(logs, nginx()),
            pod(Some(("app", APP)), PodPart::Container),
            "{path}"
        );
        let unnamed = owner_of(with_bundles(vec![docker(&node)]), nginx());
        assert!(
            matches!(unnamed, Owner::Container { id, .. } if id == NODE),
            "{path}"
        );
    }
}

/// What a pod runs in a Docker of its own, for which there are bundles as well, is the pod's.
#[test]
fn a_container_in_a_pod_is_the_pods() {
    let mut bundles = containerd_pod();
    bundles.push(bundle(
        Runtime::Docker,
        NODE,
        Some(&format!("/docker/{NODE}")),
        &[],
    ));
    let path = format!("/kubepods/besteffort/pod{UID}/{APP}/docker/{NODE}");
    let owner = owner_of(with_bundles(bundles), process(9, "nginx", &[&path], None));
    assert_eq!(owner, pod(Some(("app", APP)), PodPart::Container));
}

#[test]
fn on_v1_the_most_telling_hierarchy_wins() {
    let pod_path = format!("/kubepods/pod{UID}/{APP}");
    let paths = [
        "/",
        "/system.slice/containerd.service",
        &pod_path,
        &format!("/kubepods/pod{UID}"),
    ];
    assert_eq!(
        owner_of(logs(), process(9, "nginx", &paths, None)),
        pod(Some(("app", APP)), PodPart::Container)
    );
}

#[test]
fn units_and_the_host() {
    let owner = owner_of(
        logs(),
        process(9, "cron", &["/", "/system.slice/cron.service"], None),
    );
    assert_eq!(
        owner,
        Owner::Unit {
            name: "cron.service".to_owned()
        }
    );
    assert_eq!(owner_of(logs(), process(9, "init", &[], None)), Owner::Host);
}

proptest! {
    #[test]
    fn never_panics(
        path in "[a-z0-9/.:_-]{0,80}", asked in "[a-z0-9/.:_-]{0,80}", id in "\\PC{0,8}", serves in any::<Option<String>>(),
    ) {
        let containers = with_bundles(vec![bundle(Runtime::Unknown, &id, Some(&asked), &[])]);
        let _ = owner_of(containers, process(1, "x", &[&path], serves.as_deref()));
    }

    #[test]
    fn where_a_bundle_asked_to_be_is_where_it_is_found(
        above in "(/[a-z]{1,6}){0,3}", asked in "(/[a-z]{1,6}){2,4}", below in "(/[a-z]{1,6}){0,2}",
    ) {
        let containers = with_bundles(vec![bundle(Runtime::Containerd, "web", Some(&asked), &[])]);
        let owner = owner_of(containers, process(1, "x", &[&format!("{above}{asked}{below}")], None));
        prop_assert_eq!(owner, Owner::Container { runtime: Runtime::Containerd, id: "web".to_owned(), name: None, inner_unit: None });
    }
}
