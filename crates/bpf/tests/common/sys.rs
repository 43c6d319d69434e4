//! The system calls that the cases need, each a line.

use std::ffi::CString;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

fn check(result: i64) -> io::Result<i64> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

pub fn inotify() -> io::Result<OwnedFd> {
    // SAFETY: takes no pointer; the descriptor it returns is nobody else's.
    unsafe {
        let fd = check(libc::inotify_init1(libc::IN_CLOEXEC).into())?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// By inotify_init, which takes no flags; where the architecture does not have it, by inotify_init1.
pub fn old_inotify() -> io::Result<OwnedFd> {
    // SAFETY: takes no pointer; the descriptor it returns is nobody else's.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        let fd = check(libc::syscall(libc::SYS_inotify_init))?;
        #[cfg(not(target_arch = "x86_64"))]
        let fd = check(libc::inotify_init1(0).into())?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

pub fn watch(instance: &OwnedFd, path: &Path) -> io::Result<i32> {
    let path = CString::new(path.as_os_str().as_encoded_bytes())?;
    // SAFETY: the path ends with a NUL and lives through the call.
    let wd = unsafe {
        libc::inotify_add_watch(instance.as_raw_fd(), path.as_ptr(), libc::IN_DELETE_SELF)
    };
    check(wd.into()).map(|wd| wd as i32)
}

pub fn unwatch(instance: &OwnedFd, wd: i32) -> io::Result<()> {
    // SAFETY: takes no pointer.
    check(unsafe { libc::inotify_rm_watch(instance.as_raw_fd(), wd) }.into()).map(drop)
}

pub fn unshare(flags: i32) -> io::Result<()> {
    // SAFETY: takes no pointer.
    check(unsafe { libc::unshare(flags) }.into()).map(drop)
}

/// Forks a child that does `work` and keeps what it gave; returns its pid when that is done. The child dies with its parent.
pub fn fork<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<u32> {
    let (mut outcome, mut report) = io::pipe()?;
    // SAFETY: the callers have one thread, so that the child may go on as usual.
    let pid = check(unsafe { libc::fork() }.into())?;
    if pid == 0 {
        let kept = work().map_err(|e| write!(report, "{e}"));
        // SAFETY: takes no pointer. After `work`, because a change of uid forgets it.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        drop(report);
        std::mem::forget(kept);
        sleep();
    }
    drop(report);
    let mut error = String::new();
    outcome.read_to_string(&mut error)?;
    if error.is_empty() {
        Ok(pid as u32)
    } else {
        Err(io::Error::other(error))
    }
}

/// Ends a child, and waits until it is gone.
pub fn end(pid: u32) {
    // SAFETY: the pointer may be null.
    unsafe {
        libc::kill(pid as i32, libc::SIGKILL);
        libc::waitpid(pid as i32, std::ptr::null_mut(), 0);
    }
}

/// A child that opens descriptors with numbers from `first` on, and an instance, and exits at once: it may be forked by any thread.
pub fn short_life(first: i32) {
    // SAFETY: the child calls nothing but the kernel; the pointer may be null.
    unsafe {
        let pid = libc::fork();
        if pid == 0 {
            for step in 0..4 {
                libc::fcntl(0, libc::F_DUPFD, first << step);
            }
            libc::inotify_init1(0);
            libc::_exit(0);
        }
        libc::waitpid(pid, std::ptr::null_mut(), 0);
    }
}

pub fn sleep() -> ! {
    loop {
        std::thread::park();
    }
}

/// Uid and gid, for this thread alone, unlike the C library's calls.
pub fn become_user(uid: u32) -> io::Result<()> {
    // SAFETY: takes no pointer.
    unsafe {
        check(libc::syscall(libc::SYS_setresgid, uid, uid, uid))?;
        check(libc::syscall(libc::SYS_setresuid, uid, uid, uid)).map(drop)
    }
}

/// Effective uid of this thread, which an instance is charged to.
pub fn act_as(uid: u32) -> io::Result<()> {
    let same = u32::MAX;
    // SAFETY: takes no pointer.
    check(unsafe { libc::syscall(libc::SYS_setresuid, same, uid, same) }).map(drop)
}

/// Another descriptor for the same file, the lowest that is free from `from` on.
pub fn duplicate(fd: RawFd, from: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: takes no pointer; the descriptor it returns is nobody else's.
    unsafe {
        let fd = check(libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, from).into())?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// Has the descriptor `to` refer to another file.
pub fn replace(to: &OwnedFd, by: &OwnedFd) -> io::Result<()> {
    // SAFETY: takes no pointer, and both are open.
    check(unsafe { libc::dup2(by.as_raw_fd(), to.as_raw_fd()) }.into()).map(drop)
}

/// Number of descriptors that this process may open, at most `wish`.
pub fn raise_files(wish: u64) -> io::Result<u64> {
    let mut now = libc::rlimit {
        rlim_cur: wish,
        rlim_max: wish,
    };
    // SAFETY: the limit outlives the calls.
    unsafe {
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const now) < 0 {
            check(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut now).into())?;
            now.rlim_cur = now.rlim_max.min(wish);
            check(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const now).into())?;
        }
    }
    Ok(now.rlim_cur)
}

/// Puts `fd` in flight over a socket whose other end nobody reads.
pub fn put_in_flight(fd: &OwnedFd) -> io::Result<[OwnedFd; 2]> {
    let mut pair = [0; 2];
    let mut control = [0_u64; 4];
    let mut byte = [0_u8; 1];
    let mut part = libc::iovec {
        iov_base: byte.as_mut_ptr().cast(),
        iov_len: 1,
    };
    // SAFETY: every pointer is to a local that outlives the calls; the control buffer is aligned and large enough.
    unsafe {
        check(libc::socketpair(libc::AF_UNIX, libc::SOCK_DGRAM, 0, pair.as_mut_ptr()).into())?;
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(4) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(4) as _;
        libc::CMSG_DATA(header)
            .cast::<RawFd>()
            .write_unaligned(fd.as_raw_fd());
        check(libc::sendmsg(pair[0], &raw const message, 0) as i64)?;
        Ok(pair.map(|fd| OwnedFd::from_raw_fd(fd)))
    }
}

/// Registers `fd` with a new io_uring, which keeps the file open by itself.
pub fn register_with_io_uring(fd: &OwnedFd) -> io::Result<OwnedFd> {
    const IORING_REGISTER_FILES: u32 = 2;
    let mut parameters = [0_u32; 30];
    let files = [fd.as_raw_fd()];
    // SAFETY: io_uring_params is 120 bytes; both arrays outlive the calls.
    unsafe {
        let ring = check(libc::syscall(
            libc::SYS_io_uring_setup,
            4,
            parameters.as_mut_ptr(),
        ))?;
        let ring = OwnedFd::from_raw_fd(ring as RawFd);
        check(libc::syscall(
            libc::SYS_io_uring_register,
            ring.as_raw_fd(),
            IORING_REGISTER_FILES,
            files.as_ptr(),
            1,
        ))?;
        Ok(ring)
    }
}

/// [`watch`], called as 32-bit programs call.
#[cfg(target_arch = "x86_64")]
pub fn watch_as_32_bit(instance: &OwnedFd, path: &Path) -> io::Result<i32> {
    const INOTIFY_ADD_WATCH: i32 = 292;
    let path = CString::new(path.as_os_str().as_encoded_bytes())?;
    let bytes = path.as_bytes_with_nul();
    let mut result = INOTIFY_ADD_WATCH;
    // SAFETY: the page is nobody else's, holds the path (at most 4,096 bytes) and lies where 32 bits reach; the call
    // only reads it. rbx, which the compiler keeps for itself, is put back.
    unsafe {
        let page = libc::mmap(
            std::ptr::null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT,
            -1,
            0,
        );
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), page.cast(), bytes.len().min(4096));
        std::arch::asm!(
            "push rbx",
            "mov ebx, {instance:e}",
            "int 0x80",
            "pop rbx",
            instance = in(reg) instance.as_raw_fd(),
            inout("eax") result,
            in("rcx") page,
            in("edx") libc::IN_DELETE_SELF,
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
        );
        libc::munmap(page, 4096);
    }
    match result {
        0.. => Ok(result),
        error => Err(io::Error::from_raw_os_error(-error)),
    }
}

