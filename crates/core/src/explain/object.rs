use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a line names: the thing that a call was refused on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Object {
    /// A path, cgroup, volume or the like.
    pub name: Option<String>,
    /// Pod, as `namespace/name` where the line has both, else its uid.
    pub pod: Option<String>,
    /// The limit that the program says it met.
    pub limit: Option<u64>,
}

static POD_KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(r#"\bpod(?:_name|Name)?s?"?[=:] ?"?([a-z0-9][a-z0-9.-]*/[a-z0-9][a-z0-9.-]*)"#)
});
static POD_OLD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(r#"\b(?:for |pod |sandbox )"?([a-z0-9][a-z0-9.-]*)_([a-z0-9][a-z0-9-]*)(?:\(|"|_)"#)
});
static POD_LOG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(r"/var/log/pods/([a-z0-9][a-z0-9-]*)_([a-z0-9][a-z0-9.-]*)_[0-9a-f-]{32,36}")
});
static POD_UID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?:pods?/|pod)([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})\b",
    )
});

fn regex(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

impl Object {
    /// The object that `captures` names, and the pod that the whole message names.
    pub(super) fn of(captures: &Captures<'_>, message: &[u8]) -> Self {
        let name = ["object", "path", "cgroup"]
            .iter()
            .find_map(|group| captures.name(group))
            .map(|m| text(m.as_bytes()))
            .filter(|s| !s.is_empty());
        let pod = captures
            .name("pod")
            .map(|m| text(m.as_bytes()))
            .or_else(|| pod_of(message));
        let limit = captures
            .name("limit")
            .and_then(|m| text(m.as_bytes()).parse().ok());
        Self { name, pod, limit }
    }

    /// The object of that name, and the pod that the whole message names.
    pub(super) fn named(name: Option<String>, message: &[u8]) -> Self {
        Self {
            name,
            pod: pod_of(message),
            limit: None,
        }
    }
}

fn pod_of(message: &[u8]) -> Option<String> {
    let find = |pattern: &'static LazyLock<Option<Regex>>| pattern.as_ref()?.captures(message);
    if let Some(c) = find(&POD_LOG) {
        return Some(format!("{}/{}", text(&c[1]), text(&c[2])));
    }
    if let Some(c) = find(&POD_KEY) {
        return Some(text(&c[1]));
    }
    if let Some(c) = find(&POD_OLD) {
        return Some(format!("{}/{}", text(&c[2]), text(&c[1])));
    }
    find(&POD_UID).map(|c| text(&c[1]).replace('_', "-"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::pod_of;

    #[test]
    fn pods_are_named_as_well_as_the_line_can() {
        for (line, pod) in [
            (
                r#""Pod status updated" pod="default/s3-node1" status=Running"#,
                Some("default/s3-node1"),
            ),
            (
                r#"CreatePodSandbox for pod "busy-node1_default(297aa23a2f26fdf48fb6fb66882d4d1b)" failed"#,
                Some("default/busy-node1"),
            ),
            (
                r#"failed to watch file "/var/log/pods/default_p1_5721c88f-ca83-4ee4-ab1f-0b553119c397/a/0.log""#,
                Some("default/p1"),
            ),
            (
                "mkdir /sys/fs/cgroup/memory/kubepods/burstable/pod79fe803c-072f-11e9-90ca-525400090c71",
                Some("79fe803c-072f-11e9-90ca-525400090c71"),
            ),
            (
                "/kubepods-besteffort-poda064577b017386143160e1a088ff0fa1.slice/x",
                Some("a064577b017386143160e1a088ff0fa1"),
            ),
            (
                "/kubepods-pod79fe803c_072f_11e9_90ca_525400090c71.slice/x",
                Some("79fe803c-072f-11e9-90ca-525400090c71"),
            ),
            (
                "Failed to start cAdvisor inotify_add_watch /sys/fs/cgroup",
                None,
            ),
        ] {
            assert_eq!(pod_of(line.as_bytes()).as_deref(), pod, "{line}");
        }
    }
}
