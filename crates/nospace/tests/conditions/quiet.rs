//! What nospace asks of the kernel, as strace(1) sees it.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::ensure;

use crate::support::NOSPACE;

/// Calls that change something, or take what is scarce.
const CHANGING: &str = "inotify_init,inotify_init1,inotify_add_watch,fanotify_init,\
    write,writev,pwrite64,pwritev,pwritev2,sendfile,copy_file_range,splice,\
    open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,unlink,unlinkat,rmdir,rename,renameat,\
    renameat2,link,linkat,symlink,symlinkat,truncate,ftruncate,fallocate,chmod,fchmod,fchmodat,\
    chown,fchown,fchownat,lchown,setxattr,fsetxattr,mount,umount2,kill,tkill,tgkill,ptrace";

/// No inotify, no writing but to standard output and error, no file opened for writing.
pub fn system_calls() -> anyhow::Result<()> {
    if Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("skipped: strace is not installed (apt-get install strace)");
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    let log = directory.path().join("log");
    for format in ["human", "json"] {
        let done = Command::new("strace")
            .args(["-f", "-qq", "-e"])
            .arg(format!("trace={CHANGING}"))
            .arg("-o")
            .arg(&log)
            .args([NOSPACE, "check", "-o", format])
            .output()?;
        ensure!(!done.stdout.is_empty());
        let calls = fs::read_to_string(&log)?;
        ensure!(calls.contains("openat"), "strace saw nothing: {calls}");
        for call in calls.lines() {
            ensure!(harmless(call), "{call}");
        }
    }
    Ok(())
}

fn harmless(line: &str) -> bool {
    // With -f each line begins with the pid.
    let call = line.split_once(' ').map_or(line, |(_, call)| call.trim());
    let reads = |call: &str| {
        !["O_WRONLY", "O_RDWR", "O_CREAT"]
            .iter()
            .any(|mode| call.contains(mode))
    };
    match call.split_once('(') {
        Some(("write" | "writev", to)) => to.starts_with("1,") || to.starts_with("2,"),
        Some(("open" | "openat" | "openat2", _)) => reads(call),
        // A call that strace tells of in two lines: its beginning has been judged.
        _ => call.starts_with("<... ") || call.starts_with("+++ ") || call.starts_with("--- "),
    }
}
