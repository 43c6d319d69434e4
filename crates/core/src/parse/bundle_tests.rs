use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const ID: &str = "ee27737121e0bafef60522d1b8a08c92ea67930250b3f937b8fab5322428afaf";

/// As containerd 1.6 writes it, shortened.
fn containerd_config() -> Vec<u8> {
    json!({
        "ociVersion": "1.0.2-dev",
        "process": {"user": {"uid": 0}, "args": ["/bin/holder"], "env": ["TOKEN=secret"]},
        "linux": {"resources": {}, "cgroupsPath": format!("kubepods-besteffort-pod1_2.slice:cri-containerd:{ID}")},
        "annotations": {
            "io.kubernetes.cri.container-type": "container",
            "io.kubernetes.cri.container-name": "app",
            "io.kubernetes.cri.sandbox-name": "web-0",
            "io.kubernetes.cri.sandbox-namespace": "default",
            "io.kubernetes.cri.image-name": "registry/secret:1",
            "io.kubernetes.cri-o.Annotations": "{\"token\":\"secret\"}"
        }
    })
    .to_string()
    .into_bytes()
}

#[test]
fn a_containerd_bundle() {
    let bundle = oci(Runtime::Containerd, "k8s.io", ID, &containerd_config()).expect("valid");
    assert_eq!(
        (bundle.runtime, bundle.runtime_namespace.as_str()),
        (Runtime::Containerd, "k8s.io")
    );
    let path = format!("kubepods-besteffort-pod1_2.slice:cri-containerd:{ID}");
    assert_eq!(bundle.cgroups_path, Some(path));
    assert_eq!(bundle.annotations.len(), 4);
    assert_eq!(
        bundle.annotations["io.kubernetes.cri.sandbox-name"],
        "web-0"
    );
}

#[test]
fn annotations_tell_podman_from_crio() {
    for (manager, runtime) in [("libpod", Runtime::Podman), ("cri-o", Runtime::CriO)] {
        let config = json!({"annotations": {"io.container.manager": manager}}).to_string();
        let bundle = oci(Runtime::Unknown, "", ID, config.as_bytes()).expect("valid");
        assert_eq!(bundle.runtime, runtime);
    }
}

#[test]
fn a_docker_configuration() {
    let config = json!({
        "ID": ID, "Name": "/web", "State": {"Running": true, "Pid": 4321},
        "Config": {"Env": ["TOKEN=secret"], "Labels": {"maintainer": "secret"}}
    });
    let bundle = docker(config.to_string().as_bytes()).expect("valid");
    assert_eq!(
        (bundle.name.as_deref(), bundle.init_pid),
        (Some("web"), Some(4321))
    );
    assert_eq!(bundle.annotations, BTreeMap::new());

    let config = json!({"ID": ID, "Name": "/k8s_POD_web-0_default_5721c88f_0", "State": {"Pid": 0}, "Config": {"Labels": null}});
    let bundle = docker(config.to_string().as_bytes()).expect("valid");
    assert_eq!(bundle.init_pid, None);
    assert_eq!(bundle.annotations["io.kubernetes.container.name"], "POD");
    assert_eq!(bundle.annotations["io.kubernetes.pod.uid"], "5721c88f");
}

#[test]
fn containers_storage() {
    let entries = json!([
        {"id": ID, "names": ["web"], "image": "x", "metadata": "{\"secret\":1}"},
        {"id": "b", "names": ["k8s_app_web-0_default_5721c88f_0"]},
        {"id": "c", "names": null},
        {"names": ["nameless"]},
    ]);
    let bundles = storage(entries.to_string().as_bytes()).expect("valid");
    assert_eq!(bundles.len(), 3);
    assert_eq!(
        (bundles[0].runtime, bundles[0].name.as_deref()),
        (Runtime::Podman, Some("web"))
    );
    assert_eq!(bundles[1].runtime, Runtime::CriO);
    assert_eq!(bundles[1].annotations["io.kubernetes.pod.name"], "web-0");
    assert_eq!(bundles[2].name, None);
}

/// Found by fuzzing: what is skipped is not checked, so it must be skipped in both.
#[test]
fn a_recording_answers_as_the_node_did_whatever_is_skipped() {
    let config = b"{\"linux\":{\"cgrbupsPath\":\"system.slice:docker:\x9d\x9e\xcb\"}}";
    let of = |bytes: &[u8]| oci(Runtime::Containerd, "k8s.io", "x", bytes).ok();
    assert!(of(config).is_some());
    assert_eq!(of(config), of(&redact_config(config)));
}

#[test]
fn redaction_keeps_no_secret_and_all_that_is_read() {
    let redacted = redact_config(&containerd_config());
    assert!(!String::from_utf8_lossy(&redacted).contains("secret"));
    let read = |bytes: &[u8]| oci(Runtime::Containerd, "k8s.io", ID, bytes).expect("valid");
    assert_eq!(read(&redacted), read(&containerd_config()));

    let config = json!({"ID": ID, "Name": "/web", "State": {"Pid": 7}, "Config": {"Env": ["secret"], "Labels": {"io.kubernetes.pod.uid": "u", "x": "secret"}}})
        .to_string();
    let redacted = redact_config(config.as_bytes());
    assert!(!String::from_utf8_lossy(&redacted).contains("secret"));
    assert_eq!(docker(&redacted), docker(config.as_bytes()));

    let list = json!([{"id": ID, "names": ["web"], "metadata": "secret"}]).to_string();
    let redacted = redact_config(list.as_bytes());
    assert!(!String::from_utf8_lossy(&redacted).contains("secret"));
    assert_eq!(storage(&redacted), storage(list.as_bytes()));
}

#[test]
fn what_is_malformed_says_so() {
    for bytes in [&b""[..], b"{", b"7", b"{\"linux\":3}", b"[1]", b"\xff"] {
        assert!(oci(Runtime::Containerd, "", ID, bytes).is_err());
        assert!(docker(bytes).is_err());
        assert!(storage(bytes).is_err());
        assert_eq!(redact_config(bytes), b"");
    }
    assert_eq!(
        docker(b"{}").expect_err("no id").to_string(),
        "config.v2.json: it has no ID"
    );
    for bytes in [&b""[..], b"0", b"-1", b"x", b"99999999999"] {
        assert!(init_pid(bytes).is_err());
    }
    assert_eq!(init_pid(b"4321\n"), Ok(4321));
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = (oci(Runtime::Unknown, "", "", &bytes), docker(&bytes), storage(&bytes), redact_config(&bytes), init_pid(&bytes));
    }

    #[test]
    fn a_made_bundle_gives_back_its_names(id in "[0-9a-f]{64}", path in "\\PC{0,40}", pod in "\\PC{0,20}", env in "\\PC{1,20}") {
        let config = json!({"process": {"env": [env]}, "linux": {"cgroupsPath": path},
            "annotations": {"io.kubernetes.cri.sandbox-name": pod, "other": env}}).to_string();
        let bundle = oci(Runtime::Containerd, "k8s.io", &id, config.as_bytes());
        let redacted = oci(Runtime::Containerd, "k8s.io", &id, &redact_config(config.as_bytes()));
        prop_assert_eq!(&bundle, &redacted);
        let bundle = bundle.expect("valid");
        prop_assert_eq!(bundle.cgroups_path, Some(path));
        prop_assert_eq!(bundle.annotations.into_values().collect::<Vec<_>>(), vec![pod]);
    }
}
