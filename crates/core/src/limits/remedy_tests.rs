//! Commands are made of names chosen by the users of the node.

use super::remedy::{cgroup_file, persist, quote, set};
use super::sysctl::suggest_limit;
use crate::testing::{Node, node};

#[test]
fn words_stay_words() {
    assert_eq!(quote("web-0").as_deref(), Some("web-0"));
    assert_eq!(quote("a b").as_deref(), Some("'a b'"));
    assert_eq!(quote("$(id)").as_deref(), Some("'$(id)'"));
    assert_eq!(quote("a'; rm -r /").as_deref(), Some("'a'\\''; rm -r /'"));
    assert_eq!(quote("user@0.service").as_deref(), Some("user@0.service"));
    for bad in ["", "-rf", "--host=evil", "a\nb", "\u{1b}[31m"] {
        assert_eq!(quote(bad), None, "{bad:?}");
    }
}

#[test]
fn files_of_cgroups_stay_below_their_mount() {
    let file = |path| cgroup_file("/sys/fs/cgroup", path, "pids.max");
    assert_eq!(file("/a/b").as_deref(), Some("/sys/fs/cgroup/a/b/pids.max"));
    assert_eq!(
        file("/a b").as_deref(),
        Some("'/sys/fs/cgroup/a b/pids.max'")
    );
    for bad in ["/../../etc", "a", "", "/a\nb"] {
        assert_eq!(file(bad), None, "{bad:?}");
    }
}

#[test]
fn a_hostile_setting_is_one_word() {
    let Node(snapshot) = node();
    let view = &crate::view(&snapshot);
    let set = set(view, "kernel.x", "1; reboot", "").map(|r| r.command);
    assert_eq!(set.as_deref(), Some("sysctl -w 'kernel.x=1; reboot'"));
    assert!(persist(view, "../../etc/x", "1", None).is_none());
    let persist = persist(view, "kernel.x", "' > /etc/passwd '", None).map(|r| r.command);
    assert_eq!(
        persist.as_deref(),
        Some(
            "printf 'kernel.x = '\\'' > /etc/passwd '\\''\\n' > /etc/sysctl.d/99-zz-kernel.x.conf"
        )
    );
}

#[test]
fn room_is_never_less_than_there_was() {
    assert_eq!(suggest_limit(100, 128, 0, u64::MAX), Some(256));
    assert_eq!(suggest_limit(100, 128, 8_192, u64::MAX), Some(8_192));
    assert_eq!(suggest_limit(100, 1_000, 0, u64::MAX), None);
    assert_eq!(suggest_limit(100, 128, 8_192, 128), None);
    assert_eq!(suggest_limit(u64::MAX, 1, 0, 4_096), Some(4_096));
}
