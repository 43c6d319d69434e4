use std::cmp::Ordering;
use std::collections::HashMap;

use super::Device;
use crate::parse::mountinfo::Mount;

/// The mounts of one mount namespace, to say where a place of a file system is seen in it, and what a path lies on.
#[derive(Clone, Debug, Default)]
pub struct MountTable {
    mounts: Vec<Mount>,
    /// Those of each file system, the widest first.
    by_device: HashMap<(u32, u32), Vec<usize>>,
    /// The last mount at each place, which covers the others, by path.
    visible: Vec<usize>,
    /// Lengths of these places, longest first: most of what is asked for lies below none but `/`.
    lengths: Vec<usize>,
}

impl MountTable {
    /// Of what mountinfo lists.
    #[must_use]
    pub fn new(mounts: Vec<Mount>) -> Self {
        let mut table = Self::default();
        for (at, mount) in mounts.iter().enumerate() {
            if let Ok(Device { major, minor }) = mount.device.parse() {
                let of_device = table.by_device.entry((major, minor)).or_default();
                of_device.push(at);
            }
            table.lengths.push(mount.mountpoint.len());
        }
        for of_device in table.by_device.values_mut() {
            of_device.sort_by_key(|&at| (mounts[at].root.len(), mounts[at].mountpoint.len()));
        }
        table.lengths.sort_unstable_by(|one, other| other.cmp(one));
        table.lengths.dedup();
        table.visible = (0..mounts.len()).collect();
        table.visible.sort_unstable_by(|&one, &other| {
            // Of several at one place the last comes first, and stays.
            let by_path = by_path(&mounts[one].mountpoint, &mounts[other].mountpoint);
            by_path.then(other.cmp(&one))
        });
        let place = |at: &mut usize| &*mounts[*at].mountpoint;
        table
            .visible
            .dedup_by(|later, kept| place(later) == place(kept));
        table.mounts = mounts;
        table
    }

    /// All of them, as mountinfo lists them.
    #[must_use]
    pub fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    /// What is mounted at a path: the last of several.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Mount> {
        self.top(path).map(|at| &self.mounts[at])
    }

    /// The last mount at each path, by path.
    pub fn visible(&self) -> impl Iterator<Item = &Mount> {
        self.visible.iter().map(|&at| &self.mounts[at])
    }

    /// Mounts of a file system, the widest first.
    pub fn of(&self, device: (u32, u32)) -> impl Iterator<Item = &Mount> {
        let of_device = self.by_device.get(&device).map_or(&[][..], Vec::as_slice);
        of_device.iter().map(|&at| &self.mounts[at])
    }

    /// Where `path`, which begins at the root of the file system, is seen; `None` where no mount shows it, or
    /// another mount hides it.
    #[must_use]
    pub fn locate(&self, device: (u32, u32), path: &str) -> Option<String> {
        let of_device = self.by_device.get(&device)?;
        of_device.iter().find_map(|&at| {
            let mount = &self.mounts[at];
            let seen = join(&mount.mountpoint, below(&mount.root, path)?);
            (self.covering(&seen) == Some(at)).then_some(seen)
        })
    }

    /// Whether every mount on the path is of a type that `accepts`.
    #[must_use]
    pub fn all_on_path(&self, path: &str, accepts: impl Fn(&str) -> bool) -> bool {
        self.above(path).all(|at| accepts(&self.mounts[at].fstype))
    }

    /// The mount that `path` lies on.
    fn covering(&self, path: &str) -> Option<usize> {
        self.above(path).next()
    }

    /// The mounts at `path` and at each directory above it, the nearest first.
    fn above(&self, path: &str) -> impl Iterator<Item = usize> {
        let lengths = self.lengths.iter();
        let places = lengths.filter_map(|&length| ancestor(path, length));
        places.filter_map(|place| self.top(place))
    }

    /// The last mount at this place.
    fn top(&self, place: &str) -> Option<usize> {
        let found = self
            .visible
            .binary_search_by(|&at| by_path(&self.mounts[at].mountpoint, place));
        found.ok().map(|at| self.visible[at])
    }
}

