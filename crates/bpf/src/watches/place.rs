use super::Place;
use crate::records::{WATCH_NAMED, WATCH_ROOTED, WATCH_UNHASHED};

impl Place {
    /// From names in the order of the walk, the watched one first, each ended by a NUL.
    pub(super) fn read(flags: u32, names: &[u8]) -> Self {
        let has = |flag| flags & flag != 0;
        if !has(WATCH_NAMED) {
            return Self::Forgotten;
        }
        let names = names.strip_suffix(b"\0").unwrap_or(names);
        let names: Vec<&[u8]> = names.split(|&b| b == 0).collect();
        if !has(WATCH_ROOTED) {
            return Self::Unreachable(join(&names));
        }
        match names.split_last() {
            // A root is never in the table of names.
            None | Some((_, [])) => Self::Path(b"/".to_vec()),
            Some((_, names)) if has(WATCH_UNHASHED) => Self::Deleted(join(names)),
            Some((_, names)) => Self::Path(join(names)),
        }
    }
}

fn join(names: &[&[u8]]) -> Vec<u8> {
    let mut path = Vec::with_capacity(names.iter().map(|n| n.len() + 1).sum());
    for name in names.iter().rev().filter(|name| **name != b"/") {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_a_path_from_the_root() {
        let rooted = WATCH_NAMED | WATCH_ROOTED;
        assert_eq!(
            Place::read(rooted, b"c\nd\0a b\0/\0"),
            Place::Path(b"/a b/c\nd".to_vec())
        );
        assert_eq!(
            Place::read(rooted | WATCH_UNHASHED, b"/\0"),
            Place::Path(b"/".to_vec())
        );
        assert_eq!(
            Place::read(rooted | WATCH_UNHASHED, b"b\0a\0/\0"),
            Place::Deleted(b"/a/b".to_vec())
        );
    }

    #[test]
    fn a_walk_that_ends_below_the_root_is_said_so() {
        assert_eq!(
            Place::read(WATCH_NAMED, b"memfd:x\0"),
            Place::Unreachable(b"/memfd:x".to_vec())
        );
        assert_eq!(
            Place::read(WATCH_NAMED, b""),
            Place::Unreachable(b"/".to_vec())
        );
        assert_eq!(Place::read(0, b""), Place::Forgotten);
    }
}
