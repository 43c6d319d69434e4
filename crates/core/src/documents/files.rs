//! Formats that put a drop-in on a node, and those of its operating system.

use serde_json::json;

use super::{DOCUMENT_DROP_IN, Settings, lines};

/// sysctl.d(5).
pub(crate) fn sysctl_d(settings: &Settings<'_>) -> String {
    lines(settings, |key, value| format!("{key} = {value}"))
}

/// Each line of the drop-in, this far to the right.
fn indented(settings: &Settings<'_>, indent: usize) -> String {
    lines(settings, |key, value| {
        format!("{:indent$}{key} = {value}", "")
    })
}

/// A profile of TuneD; `>` keeps a value that is larger already (tuned/plugins/plugin_sysctl.py, `assignment_modifiers`).
pub(crate) fn tuned_profile(settings: &Settings<'_>) -> String {
    let lines = lines(settings, |key, value| format!("{key}=>{value}"));
    format!("[main]\nsummary=Limits raised by nospace tune\n\n[sysctl]\n{lines}")
}

/// A module of NixOS; nixos.org/manual/nixos, boot.kernel.sysctl.
pub(crate) fn nixos(settings: &Settings<'_>) -> String {
    let lines = lines(settings, |key, value| format!("    \"{key}\" = {value};"));
    format!("{{\n  boot.kernel.sysctl = {{\n{lines}  }};\n}}\n")
}

/// cloudinit.readthedocs.io, `write_files` and `runcmd`.
pub(crate) fn cloud_config(settings: &Settings<'_>) -> String {
    let lines = indented(settings, 4);
    format!(
        "#cloud-config
write_files:
- path: {DOCUMENT_DROP_IN}
  content: |
{lines}runcmd:
- sysctl --system
"
    )
}

/// A play of Ansible, with what ansible-core has. It runs on many nodes: where one has more already, it keeps that.
pub(crate) fn ansible(settings: &Settings<'_>) -> String {
    let keys: Vec<&str> = settings.iter().map(|(key, _)| *key).collect();
    let keys = keys.join(" ");
    let lines: String = (0..)
        .zip(settings)
        .map(|(at, (key, value))| {
            format!("        {key} = {{{{ [{value}, now.stdout_lines[{at}] | int] | max }}}}\n")
        })
        .collect();
    format!(
        "- name: Raise kernel limits
  hosts: all
  become: true
  tasks:
  - name: Read the limits
    ansible.builtin.command: sysctl -n {keys}
    register: now
    changed_when: false
    check_mode: false
  - name: Keep the limits for every boot, and lower none
    ansible.builtin.copy:
      dest: {DOCUMENT_DROP_IN}
      mode: \"0644\"
      content: |
{lines}    notify: Load the limits
  handlers:
  - name: Load the limits
    ansible.builtin.command: sysctl -p {DOCUMENT_DROP_IN}
"
    )
}

/// coreos.github.io/butane/specs, `storage.files`: the part that every variant has.
pub(crate) fn butane_files(settings: &Settings<'_>) -> String {
    let lines = indented(settings, 8);
    format!(
        "storage:
  files:
  - path: {DOCUMENT_DROP_IN}
    contents:
      inline: |
{lines}"
    )
}

/// coreos.github.io/butane/config-fcos-v1_5.
pub(crate) fn butane(settings: &Settings<'_>) -> String {
    format!("variant: fcos\nversion: 1.5.0\n{}", butane_files(settings))
}

/// coreos.github.io/ignition/configuration-v3_4.
pub(crate) fn ignition(settings: &Settings<'_>) -> String {
    let config = ignition_config(settings, "3.4.0");
    let mut text = serde_json::to_string_pretty(&config).unwrap_or_default();
    text.push('\n');
    text
}

fn ignition_config(settings: &Settings<'_>, version: &str) -> serde_json::Value {
    json!({
        "ignition": {"version": version},
        "storage": {"files": [{
            "path": DOCUMENT_DROP_IN,
            "mode": 0o644,
            "overwrite": true,
            "contents": {"source": data_url(&sysctl_d(settings))},
        }]},
    })
}

/// RFC 2397, with everything escaped that RFC 3986 does not leave free.
pub(crate) fn data_url(text: &str) -> String {
    use std::fmt::Write as _;

    let mut url = "data:,".to_owned();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _infallible = write!(url, "%{byte:02X}");
        }
    }
    url
}