/// What lies in a directory comes right after it, as in a listing of a tree.
fn by_path(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let next = |path: &[u8]| {
        path.get(same)
            .map(|&byte| if byte == b'/' { 0 } else { byte })
    };
    next(one).cmp(&next(other))
}

/// What `path` is below `root`, with its leading `/`; empty for `root` itself.
fn below<'p>(root: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(root.trim_end_matches('/'))?;
    match rest {
        "/" => Some(""),
        _ if rest.is_empty() || rest.starts_with('/') => Some(rest),
        _ => None,
    }
}

fn join(mountpoint: &str, rest: &str) -> String {
    match (mountpoint, rest) {
        ("/", "") => "/".to_owned(),
        ("/", rest) => rest.to_owned(),
        _ => [mountpoint, rest].concat(),
    }
}

/// The path itself, or a directory above it, if one of them has this length.
fn ancestor(path: &str, length: usize) -> Option<&str> {
    let ends = length == path.len() || length == 1 || path.as_bytes().get(length) == Some(&b'/');
    path.get(..length).filter(|_| ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::mountinfo::mounts;

    fn table() -> MountTable {
        MountTable::new(
            mounts(
                b"1 0 254:0 / / rw - ext4 /dev/vda rw\n\
                2 1 254:0 /srv/data /mnt/data rw - ext4 /dev/vda rw\n\
                3 1 0:21 / /tmp rw - tmpfs tmpfs rw\n\
                4 1 0:33 /sub /home rw - btrfs /dev/vdb rw\n\
                5 1 0:40 / /var rw - tmpfs a rw\n\
                6 1 0:41 / /var rw - tmpfs b rw\n\
                7 1 254:0 /etc/hosts /var/hosts rw - ext4 /dev/vda rw\n",
            )
            .unwrap(),
        )
    }

    #[test]
    fn a_place_is_named_by_the_widest_mount_that_shows_it() {
        let table = table();
        let at = |device, path| table.locate(device, path);
        assert_eq!(at((254, 0), "/srv/data/x").as_deref(), Some("/srv/data/x"));
        assert_eq!(at((254, 0), "/").as_deref(), Some("/"));
        assert_eq!(at((0, 21), "/").as_deref(), Some("/tmp"));
        assert_eq!(at((0, 21), "/a b").as_deref(), Some("/tmp/a b"));
        assert_eq!(at((0, 33), "/sub/me").as_deref(), Some("/home/me"));
        assert_eq!(at((0, 33), "/subway"), None);
        assert_eq!(at((9, 9), "/x"), None);
    }

    #[test]
    fn a_hidden_place_is_not_seen_there() {
        let table = table();
        assert_eq!(table.locate((0, 40), "/log"), None);
        assert_eq!(table.locate((0, 41), "/log").as_deref(), Some("/var/log"));
        assert_eq!(table.locate((254, 0), "/tmp/x"), None);
        assert_eq!(
            table.locate((254, 0), "/etc/hosts").as_deref(),
            Some("/etc/hosts")
        );
    }

    #[test]
    fn every_mount_on_the_way_counts() {
        let table = table();
        let disk = |kind: &str| kind == "ext4";
        assert!(table.all_on_path("/srv/x", disk));
        assert!(!table.all_on_path("/tmp/x/y", disk));
    }

    #[test]
    fn the_last_mount_at_each_place_is_listed_by_path() {
        let table = MountTable::new(
            mounts(
                b"1 0 0:1 / /b rw - tmpfs one rw\n\
                2 0 0:2 / /a-b rw - tmpfs two rw\n\
                3 0 0:3 / /b rw - tmpfs three rw\n\
                4 0 0:4 / /a/c rw - tmpfs four rw\n\
                5 0 0:5 / /a rw - tmpfs five rw\n\
                6 0 0:6 / / rw - tmpfs six rw\n",
            )
            .unwrap(),
        );
        let listed: Vec<_> = table
            .visible()
            .map(|m| (&*m.mountpoint, &*m.source))
            .collect();
        assert_eq!(
            listed,
            [
                ("/", "six"),
                ("/a", "five"),
                ("/a/c", "four"),
                ("/a-b", "two"),
                ("/b", "three"),
            ]
        );
        assert_eq!(table.at("/b").unwrap().device, "0:3");
        assert!(table.at("/a/b").is_none());
    }
}
