//! Uses a limit up and keeps it used up: takes one more, again and again, until the kernel refuses.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, bail, ensure};
use nospace_bpf::take::{Group, Key, Mapping, MessageQueue, SysvObject};
use rustix::fs::inotify::{CreateFlags, init};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, setrlimit, waitpid};

use crate::hold::{Held, die_with_parent, watch};
use crate::network::{bridge_port, connection, listener};
use crate::order::Tried;
use crate::refuse::{call, own_mounts, unshare};
use crate::userns::become_user;

/// Gives back one thing that was taken.
pub type Release = Box<dyn FnOnce()>;

/// More than any limit that a test sets, or leaves at the kernel's default.
const MANY: u64 = 1_000_000;
/// Bytes of one write to a file system that is filled.
const CHUNK: usize = 64 << 10;
/// Inode number of the first namespace of a kind (include/linux/proc_ns.h).
const FIRST: [(&str, &str); 3] = [
    ("user", "user:[4026531837]"),
    ("ipc", "ipc:[4026531839]"),
    ("pid", "pid:[4026531836]"),
];

/// Takes of `words` (a kind and its arguments) until the first refusal; what was taken stays.
pub fn exhaust(held: &mut Held, words: &[&str]) -> anyhow::Result<Tried> {
    let taken = &mut held.taken;
    match *words {
        ["instances"] => until_refused(taken, || Ok(hold(init(CreateFlags::CLOEXEC)?))),
        ["watches"] => {
            let instance = Rc::new(init(CreateFlags::CLOEXEC)?);
            let files = &mut held.unwatched;
            until_refused(taken, || {
                watch(&instance, &files.next().ok_or(Errno::NOENT)?)?;
                Ok(hold(Rc::clone(&instance)))
            })
        }
        ["files"] => until_refused(taken, || {
            let file = File::open("/dev/null");
            Ok(hold(file.map_err(|error| errno(&error))?))
        }),
        ["ptys", ptmx] => until_refused(taken, || {
            let terminal = File::options().read(true).write(true).open(ptmx);
            Ok(hold(terminal.map_err(|error| errno(&error))?))
        }),
        ["bridge-ports", bridge] => {
            let mut numbers = 0..;
            until_refused(taken, || {
                let number = numbers.next().ok_or(Errno::INVAL)?;
                bridge_port(bridge, &format!("port{number}"))
            })
        }
        ["connections"] => {
            let listener = listener()?;
            until_refused(taken, || connection(&listener))
        }
        ["processes"] => until_refused(taken, || child(0)),
        ["namespaces", "time"] => until_refused(taken, in_time_namespace),
        ["namespaces", kind] => {
            let flag = namespace(kind)?;
            until_refused(taken, || child(flag))
        }
        ["semaphores", number] => {
            let number = number.parse()?;
            until_refused(taken, || SysvObject::semaphores(number).map(hold))
        }
        ["segments", bytes] => {
            let bytes = bytes.parse()?;
            until_refused(taken, || SysvObject::segment(bytes).map(hold))
        }
        ["queues"] => until_refused(taken, || SysvObject::queue().map(hold)),
        ["fanotify", "groups"] => until_refused(taken, || Group::new().map(hold)),
        ["fanotify", "marks"] => {
            let group = Rc::new(Group::new()?);
            let files = &mut held.unwatched;
            until_refused(taken, || {
                let file = File::open(files.next().ok_or(Errno::NOENT)?);
                group.mark(file.map_err(|error| errno(&error))?.as_fd())?;
                Ok(hold(Rc::clone(&group)))
            })
        }
        ["mqueues", bytes] => {
            let bytes = bytes.parse()?;
            let mut numbers = 0..;
            until_refused(taken, || {
                MessageQueue::new(numbers.next().ok_or(Errno::INVAL)?, bytes).map(hold)
            })
        }
        ["locked", bytes] => {
            let bytes = bytes.parse()?;
            until_refused(taken, || locked(bytes))
        }
        ["mappings"] => {
            let memory = memfd_create("test", MemfdFlags::CLOEXEC)?;
            ftruncate(&memory, Mapping::LENGTH as u64)?;
            until_refused(taken, || Mapping::new(&memory).map(hold))
        }
        ["keys", bytes] => {
            let bytes = bytes.parse()?;
            let mut numbers = 0..;
            until_refused(taken, || key(numbers.next().unwrap_or_default(), bytes))
        }
        ["blocks", place] => blocks(taken, Path::new(place)),
        ["inodes", place] => {
            let mut names = (0..).map(|number| Path::new(place).join(format!("taken{number}")));
            until_refused(taken, || file(names.next().ok_or(Errno::INVAL)?))
        }
        [kind] => until_refused(taken, crate::provoke::more(kind)?),
        _ => bail!("cannot be exhausted: {words:?}"),
    }
}

