use std::collections::HashMap;
use std::collections::hash_map::Entry as Known;

use super::model::Place;
use crate::skeleton::watches::types::{entry_flags, entry_record};

/// The directory entries that lead to the watched files, by the address of each.
#[derive(Debug, Default)]
pub(super) struct Entries {
    entries: HashMap<u64, Entry>,
    /// Directories whose paths have been asked for.
    paths: HashMap<u64, Directory>,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    parent: u64,
    /// It has no parent.
    is_top: bool,
    /// It is the root of its file system.
    is_root: bool,
    name: Box<[u8]>,
}

/// Path of a directory, `/` being empty.
#[derive(Clone, Debug, Default)]
struct Directory {
    path: Vec<u8>,
    /// Whether the path begins at the root of the file system.
    is_rooted: bool,
}

impl Entries {
    /// Adds an entry, or replaces that which was at its address.
    pub fn insert(&mut self, record: &entry_record, name: &[u8]) {
        let has = |flag: entry_flags| record.flags.0 & flag.0 != 0;
        let entry = Entry {
            parent: record.parent,
            is_top: has(entry_flags::ENTRY_TOP),
            is_root: has(entry_flags::ENTRY_ROOT),
            name: name.into(),
        };
        match self.entries.entry(record.address) {
            Known::Vacant(vacant) => drop(vacant.insert(entry)),
            Known::Occupied(known) if *known.get() == entry => {}
            Known::Occupied(mut known) => {
                known.insert(entry);
                // Of all below it.
                self.paths.clear();
            }
        }
    }

    /// Where the file with this entry is.
    pub fn place(&mut self, address: u64, is_removed: bool) -> Place {
        let Some(entry) = self.entries.get(&address) else {
            return Place::Unreachable(b"/".to_vec());
        };
        if entry.is_root {
            return Place::Path(b"/".to_vec());
        }
        let Directory {
            mut path,
            is_rooted,
        } = match entry.is_top {
            true => Directory::default(),
            false => self.directory(entry.parent),
        };
        if let Some(entry) = self.entries.get(&address) {
            append(&mut path, &entry.name);
        }
        match (is_rooted, is_removed) {
            (false, _) => Place::Unreachable(path),
            (true, true) => Place::Deleted(path),
            (true, false) => Place::Path(path),
        }
    }

    fn directory(&mut self, address: u64) -> Directory {
        if let Some(known) = self.paths.get(&address) {
            return known.clone();
        }
        let mut names = Vec::new();
        let mut at = address;
        let mut directory = loop {
            if let Some(known) = self.paths.get(&at) {
                break known.clone();
            }
            let Some(entry) = self.entries.get(&at) else {
                break Directory::default();
            };
            if entry.is_root {
                break Directory {
                    path: Vec::new(),
                    is_rooted: true,
                };
            }
            names.push(&entry.name);
            // More names than there are entries: addresses that were used again have made a circle of them.
            if entry.is_top || names.len() > self.entries.len() {
                break Directory::default();
            }
            at = entry.parent;
        };
        for name in names.into_iter().rev() {
            append(&mut directory.path, name);
        }
        self.paths.insert(address, directory.clone());
        directory
    }
}

fn append(path: &mut Vec<u8>, name: &[u8]) {
    path.push(b'/');
    path.extend_from_slice(name);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::watches::types::record_kind;

    const TOP: u32 = entry_flags::ENTRY_TOP.0;
    const ROOT: u32 = TOP | entry_flags::ENTRY_ROOT.0;

    fn entries(all: &[(u64, u64, u32, &[u8])]) -> Entries {
        let mut entries = Entries::default();
        for one in all {
            insert(&mut entries, *one);
        }
        entries
    }

    fn insert(entries: &mut Entries, (address, parent, flags, name): (u64, u64, u32, &[u8])) {
        let record = entry_record {
            kind: record_kind::RECORD_ENTRY,
            flags: entry_flags(flags),
            address,
            parent,
            name_length: 0,
            reserved: 0,
        };
        entries.insert(&record, name);
    }

    #[test]
    fn names_become_a_path_from_the_root() {
        let mut all = entries(&[
            (3, 2, 0, b"c\nd"),
            (2, 1, 0, b"a b"),
            (1, 1, ROOT, b"/"),
            (4, 2, 0, b"e"),
        ]);
        assert_eq!(all.place(3, false), Place::Path(b"/a b/c\nd".to_vec()));
        assert_eq!(all.place(4, true), Place::Deleted(b"/a b/e".to_vec()));
        assert_eq!(all.place(1, true), Place::Path(b"/".to_vec()));
    }

    #[test]
    fn names_that_end_below_the_root_are_unreachable() {
        let mut all = entries(&[(7, 7, TOP, b"memfd:x"), (3, 2, 0, b"c"), (2, 1, 0, b"b")]);
        let unreachable = |path: &[u8]| Place::Unreachable(path.to_vec());
        assert_eq!(all.place(7, false), unreachable(b"/memfd:x"));
        assert_eq!(all.place(3, false), unreachable(b"/b/c"));
        assert_eq!(all.place(9, false), unreachable(b"/"));
        let mut circle = entries(&[(1, 2, 0, b"a"), (2, 1, 0, b"b")]);
        assert!(matches!(circle.place(1, false), Place::Unreachable(_)));
    }

    #[test]
    fn a_new_name_holds_for_all_below() {
        let mut all = entries(&[
            (1, 1, ROOT, b"/"),
            (2, 1, 0, b"a"),
            (3, 2, 0, b"b"),
            (4, 3, 0, b"c"),
        ]);
        assert_eq!(all.place(4, false), Place::Path(b"/a/b/c".to_vec()));
        insert(&mut all, (2, 1, 0, b"new"));
        assert_eq!(all.place(4, false), Place::Path(b"/new/b/c".to_vec()));
    }
}
