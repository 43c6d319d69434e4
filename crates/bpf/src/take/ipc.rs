use std::ffi::CString;

use rustix::io::Errno;

use super::{answer, last_error};

/// A System V object that nobody else knows of.
#[derive(Debug)]
pub struct SysvObject {
    kind: Kind,
    id: i64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Semaphores,
    Segment,
    Queue,
}

const PRIVATE: libc::key_t = libc::IPC_PRIVATE;
const MODE: libc::c_int = 0o600;

impl SysvObject {
    /// A set of `number` semaphores.
    ///
    /// # Errors
    ///
    /// `ENOSPC` where kernel.sem leaves no set, or not as many semaphores.
    pub fn semaphores(number: i32) -> Result<Self, Errno> {
        // SAFETY: all arguments are numbers.
        let id = unsafe { libc::syscall(libc::SYS_semget, PRIVATE, number, MODE) };
        Self::of(Kind::Semaphores, id)
    }

    /// A segment of shared memory.
    ///
    /// # Errors
    ///
    /// `ENOSPC` where kernel.shmmni leaves none, or kernel.shmall not as much.
    pub fn segment(bytes: usize) -> Result<Self, Errno> {
        // SAFETY: all arguments are numbers.
        let id = unsafe { libc::syscall(libc::SYS_shmget, PRIVATE, bytes, MODE) };
        Self::of(Kind::Segment, id)
    }

    /// A message queue.
    ///
    /// # Errors
    ///
    /// `ENOSPC` where kernel.msgmni leaves none.
    pub fn queue() -> Result<Self, Errno> {
        // SAFETY: all arguments are numbers.
        let id = unsafe { libc::syscall(libc::SYS_msgget, PRIVATE, MODE) };
        Self::of(Kind::Queue, id)
    }

    /// Its number in /proc/sysvipc.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.id
    }

    fn of(kind: Kind, id: libc::c_long) -> Result<Self, Errno> {
        Ok(Self {
            kind,
            id: answer(id)?,
        })
    }
}

impl Drop for SysvObject {
    fn drop(&mut self) {
        let Self { kind, id } = *self;
        let remove = libc::IPC_RMID;
        // SAFETY: all arguments are numbers; the object is this one's alone.
        unsafe {
            match kind {
                Kind::Semaphores => libc::syscall(libc::SYS_semctl, id, 0, remove),
                Kind::Segment => libc::syscall(libc::SYS_shmctl, id, remove, 0),
                Kind::Queue => libc::syscall(libc::SYS_msgctl, id, remove, 0),
            }
        };
    }
}

/// A POSIX message queue of one message. It needs no descriptor to stay.
#[derive(Debug)]
pub struct MessageQueue {
    name: CString,
}

impl MessageQueue {
    /// One that is called `/nospace-PID-NUMBER`, for a message of `bytes` bytes.
    ///
    /// # Errors
    ///
    /// `ENOSPC` where fs.mqueue.queues_max leaves none, `EMFILE` where RLIMIT_MSGQUEUE leaves not as much.
    pub fn new(number: u64, bytes: i64) -> Result<Self, Errno> {
        let name = CString::new(format!("/nospace-{}-{number}", std::process::id()));
        let name = name.map_err(|_| Errno::INVAL)?;
        // SAFETY: zeroes are numbers.
        let mut attributes: libc::mq_attr = unsafe { std::mem::zeroed() };
        attributes.mq_maxmsg = 1;
        attributes.mq_msgsize = bytes;
        let flags = libc::O_CREAT | libc::O_EXCL | libc::O_RDWR | libc::O_CLOEXEC;
        // SAFETY: the name ends with a NUL, and both outlive the call.
        let queue = unsafe { libc::mq_open(name.as_ptr(), flags, MODE, &raw mut attributes) };
        if queue < 0 {
            return Err(last_error());
        }
        // SAFETY: it is this one's alone.
        unsafe { libc::mq_close(queue) };
        Ok(Self { name })
    }
}

impl Drop for MessageQueue {
    fn drop(&mut self) {
        // SAFETY: the name ends with a NUL.
        unsafe { libc::mq_unlink(self.name.as_ptr()) };
    }
}
