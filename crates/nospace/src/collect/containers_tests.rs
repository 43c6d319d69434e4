use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::host::live::{Live, Roots};

const UID: &str = "5721c88f-ca83-4ee4-ab1f-0b553119c397";
const APP: &str = "15e0b305bb522d06e0896842b8ebf8d17b535f0207c1895510e63b6c5b48e70e";
const WEB: &str = "efd0b8d06c2609df2dbfb898ea88159539e775205f05aa29c3fb270f3b1cee6c";

fn put(root: &TempDir, path: &str, contents: impl AsRef<[u8]>) {
    let path = root.path().join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, contents).expect("a file");
}

fn look(root: &TempDir) -> Measurement<Containers> {
    let roots = Roots {
        root: root.path().to_owned(),
        ..Roots::default()
    };
    collect(&Live::open(&roots, false).expect("a live host")).expect("a look")
}

fn containerd_task(namespace: &str, id: &str) -> String {
    format!("run/containerd/io.containerd.runtime.v2.task/{namespace}/{id}")
}

#[test]
fn an_empty_disk_has_no_containers_and_no_gaps() {
    let look = look(&TempDir::new().expect("a directory"));
    assert_eq!(
        (look.part, look.gaps),
        (Containers::default(), Vec::<String>::new())
    );
}

#[test]
fn the_kubelets_names() {
    let root = TempDir::new().expect("a directory");
    put(
        &root,
        &format!("var/log/pods/default_web-0_{UID}/app/0.log"),
        "",
    );
    put(&root, "var/log/pods/lost+found/x", "");
    fs::create_dir_all(root.path().join("var/log/containers")).expect("a directory");
    let link = format!("var/log/containers/web-0_default_app-{APP}.log");
    std::os::unix::fs::symlink("/nowhere", root.path().join(link)).expect("a link");
    let Containers {
        pod_logs,
        container_logs,
        ..
    } = look(&root).part;
    assert_eq!(
        pod_logs
            .iter()
            .map(|log| log.uid.as_str())
            .collect::<Vec<_>>(),
        [UID]
    );
    assert_eq!(
        container_logs
            .iter()
            .map(|log| log.id.as_str())
            .collect::<Vec<_>>(),
        [APP]
    );
}

#[test]
fn containerd_bundles() {
    let root = TempDir::new().expect("a directory");
    let config = json!({"linux": {"cgroupsPath": "/default/web"}}).to_string();
    put(
        &root,
        &format!("{}/config.json", containerd_task("default", "web")),
        config,
    );
    put(
        &root,
        &format!("{}/init.pid", containerd_task("default", "web")),
        "4321",
    );
    // A task that is being deleted has no configuration any more, or an empty one.
    put(
        &root,
        &format!("{}/init.pid", containerd_task("k8s.io", "gone")),
        "1",
    );
    put(
        &root,
        &format!("{}/config.json", containerd_task("k8s.io", "new")),
        "",
    );
    let look = look(&root);
    let [bundle] = &look.part.bundles[..] else {
        panic!("{:?}", look.part.bundles)
    };
    assert_eq!(
        (bundle.runtime_namespace.as_str(), bundle.id.as_str()),
        ("default", "web")
    );
    assert_eq!(
        (bundle.cgroups_path.as_deref(), bundle.init_pid),
        (Some("/default/web"), Some(4321))
    );
    assert_eq!(look.gaps, Vec::<String>::new());
}

