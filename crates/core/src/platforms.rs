//! Platforms: what they set the limits of inotify to, and how a sysctl lasts on their operating system. One table.

use crate::documents::{self, cluster, files};

/// A platform as it comes, or what somebody recommends.
#[derive(Debug)]
pub struct Platform {
    /// As one names it on the command line.
    pub name: &'static str,
    /// As people call it.
    pub title: &'static str,
    /// The limits that it sets; `None` where nobody has said.
    pub limits: Option<InotifyLimits>,
    /// Its operating system, where that has a way of its own to set a sysctl.
    pub os: Option<OperatingSystem>,
}

/// The limits of inotify that a platform sets.
#[derive(Debug)]
pub struct InotifyLimits {
    /// `fs.inotify.max_user_instances`.
    pub max_user_instances: u64,
    /// `fs.inotify.max_user_watches`.
    pub max_user_watches: MaxUserWatches,
    /// Where the figures are from.
    pub source: &'static str,
}

/// `fs.inotify.max_user_watches` of a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxUserWatches {
    /// Set to this.
    Fixed(u64),
    /// Left to the kernel, 5.11 or later: from memory.
    FromMemory,
    /// Not known.
    Unknown,
}

/// An operating system whose /etc is made anew from somewhere else.
#[derive(Debug)]
pub struct OperatingSystem {
    /// `ID` or `VARIANT_ID` in its os-release(5).
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// How a sysctl lasts there.
    pub persistence: Persistence,
}

/// How a sysctl is set so that it stays.
#[derive(Debug)]
pub struct Persistence {
    /// A drop-in in /etc/sysctl.d does not outlive a reboot or an update.
    pub forgets: bool,
    /// Where the document belongs: a sentence without its full stop.
    pub advice: &'static str,
    /// The command that takes the document from its standard input and makes it so; `None` where it goes into the
    /// configuration of new machines.
    pub apply: Option<&'static str>,
    /// Made of settings: key and value.
    pub document: fn(&[(&str, u64)]) -> String,
}

/// The platform of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Platform> {
    PLATFORMS.iter().find(|p| p.name == name)
}

/// The operating system that has this `ID` or `VARIANT_ID`, where it is one with a way of its own to set a sysctl.
#[must_use]
pub fn operating_system(id: &str) -> Option<&'static OperatingSystem> {
    let mut known = PLATFORMS.iter().filter_map(|p| p.os.as_ref());
    known.find(|os| os.id == id)
}

/// The platforms whose limits are known.
pub fn with_limits() -> impl Iterator<Item = (&'static Platform, &'static InotifyLimits)> {
    PLATFORMS
        .iter()
        .filter_map(|p| Some((p, p.limits.as_ref()?)))
}

const INOTIFY_USER: &str = "fs/notify/inotify/inotify_user.c, inotify_user_setup";

/// A platform of which only the limits are listed.
const fn limits(
    name: &'static str,
    title: &'static str,
    max_user_instances: u64,
    max_user_watches: MaxUserWatches,
    source: &'static str,
) -> Platform {
    Platform {
        name,
        title,
        limits: Some(InotifyLimits {
            max_user_instances,
            max_user_watches,
            source,
        }),
        os: None,
    }
}

/// A platform of which only the operating system is listed.
const fn system(name: &'static str, os: OperatingSystem) -> Platform {
    Platform {
        name,
        title: os.title,
        limits: None,
        os: Some(os),
    }
}

/// The same platform, on this operating system.
const fn on(mut platform: Platform, os: OperatingSystem) -> Platform {
    platform.os = Some(os);
    platform
}

use MaxUserWatches::{Fixed, FromMemory, Unknown};

