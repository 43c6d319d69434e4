//! kcmp(2): whether two descriptors are the same open file.

use std::cmp::Ordering;
use std::io;

/// `KCMP_FILE` of include/uapi/linux/kcmp.h.
const KCMP_FILE: libc::c_int = 0;

/// Compares the open files behind descriptor `a.1` of process `a.0` and `b.1` of `b.0`.
///
/// `Equal` means the same `struct file`, however it was shared. The order of different files is arbitrary but the same
/// for all calls, so files can be sorted by it.
///
/// # Errors
///
/// `ESRCH` or `EBADF` if a process or descriptor no longer exists, `EPERM` without ptrace access,
/// `ENOSYS` where the kernel was built without `CONFIG_KCMP`.
pub fn same_file(a: (u32, u32), b: (u32, u32)) -> io::Result<Ordering> {
    let pid = |pid: u32| libc::pid_t::try_from(pid).map_err(|_| io::ErrorKind::InvalidInput);
    let (first, second) = (pid(a.0)?, pid(b.0)?);
    // SAFETY: kcmp takes five integers and touches no memory of this process.
    let order = unsafe {
        libc::syscall(
            libc::SYS_kcmp,
            first,
            second,
            KCMP_FILE,
            libc::c_ulong::from(a.1),
            libc::c_ulong::from(b.1),
        )
    };
    match order {
        0 => Ok(Ordering::Equal),
        1 => Ok(Ordering::Less),
        2 => Ok(Ordering::Greater),
        3 => Err(io::Error::other("the kernel could not order the two files")),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd;

    fn number(file: &File) -> u32 {
        u32::try_from(file.as_raw_fd()).unwrap()
    }

    #[test]
    fn a_dup_is_the_same_file_and_another_open_is_not() {
        let pid = std::process::id();
        let file = File::open("/proc/self/exe").unwrap();
        let dup = file.try_clone().unwrap();
        let other = File::open("/proc/self/exe").unwrap();
        assert_eq!(
            same_file((pid, number(&file)), (pid, number(&dup))).unwrap(),
            Ordering::Equal
        );
        let there = same_file((pid, number(&file)), (pid, number(&other))).unwrap();
        let back = same_file((pid, number(&other)), (pid, number(&file))).unwrap();
        assert_ne!(there, Ordering::Equal);
        assert_eq!(there, back.reverse());
    }

    #[test]
    fn a_closed_descriptor_is_an_error() {
        let pid = std::process::id();
        let error = same_file((pid, 0), (pid, 1_000_000)).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    }
}
