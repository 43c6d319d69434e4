//! passwd(5).

use std::collections::BTreeMap;

use super::{lines, lossy};

/// The name of each uid; the first one, where a uid has several. Lines that are none of passwd(5), such as those of NIS, are left out.
#[must_use]
pub fn names(bytes: &[u8]) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for line in lines(bytes).map(lossy) {
        let mut fields = line.split(':');
        let (Some(name), Some(uid)) = (fields.next(), fields.nth(1)) else {
            continue;
        };
        if let Ok(uid) = uid.parse()
            && !name.is_empty()
        {
            names.entry(uid).or_insert_with(|| name.to_owned());
        }
    }
    names
}

/// The uid of the user `name`; the first one, where several lines have it, as getpwnam(3) answers.
#[must_use]
pub fn uid(bytes: &[u8], name: &str) -> Option<u32> {
    let mut users = lines(bytes).map(lossy).filter_map(|line| {
        let mut fields = line.split(':');
        let is_meant = fields.next() == Some(name) && !name.is_empty();
        is_meant.then(|| fields.nth(1)?.parse().ok()).flatten()
    });
    users.next()
}

/// A file that gives these users their names, and says nothing else of them.
#[must_use]
pub fn of(names: &BTreeMap<u32, String>) -> Vec<u8> {
    let line = |(uid, name): (&u32, &String)| format!("{name}:x:{uid}:::\n");
    names.iter().map(line).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_uid_has_its_first_name() {
        let names = names(
            b"root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\nweb:x:1000:1000::/:\n+nis\n:x:7:7\nbad:x:-1:0\n",
        );
        let all: Vec<_> = names
            .iter()
            .map(|(uid, name)| (*uid, name.as_str()))
            .collect();
        assert_eq!(all, [(0, "root"), (1000, "web")]);
        assert_eq!(super::names(&of(&names)), names);
    }

    #[test]
    fn each_name_has_its_first_uid() {
        let passwd =
            b"root:x:0:0::/:\ntoor:x:0:0::/:\nweb:x:-1:1\nweb:x:1000:1\nweb:x:1001:1\n:x:7:7\n";
        for (name, expected) in [
            ("toor", Some(0)),
            ("web", Some(1000)),
            ("we", None),
            ("", None),
        ] {
            assert_eq!(uid(passwd, name), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = names(&bytes);
            let _ = uid(&bytes, "root");
        }
    }
}
