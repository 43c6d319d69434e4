//! What running out of instances does to a container runtime, quietly.

use super::remedy;
use crate::attribute::View;
use crate::model::{CgroupVersion, Runtime};
use crate::report::{Owner, PodPart, Remedy};

/// Who is refused without a word where it would be looked for.
pub fn victims(view: &View) -> Vec<String> {
    let mut victims = Vec::new();
    let v2 = view
        .snapshot
        .cgroups
        .as_ref()
        .is_some_and(|c| c.version == CgroupVersion::V2);
    if v2 && (serves_pods(view) || has_shim(view)) {
        victims.push("containers started now: they run, but their OOM events are lost".to_owned());
    }
    if has(view, "kubelet") {
        victims.push("kubectl logs -f: prints its error and exits 0".to_owned());
    }
    victims
}

fn has(view: &View, comm: &str) -> bool {
    view.snapshot.processes.iter().any(|p| p.comm == comm)
}

fn has_shim(view: &View) -> bool {
    let shim = |o: &Owner| {
        matches!(
            o,
            Owner::Pod {
                part: PodPart::Shim,
                ..
            }
        )
    };
    view.owners.values().any(shim)
}

/// A containerd without its CRI plugin holds no instance, and is then no process that is seen; its pods are.
fn serves_pods(view: &View) -> bool {
    let mut bundles = view.snapshot.containers.bundles.iter();
    has(view, "containerd")
        || bundles.any(|b| b.runtime == Runtime::Containerd && b.runtime_namespace == "k8s.io")
}

/// A containerd that was started while instances were used up runs without its CRI plugin.
pub fn restart(view: &View) -> Option<Remedy> {
    serves_pods(view).then(|| {
        remedy::remedy(
            "ctr plugins ls | grep -Eq 'cri.*error' && systemctl restart containerd",
            "After there is room again: a containerd that was started without it stays active without its \
             CRI plugin until it is restarted; containers keep running.",
        )
    })
}
