//! One more of something that the kernel limits, by calls that the safe libraries do not have. Each is given back when its value
//! is dropped.

mod aio;
mod fanotify;
mod ipc;
mod key;
mod mapping;

pub use aio::AioContext;
pub use fanotify::Group;
pub use ipc::{MessageQueue, SysvObject};
pub use key::Key;
pub use mapping::Mapping;

use rustix::io::Errno;

/// The answer of a system call: a number, or the error.
fn answer(done: libc::c_long) -> Result<i64, Errno> {
    match done {
        0.. => Ok(done),
        _ => Err(last_error()),
    }
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_gone_after_drop() -> Result<(), Errno> {
        let count = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let queue = SysvObject::queue()?;
        let id = queue.id().to_string();
        let listed = |id: &str| {
            let table = count("/proc/sysvipc/msg");
            table
                .lines()
                .any(|line| line.split_whitespace().nth(1) == Some(id))
        };
        assert!(listed(&id));
        drop(queue);
        assert!(!listed(&id));
        let before = count("/proc/self/maps").lines().count();
        let memory = rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC)?;
        rustix::fs::ftruncate(&memory, Mapping::LENGTH as u64)?;
        let mappings: Vec<_> = (0..100)
            .map(|_| Mapping::new(&memory))
            .collect::<Result<_, _>>()?;
        let during = count("/proc/self/maps").lines().count();
        // Other tests of this process map and unmap meanwhile.
        assert!(during >= before + 80, "{before} {during}");
        drop(mappings);
        assert!(count("/proc/self/maps").lines().count() < during - 80);
        Ok(())
    }
}
