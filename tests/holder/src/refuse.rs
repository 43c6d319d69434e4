//! Calls of other kinds that the kernel refuses for want of something, each provoked for real and without harm: in a
//! namespace of its own, under limits of its own, or as a user of its own.

use std::ffi::CString;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use rustix::event::epoll;
use rustix::fs::{Mode, mkdir};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::order::Tried;

/// More tries than any of the limits below has room.
const MANY: u32 = 10_000;
/// Everybody has it, and what is mounted there is seen in this namespace alone.
const PLACE: &str = "/tmp";

/// Uses up what `kind` needs, and is refused exactly `number` times.
pub fn refuse(kind: &str, number: u64) -> anyhow::Result<Tried> {
    match kind {
        "mount" => {
            own_tmpfs("size=1m")?;
            mkdir(format!("{PLACE}/inner"), Mode::RWXU)?;
            until(number, || {
                mount_bind_recursive(PLACE, format!("{PLACE}/inner"))
            })
        }
        "inodes" => {
            own_tmpfs("size=1m,nr_inodes=10")?;
            let mut names = (0..).map(|n| format!("{PLACE}/{n}"));
            until(number, || {
                mkdir(names.next().unwrap_or_default(), Mode::RWXU)
            })
        }
        "unshare" => {
            limit("mnt_namespaces")?;
            until(number, || unshare(UnshareFlags::NEWNS))
        }
        "clone-namespace" => {
            limit("uts_namespaces")?;
            until(number, || clone(libc::CLONE_NEWUTS))
        }
        "fork" => {
            let none = Rlimit {
                current: Some(0),
                maximum: Some(0),
            };
            setrlimit(Resource::Nproc, none)?;
            until(number, || clone(0))
        }
        "keys" => until(number, key),
        "keyrings" => {
            until(1, key)?;
            until(number, session_keyring)
        }
        "semaphores" => {
            own_ipc("sem", "250 32000 32 2")?;
            until(number, || {
                call(libc::SYS_semget, [libc::IPC_PRIVATE.into(), 1, 0o600])
            })
        }
        "shared-memory" => {
            own_ipc("shmmni", "2")?;
            until(number, || {
                call(libc::SYS_shmget, [libc::IPC_PRIVATE.into(), 4096, 0o600])
            })
        }
        "epoll" => {
            let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
            let mut added: Vec<OwnedFd> = Vec::new();
            until(number, || add_to(&epoll, &mut added))
        }
        "cgroup" => cgroup(number),
        _ => bail!("cannot be refused: {kind:?}"),
    }
}

/// Until the first refusal, and so often again.
fn until<T>(number: u64, mut once: impl FnMut() -> Result<T, Errno>) -> anyhow::Result<Tried> {
    let first = (0..MANY).find_map(|_| once().err());
    let first = first.context("everything was granted")?;
    for _ in 1..number {
        ensure!(once().err() == Some(first), "refused once, and then not");
    }
    Ok(Tried {
        done: 0,
        errno: Some(first.raw_os_error()),
    })
}

/// Enters new namespaces.
pub fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    // SAFETY: of the flags only CLONE_FILES can harm, by taking descriptors away from threads.
    unsafe { unshare_unsafe(flags) }
}

/// Enters a mount namespace of which nothing is seen outside.
pub fn own_mounts() -> anyhow::Result<()> {
    unshare(UnshareFlags::NEWNS).context("no mount namespace")?;
    let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
    mount_change("/", private).context("mounts stay shared")
}

/// A small tmpfs on [`PLACE`] that nobody else sees.
fn own_tmpfs(options: &str) -> anyhow::Result<()> {
    own_mounts()?;
    let options = CString::new(options)?;
    Ok(mount(
        "tmpfs",
        PLACE,
        "tmpfs",
        MountFlags::empty(),
        options.as_c_str(),
    )?)
}

/// Sets a limit of an IPC namespace of its own.
fn own_ipc(name: &str, value: &str) -> anyhow::Result<()> {
    unshare(UnshareFlags::NEWIPC).context("no IPC namespace")?;
    let path = format!("/proc/sys/kernel/{name}");
    fs::write(&path, value).context(path)
}

/// No more namespaces of a kind below its own user namespace.
fn limit(name: &str) -> anyhow::Result<()> {
    let user = fs::read_link("/proc/self/ns/user")?;
    ensure!(
        user.as_os_str() != "user:[4026531837]",
        "that would change the host's limits"
    );
    let path = format!("/proc/sys/user/max_{name}");
    fs::write(&path, "0").context(path)
}

/// A call whose arguments are numbers.
pub fn call(number: i64, arguments: [i64; 3]) -> Result<i64, Errno> {
    let [a, b, c] = arguments;
    // SAFETY: no argument is an address; clone shares no memory, and its child only sleeps.
    let done = unsafe { libc::syscall(number, a, b, c, 0, 0) };
    answer(done)
}

fn answer(done: i64) -> Result<i64, Errno> {
    let error = std::io::Error::last_os_error();
    match done {
        0.. => Ok(done),
        _ => Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
    }
}

/// A child that ends at once, if there is one.
fn clone(flags: i32) -> Result<i64, Errno> {
    // SAFETY: a fork, for no memory is shared; the child only ends.
    unsafe {
        let pid = libc::syscall(libc::SYS_clone, flags | libc::SIGCHLD, 0, 0, 0, 0);
        if pid == 0 {
            libc::_exit(0);
        }
        answer(pid)
    }
}

/// A key of its own, which stays.
fn key() -> Result<(), Errno> {
    static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    nospace_bpf::take::Key::new(number, b"x").map(std::mem::forget)
}

fn session_keyring() -> Result<i64, Errno> {
    const JOIN_SESSION_KEYRING: i64 = 1;
    let anonymous = 0;
    call(libc::SYS_keyctl, [JOIN_SESSION_KEYRING, anonymous, 0])
}

fn add_to(epoll: &OwnedFd, added: &mut Vec<OwnedFd>) -> Result<(), Errno> {
    let one = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC)?;
    epoll::add(
        epoll,
        &one,
        epoll::EventData::new_u64(0),
        epoll::EventFlags::IN,
    )?;
    added.push(one);
    Ok(())
}

/// In a cgroup of its own that may have none below.
fn cgroup(number: u64) -> anyhow::Result<Tried> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let unified = mounts.lines().find(|line| line.contains(" - cgroup2 "));
    let root = unified.and_then(|line| line.split(' ').nth(4));
    let root = PathBuf::from(root.context("no cgroup v2 is mounted")?);
    let own = root.join(format!("nospace-test-{}", std::process::id()));
    mkdir(&own, Mode::RWXU).with_context(|| own.display().to_string())?;
    let tried = fs::write(own.join("cgroup.max.descendants"), "0")
        .map_err(anyhow::Error::from)
        .and_then(|()| until(number, || mkdir(own.join("below"), Mode::RWXU)));
    rustix::fs::rmdir(&own)?;
    tried
}
