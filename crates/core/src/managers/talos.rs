//! Talos Linux: no systemd and no shell; everything goes by its API.

use super::{Manager, Place, Restart};
use crate::model::Runtime;

/// The cgroup: siderolabs/talos, pkg/machinery/constants, `CgroupKubelet`. The kubelet is restarted by the API
/// (talos.dev/v0.14/introduction/what-is-new); containerd (`cri`) is not among the services that may be
/// (`APIRestartAllowed`, internal/app/machined/pkg/system/services), so the node reboots.
pub(super) static TALOS: Manager = Manager {
    name: "talos",
    title: "Talos",
    kubelet: &["kubelet"],
    place: Place::Cgroup("/podruntime/kubelet"),
    services: &[],
    systemd: false,
    beside: None,
    runtime: Runtime::Containerd,
    has_other_runtimes: false,
    kubelet_config: None,
    kubelet_root: "/var/lib/kubelet",
    containerd_state: None,
    restart_kubelet: Restart::Command("talosctl service kubelet restart"),
    restart_runtime: Some(Restart::Command("talosctl reboot")),
    own_use: None,
    platform: Some("talos"),
};
