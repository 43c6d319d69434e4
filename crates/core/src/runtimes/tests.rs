use std::collections::BTreeSet;

use super::*;

/// A second runtime of the same name, prefix or namespace would never be found.
#[test]
fn each_is_known_by_what_is_its_own() {
    let mut own = BTreeSet::new();
    for definition in RUNTIMES {
        assert_eq!(
            definition.runtime.definition().map(|d| d.title),
            Some(definition.title)
        );
        assert_eq!(
            serde_json::to_value(definition.runtime).unwrap(),
            definition.name
        );
        let prefixes = definition.cgroup_prefixes.iter().map(|(prefix, _)| *prefix);
        let names = [definition.engine, definition.containerd_namespace];
        let all = prefixes
            .chain(names.into_iter().flatten())
            .chain(definition.cgroup_parent)
            .chain(definition.aliases.iter().copied());
        for name in all {
            assert!(own.insert(name), "{name}");
        }
    }
    assert_eq!(Runtime::Unknown.definition().map(|d| d.title), None);
}

#[test]
fn a_monitor_is_known_by_its_program_and_by_its_comm() {
    let title = |program| monitor(program).map(|m| m.title);
    for program in [
        "containerd-shim",
        "containerd-shim-runc-v2",
        "containerd-shim-kata-v2",
    ] {
        assert_eq!(title(program), Some("containerd shims"));
    }
    assert_eq!(title("conmon"), Some("conmon"));
    for program in ["", "containerd", "conmonrs", "containerd-shimmer"] {
        assert_eq!(title(program), None, "{program}");
    }
    for definition in RUNTIMES {
        assert!(
            definition.monitor.program.len() <= 15,
            "the kernel cuts comm there"
        );
    }
}

/// The annotation of an image or a secret is none that is kept.
#[test]
fn only_names_are_kept() {
    assert!(is_naming_annotation("io.kubernetes.cri.sandbox-name"));
    assert!(is_naming_annotation("io.container.manager"));
    for key in [
        "io.kubernetes.cri.image-name",
        "io.kubernetes.cri-o.Annotations",
        "x",
    ] {
        assert!(!is_naming_annotation(key), "{key}");
    }
}

#[test]
fn versions_rise_and_an_unknown_one_holds_most() {
    for daemon in RUNTIMES.into_iter().filter_map(|d| d.daemon_use.as_ref()) {
        assert!(
            daemon.versions.is_sorted_by_key(|v| v.since),
            "{}",
            daemon.who
        );
        let most = daemon.of(None).expect("a version");
        for version in daemon.versions {
            assert!(version.instances <= most.instances && version.watches <= most.watches);
            assert_eq!(
                daemon.of(Some(version.since)).map(|v| v.why),
                Some(version.why)
            );
        }
    }
}

#[test]
fn containers_are_inspected_by_their_own_runtime() {
    let inspect = |runtime: Runtime| runtime.inspect_command("default", "web");
    assert_eq!(
        inspect(Runtime::Containerd).as_deref(),
        Some("ctr -n default containers info web")
    );
    assert_eq!(Runtime::Containerd.inspect_command("", "web"), None);
    assert_eq!(
        inspect(Runtime::Podman).as_deref(),
        Some("podman inspect web")
    );
    assert_eq!(inspect(Runtime::Unknown), None);
}
