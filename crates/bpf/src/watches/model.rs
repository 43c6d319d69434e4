/// What a list of watches consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// A file, before its first watch. Replaces what was listed of this address before.
    File(WatchedFile),
    /// A watch.
    Watch(Watch),
}

/// An inotify watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Identity of its instance ([`crate::accounting::Instance`]).
    pub identity: u64,
    /// Watch descriptor.
    pub wd: u32,
    /// The events that it watches for, of `IN_ALL_EVENTS`.
    pub mask: u32,
    /// [`WatchedFile::address`] of the file that it is on.
    pub file: u64,
}

/// A file that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedFile {
    /// Address of the kernel's inode: equal for two watches if and only if they are on the same file. Inode number and
    /// device are not enough: on btrfs, files of different subvolumes can share them.
    pub address: u64,
    /// Inode number.
    pub inode: u64,
    /// Device of the file system as in mountinfo: (major, minor). On btrfs, stat(2) can report another one.
    pub device: (u32, u32),
    /// Magic number of the file system (include/uapi/linux/magic.h).
    pub file_system: u32,
    /// Where the inode is in its file system.
    pub place: Place,
}

/// Path of a watched inode from the root of its file system, to be prefixed with a mount point of that file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It exists at this path.
    Path(Vec<u8>),
    /// It was removed from this path; the watch lasts as long as a process has the file open.
    Deleted(Vec<u8>),
    /// The path does not reach the root of the file system: the tree is unmounted or disconnected, or the path has more
    /// than 4,096 names.
    Unreachable(Vec<u8>),
    /// The kernel has no name in its cache; a file handle or a search by inode finds one.
    Forgotten,
}
