//! What is tuned: this node, an image, or a recorded node.

use std::path::PathBuf;

use nospace_core::parse::os_release;
use nospace_core::tune::{Change, PlatformAdvice};
use rustix::io::Errno;

use super::file::RootedFile;
use super::live;
use crate::collect::read;
use crate::host::{Host, root};

/// Keeps the previous values where only the running kernel is changed: it forgets them when the kernel does.
pub const RUNTIME: &str = "/run/nospace/tune.conf";

/// What is tuned.
pub struct Site<'a> {
    /// Answers what is.
    pub host: &'a dyn Host,
    /// Whether it runs, and here.
    pub kind: SiteKind,
    /// Where procfs is.
    pub procfs: PathBuf,
    /// Where the root file system is.
    pub rootfs: PathBuf,
}

/// What kind of system is tuned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteKind {
    /// This node.
    Node,
    /// An image is no running system: it has files, and no values.
    Image,
    /// A node that was recorded.
    Recorded,
}

/// What is to be changed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Values of the running kernel.
    pub live: bool,
    /// The file that sets them at boot.
    pub persistent: bool,
    /// `--revert` also overwrites what someone else has set since.
    pub force: bool,
}

impl Site<'_> {
    pub(super) fn is_image(&self) -> bool {
        self.kind == SiteKind::Image
    }

    /// The live value of `key`; `None` in an image, or where the kernel has none.
    pub(super) fn current(&self, key: &str) -> Option<u64> {
        (!self.is_image())
            .then(|| live::value(self.host, key))
            .flatten()
    }

    /// `ID` and `VARIANT_ID` of os-release(5).
    pub(super) fn systems(&self) -> Vec<String> {
        self.os_release()
            .map_or_else(Vec::new, |bytes| os_release::ids(&bytes))
    }

    fn os_release(&self) -> Option<Vec<u8>> {
        let read = |path| read::bytes(self.host, root(path)).ok();
        read("/etc/os-release").or_else(|| read("/usr/lib/os-release"))
    }

    /// What the operating system wants done with `changes`, where it has a way of its own to set sysctls.
    pub(super) fn platform(&self, changes: &[Change]) -> Option<PlatformAdvice> {
        let os_release = self.os_release()?;
        let proposed = |change: &Change| Some((change.key.clone(), change.proposed?));
        let settings: Vec<(String, u64)> = changes.iter().filter_map(proposed).collect();
        let settings: Vec<(&str, u64)> = settings.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        PlatformAdvice::of(&os_release, &settings)
    }

    /// The node's name, or the image's directory.
    pub(super) fn name(&self) -> String {
        if self.is_image() {
            self.rootfs.display().to_string()
        } else {
            crate::collect::node_name(self.host)
        }
    }

    /// The file at `path`, to be written.
    pub(super) fn file(&self, path: &'static str) -> Result<RootedFile, Errno> {
        RootedFile::new(&self.rootfs, path)
    }
}
