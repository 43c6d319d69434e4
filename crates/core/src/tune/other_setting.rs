//! Other places that set a key, outside sysctl.d too.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parse::lossy;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SettingSource {
    /// A file of sysctl.d(5), or sysctl.conf.
    Sysctl,
    /// The active profile of TuneD.
    Tuned,
    /// cloud-init's configuration or user data names the key.
    CloudInit,
    /// `sysctl.KEY=` on the kernel's command line: set before any file is read.
    KernelCommandLine,
    /// The kubelet sets it at each start.
    Kubelet,
}

/// Another place that sets a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OtherSetting {
    /// What kind of place it is.
    pub source: SettingSource,
    /// The file, by its path on the host; for the kubelet its configuration.
    pub file: String,
    /// Line in it, from 1; null where there are no lines.
    pub line: Option<u32>,
    /// The value as written.
    pub value: String,
    /// It wins or may win over tune's file, with less than what is proposed.
    pub overrides: bool,
    /// What to change there.
    pub advice: Option<String>,
}

/// Profiles that a TuneD profile includes, in their order; `-name` may be missing.
#[must_use]
pub fn tuned_includes(profile: &[u8]) -> Vec<String> {
    let lines = section(profile, "main");
    let includes = lines.filter(|(key, ..)| key == "include");
    let names = includes.flat_map(|(_, value, _)| {
        let names = value
            .split([',', ' '])
            .map(|name| name.trim_start_matches('-').to_owned());
        names.collect::<Vec<_>>()
    });
    names.filter(|name| !name.is_empty()).collect()
}

/// Key, value and line of what a TuneD profile sets. A value may begin with `>`: only ever raise.
#[must_use]
pub fn tuned_sysctls(profile: &[u8]) -> Vec<(String, String, u32)> {
    let lines = section(profile, "sysctl");
    let is_setting = |key: &str| !["enabled", "type", "devices", "replace"].contains(&key);
    lines
        .filter(|(key, ..)| is_setting(key))
        .map(|(key, value, line)| (key.replace('/', "."), value, line))
        .collect()
}

/// `key=value` lines of one section of an INI file.
fn section(bytes: &[u8], name: &str) -> impl Iterator<Item = (String, String, u32)> {
    let text = lossy(bytes);
    let mut inside = false;
    let mut found = Vec::new();
    for (line, number) in text.lines().zip(1_u32..) {
        let line = line.trim();
        if let Some(head) = line.strip_prefix('[') {
            inside = head.trim_end_matches(']').trim() == name;
        } else if let (true, false, Some((key, value))) =
            (inside, line.starts_with(['#', ';']), line.split_once('='))
        {
            found.push((key.trim().to_owned(), value.trim().to_owned(), number));
        }
    }
    found.into_iter()
}

/// Lines of a cloud-init file that name `key` with a number behind it: what runs there is not known, only
/// that it is meant to be set.
#[must_use]
pub fn cloud_init(bytes: &[u8], key: &str) -> Vec<(String, u32)> {
    let slashed = key.replace('.', "/");
    let text = lossy(bytes);
    let value = |line: &str| {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        let after = [key, slashed.as_str()]
            .into_iter()
            .find_map(|key| line.split_once(key))?
            .1;
        let number = after.trim_start_matches([' ', '\t', '=', ':', '"', '\'']);
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then_some(digits)
    };
    let lines = text.lines().zip(1_u32..);
    lines
        .filter_map(|(line, number)| Some((value(line)?, number)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tuned_profile_is_read() {
        let profile = b"[main]\nsummary=node\ninclude=openshift, -mine\n\n[sysctl]\n# no=1\nfs.inotify.max_user_watches=65536\n\
            kernel/pid_max=>4194304\nreplace=1\n[vm]\nfs.file-max=1\n";
        assert_eq!(tuned_includes(profile), ["openshift", "mine"]);
        let set = tuned_sysctls(profile);
        assert_eq!(
            set,
            [
                (
                    "fs.inotify.max_user_watches".to_owned(),
                    "65536".to_owned(),
                    7
                ),
                ("kernel.pid_max".to_owned(), ">4194304".to_owned(), 8),
            ]
        );
    }

    #[test]
    fn cloud_init_names_keys_in_many_ways() {
        let key = "fs.inotify.max_user_watches";
        let text = b"#cloud-config\nwrite_files:\n- content: |\n    fs.inotify.max_user_watches = 8192\n\
            runcmd:\n- sysctl -w fs.inotify.max_user_watches=4096\n- echo 1 > /proc/sys/fs/inotify/max_user_watches\n\
            # fs.inotify.max_user_watches=1\n- cat /proc/sys/fs/inotify/max_user_watches\n";
        let found = cloud_init(text, key);
        assert_eq!(found, [("8192".to_owned(), 4), ("4096".to_owned(), 6)]);
    }
}
