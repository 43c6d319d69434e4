//! Limits that are reached by a single call, or whose use nothing shows: taken until the kernel refuses.

use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};

use anyhow::{Context as _, bail};
use nospace_bpf::take::AioContext;
use rustix::io::Errno;

use crate::exhaust::{Release, errno};
use crate::refuse::call;

/// One more of `kind`, whenever it is called.
pub fn more(kind: &str) -> anyhow::Result<Box<dyn FnMut() -> Result<Release, Errno>>> {
    Ok(match kind {
        "aio" => {
            let most = std::fs::read_to_string("/proc/sys/fs/aio-max-nr")?;
            let asked = most.trim().parse::<u32>()? + 1;
            Box::new(move || AioContext::new(asked).map(hold))
        }
        "io-uring" => Box::new(io_uring),
        "huge-pages" => Box::new(huge_page),
        "bpf-map" => bpf_map()?,
        "in-flight" => in_flight()?,
        "timers" => Box::new(timer),
        "user-namespaces-deep" => Box::new(|| match crate::userns::enter_below() {
            Ok(()) => Ok(nothing()),
            Err(error) => Err(*error.downcast_ref::<Errno>().unwrap_or(&Errno::IO)),
        }),
        "filters" => {
            rustix::thread::set_no_new_privs(true)?;
            Box::new(filter)
        }
        "datagrams" => datagrams()?,
        "memberships" => memberships()?,
        "breakpoints" => Box::new(breakpoint),
        #[cfg(target_arch = "x86_64")]
        "queues-of-32-bit" => Box::new(queue_of_32_bit),
        "full-device" => Box::new(full_device),
        "pipe-size" => Box::new(pipe_size),
        _ => bail!("cannot be exhausted: {kind:?}"),
    })
}

fn nothing() -> Release {
    Box::new(|| {})
}

fn hold<T: 'static>(one: T) -> Release {
    Box::new(move || drop(one))
}

fn last<T>(done: T, failed: bool) -> Result<T, Errno> {
    match failed {
        true => Err(errno(&std::io::Error::last_os_error())),
        false => Ok(done),
    }
}

fn io_uring() -> Result<Release, Errno> {
    let mut parameters = [0_u8; 120];
    // SAFETY: struct io_uring_params has 120 bytes, and outlives the call.
    let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 256, parameters.as_mut_ptr()) };
    last((), fd < 0)?;
    // SAFETY: the kernel has just made it, for this caller alone.
    Ok(hold(unsafe { OwnedFd::from_raw_fd(fd as i32) }))
}

fn huge_page() -> Result<Release, Errno> {
    const SIZE: usize = 2 << 20;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_HUGETLB;
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the kernel chooses a place that nothing else uses.
    let place = unsafe { libc::mmap(std::ptr::null_mut(), SIZE, rights, flags, -1, 0) };
    let place = last(place, place == libc::MAP_FAILED)?.expose_provenance();
    Ok(Box::new(move || {
        let _ = call(libc::SYS_munmap, [place as i64, SIZE as i64, 0]);
    }))
}

/// A hash of two entries.
fn bpf_map() -> anyhow::Result<Box<dyn FnMut() -> Result<Release, Errno>>> {
    const CREATE: i32 = 0;
    const UPDATE: i32 = 2;
    const HASH: u32 = 1;
    let mut attributes = [0_u32; 32];
    attributes[..4].copy_from_slice(&[HASH, 4, 4, 2]);
    let bpf = |command: i32, attributes: &[u32; 32]| {
        // SAFETY: the attributes have the length that is said, and what they point to outlives the call.
        let done = unsafe { libc::syscall(libc::SYS_bpf, command, attributes.as_ptr(), 128) };
        last(done as i32, done < 0)
    };
    let map = bpf(CREATE, &attributes).context("no BPF map")?;
    // SAFETY: the kernel has just made it, for this caller alone.
    let map = unsafe { OwnedFd::from_raw_fd(map) };
    let mut keys = 0_u32..;
    Ok(Box::new(move || {
        let key = keys.next().unwrap_or_default();
        let at = (&raw const key).expose_provenance() as u64;
        let mut update = [0_u32; 32];
        update[0] = map.as_raw_fd() as u32;
        // Key and value, at the same place.
        for word in [2, 4] {
            update[word] = at as u32;
            update[word + 1] = (at >> 32) as u32;
        }
        bpf(UPDATE, &update).map(|_| nothing())
    }))
}

/// Standard input, sent thirty times in each message, and never received.
fn in_flight() -> anyhow::Result<Box<dyn FnMut() -> Result<Release, Errno>>> {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    let (near, far) = UnixStream::pair()?;
    Ok(Box::new(move || {
        let _keep = &far;
        let descriptors = [rustix::stdio::stdin(); 30];
        let mut space = [std::mem::MaybeUninit::uninit(); 256];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        let text = [std::io::IoSlice::new(b"x")];
        sendmsg(&near, &text, &mut control, SendFlags::empty())?;
        Ok(nothing())
    }))
}

