//! What platforms set the limits of inotify to.

use super::memory::default_max_user_watches;

/// A platform as it comes, or what somebody recommends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// As one names it on the command line.
    pub name: &'static str,
    /// As people call it.
    pub title: &'static str,
    /// `fs.inotify.max_user_instances`.
    pub max_user_instances: u64,
    /// `fs.inotify.max_user_watches`.
    pub max_user_watches: Watches,
    /// Where the figures are from.
    pub source: &'static str,
}

/// `fs.inotify.max_user_watches` of a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watches {
    /// Set to this.
    Fixed(u64),
    /// Left to the kernel, 5.11 or later: from memory.
    FromMemory,
    /// Not known.
    Unknown,
}

impl Platform {
    /// `max_user_watches` on a machine with so many bytes of memory; `None` where that is not known, or
    /// takes the memory to be known.
    #[must_use]
    pub fn watches(&self, memory: Option<u64>) -> Option<u64> {
        match self.max_user_watches {
            Watches::Fixed(watches) => Some(watches),
            Watches::FromMemory => memory.map(default_max_user_watches),
            Watches::Unknown => None,
        }
    }
}

/// The platform of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Platform> {
    PLATFORMS.iter().find(|p| p.name == name)
}

const INOTIFY_USER: &str = "fs/notify/inotify/inotify_user.c, inotify_user_setup";

/// Every platform that is known.
pub const PLATFORMS: &[Platform] = &[
    Platform {
        name: "eks-al2023",
        title: "EKS, Amazon Linux 2023",
        max_user_instances: 8_192,
        max_user_watches: Watches::Fixed(524_288),
        source: "awslabs/amazon-eks-ami, templates/al2023/runtime/rootfs/etc/sysctl.conf",
    },
    Platform {
        name: "bottlerocket",
        title: "Bottlerocket",
        max_user_instances: 8_192,
        max_user_watches: Watches::Fixed(524_288),
        source: "bottlerocket-os/bottlerocket#2335, packages/release/release-sysctl.conf",
    },
    Platform {
        name: "aks",
        title: "AKS",
        max_user_instances: 1_024,
        max_user_watches: Watches::Fixed(1_048_576),
        source: "learn.microsoft.com/azure/aks/custom-node-configuration; Azure/AKS#3714",
    },
    Platform {
        name: "openshift",
        title: "OpenShift worker",
        max_user_instances: 8_192,
        max_user_watches: Watches::Fixed(65_536),
        source: "redhat-performance/tuned, profiles/openshift-node/tuned.conf",
    },
    Platform {
        name: "talos",
        title: "Talos",
        max_user_instances: 8_192,
        max_user_watches: Watches::FromMemory,
        source: "siderolabs/talos#5408",
    },
    Platform {
        name: "kops",
        title: "kops (524288 watches before August 2025)",
        max_user_instances: 8_192,
        max_user_watches: Watches::FromMemory,
        source: "kubernetes/kops, nodeup/pkg/model/sysctls.go, #17556",
    },
    Platform {
        name: "gke-cos",
        title: "GKE, Container-Optimized OS",
        max_user_instances: 1_024,
        max_user_watches: Watches::Unknown,
        source: "articles; the watches are not given",
    },
    Platform {
        name: "ubuntu-20.04",
        title: "Ubuntu 20.04 with its first kernel (5.4)",
        max_user_instances: 128,
        max_user_watches: Watches::Fixed(8_192),
        source: INOTIFY_USER,
    },
    Platform {
        name: "ubuntu-22.04",
        title: "Ubuntu 22.04",
        max_user_instances: 128,
        max_user_watches: Watches::FromMemory,
        source: INOTIFY_USER,
    },
    Platform {
        name: "kind-recommended",
        title: "what kind recommends",
        max_user_instances: 512,
        max_user_watches: Watches::Fixed(524_288),
        source: "kind.sigs.k8s.io/docs/user/known-issues",
    },
    Platform {
        name: "rke2-recommended",
        title: "what RKE2 and common practice recommend",
        max_user_instances: 8_192,
        max_user_watches: Watches::Fixed(524_288),
        source: "docs.rke2.io/known_issues",
    },
    Platform {
        name: "kernel",
        title: "Linux 5.11 or later, nothing set",
        max_user_instances: 128,
        max_user_watches: Watches::FromMemory,
        source: INOTIFY_USER,
    },
    Platform {
        name: "kernel-pre-5.11",
        title: "Linux before 5.11, nothing set",
        max_user_instances: 128,
        max_user_watches: Watches::Fixed(8_192),
        source: INOTIFY_USER,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_and_found() {
        for platform in PLATFORMS {
            assert_eq!(find(platform.name), Some(platform));
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
            assert!(platform.name.chars().all(plain), "{}", platform.name);
        }
        assert_eq!(find("minix"), None);
    }

    #[test]
    fn the_kernel_decides_where_nobody_else_does() {
        let kernel = find("kernel").unwrap();
        assert_eq!(kernel.watches(None), None);
        assert_eq!(kernel.watches(Some(1 << 30)), Some(8_192));
        let gib = 1 << 30;
        assert_eq!(kernel.watches(Some(64 * gib)), Some(505_290));
        assert_eq!(find("gke-cos").unwrap().watches(Some(gib)), None);
    }
}
