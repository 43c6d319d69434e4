//! The other side of a case: a process in a user namespace of its own that holds instances, and tries the limits.
//!
//! It reads commands from standard input, one per line, and answers each with a line.

use std::fs;
use std::io::{self, BufRead};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::common::talk::{answer, expect, set_limit};
use crate::common::{sys, talk};

/// What a case keeps open.
type Held = Vec<OwnedFd>;

pub fn run(case: &str, files: &str) -> ExitCode {
    match serve(case, Path::new(files)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            println!("failed: {case}: {e}");
            ExitCode::FAILURE
        }
    }
}

fn serve(case: &str, files: &Path) -> io::Result<()> {
    let files = paths(files)?;
    let lines = &mut io::stdin().lock().lines();
    talk::enter_namespace(lines)?;
    let probe = sys::inotify()?;
    let _held = set_up(case, &files)?;
    answer("ready");
    let word = expect(lines, "instances")?;
    answer(&try_instances(&word)?.to_string());
    let word = expect(lines, "watches")?;
    answer(&try_watches(&probe, &word, &files)?.to_string());
    expect(lines, "end").map(drop)
}

fn paths(directory: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(directory)?
        .map(|entry| Ok(entry?.path()))
        .collect()
}

/// How many instances the kernel grants under `limit`; they are given back.
fn try_instances(limit: &str) -> io::Result<usize> {
    set_limit("inotify_instances", limit)?;
    let mut got = Vec::new();
    loop {
        match sys::inotify() {
            Ok(instance) => got.push(instance),
            Err(e) if e.raw_os_error() == Some(libc::EMFILE) => break,
            Err(e) => return Err(e),
        }
    }
    Ok(got.len())
}

/// How many watches the kernel grants under `limit`.
fn try_watches(probe: &OwnedFd, limit: &str, files: &[PathBuf]) -> io::Result<usize> {
    set_limit("inotify_watches", limit)?;
    for (granted, file) in files.iter().enumerate() {
        match sys::watch(probe, file) {
            Ok(_) => {}
            Err(e) if e.raw_os_error() == Some(libc::ENOSPC) => return Ok(granted),
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other("every watch was granted"))
}

fn watched(files: &[PathBuf]) -> io::Result<OwnedFd> {
    let instance = sys::inotify()?;
    for file in files {
        sys::watch(&instance, file)?;
    }
    Ok(instance)
}

fn set_up(case: &str, files: &[PathBuf]) -> io::Result<Held> {
    let seven = || watched(&files[..7]);
    match case {
        "plain" => Ok(vec![seven()?]),
        "forked" => {
            let held = seven()?;
            sys::fork(|| Ok(()))?;
            Ok(vec![held])
        }
        "duplicated" => {
            let held = seven()?;
            let again = held.try_clone()?;
            Ok(vec![held, again])
        }
        "threads" => {
            let held = seven()?;
            for _ in 0..4 {
                std::thread::spawn(|| sys::sleep());
            }
            Ok(vec![held])
        }
        "unshared-thread" => {
            let files = files[..7].to_vec();
            let (done, wait) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                let held = sys::unshare(libc::CLONE_FILES).and_then(|()| watched(&files));
                let _ = done.send(held.as_ref().map(drop).map_err(|e| e.kind()));
                sys::sleep();
            });
            wait.recv().map_err(io::Error::other)??;
            Ok(Vec::new())
        }
        "in-flight" => Ok(sys::put_in_flight(&seven()?)?.into()),
        "io-uring" => Ok(vec![sys::register_with_io_uring(&seven()?)?]),
        "setuid" => {
            // Held by another uid, charged to the creator still.
            let (held, files) = (seven()?, files[..3].to_vec());
            sys::fork(|| {
                sys::become_user(1000)?;
                Ok((held.try_clone()?, watched(&files)?))
            })?;
            Ok(Vec::new())
        }
        "nested" => {
            sys::fork(|| {
                sys::unshare(libc::CLONE_NEWUSER)?;
                seven()
            })?;
            Ok(Vec::new())
        }
        "many" => (0..30).map(|_| watched(&files[..300])).collect(),
        "worn" => worn(&files[..300]).map(|held| vec![held]),
        "empty" => Ok(vec![sys::inotify()?, sys::inotify()?]),
        _ => Err(io::Error::other("no such case")),
    }
}

/// An instance whose watch numbers have run far ahead of its watches: 200 are left, spread over 20,000 numbers.
fn worn(files: &[PathBuf]) -> io::Result<OwnedFd> {
    let instance = sys::inotify()?;
    let mut held = Vec::new();
    for file in &files[..200] {
        held.push(sys::watch(&instance, file)?);
        for _ in 0..100 {
            let wd = sys::watch(&instance, &files[250])?;
            sys::unwatch(&instance, wd)?;
        }
    }
    Ok(instance)
}
