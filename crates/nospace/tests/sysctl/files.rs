//! Sets of sysctl files as bad as they come.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use proptest::prelude::*;

const DIRECTORIES: [&str; 5] = [
    "etc/sysctl.d",
    "run/sysctl.d",
    "usr/local/lib/sysctl.d",
    "usr/lib/sysctl.d",
    "lib/sysctl.d",
];
const NAMES: [&str; 13] = [
    "00-a.conf",
    "10-b.conf",
    "50-default.conf",
    "99-sysctl.conf",
    "99-z.conf",
    "Z.conf",
    "_x.conf",
    "a b.conf",
    "zz.conf",
    "ü.conf",
    ".hidden.conf",
    ".conf",
    "README",
];
const LINKS: [&str; 5] = [
    "/dev/null",
    "../sysctl.conf",
    "/etc/sysctl.conf",
    "nowhere.conf",
    "/usr/lib/sysctl.d/50-default.conf",
];
const KEYS: [&str; 25] = [
    "user.max_uts_namespaces",
    "user.max_uts_namespaces",
    "user.max_ipc_namespaces",
    "user.max_cgroup_namespaces",
    "user/max_uts_namespaces",
    "user/max_ipc_namespaces",
    "/user/max_uts_namespaces",
    ".user.max_uts_namespaces",
    "user//max_ipc_namespaces",
    "user..max_ipc_namespaces",
    "user/./max_uts_namespaces",
    "user.max_uts_namespaces.",
    "user/max_ipc_namespaces/",
    "/proc/sys/user/max_uts_namespaces",
    "user.max_Uts_namespaces",
    "user.max_*",
    "user.*",
    "*.max_uts_namespaces",
    "user/max_*_namespaces",
    "user.max_u?s_namespaces",
    "user.max_[c-u]*_namespaces",
    "user.max_[!u]*_namespaces",
    "user.max_[uts_namespaces",
    "/user/max_*",
    "user.max_uts",
];
const VALUES: [&str; 12] = [
    "0x10",
    "010",
    "08",
    "abc",
    "-5",
    "99999999999",
    "",
    "7 8",
    "5abc",
    "\"5\"",
    "5=6",
    "5 # five",
];
const BEFORE: [&str; 10] = ["", "", "", "", "-", "--", "- ", " \t", "#", ";"];
const ASSIGN: [&str; 6] = ["=", " = ", "\t=\t", "  =", "==", ""];
const AFTER: [&str; 11] = [
    "", "", "", " ", "\r", "\t", "\u{b}", "\u{c}", "\0", "\0x", "\r\r",
];

/// What is at a name in a directory.
#[derive(Clone, Debug)]
enum Entry {
    File(Vec<u8>),
    Link(&'static str),
    Directory,
}

/// All files of a case.
#[derive(Clone)]
pub struct Tree {
    drop_ins: BTreeMap<(&'static str, &'static str), Entry>,
    sysctl_conf: Option<Vec<u8>>,
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let pick = |of: &'static [&'static str]| prop::sample::select(of);
    let value = prop_oneof![
        3 => (1_u32..1000).prop_map(|n| n.to_string()),
        1 => pick(&VALUES).prop_map(str::to_owned),
    ];
    let line = (
        pick(&BEFORE),
        pick(&KEYS),
        pick(&ASSIGN),
        value,
        pick(&AFTER),
        prop::bool::weighted(0.95),
    );
    let line = line.prop_map(|(before, key, assign, value, after, newline)| {
        // What has no value would have it for a part of its key.
        let value = if assign.is_empty() { "" } else { &value };
        format!(
            "{before}{key}{assign}{value}{after}{}",
            if newline { "\n" } else { "\r" }
        )
    });
    (prop::collection::vec(line, 0..7), any::<bool>()).prop_map(|(lines, cut)| {
        let mut text = lines.concat().into_bytes();
        if cut {
            text.pop();
        }
        text
    })
}

/// Any set of files.
pub fn trees() -> impl Strategy<Value = Tree> {
    let entry = prop_oneof![
        10 => text().prop_map(Entry::File),
        2 => prop::sample::select(&LINKS[..]).prop_map(Entry::Link),
        1 => Just(Entry::Directory),
    ];
    let place = (
        prop::sample::select(&DIRECTORIES[..]),
        prop::sample::select(&NAMES[..]),
    );
    let drop_ins = prop::collection::btree_map(place, entry, 0..7);
    (drop_ins, prop::option::of(text())).prop_map(|(drop_ins, sysctl_conf)| Tree {
        drop_ins,
        sysctl_conf,
    })
}

impl Tree {
    /// Writes it below `root`, in a way that tells nospace who reads there.
    pub fn write(&self, root: &Path, systemd: bool) -> anyhow::Result<()> {
        for ((directory, name), entry) in &self.drop_ins {
            let path = root.join(directory).join(name);
            match entry {
                Entry::File(text) => fs::write(path, text)?,
                Entry::Link(to) => symlink(to, path)?,
                Entry::Directory => fs::create_dir(path)?,
            }
        }
        if let Some(text) = &self.sysctl_conf {
            fs::write(root.join("etc/sysctl.conf"), text)?;
        }
        if systemd {
            let directory = root.join("usr/lib/systemd");
            fs::create_dir_all(&directory)?;
            fs::write(directory.join("systemd-sysctl"), "")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the files above")
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &[u8]| text.escape_ascii().to_string().replace("\\n", "\\n\n    ");
        for ((directory, name), entry) in &self.drop_ins {
            match entry {
                Entry::File(text) => writeln!(f, "{directory}/{name}:\n    {}", shown(text))?,
                Entry::Link(to) => writeln!(f, "{directory}/{name} -> {to}")?,
                Entry::Directory => writeln!(f, "{directory}/{name}/")?,
            }
        }
        match &self.sysctl_conf {
            Some(text) => writeln!(f, "etc/sysctl.conf:\n    {}", shown(text)),
            None => Ok(()),
        }
    }
}
