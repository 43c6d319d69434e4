//! Causes that nothing on a node tells, but for the message of whoever was refused.

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
    vec![
        only_in_logs(
            Cause::EventQueue,
            || {
                said(
                    r#"E0301 08:11:40.381174    1180 watcher.go:152] "Watch error" err="fsnotify: queue or buffer overflow""#,
                )
            },
            "the length of an instance's queue is in no file, and an overflow is told to its reader alone",
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
