//! What holds of every limit.

use super::{LIMITS, Place, Site, cause_of_sysctl, errno, refused, sysctl, sysctls};
use crate::cause::Cause;
use crate::tune::takes;

#[test]
fn every_cause_has_its_limit() {
    assert_eq!(LIMITS.len(), Cause::ALL.len());
    for (limit, cause) in LIMITS.iter().zip(Cause::ALL) {
        assert_eq!(limit.cause, *cause);
        assert!(!limit.meaning.ends_with('.'), "{cause}");
        let helps = limit.raise.is_some() || !limit.commands.is_empty();
        assert!(helps, "{cause}");
    }
}

#[test]
fn every_sysctl_stands_once() {
    let mut keys: Vec<&str> = sysctls().map(|sysctl| sysctl.key).collect();
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), all);
    for one in sysctls().filter(|sysctl| sysctl.tunable) {
        assert!(one.least <= one.floor || one.floor == 0, "{}", one.key);
        assert!(
            one.floor <= one.most && !one.effect.is_empty(),
            "{}",
            one.key
        );
    }
    assert_eq!(
        sysctl("fs/inotify/max_user_watches"),
        sysctl("fs.inotify.max_user_watches")
    );
    assert_eq!(sysctl("vm.swappiness"), None);
    assert_eq!(cause_of_sysctl("kernel.keys.maxbytes"), Some(Cause::Keys));
    assert_eq!(cause_of_sysctl("net.ipv4.ip_forward"), None);
}

#[test]
fn values_out_of_range_are_not_taken() {
    assert!(takes("fs.inotify.max_user_watches", "0x7fffffff"));
    assert!(!takes("fs.inotify.max_user_watches", "2147483648"));
    assert!(!takes("kernel.pid_max", "4194305"));
    assert!(!takes("kernel.shmmni", "32769"));
    assert!(!takes("fs.file-max", "many"));
    assert!(takes("kernel.sem", "32000 1024000000 500 32000"));
}

/// What is offered without a look at the node is what the kernel takes, and tune as well.
#[test]
fn raises_are_in_range() {
    for raise in LIMITS.iter().filter_map(|limit| limit.raise) {
        let sysctl = sysctl(raise.key).expect(raise.key);
        assert!(
            sysctl.tunable && sysctl.takes(&raise.to.to_string()),
            "{}",
            raise.key
        );
        let live = |live| raise.remedies(&Site::Unseen, live);
        assert!(live(Some(raise.to)).is_empty(), "{}", raise.key);
        assert_eq!(live(None).len(), 2, "{}", raise.key);
    }
}

#[test]
fn half_of_the_memory_is_affordable() {
    let gib = Some(1 << 30);
    let watches = sysctl("fs.inotify.max_user_watches").unwrap();
    let bytes = watches.unit_bytes.unwrap();
    assert_eq!(watches.affordable(gib), (1 << 29) / bytes);
    assert_eq!(watches.affordable(None), watches.most);
    assert_eq!(sysctl("kernel.pid_max").unwrap().affordable(gib), 4_194_304);
}

#[test]
fn each_refusal_has_its_cause() {
    use errno::{EAGAIN, EDQUOT, EMFILE, ENFILE, ENOMEM, ENOSPC, ENOTSUPP, ETOOMANYREFS};
    for (call, errno, cause) in [
        ("inotify_add_watch", ENOSPC, Cause::InotifyWatches),
        ("inotify_init1", ENFILE, Cause::SystemFiles),
        ("mkdir", EAGAIN, Cause::CgroupLimit),
        ("mount", ENOSPC, Cause::MountLimit),
        ("unshare", ENOSPC, Cause::NamespaceLimit),
        ("clone", EAGAIN, Cause::Pids),
        ("clone", ENOSPC, Cause::NamespaceLimit),
        ("epoll_ctl", ENOSPC, Cause::EpollWatches),
        ("add_key", EDQUOT, Cause::Keys),
        ("semget", ENOSPC, Cause::SysvSemaphores),
        ("shmget", ENOSPC, Cause::SysvShm),
        ("msgget", ENOSPC, Cause::SysvMessages),
        ("io_setup", EAGAIN, Cause::Aio),
        ("fanotify_mark", ENOSPC, Cause::Fanotify),
        ("mq_open", ENOSPC, Cause::PosixMqueue),
        ("mprotect", ENOMEM, Cause::MaxMapCount),
        ("mlock", ENOMEM, Cause::Memlock),
        ("sendmsg", ETOOMANYREFS, Cause::UnixInFlight),
        ("seccomp", ENOTSUPP, Cause::BpfJit),
    ] {
        assert_eq!(refused(call, errno, None), [cause], "{call}");
    }
    assert_eq!(refused("inotify_add_watch", 2, None), []);
    assert_eq!(refused("keyctl", EAGAIN, None), []);
    let both = [Cause::InotifyInstances, Cause::ProcessFiles];
    assert_eq!(refused("inotify_init1", EMFILE, None), both);
    let of_files = [
        Cause::DiskSpace,
        Cause::DiskQuota,
        Cause::DirectoryIndex,
        Cause::BtrfsMetadata,
    ];
    assert_eq!(
        refused("mkdir", ENOSPC, None),
        [&[Cause::CgroupLimit], &of_files[..]].concat()
    );
    assert_eq!(
        refused("mkdir", ENOSPC, Some(Place::Cgroupfs)),
        [Cause::CgroupLimit]
    );
    assert_eq!(
        refused("mkdir", ENOSPC, Some(Place::OtherFilesystem)),
        of_files
    );
    assert_eq!(
        refused("write", ENOSPC, Some(Place::OtherFilesystem)),
        [Cause::DiskSpace, Cause::DiskQuota, Cause::BtrfsMetadata]
    );
    assert_eq!(refused("write", ENOSPC, Some(Place::NoFile)), []);
    assert_eq!(refused("openat", ENOSPC, Some(Place::Ptmx)), [Cause::Ptys]);
    let places = LIMITS.iter().flat_map(|limit| limit.refusals);
    assert!(
        places
            .clone()
            .all(|r| r.call.is_some() || r.place == Place::Anywhere)
    );
}
