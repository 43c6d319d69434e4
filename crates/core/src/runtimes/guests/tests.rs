use proptest::prelude::*;

use super::*;
use crate::parse::cgroup_path::identify;

const ID: &str = "15e0b305bb522d06e0896842b8ebf8d17b535f0207c1895510e63b6c5b48e70e";

/// The runtime (`unit` and `pod` for these), marked where it is a monitor, and id, name and inner unit.
fn owner(path: &str) -> [String; 4] {
    let identity = identify(path);
    let known = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let monitor = |role| if role == Role::Monitor { "!" } else { "" };
    let inner = known(identity.inner_unit);
    let container = identity.container;
    match (identity.pod_uid, container, identity.unit) {
        (Some(uid), container, _) => {
            let mark = monitor(container.unwrap_or_default().role);
            [format!("{mark}pod"), uid, known(None), inner]
        }
        (None, Some(container), _) => {
            let runtime = serde_json::to_value(container.runtime).unwrap();
            let mark = monitor(container.role);
            let runtime = format!("{mark}{}", runtime.as_str().unwrap());
            [runtime, container.id, known(container.name), inner]
        }
        (None, None, unit) => ["unit".to_owned(), known(unit), known(None), inner],
    }
}

#[test]
fn each_layout_has_its_owner() {
    let lines = include_str!("layouts.tsv").lines();
    let rows: Vec<&str> = lines.filter(|line| !line.starts_with('#')).collect();
    assert!(rows.len() > 50, "{}", rows.len());
    for row in rows {
        let row = row.replace("ID", ID);
        let [path, ref expected @ .., _] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        assert_eq!(owner(path), expected, "{path}");
    }
}

#[test]
fn each_is_an_own_runtime() {
    for kind in &GUESTS {
        assert_eq!(kind.runtime.title(), kind.title);
        assert!(kind.runtime.definition().is_none(), "{}", kind.title);
    }
}

#[test]
fn escapes_of_systemd() {
    assert_eq!(unescape_unit(r"a\x2db"), "a-b");
    for odd in [r"a\x2", r"a\xzz", r"\x", "a\\", r"\xé"] {
        assert_eq!(unescape_unit(odd), odd);
    }
}

proptest! {
    /// Whatever is in a guest, no unit of it is the host's.
    #[test]
    fn below_a_guest_no_unit_is_the_hosts(
        guest in prop::sample::select(vec![
            "/lxc.payload.c1", "/lxc/101/ns", "/machine.slice/systemd-nspawn@web.service/payload", "/garden/x",
            "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt", "/docker/buildkit/x", "/firecracker/x", "/somebody",
        ]),
        unit in "[a-z]{1,8}\\.(service|scope|socket)",
    ) {
        let identity = identify(&format!("{guest}/system.slice/{unit}"));
        prop_assert!(identity.container.is_some());
        prop_assert_eq!(identity.inner_unit, Some(unit.clone()));
        prop_assert_ne!(identity.unit, Some(unit));
    }

    #[test]
    fn any_name_is_one(above in prop::collection::vec("\\PC{0,12}", 0..4), name in "\\PC{0,40}") {
        let above: Vec<&str> = above.iter().map(String::as_str).collect();
        let _ = guest(&above, &name);
    }
}
