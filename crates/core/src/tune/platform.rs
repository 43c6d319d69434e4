//! Systems that have a way of their own to set a sysctl, and undo any other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parse::lossy;

/// An operating system whose files are made anew from somewhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Platform {
    /// `ID` of os-release(5).
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Where a sysctl is set so that it stays; `KEY` and `VALUE` stand for themselves.
    pub advice: String,
    /// A drop-in in /etc/sysctl.d does not outlive a reboot or an update.
    pub forgets: bool,
}

/// Name, its `ID` or `VARIANT_ID`, whether it forgets, and its own way.
const PLATFORMS: [(&str, &str, bool, &str); 8] = [
    (
        "Talos",
        "talos",
        true,
        "set machine.sysctls (KEY: \"VALUE\") in the machine configuration: talosctl patch machineconfig",
    ),
    (
        "Bottlerocket",
        "bottlerocket",
        true,
        "apiclient set settings.kernel.sysctl.\"KEY\"=\"VALUE\", and the same in its user data",
    ),
    (
        "Container-Optimized OS",
        "cos",
        true,
        "write it from cloud-init's user data (write_files and sysctl --system), or on GKE by linuxConfig.sysctl of the node system configuration",
    ),
    (
        "Flatcar",
        "flatcar",
        false,
        "put the file into the Butane or Ignition configuration (storage.files), so that new nodes have it too",
    ),
    (
        "Fedora CoreOS",
        "coreos",
        false,
        "put the file into the Butane or Ignition configuration (storage.files), so that new nodes have it too",
    ),
    (
        "Red Hat CoreOS",
        "rhcos",
        false,
        "use a Tuned resource of the Node Tuning Operator, or a MachineConfig: the machine config operator owns /etc",
    ),
    (
        "NixOS",
        "nixos",
        false,
        "set boot.kernel.sysctl.\"KEY\" = VALUE in the configuration",
    ),
    (
        "Fedora IoT",
        "iot",
        false,
        "put the file into the image or the Ignition configuration, so that new machines have it too",
    ),
];

/// The platform that os-release(5) names, where it is one with a way of its own.
#[must_use]
pub fn platform(os_release: &[u8]) -> Option<Platform> {
    let text = lossy(os_release);
    let value = |name: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
        Some(value.trim_matches(['"', '\'']).to_ascii_lowercase())
    };
    let ids = [value("ID"), value("VARIANT_ID")];
    let found = PLATFORMS
        .iter()
        .find(|p| ids.iter().flatten().any(|id| id == p.1));
    found.map(|(name, id, forgets, advice)| Platform {
        id: (*id).to_owned(),
        name: (*name).to_owned(),
        advice: (*advice).to_owned(),
        forgets: *forgets,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_told_by_their_ids() {
        let of = |text: &str| platform(text.as_bytes()).map(|p| p.name);
        assert_eq!(
            of("NAME=Talos\nID=talos\nVERSION_ID=v1.9\n").as_deref(),
            Some("Talos")
        );
        assert_eq!(
            of("ID=fedora\nVARIANT_ID=coreos\n").as_deref(),
            Some("Fedora CoreOS")
        );
        assert_eq!(of("ID=\"rhcos\"\n").as_deref(), Some("Red Hat CoreOS"));
        assert_eq!(of("ID=debian\nID_LIKE=talos\n"), None);
    }
}
