//! The kubelet's cgroups, by the ids that the kernel knows them by: inode numbers.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, ErrorKind};
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nospace_core::parse::cgroup_path::identify;
use rustix::fs::statfs;
use rustix::io::Errno;

/// A hierarchy in which pods can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// Where it is mounted.
    pub top: PathBuf,
    /// It is the memory controller's of cgroup v1.
    pub is_v1: bool,
}

/// The kubelet's cgroups in one hierarchy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeCgroups {
    /// Ids of those right below which pods are: `kubepods`, and that of each class of service.
    pub parents: Vec<u64>,
    /// Those of pods.
    pub pods: Vec<PodCgroup>,
}

/// The cgroup of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodCgroup {
    /// Its id.
    pub id: u64,
    /// Id of the cgroup that it is in: one of [`KubeCgroups::parents`].
    pub parent: u64,
    /// Its path below the root of the hierarchy.
    pub path: String,
    /// uid of the pod; `None` where its name is not the kubelet's.
    pub uid: Option<String>,
}

/// CGROUP_SUPER_MAGIC and CGROUP2_SUPER_MAGIC (include/uapi/linux/magic.h).
const V1: u32 = 0x0027_e0eb;
const V2: u32 = 0x6367_7270;

/// How far below the root the kubelet's cgroups are looked for: that of a node in a container (kind) is
/// `system.slice/docker-ID.scope/kubelet.slice/kubelet-kubepods.slice`.
const DEPTH: usize = 4;

/// The hierarchies that are mounted below `sys`, where pods would be found first.
pub fn hierarchies(sys: &Path) -> Vec<Hierarchy> {
    let places = [
        ("fs/cgroup/memory", V1),
        ("fs/cgroup", V2),
        ("fs/cgroup/unified", V2),
    ];
    let mounted = places.into_iter().map(|(path, magic)| {
        let top = sys.join(path);
        // The type differs between architectures; no magic has more than 32 bits.
        let found = statfs(&top).is_ok_and(|fs| u32::try_from(fs.f_type) == Ok(magic));
        found.then_some(Hierarchy {
            top,
            is_v1: magic == V1,
        })
    });
    mounted.flatten().collect()
}

/// Looks for the kubelet's cgroups, in `top` and a few levels below; not in each other.
///
/// # Errors
///
/// A directory cannot be read.
pub fn find(top: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![(top.to_owned(), 1)];
    while let Some((directory, depth)) = open.pop() {
        for child in children(&directory)? {
            if is_kubepods(&child.name) {
                found.push(child.path);
            } else if depth < DEPTH {
                open.push((child.path, depth + 1));
            }
        }
    }
    Ok(found)
}

/// Reads the cgroups of pods below `roots`, which are in the hierarchy at `top`. Of those that are gone there is nothing.
///
/// # Errors
///
/// A directory cannot be read.
pub fn read(top: &Path, roots: &[PathBuf]) -> anyhow::Result<KubeCgroups> {
    let mut cgroups = KubeCgroups::default();
    for root in roots {
        let Some(id) = id(root)? else { continue };
        cgroups.parents.push(id);
        for child in children(root)? {
            if is_class(&child.name) {
                cgroups.parents.push(child.id);
                let pods = children(&child.path)?.into_iter();
                cgroups.pods.extend(pods.map(|one| pod(top, child.id, one)));
            } else {
                cgroups.pods.push(pod(top, id, child));
            }
        }
    }
    Ok(cgroups)
}

/// The processes of the cgroup at `path` and of those below it, but not of those with an id in `left_out`; `None` if it is gone.
///
/// # Errors
///
/// A cgroup cannot be read, or has a process that this pid namespace does not have.
pub fn processes(path: &Path, left_out: &BTreeSet<u64>) -> anyhow::Result<Option<BTreeSet<u32>>> {
    let mut pids = BTreeSet::new();
    let mut open = vec![path.to_owned()];
    while let Some(directory) = open.pop() {
        let list = directory.join("cgroup.procs");
        match there(read_pids(&list, &mut pids)) {
            Ok(None) if directory == path => return Ok(None),
            Ok(_) => {}
            // A threaded cgroup: those above it have its processes.
            Err(error) if directory != path && is(&error, Errno::OPNOTSUPP) => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", list.display()));
            }
        }
        let below = children(&directory)?.into_iter();
        open.extend(below.filter_map(|one| (!left_out.contains(&one.id)).then_some(one.path)));
    }
    Ok(Some(pids))
}

fn read_pids(list: &Path, pids: &mut BTreeSet<u32>) -> io::Result<()> {
    for line in BufReader::new(File::open(list)?).lines() {
        let line = line?;
        match line.trim().parse() {
            Ok(pid) if pid > 0 => pids.insert(pid),
            // The kernel writes 0 for it.
            Ok(_) => {
                return Err(io::Error::other(
                    "it has a process of another pid namespace",
                ));
            }
            Err(_) => return Err(io::Error::other(format!("{line:?} is no pid"))),
        };
    }
    Ok(())
}

/// The id of the cgroup at `path`; `None` if there is none.
///
/// # Errors
///
/// It cannot be asked.
pub fn id(path: &Path) -> anyhow::Result<Option<u64>> {
    let found =
        there(fs::metadata(path)).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(found.map(|metadata| metadata.ino()))
}

struct Child {
    name: String,
    path: PathBuf,
    id: u64,
}

fn children(directory: &Path) -> anyhow::Result<Vec<Child>> {
    let read = || -> io::Result<Vec<Child>> {
        let mut children = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                children.push(Child {
                    name: entry.file_name().to_string_lossy().into_owned(),
                    path: entry.path(),
                    id: entry.ino(),
                });
            }
        }
        Ok(children)
    };
    let found = there(read()).with_context(|| format!("cannot read {}", directory.display()))?;
    Ok(found.unwrap_or_default())
}

/// What is gone is no error: cgroups come and go. The kernel says ENODEV of one that goes while it is read.
fn there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if is(&error, Errno::NODEV) => Ok(None),
        other => other.map(Some),
    }
}

fn is(error: &io::Error, errno: Errno) -> bool {
    Errno::from_io_error(error) == Some(errno)
}

fn pod(top: &Path, parent: u64, child: Child) -> PodCgroup {
    let below = child.path.strip_prefix(top).unwrap_or(&child.path);
    let path = format!("/{}", below.display());
    PodCgroup {
        id: child.id,
        parent,
        uid: identify(&path).pod_uid,
        path,
    }
}

/// Both drivers' names, also with a `--cgroup-root` (`kubelet-kubepods.slice`).
fn is_kubepods(name: &str) -> bool {
    let stem = name.strip_suffix(".slice").unwrap_or(name);
    stem == "kubepods" || name.ends_with("-kubepods.slice")
}

/// Classes of service that have a cgroup; pods of the third (guaranteed) are right below `kubepods`.
fn is_class(name: &str) -> bool {
    let is = |class: &str| {
        let slice = name
            .strip_suffix(".slice")
            .and_then(|stem| stem.strip_suffix(class));
        name == class || slice.is_some_and(|before| before.ends_with("kubepods-"))
    };
    is("burstable") || is("besteffort")
}

#[cfg(test)]
#[path = "cgroups_tests.rs"]
mod tests;
