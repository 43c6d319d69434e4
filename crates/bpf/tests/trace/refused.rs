//! A program that has calls refused, and counts the refusals.

use std::fs;
use std::io::{self, BufRead};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use crate::common::sys;
use crate::common::talk::{answer, enter_namespace, expect, set_limit};

const PRESSURE: u64 = 200_000;

pub fn run(files: &str) -> ExitCode {
    match serve(Path::new(files)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            answer(&format!("failed: {e}"));
            ExitCode::FAILURE
        }
    }
}

fn serve(files: &Path) -> io::Result<()> {
    let files: Vec<PathBuf> = fs::read_dir(files)?
        .map(|e| Ok(e?.path()))
        .collect::<io::Result<_>>()?;
    let lines = &mut io::stdin().lock().lines();
    enter_namespace(lines)?;
    answer("ready");
    expect(lines, "few")?;
    let instance = sys::inotify()?;
    let counts = few(&instance, &files)?;
    answer(&counts.map(|n| n.to_string()).join(" "));
    expect(lines, "many")?;
    answer(&many(&instance, &files)?);
    expect(lines, "after")?;
    let (refused, _) = refusals(20, libc::ENOSPC, || sys::watch(&instance, &files[20]))?;
    answer(&refused.to_string());
    expect(lines, "end").map(drop)
}

/// One kind of refusal after the other; as many as each was refused.
fn few(instance: &OwnedFd, files: &[PathBuf]) -> io::Result<[u64; 8]> {
    set_limit("inotify_instances", "3")?;
    let (instances, held) = refusals(50, libc::EMFILE, sys::inotify)?;
    drop(held);
    set_limit("inotify_instances", "1000")?;
    set_limit("inotify_watches", "10")?;
    let mut next = files.iter().cycle();
    let (watches, _) = refusals(100, libc::ENOSPC, || {
        sys::watch(instance, next.next().unwrap_or(&files[0]))
    })?;
    let (missing, _) = refusals(4, libc::ENOENT, || {
        sys::watch(instance, Path::new("/no/such\npath"))
    })?;
    let narrow = if sys::takes_32_bit(instance)? { 4 } else { 0 };
    let (narrow, _) = refusals(narrow, libc::ENOENT, || {
        sys::watch_as_32_bit(instance, Path::new("/no/such/32"))
    })?;
    sys::limit(libc::RLIMIT_NOFILE, 16)?;
    let (open_files, held) = refusals(30, libc::EMFILE, sys::inotify)?;
    drop(held);
    set_limit("user_namespaces", "0")?;
    let (namespaces, _) = refusals(5, libc::ENOSPC, || sys::unshare(libc::CLONE_NEWUSER))?;
    let (keys, _) = refusals(250, libc::EDQUOT, sys::add_key)?;
    sys::limit(libc::RLIMIT_NPROC, 0)?;
    let (forks, _) = refusals(6, libc::EAGAIN, sys::vain_fork)?;
    Ok([
        instances, watches, open_files, namespaces, forks, keys, missing, narrow,
    ])
}

/// Watches refused as fast as this program can, and the time that took in milliseconds.
fn many(instance: &OwnedFd, files: &[PathBuf]) -> io::Result<String> {
    let start = Instant::now();
    let mut next = files[10..].iter().cycle();
    let (refused, _) = refusals(PRESSURE, libc::ENOSPC, || {
        sys::watch(instance, next.next().unwrap_or(&files[0]))
    })?;
    Ok(format!("{refused} {}", start.elapsed().as_millis()))
}

/// How many of `times` calls fail with `errno`, and what the others gave.
fn refusals<T>(
    times: u64,
    errno: i32,
    mut call: impl FnMut() -> io::Result<T>,
) -> io::Result<(u64, Vec<T>)> {
    let (mut refused, mut given) = (0, Vec::new());
    for _ in 0..times {
        match call() {
            Ok(one) => given.push(one),
            Err(e) if e.raw_os_error() == Some(errno) => refused += 1,
            Err(e) => return Err(e),
        }
    }
    Ok((refused, given))
}
