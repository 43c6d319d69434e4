//! Trees as the kubelet makes them, in a directory of files.

use super::*;

/// A tree of both drivers, with what else is on a node.
fn tree(paths: &[&str]) -> tempfile::TempDir {
    let top = tempfile::tempdir().unwrap();
    for path in paths {
        fs::create_dir_all(top.path().join(path)).unwrap();
    }
    fs::write(top.path().join("cgroup.procs"), "").unwrap();
    top
}

/// Paths below the top and uids of the pods, and the number of parents.
fn pods(top: &Path) -> (Vec<(String, Option<String>)>, usize) {
    let cgroups = read(top, &find(top).unwrap()).unwrap();
    let mut pods: Vec<_> = cgroups
        .pods
        .into_iter()
        .inspect(|pod| {
            let there = id(&top.join(&pod.path[1..])).unwrap();
            assert_eq!(there, Some(pod.id), "{}", pod.path);
        })
        .map(|pod| (pod.path, pod.uid))
        .collect();
    pods.sort();
    (pods, cgroups.parents.len())
}

fn row(path: &str, uid: &str) -> (String, Option<String>) {
    (path.to_owned(), Some(uid.to_owned()))
}

const UID: &str = "5721c88f-ca83-4ee4-ab1f-0b553119c397";
const HASH: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn pods_of_the_systemd_driver() {
    let top = tree(&[
        "init.scope",
        "system.slice/containerd.service",
        "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod5721c88f_ca83_4ee4_ab1f_0b553119c397.slice/cri-containerd-0.scope",
        "kubepods.slice/kubepods-besteffort.slice",
        "kubepods.slice/kubepods-pod0123456789abcdef0123456789abcdef.slice",
    ]);
    let burstable = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod5721c88f_ca83_4ee4_ab1f_0b553119c397.slice";
    let guaranteed = "/kubepods.slice/kubepods-pod0123456789abcdef0123456789abcdef.slice";
    assert_eq!(
        pods(top.path()),
        (vec![row(burstable, UID), row(guaranteed, HASH)], 3)
    );
}

#[test]
fn pods_of_the_cgroupfs_driver() {
    let pod = format!("kubepods/besteffort/pod{UID}");
    let static_pod = format!("kubepods/pod{HASH}");
    let inside = format!("{pod}/0/kubepods/pod{HASH}");
    let top = tree(&[
        "user.slice",
        "kubepods/burstable",
        &pod,
        &static_pod,
        &inside,
    ]);
    let rows = vec![
        row(&format!("/{pod}"), UID),
        row(&format!("/{static_pod}"), HASH),
    ];
    assert_eq!(pods(top.path()), (rows, 3));
}

#[test]
fn pods_of_a_kubelet_that_has_a_cgroup_root() {
    let pod = "system.slice/docker-0.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod5721c88f_ca83_4ee4_ab1f_0b553119c397.slice";
    let top = tree(&[pod]);
    assert_eq!(pods(top.path()), (vec![row(&format!("/{pod}"), UID)], 2));
}

#[test]
fn what_is_gone_is_no_error() {
    let top = tree(&["kubepods/burstable"]);
    let roots = find(top.path()).unwrap();
    fs::remove_dir_all(&roots[0]).unwrap();
    assert_eq!(read(top.path(), &roots).unwrap(), KubeCgroups::default());
    assert_eq!(
        find(&top.path().join("gone")).unwrap(),
        Vec::<PathBuf>::new()
    );
    assert_eq!(id(&roots[0]).unwrap(), None);
}

#[test]
fn other_names_are_not_the_kubelets() {
    let top = tree(&["kubepods-x/podA", "mykubepods.slice", "kubepods.slice/odd"]);
    assert_eq!(
        pods(top.path()),
        (vec![("/kubepods.slice/odd".to_owned(), None)], 1)
    );
}

#[test]
fn a_directory_of_files_is_no_hierarchy() {
    let top = tree(&["fs/cgroup/memory/kubepods"]);
    assert_eq!(hierarchies(top.path()), []);
}

#[test]
fn processes_of_a_pod_are_those_of_all_its_cgroups() {
    let top = tree(&["podX/app/deep", "podX/mine"]);
    let pod = top.path().join("podX");
    let put =
        |path: &str, pids: &str| fs::write(pod.join(path).join("cgroup.procs"), pids).unwrap();
    put("", "");
    put("app", "41\n42\n");
    put("app/deep", "43\n");
    put("mine", "51\n");
    let found = |left_out: &[u64]| {
        let left_out = left_out.iter().copied().collect();
        processes(&pod, &left_out).map(Option::unwrap)
    };
    assert_eq!(found(&[]).unwrap(), [41, 42, 43, 51].into());
    let mine = id(&pod.join("mine")).unwrap().unwrap();
    assert_eq!(found(&[mine]).unwrap(), [41, 42, 43].into());
    // One that goes while it is read.
    fs::remove_file(pod.join("app/deep/cgroup.procs")).unwrap();
    assert_eq!(found(&[mine]).unwrap(), [41, 42].into());
    put("app", "41\n0\n");
    let error = format!("{:#}", found(&[]).unwrap_err());
    assert!(
        error.contains("app/cgroup.procs: it has a process of another"),
        "{error}"
    );
    put("app", "41 42\n");
    assert!(found(&[]).is_err());
    fs::remove_dir_all(&pod).unwrap();
    assert_eq!(processes(&pod, &BTreeSet::new()).unwrap(), None);
}

#[test]
fn a_pod_knows_the_cgroup_that_it_is_in() {
    let top = tree(&["kubepods/burstable/podA", "kubepods/podB"]);
    let mut pods = read(top.path(), &find(top.path()).unwrap()).unwrap().pods;
    pods.sort_by(|a, b| a.path.cmp(&b.path));
    let parents: Vec<_> = pods.iter().map(|pod| Some(pod.parent)).collect();
    let of = |path: &str| id(&top.path().join(path)).unwrap();
    assert_eq!(parents, [of("kubepods/burstable"), of("kubepods")]);
}
