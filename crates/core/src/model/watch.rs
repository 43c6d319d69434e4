use std::sync::Arc;

/// One watch of an inotify instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Watch descriptor.
    pub wd: u32,
    /// Inode number.
    pub inode: u64,
    /// The same for all watches on a file, and for those on no other; `None` where the source does not tell.
    pub file: Option<u64>,
    /// Device of the file system as mountinfo has it: (major, minor).
    pub device: (u32, u32),
    /// Events asked for, of `IN_ALL_EVENTS` (include/uapi/linux/inotify.h).
    pub mask: u32,
    /// What open_by_handle_at(2) finds the file by; `None` where the source or the file system gives none.
    pub handle: Option<FileHandle>,
    /// Where the inode is.
    pub place: Place,
}

/// One mark of a fanotify group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What is marked.
    pub object: Marked,
    /// Events asked for, with flags (include/uapi/linux/fanotify.h).
    pub mask: u32,
    /// Events that are ignored on it.
    pub ignored: u32,
}

/// What a mark is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marked {
    /// A file or directory.
    Inode {
        /// Inode number.
        inode: u64,
        /// Device of the file system as mountinfo has it: (major, minor).
        device: (u32, u32),
        /// What open_by_handle_at(2) finds the file by.
        handle: Option<FileHandle>,
    },
    /// A mount, by its number in mountinfo: all that is accessed through it.
    Mount(u64),
    /// A whole file system, by its device.
    Filesystem((u32, u32)),
    /// A mount namespace, by its inode number (Linux 6.15).
    Namespace(u64),
}

/// A file handle, as name_to_handle_at(2) gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileHandle {
    /// `handle_type`.
    pub kind: i32,
    /// `f_handle`.
    pub bytes: Vec<u8>,
}

/// Where a watched inode is, from the root of its file system. All watches on it share the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// There.
    Path(Arc<str>),
    /// It was there, and is removed.
    Deleted(Arc<str>),
    /// The names do not lead to the root of the file system.
    Unreachable(Arc<str>),
    /// Nothing that was asked knows a name.
    Forgotten,
}
