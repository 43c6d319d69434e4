//! What nospace asks of the kernel, as strace(1) sees it.

use std::fs;
use std::process::Command;

use anyhow::ensure;
use nospace_holder::scratch;

use crate::support::NOSPACE;

/// Calls that change something, ask somebody else, or take what is scarce.
const CALLS: &str = "inotify_init inotify_init1 inotify_add_watch fanotify_init \
    write writev pwrite64 pwritev pwritev2 sendfile copy_file_range splice io_uring_setup \
    open openat openat2 creat mkdir mkdirat mknod mknodat unlink unlinkat rmdir rename renameat \
    renameat2 link linkat symlink symlinkat truncate ftruncate fallocate chmod fchmod fchmodat \
    chown fchown fchownat lchown setxattr fsetxattr mount umount2 kill tkill tgkill ptrace \
    connect sendto sendmsg sendmmsg";

/// No inotify, no writing but to standard output and error, no file opened for writing.
pub fn system_calls(options: &str) -> anyhow::Result<()> {
    let version = Command::new("strace").arg("-V").output();
    if version.is_err() {
        eprintln!("skipped: strace is not installed (apt-get install strace)");
        return Ok(());
    }
    for format in ["human", "json"] {
        let mut program = vec![NOSPACE, "check", "-o", format];
        program.extend(options.split_whitespace());
        let harm = harm(&program)?;
        ensure!(harm.is_empty(), "{harm:?}");
    }
    let control = harm(&["sh", "-c", "echo written >/dev/null"])?;
    ensure!(
        !control.is_empty(),
        "strace does not see a file opened for writing"
    );
    Ok(())
}

/// The calls of a program, and of its threads, that are not harmless.
fn harm(program: &[&str]) -> anyhow::Result<Vec<String>> {
    let directory = scratch()?;
    let log = directory.path().join("log");
    // Not every architecture has every call: `?` says so.
    let calls: Vec<String> = CALLS
        .split_whitespace()
        .map(|call| format!("?{call}"))
        .collect();
    let done = Command::new("strace")
        .args(["-f", "-y", "-qq", "-e"])
        .arg(format!("trace={}", calls.join(",")))
        .arg("-o")
        .arg(&log)
        .args(program)
        .output()?;
    ensure!(done.status.code().is_some(), "{}", done.status);
    let calls = fs::read_to_string(&log)?;
    let harmful = calls.lines().filter(|call| !harmless(call));
    Ok(harmful.map(str::to_owned).collect())
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
        // With -y a descriptor is shown with its file; one in memory is nobody else's.
        Some(("write" | "writev", to)) => to
            .split_once('<')
            .is_some_and(|(to, file)| matches!(to, "1" | "2") || file.starts_with("/memfd:")),
        Some(("open" | "openat" | "openat2", _)) => reads(call),
        // A call that strace tells of in two lines: its beginning has been judged.
        _ => call.starts_with("<... ") || call.starts_with("+++ ") || call.starts_with("--- "),
    }
}
