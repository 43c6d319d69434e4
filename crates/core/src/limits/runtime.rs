//! What running out of inotify does to a container runtime, quietly.

use super::remedy;
use crate::attribute::View;
use crate::managers::{restart_service, service};
use crate::model::{CgroupVersion, InotifyResource, Program, Runtime};
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
    if v2 && (serves_pods(view) || has_crio(view) || has_shim(view)) {
        victims.push("containers started now: they run, but their OOM events are lost".to_owned());
    }
    if view.kubelets().next().is_some() {
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
    let mut bundles = view.snapshot.containers.bundles.iter();
    runs(view, Runtime::Containerd)
        || bundles.any(|b| b.runtime == Runtime::Containerd && b.runtime_namespace == CRI_NAMESPACE)
}

/// A CRI-O that found no room exits; its pods go on.
fn has_crio(view: &View) -> bool {
    let mut bundles = view.snapshot.containers.bundles.iter();
    runs(view, Runtime::CriO) || bundles.any(|b| b.runtime == Runtime::CriO)
}

/// Its daemon is among the processes.
fn runs(view: &View, runtime: Runtime) -> bool {
    let daemon = runtime.definition().and_then(|d| d.daemon);
    let mut processes = view.snapshot.processes.iter();
    processes.any(|p| Some(p.comm.as_str()) == daemon)
}

/// What may have to be started again once there is room.
pub fn restarts(view: &View, resource: InotifyResource) -> Vec<Remedy> {
    let containerd = match resource {
        InotifyResource::Instances => containerd(view),
        InotifyResource::Watches => None,
    };
    containerd.into_iter().chain(crio(view)).collect()
}

/// A CRI-O that is refused something at its start exits; one that is refused only the watch on the containers' exits runs without it.
fn crio(view: &View) -> Option<Remedy> {
    if !has_crio(view) {
        return None;
    }
    let why = "After there is room again: a CRI-O that was started without it has exited, or does not notice that containers end \
               until it is restarted; containers keep running.";
    Some(remedy::remedy(restart_crio(view)?, why.to_owned()))
}

/// A containerd that was started while instances were used up runs without its CRI plugin.
fn containerd(view: &View) -> Option<Remedy> {
    if !serves_pods(view) {
        return None;
    }
    let why = "After there is room again: a containerd that was started without it stays active without its \
               CRI plugin until it is restarted";
    let restart = restart_containerd(view)?;
    let own_service = view
        .manager()
        .is_none_or(|m| m.manager.restart_runtime.is_none());
    Some(if own_service && view.has(Program::Ctr) {
        remedy::remedy(
            format!("ctr plugins ls | grep -Eq 'cri.*error' && {restart}"),
            format!("{why}; containers keep running."),
        )
    } else {
        remedy::remedy(restart, format!("{why}."))
    })
}

/// Restarts containerd as its manager does, else as a service of its own.
pub fn restart_containerd(view: &View) -> Option<String> {
    if let Some(manager) = view.manager()
        && manager.manager.restart_runtime.is_some()
    {
        return manager.restart_runtime();
    }
    restart_of(view, Runtime::Containerd)
}

/// Restarts CRI-O, which is a service of its own everywhere.
pub fn restart_crio(view: &View) -> Option<String> {
    restart_of(view, Runtime::CriO)
}

/// Restarts the service that a runtime's daemon runs in, or that the node has; `None` where there is no such service.
fn restart_of(view: &View, runtime: Runtime) -> Option<String> {
    let definition = runtime.definition()?;
    let mut processes = view.snapshot.processes.iter();
    let daemon = processes.find(|p| Some(p.comm.as_str()) == definition.daemon);
    if let Some(service) = daemon.and_then(|p| service(view.owner(p.pid))) {
        return restart_service(service);
    }
    let service = definition.service?;
    let known = view.environment()?.services.contains(service);
    known.then(|| restart_service(service))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Environment, Snapshot};
    use crate::testing::{Node, node};

    fn command(kubelet: &str, environment: Environment) -> Option<String> {
        let Node(snapshot) = node()
            .cgroups_v2(20, 0)
            .process(50, kubelet)
            .holds(6, 40)
            .process(60, "containerd")
            .holds(1, 1)
            .with(|s| s.environment = Some(environment));
        commands(&snapshot, InotifyResource::Instances).pop()
    }

    fn commands(snapshot: &Snapshot, resource: InotifyResource) -> Vec<String> {
        let remedies = restarts(&crate::view(snapshot), resource);
        remedies.into_iter().map(|remedy| remedy.command).collect()
    }

    fn has(service: &str, programs: &[Program]) -> Environment {
        Environment {
            services: [service.to_owned()].into(),
            programs: programs.iter().copied().collect(),
            ..Environment::default()
        }
    }

    #[test]
    fn containerd_is_restarted_as_its_manager_does() {
        for (kubelet, service, ctr, expected) in [
            (
                "kubelet",
                "containerd",
                &[Program::Ctr][..],
                "ctr plugins ls | grep -Eq 'cri.*error' && systemctl restart containerd",
            ),
            ("kubelet", "containerd", &[], "systemctl restart containerd"),
            ("k3s-server", "k3s", &[], "systemctl restart k3s"),
            (
                "kubelite",
                "snap.microk8s.daemon-containerd",
                &[],
                "systemctl restart snap.microk8s.daemon-containerd",
            ),
        ] {
            let command = command(kubelet, has(service, ctr));
            assert_eq!(command.as_deref(), Some(expected), "{kubelet}");
        }
    }

    #[test]
    fn crio_is_restarted_after_either_ran_out() {
        for (service, expected) in [("crio", &["systemctl restart crio"][..]), ("kubelet", &[])] {
            for resource in InotifyResource::BOTH {
                let Node(snapshot) = node()
                    .cgroups_v2(20, 0)
                    .process(50, "kubelet")
                    .holds(6, 40)
                    .process(60, "crio")
                    .holds(4, 6)
                    .with(|s| s.environment = Some(has(service, &[])));
                assert_eq!(commands(&snapshot, resource), expected, "{service}");
            }
        }
    }

    #[test]
    fn a_service_that_is_not_there_is_not_restarted() {
        for (kubelet, service) in [("kubelet", "k3s"), ("k3s-server", "containerd")] {
            assert_eq!(command(kubelet, has(service, &[])), None, "{kubelet}");
        }
    }
}