fn timer() -> Result<Release, Errno> {
    let mut id = 0_i32;
    // SAFETY: the kernel writes one number; the default notification needs no structure.
    let done = unsafe { libc::syscall(libc::SYS_timer_create, 0, 0, &raw mut id) };
    last((), done < 0)?;
    Ok(Box::new(move || {
        let _ = call(libc::SYS_timer_delete, [id.into(), 0, 0]);
    }))
}

/// A seccomp filter of 4,096 instructions, each of which allows the call.
fn filter() -> Result<Release, Errno> {
    const SET_MODE_FILTER: i32 = 1;
    let allow = libc::sock_filter {
        code: 6,
        jt: 0,
        jf: 0,
        k: 0x7fff_0000,
    };
    let mut instructions = vec![allow; 4_096];
    let program = libc::sock_fprog {
        len: 4_096,
        filter: instructions.as_mut_ptr(),
    };
    // SAFETY: the kernel copies the program before the call returns.
    let done = unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0, &raw const program) };
    last(nothing(), done < 0)
}

fn datagrams() -> anyhow::Result<Box<dyn FnMut() -> Result<Release, Errno>>> {
    let (near, far) = UnixDatagram::pair()?;
    near.set_nonblocking(true)?;
    Ok(Box::new(move || {
        let _keep = &far;
        near.send(b"x").map_err(|error| errno(&error))?;
        Ok(nothing())
    }))
}

fn memberships() -> anyhow::Result<Box<dyn FnMut() -> Result<Release, Errno>>> {
    use std::net::{Ipv4Addr, UdpSocket};
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let mut numbers = 1_u8..;
    Ok(Box::new(move || {
        let group = Ipv4Addr::new(239, 1, 1, numbers.next().unwrap_or_default());
        let joined = socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST);
        joined.map_err(|error| errno(&error))?;
        Ok(nothing())
    }))
}

/// On a word of its own, of this process, in user space.
fn breakpoint() -> Result<Release, Errno> {
    const BREAKPOINT: u32 = 5;
    const READ_AND_WRITE: u32 = 3;
    const EXCLUDE_KERNEL_AND_HYPERVISOR: u64 = 0x60;
    static WORD: u64 = 0;
    let at = (&raw const WORD).expose_provenance() as u64;
    let mut attributes = [0_u64; 16];
    attributes[0] = u64::from(BREAKPOINT) | 128 << 32;
    attributes[5] = EXCLUDE_KERNEL_AND_HYPERVISOR;
    attributes[6] = u64::from(READ_AND_WRITE) << 32;
    attributes[7] = at;
    attributes[8] = 8;
    let of_itself_on_any_cpu = (0, -1, -1, 0);
    let (pid, cpu, group, flags) = of_itself_on_any_cpu;
    // SAFETY: struct perf_event_attr has the 128 bytes that are said, and outlives the call.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            attributes.as_ptr(),
            pid,
            cpu,
            group,
            flags,
        )
    };
    last((), fd < 0)?;
    // SAFETY: the kernel has just made it, for this caller alone.
    Ok(hold(unsafe { OwnedFd::from_raw_fd(fd as i32) }))
}

/// By the entry of 32-bit programs: ipc(MSGGET, ...), whose number is setresuid(2) for 64-bit ones.
#[cfg(target_arch = "x86_64")]
fn queue_of_32_bit() -> Result<Release, Errno> {
    const IPC: i64 = 117;
    const MSGGET: u64 = 13;
    let mut result = IPC;
    // SAFETY: its arguments are numbers; the entry changes no register but those that are named.
    unsafe {
        std::arch::asm!(
            "xchg rbx, {call}",
            "int 0x80",
            "xchg rbx, {call}",
            call = inout(reg) MSGGET => _,
            inout("rax") result,
            in("rcx") libc::IPC_PRIVATE,
            in("rdx") 0o600,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    match i32::try_from(result).unwrap_or(-1) {
        error @ ..0 => Err(Errno::from_raw_os_error(-error)),
        id => Ok(Box::new(move || {
            let _ = call(libc::SYS_msgctl, [id.into(), 0, libc::IPC_RMID.into()]);
        })),
    }
}

/// Which is closed as soon as it has refused.
fn full_device() -> Result<Release, Errno> {
    let device = std::fs::File::options().write(true).open("/dev/full");
    let mut device = device.map_err(|error| errno(&error))?;
    std::io::Write::write_all(&mut device, b"x").map_err(|error| errno(&error))?;
    Ok(nothing())
}

fn pipe_size() -> Result<Release, Errno> {
    let (near, far) = rustix::pipe::pipe()?;
    rustix::pipe::fcntl_setpipe_size(&far, 2 << 20)?;
    Ok(hold((near, far)))
}
