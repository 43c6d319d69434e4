//! Formats of the clouds' managed Kubernetes.

use serde_json::{Map, Value, json};

use super::AcceptedKey;
use crate::documents::files::sysctl_d;
use crate::documents::{DOCUMENT_DROP_IN, Settings, lines};
use crate::limits::sysctl::LONG_MAX;

const fn key(key: &'static str, least: u64, most: u64, usual: u64) -> AcceptedKey {
    AcceptedKey {
        key,
        least,
        most,
        usual,
    }
}

/// cloud.google.com/kubernetes-engine/docs/how-to/node-system-config, "Sysctl configuration options", and `LinuxNodeConfig.sysctls`
/// of the API; of the keys that tune raises.
pub(super) static GKE_KEYS: &[AcceptedKey] = &[
    key("fs.inotify.max_user_instances", 8_192, 1_048_576, 0),
    key("fs.inotify.max_user_watches", 8_192, 1_048_576, 0),
    key("fs.file-max", 104_857, 67_108_864, 0),
    key("fs.nr_open", 1_048_576, 2_147_483_584, 0),
    key("kernel.shmmni", 4_096, 32_768, 0),
    key("kernel.shmall", 0, LONG_MAX, 0),
    key("fs.aio-max-nr", 65_536, 4_194_304, 0),
    key("vm.max_map_count", 65_536, 2_147_483_647, 0),
    key("net.netfilter.nf_conntrack_max", 65_536, 4_194_304, 0),
];

/// learn.microsoft.com/azure/aks/custom-node-configuration-reference; of the keys that tune raises. There is none for the
/// instances of inotify. The usual value of the watches: [`crate::platforms`]; of the others: the most that one of its systems has.
pub(super) static AKS_KEYS: &[AcceptedKey] = &[
    key("fs.inotify.max_user_watches", 781_250, 2_097_152, 1_048_576),
    key("fs.file-max", 8_192, 12_000_500, LONG_MAX),
    key("fs.nr_open", 8_192, 20_000_500, 1_073_741_816),
    key("fs.aio-max-nr", 65_536, 6_553_500, 65_536),
    key("kernel.threads-max", 20, 513_785, 0),
    key("vm.max_map_count", 65_530, 262_144, 1_048_576),
    key("net.netfilter.nf_conntrack_max", 131_072, 2_097_152, 0),
    key("net.ipv4.neigh.default.gc_thresh3", 1_024, 100_000, 16_384),
];

/// A node system configuration, for `--system-config-from-file`.
pub(super) fn gke(settings: &Settings<'_>) -> String {
    let lines = lines(settings, |key, value| format!("    {key}: '{value}'"));
    format!("linuxConfig:\n  sysctl:\n{lines}")
}

/// A configuration of the operating system, for `--linux-os-config`.
pub(super) fn aks(settings: &Settings<'_>) -> String {
    let sysctls: Map<String, Value> = settings
        .iter()
        .map(|(key, value)| (camel(key), json!(value)))
        .collect();
    let mut text = serde_json::to_string_pretty(&json!({ "sysctls": sysctls })).unwrap_or_default();
    text.push('\n');
    text
}

/// `fs.aio-max-nr` is `fsAioMaxNr` there.
fn camel(key: &str) -> String {
    let words = key.split(['.', '-', '_']).enumerate();
    words
        .map(|(at, word)| match word.split_at_checked(1) {
            Some((first, rest)) if at > 0 => first.to_ascii_uppercase() + rest,
            _ => word.to_owned(),
        })
        .collect()
}

/// A script that keeps the limits and sets them, `indent` to the right.
fn script(settings: &Settings<'_>, indent: usize) -> String {
    let text = format!(
        "cat >{DOCUMENT_DROP_IN} <<'END'\n{}END\nsysctl -p {DOCUMENT_DROP_IN}\n",
        sysctl_d(settings)
    );
    text.lines()
        .map(|line| format!("{:indent$}{line}\n", ""))
        .collect()
}

/// User data of a launch template, docs.aws.amazon.com/eks/latest/userguide/launch-templates, "Amazon EC2 user data": EKS puts
/// its own part behind the parts that it finds.
pub(super) fn eks(settings: &Settings<'_>) -> String {
    format!(
        "MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"nospace\"

--nospace
Content-Type: text/x-shellscript; charset=\"us-ascii\"

#!/bin/bash
set -e
{}
--nospace--
",
        script(settings, 0)
    )
}

/// eksctl.io/usage/schema, `preBootstrapCommands` of a node group; for Amazon Linux 2023 since eksctl 0.198.0.
pub(super) fn eksctl(settings: &Settings<'_>) -> String {
    format!("preBootstrapCommands:\n- |\n{}", script(settings, 2))
}

/// karpenter.sh/docs/concepts/nodeclasses, spec.userData.
pub(super) fn karpenter(settings: &Settings<'_>) -> String {
    let data: String = eks(settings)
        .lines()
        .map(|line| match line {
            "" => "\n".to_owned(),
            line => format!("    {line}\n"),
        })
        .collect();
    format!("spec:\n  userData: |\n{data}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names are those of `SysctlConfig` in Azure's API (Microsoft.ContainerService, managedClusters).
    #[test]
    fn keys_of_aks_are_named_as_there() {
        let names: Vec<String> = AKS_KEYS.iter().map(|one| camel(one.key)).collect();
        assert_eq!(
            names,
            [
                "fsInotifyMaxUserWatches",
                "fsFileMax",
                "fsNrOpen",
                "fsAioMaxNr",
                "kernelThreadsMax",
                "vmMaxMapCount",
                "netNetfilterNfConntrackMax",
                "netIpv4NeighDefaultGcThresh3",
            ]
        );
    }
}
