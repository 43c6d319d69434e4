use proptest::prelude::*;

use super::*;
use crate::runtimes::Role;

const UID: &str = "5721c88f-ca83-4ee4-ab1f-0b553119c397";
const UID_: &str = "5721c88f_ca83_4ee4_ab1f_0b553119c397";
const HASH: &str = "297aa23a2f26fdf48fb6fb66882d4d1b";
const ID: &str = "15e0b305bb522d06e0896842b8ebf8d17b535f0207c1895510e63b6c5b48e70e";
const NODE: &str = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970";

/// The path with `UID`, `UID_`, `HASH`, `ID`, `NODE` put in.
fn identified(template: &str) -> CgroupIdentity {
    let path = template
        .replace("UID_", UID_)
        .replace("UID", UID)
        .replace("HASH", HASH)
        .replace("NODE", NODE)
        .replace("ID", ID);
    identify(&path)
}

fn assert_pod(template: &str, uid: &str, runtime: Runtime) {
    let identity = identified(template);
    assert_eq!(identity.pod_uid.as_deref(), Some(uid), "{template}");
    let container = identity.container.expect(template);
    assert_eq!(
        (container.id.as_str(), container.runtime),
        (ID, runtime),
        "{template}"
    );
    assert_eq!(container.role, Role::Payload, "{template}");
}

#[test]
fn cgroupfs_driver() {
    for qos in ["", "/burstable", "/besteffort"] {
        assert_pod(&format!("/kubepods{qos}/podUID/ID"), UID, Runtime::Unknown);
        assert_pod(
            &format!("/kubepods{qos}/podHASH/ID"),
            HASH,
            Runtime::Unknown,
        );
        assert_pod(
            &format!("/kubepods{qos}/podUID/crio-ID"),
            UID,
            Runtime::CriO,
        );
    }
}

#[test]
fn systemd_driver() {
    for (qos, slice) in [("", ""), ("-burstable", "kubepods-burstable.slice/")] {
        let pod = format!("/kubepods.slice/{slice}kubepods{qos}-podUID_.slice");
        assert_pod(
            &format!("{pod}/cri-containerd-ID.scope"),
            UID,
            Runtime::Containerd,
        );
        assert_pod(
            &format!("{pod}/crio-ID.scope/container"),
            UID,
            Runtime::CriO,
        );
        assert_pod(&format!("{pod}/docker-ID.scope"), UID, Runtime::Docker);
        assert_pod(&format!("{pod}/isulad-ID.scope"), UID, Runtime::Isulad);
    }
    assert_pod(
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podHASH.slice/cri-containerd-ID.scope",
        HASH,
        Runtime::Containerd,
    );
}

#[test]
fn kubelet_on_systemd_and_runtime_on_cgroupfs() {
    for above in ["", "/system.slice", "/system.slice/containerd.service"] {
        let path = format!("{above}/kubepods-burstable-podUID_.slice:cri-containerd:ID");
        assert_pod(&path, UID, Runtime::Containerd);
    }
}

#[test]
fn seen_from_another_cgroup_namespace() {
    assert_pod("/../podUID/ID", UID, Runtime::Unknown);
    assert_pod("/../../burstable/podUID/ID", UID, Runtime::Unknown);
    assert_pod(
        "/../kubepods-besteffort-podUID_.slice/cri-containerd-ID.scope",
        UID,
        Runtime::Containerd,
    );
    assert_eq!(
        identified("/../cri-containerd-ID.scope")
            .container
            .expect("container")
            .id,
        ID
    );
}

#[test]
fn a_node_in_a_container() {
    for path in [
        "/docker/NODE/kubelet/kubepods/besteffort/podUID/ID",
        "/system.slice/docker-NODE.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-podUID_.slice/cri-containerd-ID.scope",
    ] {
        let identity = identified(path);
        assert_eq!(identity.pod_uid.as_deref(), Some(UID));
        assert_eq!(identity.container.expect("container").id, ID);
        let outer = identity.outer.expect("outer");
        assert_eq!((outer.id.as_str(), outer.runtime), (NODE, Runtime::Docker));
    }
}

#[test]
fn what_a_container_makes_inside_of_itself_is_its_own() {
    assert_pod("/kubepods/podUID/ID/docker/NODE", UID, Runtime::Unknown);
    assert_pod(
        "/kubepods/podUID/ID/kubepods/podHASH/NODE",
        UID,
        Runtime::Unknown,
    );
    assert_eq!(
        identified("/docker/ID/docker/NODE")
            .container
            .expect("container")
            .id,
        ID
    );
}

