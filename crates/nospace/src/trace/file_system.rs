use nospace_core::cause::Cause;

/// A kind of file system, by what ENOSPC can mean there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// ext2, ext3 or ext4: a quota is EDQUOT.
    Ext,
    /// A quota of a project is ENOSPC.
    Xfs,
    /// A quota is EDQUOT.
    Btrfs,
    /// In memory; likewise.
    Tmpfs,
}

impl FileSystem {
    /// By its magic number (include/uapi/linux/magic.h).
    pub fn of_magic(magic: u32) -> Option<Self> {
        Some(match magic {
            0xef53 => Self::Ext,
            0x5846_5342 => Self::Xfs,
            0x9123_683e => Self::Btrfs,
            0x0102_1994 => Self::Tmpfs,
            _ => return None,
        })
    }

    /// By its name in mountinfo.
    pub fn named(fstype: &str) -> Option<Self> {
        Some(match fstype {
            "ext2" | "ext3" | "ext4" => Self::Ext,
            "xfs" => Self::Xfs,
            "btrfs" => Self::Btrfs,
            "tmpfs" => Self::Tmpfs,
            _ => return None,
        })
    }

    /// Whether ENOSPC can mean `cause` there.
    pub fn can_mean(self, cause: Cause) -> bool {
        match cause {
            Cause::DiskQuota => self == Self::Xfs,
            Cause::DirectoryIndex => self == Self::Ext,
            Cause::BtrfsMetadata => self == Self::Btrfs,
            _ => true,
        }
    }
}
