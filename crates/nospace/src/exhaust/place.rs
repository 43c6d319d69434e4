use std::ffi::CString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use nospace_core::parse::mountinfo;
use rustix::mount::{MountFlags, mount};
use rustix::thread::UnshareFlags;

use super::cleanup::{CleanupProcess, Leftover, is_leftover, own_name, remove_leftover};

/// Parent of the mount point, unless one is given.
const PARENT: &str = "/run";

/// Where something is mounted in a mount namespace that nobody else is in. The first one that there is.
const PRIVATE: [&str; 4] = ["/mnt", "/media", "/opt", "/tmp"];

/// Enters a new mount namespace, with all that the calling thread starts from now on, and names a directory to mount on there.
///
/// # Errors
///
/// Without CAP_SYS_ADMIN.
pub fn private_mounts() -> anyhow::Result<PathBuf> {
    let Some(place) = PRIVATE.into_iter().find(|place| Path::new(place).is_dir()) else {
        bail!(
            "no directory to mount on: none of {} exists",
            PRIVATE.join(", ")
        );
    };
    nospace_bpf::namespaces::unshare(UnshareFlags::NEWNS)
        .context("cannot create a mount namespace (needs CAP_SYS_ADMIN: run as root)")?;
    Ok(PathBuf::from(place))
}

/// A place for a file system of its own that everybody sees; the mount is removed however nospace ends.
#[derive(Debug)]
pub struct MountPlace {
    path: PathBuf,
    cleanup: CleanupProcess,
}

impl MountPlace {
    /// `place`, or a new directory.
    ///
    /// # Errors
    ///
    /// `place` is no empty directory, or none can be created.
    pub fn new(place: Option<&Path>) -> anyhow::Result<Self> {
        clean()?;
        let mut cleanup = CleanupProcess::start()?;
        let path = match place {
            Some(place) => given(place)?,
            None => {
                let path = Path::new(PARENT).join(own_name());
                cleanup.expect(Leftover::Directory, &path)?;
                create(&path)?;
                path
            }
        };
        Ok(Self { path, cleanup })
    }

    /// Mounts a file system of this type there.
    ///
    /// # Errors
    ///
    /// Without CAP_SYS_ADMIN.
    pub fn mount(
        &mut self,
        source: &str,
        fstype: &str,
        flags: MountFlags,
        options: &str,
    ) -> anyhow::Result<()> {
        self.cleanup.expect(Leftover::Mount, &self.path)?;
        let options = CString::new(options)?;
        mount(source, &self.path, fstype, flags, Some(options.as_c_str())).with_context(|| {
            format!(
                "cannot mount {fstype} on {} (needs CAP_SYS_ADMIN: run as root)",
                self.path.display()
            )
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the mount, and the directory if it is a new one.
    ///
    /// # Errors
    ///
    /// It could not be removed.
    pub fn release(&mut self) -> anyhow::Result<()> {
        self.cleanup.finish()
    }
}

/// The directory on the command line; a mount hides what is in it, so it must be empty.
fn given(place: &Path) -> anyhow::Result<PathBuf> {
    let place = place
        .canonicalize()
        .with_context(|| place.display().to_string())?;
    let mut entries = fs::read_dir(&place).with_context(|| place.display().to_string())?;
    if entries.next().is_some() {
        bail!(
            "{} is not empty: the mount would hide its contents",
            place.display()
        );
    }
    Ok(place)
}

/// Removes what is left of earlier runs.
fn clean() -> anyhow::Result<()> {
    let mounts = fs::read("/proc/self/mountinfo").context("/proc/self/mountinfo")?;
    for mount in mountinfo::mounts(&mounts).context("/proc/self/mountinfo")? {
        if is_leftover(mount.source.as_ref()) {
            remove_leftover(Leftover::Mount, Path::new(&mount.mountpoint))?;
        }
    }
    for entry in fs::read_dir(PARENT).into_iter().flatten().flatten() {
        if is_leftover(&entry.file_name()) {
            remove_leftover(Leftover::Directory, &entry.path())?;
        }
    }
    Ok(())
}

/// Creates the directory `path`.
///
/// # Errors
///
/// It cannot be created; where only rights are missing, the error says who has them.
pub fn create(path: &Path) -> anyhow::Result<()> {
    fs::create_dir(path).map_err(|error| {
        let forbidden = error.kind() == ErrorKind::PermissionDenied;
        let hint = if forbidden { " (run as root)" } else { "" };
        anyhow::Error::new(error).context(format!("cannot create {}{hint}", path.display()))
    })
}