/// Every platform that is known.
pub static PLATFORMS: &[Platform] = &[
    limits(
        "eks-al2023",
        "EKS, Amazon Linux 2023",
        8_192,
        Fixed(524_288),
        "awslabs/amazon-eks-ami, templates/al2023/runtime/rootfs/etc/sysctl.conf",
    ),
    on(
        limits(
            "bottlerocket",
            "Bottlerocket",
            8_192,
            Fixed(524_288),
            "bottlerocket-os/bottlerocket#2335, packages/release/release-sysctl.conf",
        ),
        OperatingSystem {
            id: "bottlerocket",
            title: "Bottlerocket",
            persistence: Persistence {
                forgets: true,
                advice: "put this into the user data of new nodes, and hand it to `apiclient apply` on running ones",
                apply: Some("apiclient apply"),
                document: cluster::bottlerocket,
            },
        },
    ),
    limits(
        "aks",
        "AKS",
        1_024,
        Fixed(1_048_576),
        "learn.microsoft.com/azure/aks/custom-node-configuration; Azure/AKS#3714",
    ),
    on(
        limits(
            "openshift",
            "OpenShift worker",
            8_192,
            Fixed(65_536),
            "redhat-performance/tuned, profiles/openshift-node/tuned.conf",
        ),
        OperatingSystem {
            id: "rhcos",
            title: "Red Hat CoreOS",
            persistence: Persistence {
                forgets: false,
                advice: "the machine config operator owns /etc; hand this to the Node Tuning Operator (oc apply -f -)",
                apply: Some("oc apply -f -"),
                document: cluster::tuned_resource,
            },
        },
    ),
    on(
        limits("talos", "Talos", 8_192, FromMemory, "siderolabs/talos#5408"),
        OperatingSystem {
            id: "talos",
            title: "Talos",
            persistence: Persistence {
                forgets: true,
                advice: "put this into the machine configuration (talosctl patch machineconfig --patch @FILE)",
                apply: Some("talosctl patch machineconfig --patch @/dev/stdin"),
                document: cluster::talos,
            },
        },
    ),
    limits(
        "kops",
        "kops (524288 watches before August 2025)",
        8_192,
        FromMemory,
        "kubernetes/kops, nodeup/pkg/model/sysctls.go, #17556",
    ),
    on(
        limits(
            "gke-cos",
            "GKE, Container-Optimized OS",
            1_024,
            Unknown,
            "articles; the watches are not given",
        ),
        // cloud.google.com/container-optimized-os/docs/how-to/create-configure-instance: cloud-init.
        OperatingSystem {
            id: "cos",
            title: "Container-Optimized OS",
            persistence: Persistence {
                forgets: true,
                advice: "put this into cloud-init's user data; on GKE set the same keys as linuxConfig.sysctl of the node system configuration",
                apply: None,
                document: files::cloud_config,
            },
        },
    ),
    limits(
        "ubuntu-20.04",
        "Ubuntu 20.04 with its first kernel (5.4)",
        128,
        Fixed(8_192),
        INOTIFY_USER,
    ),
    limits(
        "ubuntu-22.04",
        "Ubuntu 22.04",
        128,
        FromMemory,
        INOTIFY_USER,
    ),
    limits(
        "opensuse",
        "openSUSE with aaa_base of April 2022 or later",
        8_192,
        FromMemory,
        "openSUSE/aaa_base, files/usr/lib/sysctl.d/50-default.conf",
    ),
    limits(
        "kind-recommended",
        "what kind recommends",
        512,
        Fixed(524_288),
        "kind.sigs.k8s.io/docs/user/known-issues",
    ),
    limits(
        "rke2-recommended",
        "what RKE2 and common practice recommend",
        8_192,
        Fixed(524_288),
        "docs.rke2.io/known_issues",
    ),
    limits(
        "kernel",
        "Linux 5.11 or later, nothing set",
        128,
        FromMemory,
        INOTIFY_USER,
    ),
    limits(
        "kernel-pre-5.11",
        "Linux before 5.11, nothing set",
        128,
        Fixed(8_192),
        INOTIFY_USER,
    ),
    // coreos.github.io/butane/specs, storage.files; the same in Flatcar's variant.
    system(
        "flatcar",
        OperatingSystem {
            id: "flatcar",
            title: "Flatcar",
            persistence: Persistence {
                forgets: false,
                advice: "put this into the Butane configuration, so that new nodes have it too",
                apply: None,
                document: files::butane_files,
            },
        },
    ),
    system(
        "fedora-coreos",
        OperatingSystem {
            id: "coreos",
            title: "Fedora CoreOS",
            persistence: Persistence {
                forgets: false,
                advice: "put this into the Butane configuration, so that new nodes have it too",
                apply: None,
                document: files::butane_files,
            },
        },
    ),
    system(
        "fedora-iot",
        OperatingSystem {
            id: "iot",
            title: "Fedora IoT",
            persistence: Persistence {
                forgets: false,
                advice: "put this into the image or the Butane configuration, so that new machines have it too",
                apply: None,
                document: files::butane_files,
            },
        },
    ),
    // kubernetes/minikube, deploy/iso/minikube-iso/package/automount/minikube-automount: /etc is of the image, and this script runs at each start.
    system(
        "minikube",
        OperatingSystem {
            id: "minikube",
            title: "minikube's virtual machine",
            persistence: Persistence {
                forgets: true,
                advice: "add this to /var/lib/boot2docker/bootlocal.sh, which runs at each start",
                apply: Some("tee -a /var/lib/boot2docker/bootlocal.sh"),
                document: |settings| {
                    documents::lines(settings, |key, value| {
                        format!("[ $(sysctl -n {key}) -ge {value} ] || sysctl -w {key}={value}")
                    })
                },
            },
        },
    ),
    // learn.microsoft.com/windows/wsl/wsl-config, kernelCommandLine; its own /etc is made anew at each start.
    system(
        "docker-desktop",
        OperatingSystem {
            id: "docker-desktop",
            title: "Docker Desktop",
            persistence: Persistence {
                forgets: true,
                advice: "on Windows with the WSL2 engine, put this into %UserProfile%/.wslconfig and run `wsl --shutdown`; elsewhere set it again after each start of Docker Desktop",
                apply: None,
                document: |settings| {
                    let words: Vec<String> = settings
                        .iter()
                        .map(|(key, value)| format!("sysctl.{key}={value}"))
                        .collect();
                    format!("[wsl2]\nkernelCommandLine = {}\n", words.join(" "))
                },
            },
        },
    ),
    // nixos.org/manual/nixos, boot.kernel.sysctl.
    system(
        "nixos",
        OperatingSystem {
            id: "nixos",
            title: "NixOS",
            persistence: Persistence {
                forgets: false,
                advice: "put this into the configuration and run nixos-rebuild switch",
                apply: None,
                document: |settings| {
                    documents::lines(settings, |key, value| {
                        format!("boot.kernel.sysctl.\"{key}\" = {value};")
                    })
                },
            },
        },
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_and_found() {
        for platform in PLATFORMS {
            assert_eq!(
                find(platform.name).map(|p| p.title),
                Some(platform.title),
                "{}",
                platform.name
            );
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
            assert!(platform.name.chars().all(plain), "{}", platform.name);
            if let Some(os) = &platform.os {
                assert_eq!(operating_system(os.id).map(|os| os.title), Some(os.title));
            }
        }
        assert!(find("minix").is_none());
        assert!(operating_system("debian").is_none());
    }

    /// No placeholder is left for a person to fill in.
    #[test]
    fn documents_hold_every_setting() {
        let settings = [
            ("fs.inotify.max_user_instances", 8_192),
            ("fs.inotify.max_user_watches", 524_288),
        ];
        for os in PLATFORMS.iter().filter_map(|p| p.os.as_ref()) {
            let document = (os.persistence.document)(&settings);
            for (key, value) in settings {
                let mut lines = document.lines();
                let holds =
                    lines.any(|line| line.contains(key) && line.contains(&value.to_string()));
                assert!(holds, "{}: {document}", os.title);
            }
            assert!(document.ends_with('\n'), "{}", os.title);
            assert!(!document.contains("KEY") && !document.contains("VALUE"));
            // A remedy gives it to printf(1) as one word.
            assert!(!document.contains(['\\', '%']), "{}", os.title);
        }
        let talos = operating_system("talos").expect("known");
        insta::assert_snapshot!((talos.persistence.document)(&settings), @r#"
        machine:
          sysctls:
            fs.inotify.max_user_instances: "8192"
            fs.inotify.max_user_watches: "524288"
        "#);
    }
}
