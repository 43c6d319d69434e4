use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{INITIAL_USER_NAMESPACE, Vantage};

/// What the node has of what remedies name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// `ID` and `VARIANT_ID` of os-release(5).
    pub os: Vec<String>,
    /// Programs that are installed.
    pub programs: BTreeSet<Program>,
    /// Services that systemd has a unit file for, without `.service`; of those that remedies restart.
    pub services: BTreeSet<String>,
    /// host-local, the CNI plugin, keeps its reservations in [`HOST_LOCAL`].
    pub host_local: bool,
    /// nospace runs in a container, where /proc/sys is read-only.
    pub sysctls_read_only: bool,
}

/// Where host-local keeps a file for each address that it has handed out (containernetworking/plugins,
/// plugins/ipam/host-local/backend/disk).
pub const HOST_LOCAL: &str = "/var/lib/cni/networks";

/// A program that remedies run and that not every node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// Client of any runtime that serves a kubelet (cri-tools).
    Crictl,
    /// Client of containerd.
    Ctr,
    /// Docker's command line for containerd.
    Nerdctl,
    /// Client of Docker Engine.
    Docker,
    /// Podman.
    Podman,
    /// procps and busybox have it; an image without a shell has not.
    Sysctl,
    /// Any shell.
    Sh,
    /// Changes the kernel's command line on Fedora, Red Hat and SUSE systems.
    Grubby,
}

impl Program {
    /// Each of them.
    pub const ALL: [Self; 8] = [
        Self::Crictl,
        Self::Ctr,
        Self::Nerdctl,
        Self::Docker,
        Self::Podman,
        Self::Sysctl,
        Self::Sh,
        Self::Grubby,
    ];

    /// The name of its file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Crictl => "crictl",
            Self::Ctr => "ctr",
            Self::Nerdctl => "nerdctl",
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Sysctl => "sysctl",
            Self::Sh => "sh",
            Self::Grubby => "grubby",
        }
    }
}

/// Whether nospace may write this sysctl, dotted name, provided that it runs as root: in a user namespace only the limits of user
/// namespaces are its own, in a container often none. Where it ran is taken for the host if that is not known.
#[must_use]
pub fn may_write(environment: Option<&Environment>, vantage: &Vantage, key: &str) -> bool {
    let on_host = vantage
        .user_namespace
        .is_none_or(|own| own == INITIAL_USER_NAMESPACE);
    let read_only = environment.is_some_and(|environment| environment.sysctls_read_only);
    !read_only && (on_host || key.starts_with("user."))
}
