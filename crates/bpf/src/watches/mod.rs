//! What the watches of an instance are on, by walking the kernel's directory entries; no file system is walked.

#[cfg(feature = "ebpf")]
mod loaded;
#[cfg(feature = "ebpf")]
mod place;
#[cfg(not(feature = "ebpf"))]
mod without;

#[cfg(feature = "ebpf")]
pub use loaded::Lister;
#[cfg(not(feature = "ebpf"))]
pub use without::Lister;

/// One watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The instance's identity, as in [`crate::tally::Instance`].
    pub identity: u64,
    /// Watch descriptor.
    pub wd: u32,
    /// Inode number.
    pub inode: u64,
    /// The file's identity in the kernel: two watches have the same exactly if they are on the same file. On btrfs inode and
    /// device are the same for files of different subvolumes.
    pub file: u64,
    /// Device of the file system as mountinfo has it: (major, minor). stat(2) may say another one, on btrfs.
    pub device: (u32, u32),
    /// Magic number of the file system (include/uapi/linux/magic.h).
    pub file_system: u32,
    /// Events asked for, of `IN_ALL_EVENTS`.
    pub mask: u32,
    /// Where the inode is.
    pub place: Place,
}

/// Where a watched inode is, from the root of its file system: prefix the mount point of its device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// There.
    Path(Vec<u8>),
    /// It was there, and is removed; its watch lives as long as somebody has it open.
    Deleted(Vec<u8>),
    /// The names do not lead to the root of the file system: an unmounted or disconnected tree, or a name of more
    /// than 8,192 bytes.
    Unreachable(Vec<u8>),
    /// The kernel has forgotten the name; a file handle or a search by inode can tell.
    Forgotten,
}
