//! Commands to paste. None of them lowers a limit.

use crate::attribute::{Part, View};
use crate::model::{BootValue, Runtime};
use crate::report::{Owner, Remedy, Resource};
pub use crate::shell::quote;

/// A command and its reason.
pub fn remedy(command: impl Into<String>, why: impl Into<String>) -> Remedy {
    Remedy {
        command: command.into(),
        why: why.into(),
    }
}

/// Raises the sysctl that limits this budget, now and at every boot.
pub fn raise_sysctl(view: &View, resource: &Resource) -> Vec<Remedy> {
    let raise = || {
        let known = super::sysctl_of(resource)?;
        let value = known.suggest(resource.used, resource.limit)?;
        Some(sysctl(view, known.key, &value.to_string(), known.effect))
    };
    raise().unwrap_or_default()
}

/// Raises a sysctl now, and at every boot.
pub fn sysctl(view: &View, key: &str, value: &str, why: &str) -> Vec<Remedy> {
    let boot = view
        .snapshot
        .limits
        .iter()
        .flat_map(|l| &l.settings)
        .find(|s| s.key == key)
        .and_then(|s| s.boot.as_ref());
    let why = format!("Takes effect at once: {why}.");
    let lasts = boot.is_some_and(|b| b.value.split_whitespace().eq(value.split_whitespace()));
    set(key, value, &why)
        .into_iter()
        .chain(persist(key, value, boot).filter(|_| !lasts))
        .collect()
}

/// Sets a sysctl now.
pub fn set(key: &str, value: &str, why: &str) -> Option<Remedy> {
    let assignment = quote(&format!("{key}={value}"))?;
    Some(remedy(format!("sysctl -w {assignment}"), why))
}

/// Makes the value last: in the line that wins at boot now, else in a file that sorts late.
pub fn persist(key: &str, value: &str, boot: Option<&BootValue>) -> Option<Remedy> {
    let line = format!("{key} = {value}");
    if let Some(boot) = boot.filter(|b| b.file.starts_with("/etc/") && b.line > 0) {
        let place = format!("{}:{}", boot.file, boot.line);
        let edit = quote(&format!("{}c {line}", boot.line))?;
        return Some(remedy(
            format!("sed -i {edit} {}", quote(&boot.file)?),
            format!(
                "{place} sets {} at the next boot; this line wins over other files.",
                boot.value
            ),
        ));
    }
    let text = quote(&format!("{line}\\n"))?;
    if key.contains('/') {
        return None;
    }
    let file = quote(&format!("/etc/sysctl.d/99-zz-{key}.conf"))?;
    Some(remedy(
        format!("printf {text} > {file}"),
        "Keeps it after a reboot.",
    ))
}

/// Looks closer at a holder; changes nothing.
pub fn inspect(view: &View, part: &Part) -> Option<Remedy> {
    let why = "Inspect the largest holder before you restart, fix or move it.";
    match part {
        Part::Pod { name, .. } if name.is_empty() => None,
        Part::Pod {
            namespace, name, ..
        } => Some(remedy(
            format!("{} -o wide", get_pod(namespace, name)?),
            why,
        )),
        Part::Container { runtime, id, .. } => Some(remedy(container(view, *runtime, id)?, why)),
        Part::Process { pid } => Some(match view.owner(*pid) {
            Owner::Unit { name } => remedy(format!("systemctl status {}", quote(name)?), why),
            _ => remedy(format!("ps -o pid,ppid,user,lstart,args -p {pid}"), why),
        }),
    }
}

/// Asks the API server for the pod.
pub fn get_pod(namespace: &str, name: &str) -> Option<String> {
    Some(format!(
        "kubectl -n {} get pod {}",
        quote(namespace)?,
        quote(name)?
    ))
}

fn container(view: &View, runtime: Runtime, id: &str) -> Option<String> {
    let mut bundles = view.snapshot.containers.bundles.iter();
    let namespace = bundles
        .find(|bundle| bundle.id == id)
        .map(|bundle| bundle.runtime_namespace.as_str())
        .filter(|namespace| !namespace.is_empty());
    let namespace = match namespace {
        Some(namespace) => quote(namespace)?,
        None => String::new(),
    };
    runtime.inspect_command(&namespace, &quote(id)?)
}

/// A file of a cgroup, as a word for a shell; `None` where the path leads elsewhere.
pub fn cgroup_file(mountpoint: &str, path: &str, file: &str) -> Option<String> {
    let inside = path.starts_with('/') && path.split('/').all(|part| part != "..");
    let path = path.trim_matches('/');
    inside.then(|| quote(&format!("{mountpoint}/{path}/{file}")))?
}