#[test]
fn monitors() {
    for (path, runtime) in [
        ("/kubepods/podUID/crio-conmon-ID", Runtime::CriO),
        ("/system.slice/crio-conmon-ID.scope", Runtime::CriO),
        ("/machine.slice/libpod-conmon-ID.scope", Runtime::Podman),
    ] {
        let container = identified(path).container.expect(path);
        assert_eq!(container.role, Role::Monitor, "{path}");
        assert_eq!(
            (container.id.as_str(), container.runtime),
            (ID, runtime),
            "{path}"
        );
    }
}

#[test]
fn containers_outside_pods() {
    for (path, runtime) in [
        ("/docker/ID", Runtime::Docker),
        ("/isulad/ID", Runtime::Isulad),
        ("/system.slice/isulad-ID.scope", Runtime::Isulad),
        ("/system.slice/docker-ID.scope", Runtime::Docker),
        ("/system.slice/nerdctl-ID.scope", Runtime::Containerd),
        ("/libpod_parent/libpod-ID", Runtime::Podman),
        ("/libpod_parent/libpod-ID/ctr", Runtime::Podman),
        ("/machine.slice/libpod-ID.scope/container", Runtime::Podman),
        (
            "/machine.slice/machine-libpod_pod_NODE.slice/libpod-ID.scope",
            Runtime::Podman,
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope",
            Runtime::Podman,
        ),
        (
            "/system.slice/web.service/libpod-payload-ID",
            Runtime::Podman,
        ),
        ("/ID", Runtime::Unknown),
    ] {
        let identity = identified(path);
        assert_eq!(identity.pod_uid, None, "{path}");
        let container = identity.container.expect(path);
        assert_eq!(
            (container.id.as_str(), container.runtime),
            (ID, runtime),
            "{path}"
        );
        assert_eq!(container.role, Role::Payload, "{path}");
    }
}

#[test]
fn units() {
    for (path, unit) in [
        ("/init.scope", "init.scope"),
        ("/system.slice", "system.slice"),
        ("/system.slice/containerd.service", "containerd.service"),
        (
            "/system.slice/system-getty.slice/getty@tty1.service",
            "getty@tty1.service",
        ),
        ("/system.slice/docker.service/worker", "docker.service"),
        (
            "/user.slice/user-1000.slice/session-3.scope",
            "session-3.scope",
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice",
            "user@1000.service",
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/code.service",
            "user@1000.service/code.service",
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/init.scope",
            "user@1000.service",
        ),
        (
            "/system.slice/docker-registry.service",
            "docker-registry.service",
        ),
    ] {
        let identity = identify(path);
        assert_eq!(identity.unit.as_deref(), Some(unit), "{path}");
        assert_eq!(
            (identity.pod_uid, identity.container),
            (None, None),
            "{path}"
        );
    }
}

#[test]
fn unknown_forms() {
    for path in [
        "",
        "/",
        "/..",
        "/default/web",
        "/kubelet",
        "/kubepods/burstable",
        "/podinfo",
        "a:b",
    ] {
        assert_eq!(identify(path), CgroupIdentity::default(), "{path}");
    }
}

fn uid() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "[0-9a-f]{32}",
    ]
}

proptest! {
    #[test]
    fn never_panics(path in any::<String>()) {
        let _ = identify(&path);
    }

    #[test]
    fn never_panics_on_likely_pieces(pieces in prop::collection::vec(
        prop_oneof![
            Just("/".to_owned()), Just("pod".to_owned()), Just("-pod".to_owned()), Just("kubepods".to_owned()),
            Just(".slice".to_owned()), Just(".scope".to_owned()), Just("crio-".to_owned()), Just(":".to_owned()),
            "[0-9a-f]{64}", "\\PC{0,4}",
        ], 0..12)) {
        let _ = identify(&pieces.concat());
    }

    #[test]
    fn a_made_path_gives_back_what_it_was_made_of(
        uid in uid(),
        id in "[0-9a-f]{64}",
        qos in prop_oneof![Just("burstable"), Just("besteffort")],
        prefix in prop_oneof![Just("cri-containerd-"), Just("crio-"), Just("docker-")],
        above in prop_oneof![Just(""), Just("/.."), Just("/system.slice/k3s.service")],
        below in prop_oneof![Just(""), Just("/container"), Just("/init.scope")],
    ) {
        let escaped = uid.replace('-', "_");
        let slice = format!("kubepods-{qos}-pod{escaped}.slice");
        for path in [
            format!("{above}/kubepods/{qos}/pod{uid}/{id}{below}"),
            format!("{above}/kubepods/pod{uid}/{prefix}{id}{below}"),
            format!("{above}/kubepods.slice/kubepods-{qos}.slice/{slice}/{prefix}{id}.scope{below}"),
            format!("{above}/{slice}:cri-containerd:{id}{below}"),
        ] {
            let identity = identify(&path);
            prop_assert_eq!(identity.pod_uid.as_ref(), Some(&uid));
            prop_assert_eq!(identity.container.map(|c| c.id), Some(id.clone()));
        }
    }
}