/// Enters a new namespace of each of these kinds.
pub fn enter(kinds: &[&str]) -> anyhow::Result<Tried> {
    for kind in kinds {
        if *kind == "mnt" {
            own_mounts()?;
        } else {
            let flags = u32::try_from(namespace(kind)?)?;
            unshare(rustix::thread::UnshareFlags::from_bits_retain(flags))
                .with_context(|| format!("no new {kind} namespace"))?;
        }
    }
    done()
}

/// Sets a sysctl that belongs to a namespace, in one that is not the host's.
pub fn sysctl(kind: &str, key: &str, value: &str) -> anyhow::Result<Tried> {
    let own = fs::read_link(format!("/proc/self/ns/{kind}"))?;
    let first = match kind {
        // Its number differs from boot to boot before Linux 6.18; the test runs in it.
        "net" => fs::read_link(format!(
            "/proc/{}/ns/net",
            std::os::unix::process::parent_id()
        ))?
        .into_os_string(),
        _ => {
            let first = FIRST.iter().find(|(name, _)| *name == kind);
            let (_, first) = first.with_context(|| format!("{kind} namespaces have no sysctls"))?;
            (*first).into()
        }
    };
    ensure!(
        own.as_os_str() != first,
        "that would change the host's limits"
    );
    let path = format!("/proc/sys/{key}");
    // The answer is one line of words; kernel.sem takes four numbers.
    fs::write(&path, value.replace(',', " ")).with_context(|| format!("cannot write {path}"))?;
    done()
}

/// Becomes this user.
pub fn become_another(uid: u32) -> anyhow::Result<Tried> {
    become_user(uid)?;
    die_with_parent()?;
    done()
}

/// Sets a resource limit of its own, the hard one too.
pub fn resource_limit(name: &str, number: u64) -> anyhow::Result<Tried> {
    let resource = match name {
        "nofile" => Resource::Nofile,
        "nproc" => Resource::Nproc,
        "memlock" => Resource::Memlock,
        "msgqueue" => return raw_limit(libc::RLIMIT_MSGQUEUE, number),
        "sigpending" => return raw_limit(libc::RLIMIT_SIGPENDING, number),
        _ => bail!("no such resource limit: {name:?}"),
    };
    let limit = Rlimit {
        current: Some(number),
        maximum: Some(number),
    };
    setrlimit(resource, limit).with_context(|| format!("RLIMIT {name}"))?;
    done()
}

fn raw_limit(resource: libc::__rlimit_resource_t, number: u64) -> anyhow::Result<Tried> {
    let limit = libc::rlimit {
        rlim_cur: number,
        rlim_max: number,
    };
    // SAFETY: the limit outlives the call.
    let set = unsafe { libc::setrlimit(resource, &raw const limit) };
    ensure!(
        set == 0,
        "RLIMIT {resource}: {}",
        std::io::Error::last_os_error()
    );
    done()
}

/// Gives back all that was taken.
pub fn free(held: &mut Held) -> Tried {
    let done = held.taken.len() as u64;
    held.taken.drain(..).rev().for_each(|release| release());
    Tried { done, errno: None }
}

fn done() -> anyhow::Result<Tried> {
    Ok(Tried {
        done: 1,
        errno: None,
    })
}

fn until_refused(
    taken: &mut Vec<Release>,
    mut once: impl FnMut() -> Result<Release, Errno>,
) -> anyhow::Result<Tried> {
    for done in 0..MANY {
        match once() {
            Ok(one) => taken.push(one),
            Err(errno) => {
                let errno = Some(errno.raw_os_error());
                return Ok(Tried { done, errno });
            }
        }
    }
    bail!("everything was granted")
}