/// [`inotify`], called as 32-bit programs call.
#[cfg(target_arch = "x86_64")]
pub fn inotify_as_32_bit() -> io::Result<OwnedFd> {
    const INOTIFY_INIT1: i32 = 332;
    let mut result = INOTIFY_INIT1;
    // SAFETY: the call takes no pointer; rbx, which the compiler keeps for itself, is put back; the descriptor it returns is
    // nobody else's.
    unsafe {
        std::arch::asm!(
            "push rbx",
            "xor ebx, ebx",
            "int 0x80",
            "pop rbx",
            inout("eax") result,
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
        );
        match result {
            0.. => Ok(OwnedFd::from_raw_fd(result)),
            error => Err(io::Error::from_raw_os_error(-error)),
        }
    }
}

/// See there.
#[cfg(not(target_arch = "x86_64"))]
pub fn inotify_as_32_bit() -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether the kernel takes calls of 32-bit programs; one that does not kills the caller.
#[cfg(target_arch = "x86_64")]
pub fn takes_32_bit(instance: &OwnedFd) -> io::Result<bool> {
    // SAFETY: the child only calls and exits.
    let pid = check(unsafe { libc::fork() }.into())? as i32;
    if pid == 0 {
        let missing = watch_as_32_bit(instance, Path::new("/no/such/probe"));
        let errno = missing.err().and_then(|e| e.raw_os_error());
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit((errno != Some(libc::ENOENT)).into()) };
    }
    let mut status = 0;
    // SAFETY: the pointer leads to where the status belongs.
    check(unsafe { libc::waitpid(pid, &raw mut status, 0) }.into())?;
    Ok(status == 0)
}

/// Only x86-64 takes them from a 64-bit program.
#[cfg(not(target_arch = "x86_64"))]
pub fn takes_32_bit(_: &OwnedFd) -> io::Result<bool> {
    Ok(false)
}

/// See there.
#[cfg(not(target_arch = "x86_64"))]
pub fn watch_as_32_bit(_: &OwnedFd, _: &Path) -> io::Result<i32> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Lowers a soft and hard limit of this process.
pub fn limit(resource: libc::__rlimit_resource_t, value: u64) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: value,
        rlim_max: value,
    };
    // SAFETY: the limit outlives the call.
    check(unsafe { libc::setrlimit(resource, &raw const limit) }.into()).map(drop)
}

/// A key of its own in the process keyring, until the quota is used up.
pub fn add_key() -> io::Result<()> {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    const KEY_SPEC_PROCESS_KEYRING: i64 = -2;
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let description = CString::new(format!("nospace-test-{number}"))?;
    // SAFETY: the strings end with a NUL, the payload has the length that is said; all outlive the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_add_key,
            c"user".as_ptr(),
            description.as_ptr(),
            c"x".as_ptr(),
            1,
            KEY_SPEC_PROCESS_KEYRING,
        )
    })
    .map(drop)
}

/// A fork that is to be refused; a child would end at once.
pub fn vain_fork() -> io::Result<()> {
    // SAFETY: the child only exits.
    let pid = check(unsafe { libc::fork() }.into())?;
    if pid == 0 {
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit(0) };
    }
    Ok(())
}
