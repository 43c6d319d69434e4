//! What tune says of systems that have a way of their own to set a sysctl, and undo any other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parse::os_release;
use crate::platforms::operating_system;

/// An operating system whose files are made anew from somewhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformAdvice {
    /// `ID` or `VARIANT_ID` of os-release(5).
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Where `document` belongs, so that it lasts: a sentence without its full stop.
    pub advice: String,
    /// What to put there, with the keys and values that are proposed; empty where nothing is.
    #[serde(default)]
    pub document: String,
    /// A drop-in in /etc/sysctl.d does not outlive a reboot or an update.
    pub forgets: bool,
}

impl PlatformAdvice {
    /// How `settings` last on the system that os-release(5) names, where it is one with a way of its own.
    #[must_use]
    pub fn of(os_release: &[u8], settings: &[(&str, u64)]) -> Option<Self> {
        let os = os_release::ids(os_release)
            .iter()
            .find_map(|id| operating_system(id))?;
        Some(Self {
            id: os.id.to_owned(),
            name: os.title.to_owned(),
            advice: os.persistence.advice.to_owned(),
            document: if settings.is_empty() {
                String::new()
            } else {
                (os.persistence.document)(settings)
            },
            forgets: os.persistence.forgets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_recognised_by_their_ids() {
        let of = |text: &str| PlatformAdvice::of(text.as_bytes(), &[]).map(|p| p.name);
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
