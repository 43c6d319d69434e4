//! What running out of instances does to a container runtime, quietly.

use super::remedy;
use crate::attribute::View;
use crate::managers::is_kubelet;
use crate::model::{CgroupVersion, Runtime};
use crate::report::{Owner, PodPart, Remedy};
use crate::runtimes::CRI_NAMESPACE;

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
    let mut processes = view.snapshot.processes.iter();
    if processes.any(|p| is_kubelet(&p.comm)) {
        victims.push("kubectl logs -f: prints its error and exits 0".to_owned());
    }
    victims
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
    let daemon = Runtime::Containerd.definition().and_then(|d| d.daemon);
    let mut processes = view.snapshot.processes.iter();
    let mut bundles = view.snapshot.containers.bundles.iter();
    processes.any(|p| Some(p.comm.as_str()) == daemon)
        || bundles.any(|b| b.runtime == Runtime::Containerd && b.runtime_namespace == CRI_NAMESPACE)
}

/// A containerd that was started while instances were used up runs without its CRI plugin.
pub fn restart(view: &View) -> Option<Remedy> {
    if !serves_pods(view) {
        return None;
    }
    let why = "After there is room again: a containerd that was started without it stays active without its \
               CRI plugin until it is restarted";
    let own = view
        .manager()
        .filter(|m| m.manager.restart_runtime.is_some());
    Some(match own {
        Some(manager) => remedy::remedy(
            manager.restart_runtime(Runtime::Containerd)?,
            format!("{why}."),
        ),
        None => {
            let restart = Runtime::Containerd.definition()?.restart?;
            remedy::remedy(
                format!("ctr plugins ls | grep -Eq 'cri.*error' && {restart}"),
                format!("{why}; containers keep running."),
            )
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Node, node};

    fn command(kubelet: &str) -> Option<String> {
        let Node(snapshot) = node()
            .cgroups_v2(20, 0)
            .process(50, kubelet)
            .holds(6, 40)
            .process(60, "containerd")
            .holds(1, 1);
        restart(&crate::view(&snapshot)).map(|remedy| remedy.command)
    }

    #[test]
    fn containerd_is_restarted_as_its_manager_does() {
        let by_itself = "ctr plugins ls | grep -Eq 'cri.*error' && systemctl restart containerd";
        assert_eq!(command("kubelet").as_deref(), Some(by_itself));
        assert_eq!(
            command("k3s-server").as_deref(),
            Some("systemctl restart k3s")
        );
        let microk8s = "systemctl restart snap.microk8s.daemon-containerd";
        assert_eq!(command("kubelite").as_deref(), Some(microk8s));
    }
}
