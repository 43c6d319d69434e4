//! Commands to paste. None of them lowers a limit.

use crate::attribute::{Part, View};
use crate::model::Runtime;
use crate::report::{Owner, Remedy};

/// A command and its reason.
pub fn remedy(command: impl Into<String>, why: impl Into<String>) -> Remedy {
    Remedy {
        command: command.into(),
        why: why.into(),
    }
}

/// A limit with room: the power of two from twice the use, at least `floor`, at most `most`;
/// `None` where that would not raise it.
pub fn roomy(used: u64, limit: u64, floor: u64, most: u64) -> Option<u64> {
    let doubled = used.saturating_mul(2).checked_next_power_of_two();
    let value = doubled.unwrap_or(u64::MAX).max(floor).min(most);
    (value > limit).then_some(value)
}

/// Raises a sysctl now, and at every boot.
pub fn sysctl(view: &View, key: &str, value: &str, why: &str) -> Vec<Remedy> {
    let live = format!("sysctl -w {}", quote(&format!("{key}={value}")));
    let mut remedies = vec![remedy(live, format!("Takes effect at once: {why}."))];
    remedies.extend(persist(view, key, value));
    remedies
}

/// Makes the value last: in the line that wins at boot now, else in a file that sorts late.
fn persist(view: &View, key: &str, value: &str) -> Option<Remedy> {
    let boot = view
        .snapshot
        .limits
        .iter()
        .flat_map(|l| &l.settings)
        .find(|s| s.key == key)
        .and_then(|s| s.boot.as_ref());
    match boot {
        Some(boot) if boot.value.split_whitespace().eq(value.split_whitespace()) => None,
        Some(boot) if boot.file.starts_with("/etc/") && boot.line > 0 => Some(remedy(
            format!(
                "sed -i '{}c {key} = {value}' {}",
                boot.line,
                quote(&boot.file)
            ),
            format!(
                "{}:{} sets {} at the next boot; this line wins over other files.",
                boot.file, boot.line, boot.value
            ),
        )),
        _ => Some(remedy(
            format!("printf '{key} = {value}\\n' > /etc/sysctl.d/99-zz-{key}.conf"),
            "Keeps it after a reboot.",
        )),
    }
}

/// Looks closer at a holder; changes nothing.
pub fn inspect(view: &View, part: &Part) -> Option<Remedy> {
    let why = "Shows the largest holder, to decide whether to restart, mend or move it.";
    match part {
        Part::Pod { name, .. } if name.is_empty() => None,
        Part::Pod {
            namespace, name, ..
        } => Some(remedy(
            format!(
                "kubectl -n {} get pod {} -o wide",
                quote(namespace),
                quote(name)
            ),
            why,
        )),
        Part::Container { runtime, id, .. } => {
            container(view, *runtime, id).map(|c| remedy(c, why))
        }
        Part::Process { pid } => Some(match view.owner(*pid) {
            Owner::Unit { name } => remedy(format!("systemctl status {}", quote(name)), why),
            _ => remedy(format!("ps -o pid,ppid,user,lstart,args -p {pid}"), why),
        }),
    }
}

fn container(view: &View, runtime: Runtime, id: &str) -> Option<String> {
    let id = quote(id);
    match runtime {
        Runtime::Docker => Some(format!("docker inspect {id}")),
        Runtime::Podman => Some(format!("podman inspect {id}")),
        Runtime::CriO => Some(format!("crictl inspect {id}")),
        Runtime::Containerd => {
            let bundles = &view.snapshot.containers.bundles;
            let namespace = &bundles.iter().find(|b| b.id == id)?.runtime_namespace;
            Some(format!("ctr -n {} containers info {id}", quote(namespace)))
        }
        Runtime::Unknown => None,
    }
}

/// The word as a shell takes it for one.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/:@=+,-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
