//! KubeEdge: edgecore has a kubelet inside, and uses the node's runtime.

use super::{Manager, Place, Restart};
use crate::model::{KubeletConfig, Runtime};

/// The service: kubeedge.io/docs/setup/install-with-keadm. The runtime is the node's: kubeedge.io/docs/setup/prerequisites/runtime.
/// Its kubelet has no port but the one for reading, and so neither a client CA nor a serving certificate (`startKubelet`, cmd/kubelet/app/server.go of
/// kubeedge/kubernetes); it holds what a kubelet with static pods does, and the other modules nothing: seen on 1.20.0.
pub(super) static KUBEEDGE: Manager = Manager {
    name: "kubeedge",
    title: "KubeEdge",
    kubelet: &["edgecore"],
    place: Place::Any,
    services: &["edgecore"],
    systemd: true,
    beside: Some("edgecore's other modules"),
    runtime: Runtime::Containerd,
    has_other_runtimes: true,
    kubelet_config: Some(KubeletConfig {
        static_pods: true,
        client_ca: false,
        serving_certificate: false,
    }),
    kubelet_root: "/var/lib/kubelet",
    containerd_state: None,
    restart_kubelet: Restart::Service,
    restart_runtime: None,
    own_use: None,
    platform: None,
};
