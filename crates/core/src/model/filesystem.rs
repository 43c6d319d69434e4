use serde::{Deserialize, Serialize};

/// A file system that matters to a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filesystem {
    /// Where it is mounted, as the host sees it; the shortest such path.
    pub mountpoint: String,
    /// `major:minor`.
    pub device: String,
    /// Type, `ext4`.
    pub fstype: String,
    /// What lives on it, `/var/lib/kubelet` and the like.
    pub serves: Vec<String>,
    /// Space; `None` where the file system was not asked.
    pub usage: Option<FilesystemUsage>,
    /// Why it was not asked, in words.
    pub unavailable: Option<String>,
}

/// What statfs(2) says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesystemUsage {
    /// Size of a block in bytes (`f_frsize`).
    pub block_size: u64,
    /// Blocks in all.
    pub blocks: u64,
    /// Free blocks, root's reserve included.
    pub blocks_free: u64,
    /// Free blocks for others than root.
    pub blocks_available: u64,
    /// Inodes in all; 0 where the file system makes them as needed.
    pub inodes: u64,
    /// Free inodes.
    pub inodes_free: u64,
}
