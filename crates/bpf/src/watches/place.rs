use super::model::Place;
use crate::skeleton::watches::types::watch_flags;

impl Place {
    /// From names that each end with a NUL, the watched inode's first, its parent's next.
    pub(super) fn from_names(flags: u32, names: &[u8]) -> Self {
        let has = |flag: watch_flags| flags & flag.0 != 0;
        if !has(watch_flags::WATCH_NAMED) {
            return Self::Forgotten;
        }
        let names = names.strip_suffix(b"\0").unwrap_or(names);
        if !has(watch_flags::WATCH_ROOTED) {
            return Self::Unreachable(join(names));
        }
        match memchr::memrchr(0, names) {
            // Only a root, which has no entry in the dentry hash table.
            None => Self::Path(b"/".to_vec()),
            Some(root) if has(watch_flags::WATCH_UNHASHED) => Self::Deleted(join(&names[..root])),
            Some(root) => Self::Path(join(&names[..root])),
        }
    }
}

/// A path of the names in reverse order.
fn join(mut names: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(names.len() + 1);
    loop {
        let begin = memchr::memrchr(0, names).map(|end| end + 1);
        let name = &names[begin.unwrap_or(0)..];
        if name != b"/" {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        match begin {
            None => return path,
            Some(begin) => names = &names[..begin - 1],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMED: u32 = watch_flags::WATCH_NAMED.0;
    const ROOTED: u32 = NAMED | watch_flags::WATCH_ROOTED.0;
    const REMOVED: u32 = ROOTED | watch_flags::WATCH_UNHASHED.0;

    #[test]
    fn names_become_a_path_from_the_root() {
        assert_eq!(
            Place::from_names(ROOTED, b"c\nd\0a b\0/\0"),
            Place::Path(b"/a b/c\nd".to_vec())
        );
        assert_eq!(
            Place::from_names(REMOVED, b"/\0"),
            Place::Path(b"/".to_vec())
        );
        assert_eq!(
            Place::from_names(REMOVED, b"b\0a\0/\0"),
            Place::Deleted(b"/a/b".to_vec())
        );
    }

    #[test]
    fn names_that_end_below_the_root_are_unreachable() {
        assert_eq!(
            Place::from_names(NAMED, b"memfd:x\0"),
            Place::Unreachable(b"/memfd:x".to_vec())
        );
        assert_eq!(
            Place::from_names(NAMED, b""),
            Place::Unreachable(b"/".to_vec())
        );
        assert_eq!(Place::from_names(0, b""), Place::Forgotten);
    }
}