#[test]
fn dockers_two_records_of_a_container_are_one() {
    let root = TempDir::new().expect("a directory");
    let task = format!("run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/{WEB}");
    let path = format!("/docker/{WEB}");
    put(
        &root,
        &format!("{task}/config.json"),
        json!({"linux": {"cgroupsPath": path}}).to_string(),
    );
    let config = json!({"ID": WEB, "Name": "/web", "State": {"Pid": 99}, "Config": {"Labels": {}}});
    put(
        &root,
        &format!("var/lib/docker/containers/{WEB}/config.v2.json"),
        config.to_string(),
    );
    let [bundle] = &look(&root).part.bundles[..] else {
        panic!("not one")
    };
    assert_eq!(
        (bundle.runtime, bundle.name.as_deref()),
        (Runtime::Docker, Some("web"))
    );
    assert_eq!(
        (bundle.cgroups_path.as_deref(), bundle.init_pid),
        (Some(path.as_str()), Some(99))
    );
}

#[test]
fn crio_and_podman_share_a_storage() {
    let root = TempDir::new().expect("a directory");
    let crio = json!({"annotations": {"io.container.manager": "cri-o", "io.kubernetes.pod.name": "web-0"}});
    let run = format!("run/containers/storage/overlay-containers/{APP}/userdata/config.json");
    put(&root, &run, crio.to_string());
    let list =
        json!([{"id": APP, "names": ["k8s_app_web-0_default_u_0"]}, {"id": WEB, "names": ["web"]}]);
    put(
        &root,
        "var/lib/containers/storage/overlay-containers/containers.json",
        list.to_string(),
    );
    let bundles = look(&root).part.bundles;
    assert_eq!(
        bundles.iter().map(|one| one.runtime).collect::<Vec<_>>(),
        [Runtime::CriO, Runtime::Podman]
    );
    assert_eq!(
        bundles[0].annotations["io.kubernetes.pod.namespace"],
        "default"
    );
}

#[test]
fn what_users_run_without_root() {
    let root = TempDir::new().expect("a directory");
    let list = json!([{"id": WEB, "names": ["editor"]}]).to_string();
    let storage = "home/user/.local/share/containers/storage/overlay-containers/containers.json";
    put(&root, storage, list);
    let [bundle] = &look(&root).part.bundles[..] else {
        panic!("not one")
    };
    assert_eq!(bundle.name.as_deref(), Some("editor"));
}

#[test]
fn a_hostile_configuration_is_said_and_hides_no_other() {
    let root = TempDir::new().expect("a directory");
    put(
        &root,
        &format!("{}/config.json", containerd_task("default", "bad")),
        "{\u{1b}[31m",
    );
    put(
        &root,
        &format!("{}/config.json", containerd_task("default", "good")),
        "{}",
    );
    let huge = root.path().join(containerd_task("default", "huge"));
    fs::create_dir_all(&huge).expect("a directory");
    let file = fs::File::create(huge.join("config.json")).expect("a file");
    file.set_len(1 << 30).expect("a sparse file of 1 GB");
    let look = look(&root);
    assert_eq!(
        look.part
            .bundles
            .iter()
            .map(|one| one.id.as_str())
            .collect::<Vec<_>>(),
        ["good"]
    );
    assert_eq!(look.gaps.len(), 2, "{:?}", look.gaps);
    assert!(
        look.gaps[0].contains("default/bad/config.json: config.json: "),
        "{:?}",
        look.gaps
    );
    assert!(
        look.gaps[1].contains("huge/config.json: longer than 2097152 bytes"),
        "{:?}",
        look.gaps
    );
}

#[test]
fn many_gaps_are_counted() {
    let gaps = shortened((0..25).map(|n| n.to_string()).collect());
    assert_eq!(gaps.len(), MAX_GAPS + 1);
    assert!(gaps[MAX_GAPS].starts_with("15 more"));
}

#[test]
fn a_link_out_of_the_root_leads_back_into_it() {
    let root = TempDir::new().expect("a directory");
    put(&root, &format!("data/pods/default_web-0_{UID}/x"), "");
    fs::create_dir_all(root.path().join("var/log")).expect("a directory");
    std::os::unix::fs::symlink("/data/pods", root.path().join("var/log/pods")).expect("a link");
    assert!(!Path::new("/data/pods").exists());
    assert_eq!(look(&root).part.pod_logs.len(), 1);
}