fn hold<T: 'static>(one: T) -> Release {
    Box::new(move || drop(one))
}

/// The error number of a call.
pub fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

fn namespace(kind: &str) -> anyhow::Result<i32> {
    Ok(match kind {
        "cgroup" => libc::CLONE_NEWCGROUP,
        "ipc" => libc::CLONE_NEWIPC,
        "mnt" => libc::CLONE_NEWNS,
        "net" => libc::CLONE_NEWNET,
        "pid" => libc::CLONE_NEWPID,
        "user" => libc::CLONE_NEWUSER,
        "uts" => libc::CLONE_NEWUTS,
        _ => bail!("no such kind of namespace: {kind:?}"),
    })
}

/// A child, in new namespaces by `flags`, that sleeps until it is killed.
fn child(flags: i32) -> Result<Release, Errno> {
    // SAFETY: a fork, for no memory is shared; the child calls only what is safe after one.
    let pid = call(libc::SYS_clone, [i64::from(flags | libc::SIGCHLD), 0, 0]);
    if pid == Ok(0) {
        // SAFETY: none of these calls touches memory.
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            loop {
                libc::pause();
            }
        }
    }
    let pid = Pid::from_raw(i32::try_from(pid?).unwrap_or(0)).ok_or(Errno::SRCH)?;
    Ok(Box::new(move || {
        // Nobody else waits for it, so it is there.
        let _ = kill_process(pid, Signal::KILL);
        let _ = waitpid(Some(pid), rustix::process::WaitOptions::empty());
    }))
}

/// A child whose own children would live in a new time namespace: clone(2) knows no such flag.
fn in_time_namespace() -> Result<Release, Errno> {
    const CLONE_NEWTIME: u32 = 0x80;
    unshare(rustix::thread::UnshareFlags::from_bits_retain(
        CLONE_NEWTIME,
    ))?;
    child(0)
}

/// Memory that mlock(2) keeps from being swapped.
fn locked(bytes: i64) -> Result<Release, Errno> {
    let release = map(bytes)?;
    call(libc::SYS_mlock, [release.0, bytes, 0])?;
    Ok(hold(release))
}

/// Anonymous memory, unmapped when it is dropped.
struct Mapped(i64, i64);

impl Drop for Mapped {
    fn drop(&mut self) {
        let _ = call(libc::SYS_munmap, [self.0, self.1, 0]);
    }
}

fn map(bytes: i64) -> Result<Mapped, Errno> {
    let length = usize::try_from(bytes).map_err(|_| Errno::INVAL)?;
    let (rights, flags) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    );
    // SAFETY: the kernel chooses a place that nothing else uses.
    let place = unsafe { libc::mmap(std::ptr::null_mut(), length, rights, flags, -1, 0) };
    if place == libc::MAP_FAILED {
        return Err(errno(&std::io::Error::last_os_error()));
    }
    let place = i64::try_from(place.expose_provenance()).map_err(|_| Errno::INVAL)?;
    Ok(Mapped(place, bytes))
}

/// A key with this much payload; where that is refused a smaller one, down to a single byte.
fn key(number: u64, bytes: usize) -> Result<Release, Errno> {
    let mut bytes = bytes;
    loop {
        match Key::new(number, &vec![b'x'; bytes]) {
            Err(_) if bytes > 1 => bytes /= 2,
            made => return made.map(hold),
        }
    }
}

/// Writes until not a byte more is taken.
fn blocks(taken: &mut Vec<Release>, place: &Path) -> anyhow::Result<Tried> {
    let path = place.join("taken");
    let mut file = File::create(&path)?;
    taken.push(Box::new(move || {
        let _ = fs::remove_file(path);
    }));
    let mut size = CHUNK;
    loop {
        match file.write_all(&vec![b'x'; size]) {
            Ok(()) => {}
            Err(_) if size > 1 => size /= 2,
            Err(error) => {
                let errno = Some(errno(&error).raw_os_error());
                return Ok(Tried { done: 1, errno });
            }
        }
    }
}

fn file(path: PathBuf) -> Result<Release, Errno> {
    let file: Result<OwnedFd, _> = File::create_new(&path).map(Into::into);
    file.map_err(|error| errno(&error))?;
    Ok(Box::new(move || {
        let _ = fs::remove_file(path);
    }))
}
