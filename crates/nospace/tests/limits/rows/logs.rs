//! Causes that nothing on a node shows but the message of the program that was refused.

use std::process::Command;

use nospace_core::cause::Cause;

use crate::cgroup::Cgroup;
use crate::row::{How, Row};

pub fn rows() -> Vec<Row> {
    let only_in_logs = |cause, words, why| Row {
        cause,
        which: "",
        how: How::OnlyInLogs { words, why },
    };
    let mut rows = vec![
        only_in_logs(
            Cause::EventQueue,
            || {
                said(
                    r#"E0301 08:11:40.381174    1180 watcher.go:152] "Watch error" err="fsnotify: queue or buffer overflow""#,
                )
            },
            "the length of an instance's queue is in no file, and only its reader learns of an overflow",
        ),
        only_in_logs(
            Cause::CgroupKmem,
            || {
                said(
                    "failed to create container for [kubepods besteffort pod1] : mkdir /sys/fs/cgroup/memory/kubepods/besteffort/pod1: cannot allocate memory",
                )
            },
            "kernels before 4.19 alone leak these, and have no count of them",
        ),
        only_in_logs(
            Cause::CpusetEmpty,
            moved_to_an_empty_cpuset,
            "a cpuset without CPUs is an ordinary one until a process is moved there",
        ),
        only_in_logs(
            Cause::RuntimeLocks,
            || {
                said(
                    "Error: allocating lock for new container: allocation failed; exceeded num_locks (2048)",
                )
            },
            "podman and CRI-O alone know the bitmap in their shared memory",
        ),
        only_in_logs(
            Cause::IpPool,
            || {
                said(
                    "failed to allocate for range 0: no IP addresses available in range set: 10.244.1.1-10.244.1.254",
                )
            },
            "the plugin of the pod network alone knows its ranges",
        ),
    ];
    rows.extend(unread());
    rows
}

/// Limits that nospace recognises by what programs print, and does not read.
fn unread() -> Vec<Row> {
    let unread = |cause, words| Row {
        cause,
        which: "",
        how: How::OnlyInLogs {
            words,
            why: "nospace has no collector for it",
        },
    };
    vec![
        unread(Cause::DirectoryIndex, || {
            said("EXT4-fs warning (device dm-2): ext4_dx_add_entry: Directory index full!")
        }),
        unread(Cause::ThinPool, || {
            said("device-mapper: thin: 253:4: switching pool to out-of-data-space (queue IO) mode")
        }),
        unread(Cause::SetFull, || {
            said("ipset v6.32: The set is full, more elements cannot be added")
        }),
        unread(Cause::BpfMap, || {
            said("Unable to update element for map with file descriptor 15: argument list too long")
        }),
        unread(Cause::BpfPrograms, || {
            said("failed to attach program: argument list too long")
        }),
        unread(Cause::BpfLog, || {
            said(
                "error while loading \"raw_tracepoint/filler/sys_open_x\" (no space left on device)",
            )
        }),
        unread(Cause::UnixInFlight, || {
            said("sendmsg() failed (Too many references: cannot splice)")
        }),
        unread(Cause::EtcdQuota, || {
            said("etcdserver: mvcc: database space exceeded")
        }),
        unread(Cause::CephFull, || said("health: HEALTH_ERR 1 full osd(s)")),
    ]
}

fn said(words: &str) -> anyhow::Result<Option<String>> {
    Ok(Some(words.to_owned()))
}

/// What a program says that moves itself to a new cpuset, which has no CPUs until it is given some. Those of cgroup v2 have their
/// parent's.
fn moved_to_an_empty_cpuset() -> anyhow::Result<Option<String>> {
    let Some(cgroup) = Cgroup::with("cpuset.cpu_exclusive")? else {
        return said(
            "unable to apply cgroup configuration: failed to write 4711: write /sys/fs/cgroup/cpuset/kubepods/pod1/c1/cgroup.procs: no space left on device",
        );
    };
    let script = format!("echo $$ | tee {}/cgroup.procs", cgroup.path().display());
    let output = Command::new("sh")
        .args(["-c", &script])
        .env("LC_ALL", "C.UTF-8")
        .output()?;
    Ok(Some(String::from_utf8(output.stderr)?))
}
