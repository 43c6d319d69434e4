use crate::report::Severity;
use crate::testing::{commands, node, setting};

#[test]
fn a_boot_value_that_is_too_low() {
    let key = "fs.inotify.max_user_watches";
    let node = |live: &str, boot: &str, used| {
        node()
            .limits(128, live.parse().unwrap())
            .process(9, "java")
            .holds(1, used)
            .setting(setting(
                key,
                live,
                Some((boot, "/etc/sysctl.d/10-k8s.conf", 3)),
            ))
    };
    let finding = node("524288", "8192", 8_000).finding("sysctl-drift");
    assert_eq!(finding.severity, Severity::Warning);
    assert_eq!(
        finding.title,
        "fs.inotify.max_user_watches falls from 524288 to 8192 at the next boot (/etc/sysctl.d/10-k8s.conf:3); \
         8,000 are in use now"
    );
    assert_eq!(
        commands(&finding),
        ["sed -i '3c fs.inotify.max_user_watches = 524288' /etc/sysctl.d/10-k8s.conf"]
    );
    assert_eq!(
        node("524288", "8192", 10).finding("sysctl-drift").severity,
        Severity::Info
    );
    assert!(node("8192", "8192", 10).findings("sysctl-drift").is_empty());
}

#[test]
fn a_file_that_was_never_applied() {
    let key = "fs.inotify.max_user_watches";
    let node = node().process(9, "java").holds(1, 7_000).setting(setting(
        key,
        "8192",
        Some(("524288", "/etc/sysctl.d/10-k8s.conf", 3)),
    ));
    let finding = node.finding("sysctl-drift");
    assert_eq!(finding.severity, Severity::Warning);
    assert_eq!(
        commands(&finding),
        ["sysctl -w fs.inotify.max_user_watches=524288"]
    );
}

#[test]
fn a_live_value_that_no_file_keeps() {
    let key = "fs.inotify.max_user_instances";
    let node = |used| {
        node()
            .limits(8_192, 8_192)
            .process(9, "java")
            .holds(used, 1)
            .setting(setting(key, "8192", None))
    };
    assert!(node(100).findings("sysctl-drift").is_empty());
    let finding = node(200).finding("sysctl-drift");
    assert_eq!(finding.severity, Severity::Warning);
    assert!(commands(&finding)[0].starts_with("printf 'fs.inotify.max_user_instances = 8192\\n'"));
}

#[test]
fn spacing_is_no_drift() {
    let node = node().setting(setting(
        "kernel.sem",
        "32000\t1024000000\t500\t32000",
        Some(("32000 1024000000 500 32000", "/etc/sysctl.conf", 1)),
    ));
    assert_eq!(node.rules(), Vec::<String>::new());
}
