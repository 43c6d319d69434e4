//! The names of the users that a snapshot has.

use std::collections::BTreeSet;

use anyhow::bail;
use nospace_core::model::{INITIAL_USER_NAMESPACE, Snapshot, UserNames};
use nospace_core::parse::passwd;
use nospace_core::select::similar;

use super::mount_table::{self, Table};
use super::mounts::namespace_at;
use super::vantage;
use crate::host::{Host, MAX_PASSWD, PASSWD, root};

/// What the kernel shows to a user namespace in place of users that it does not have (`DEFAULT_OVERFLOWUID`).
const OVERFLOW_UID: u32 = 65_534;

/// The names that the node's /etc/passwd gives the users of `snapshot`; none where that file may be another machine's.
pub fn names(host: &dyn Host, snapshot: &Snapshot) -> UserNames {
    let is_initial = snapshot.vantage.user_namespace == Some(INITIAL_USER_NAMESPACE);
    let mut uids = uids(snapshot);
    if !is_initial {
        uids.remove(&OVERFLOW_UID);
    }
    if uids.is_empty() || !numbers_agree(host, is_initial, snapshot.vantage.initial_pid_namespace) {
        return UserNames::default();
    }
    host.user_names(&uids)
        .map(UserNames::new)
        .unwrap_or_default()
}

/// The node's /etc/passwd, if it is known to be the node's: for the names of users, and for the uids of users that options name.
pub struct Passwd(Result<Vec<u8>, String>);

impl Passwd {
    /// Reads it.
    pub fn read(host: &dyn Host) -> Self {
        let vantage = vantage::collect(host);
        let is_initial = vantage.user_namespace == Some(INITIAL_USER_NAMESPACE);
        if !is_initial || !numbers_agree(host, is_initial, vantage.initial_pid_namespace) {
            let why = "the names of the node's users are not known here: /etc/passwd may be a container's (--rootfs DIRECTORY says where the node's is)";
            return Self(Err(why.to_owned()));
        }
        let mut text = Vec::new();
        let read = host.read(root(PASSWD), MAX_PASSWD, &mut text);
        Self(
            read.map(|()| text)
                .map_err(|why| format!("cannot read /etc/passwd: {why}")),
        )
    }

    /// The names of all users; none where they are not known.
    pub fn names(&self) -> UserNames {
        UserNames::new(passwd::names(self.0.as_deref().unwrap_or_default()))
    }

    /// The uid of the user `name`.
    ///
    /// # Errors
    ///
    /// In words: there is no such user, or users have no names here.
    pub fn uid(&self, name: &str) -> anyhow::Result<u32> {
        let text = match &self.0 {
            Ok(text) => text,
            Err(why) => bail!("{why}; give the uid of {name:?}"),
        };
        if let Some(uid) = passwd::uid(text, name) {
            return Ok(uid);
        }
        let alike = similar(name, &passwd::names(text).into_values().collect());
        let alike = match &alike[..] {
            [] => String::new(),
            names => format!(" (similar: {})", names.join(", ")),
        };
        bail!(
            "the node's /etc/passwd has no user {name:?}{alike}; for a user that is defined elsewhere, such as in LDAP, give the uid (`id -u`)"
        )
    }
}

/// Whether /etc/passwd below `--rootfs` counts users as this kernel does.
fn numbers_agree(host: &dyn Host, is_initial: bool, sees_node: bool) -> bool {
    if host.look().mounts_of != "self" {
        // That of the node, which numbers users as the initial namespace does.
        return is_initial;
    }
    // A container that shows no more than itself has names for its own numbers, but not for those of the node, which it may be charged with.
    if is_initial && !sees_node {
        return false;
    }
    has_root_of_first(host)
}

/// Whether nospace has the same root file system as the first process: with the host's pids, a container has another one.
fn has_root_of_first(host: &dyn Host) -> bool {
    let of = |process: &str| namespace_at(host, &format!("{process}/ns/mnt")).ok();
    if let (Some(own), Some(first)) = (of("self"), of("1"))
        && own == first
    {
        return true;
    }
    let root = |mounts: &Table| {
        let on_root = mounts.at("/")?;
        Some((on_root.device.clone(), on_root.root.clone()))
    };
    let own = mount_table::read(host).ok();
    let first = || Some(Table::new(mount_table::of(host, "1").ok()?));
    own.and_then(|own| root(&own))
        .is_some_and(|own| first().and_then(|first| root(&first)) == Some(own))
}

/// Every user that inotify or another budget is charged to, and that a process of interest has.
fn uids(snapshot: &Snapshot) -> BTreeSet<u32> {
    let inotify = snapshot.inotify.iter();
    let charged = inotify.flat_map(|inotify| {
        let of_instances = inotify.instances.iter().map(|one| one.charged);
        let of_counters = inotify.counters.iter().flatten().map(|one| one.key);
        let above = inotify.user_namespaces.iter();
        let above = above.filter_map(|one| one.draws_on);
        of_instances.chain(of_counters).chain(above)
    });
    let accounts = snapshot.accounts.iter().flat_map(|accounts| {
        let fanotify = accounts.fanotify.iter().flatten().map(|one| one.key);
        fanotify.chain(accounts.near.iter().map(|one| one.user))
    });
    let processes = snapshot.processes.iter().map(|one| one.user);
    let keys = snapshot.keys.iter().flat_map(|keys| &keys.users);
    let epoll = snapshot.epoll.iter().flat_map(|epoll| &epoll.users);
    let users = charged.chain(accounts).chain(processes);
    users
        .map(|user| user.uid)
        .chain(keys.map(|one| one.uid))
        .chain(epoll.map(|one| one.uid))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nospace_core::model::{Inotify, Instance, UserKey, Vantage};

    use super::*;
    use crate::host::Look;
    use crate::host::archive::{Answer, Contents, FORMAT, Head, Question};
    use crate::host::recorded::Recorded;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000:Web,Room 5:/home/web:/bin/sh\n\
                          other:x:1001:1001::/:\nnobody:x:65534:65534::/:\n";

    /// A node whose first process has the root `first`, asked by one with `/dev/vda`'s.
    fn node(mounts_of: &str, first: &str) -> Recorded {
        let mut contents = Contents::empty(&Head {
            format: FORMAT,
            timeline: None,
            version: String::new(),
            note: None,
            look: Look {
                taken_at: String::new(),
                uid: 0,
                mounts_of: mounts_of.to_owned(),
                page_size: 4096,
            },
        });
        let root = |device: &str| format!("1 0 {device} / / rw - ext4 /dev/vda rw\n").into_bytes();
        let files = [
            ("root/etc/passwd", PASSWD.into()),
            ("proc/self/mountinfo", root("254:0")),
            ("proc/1/mountinfo", root(first)),
        ];
        contents.files = files.map(|(name, text)| (name.to_owned(), text)).into();
        for (process, id) in [("self", 7), ("1", 8)] {
            let link = Question::Link(format!("proc/{process}/ns/mnt"));
            let answer = Answer::Target(format!("mnt:[{id}]"));
            contents.answers.insert(link, answer, 0);
        }
        Recorded::of(contents)
    }

    fn seen(user_namespace: u64, initial_pid_namespace: bool) -> Snapshot {
        let instance = |uid| Instance {
            watches: 0,
            charged: UserKey::initial(uid),
            holders: Vec::new(),
        };
        let inotify = Inotify {
            instances: [0, 1000, 65_534].map(instance).into(),
            ..Inotify::default()
        };
        Snapshot {
            vantage: Vantage {
                user_namespace: Some(user_namespace),
                initial_pid_namespace,
                ..Vantage::initial()
            },
            inotify: Some(inotify),
            ..Snapshot::default()
        }
    }

    fn named(host: &dyn Host, snapshot: &Snapshot) -> String {
        let names = names(host, snapshot);
        let all = [0, 1000, 1001, 65_534].map(|uid| names.of(uid).unwrap_or("-").to_owned());
        all.join(" ")
    }

    #[test]
    fn users_have_names_where_the_file_is_of_the_node() {
        let on_host = seen(INITIAL_USER_NAMESPACE, true);
        let all = "root web - nobody";
        assert_eq!(named(&node("self", "254:0"), &on_host), all);
        // A service with mounts of its own; a pod with the node's root below --rootfs.
        assert_eq!(named(&node("1", "254:1"), &on_host), all);
        // A container with the host's pids has another /etc/passwd, and so has one that sees only itself.
        assert_eq!(named(&node("self", "254:1"), &on_host), "- - - -");
        let alone = seen(INITIAL_USER_NAMESPACE, false);
        assert_eq!(named(&node("self", "254:0"), &alone), "- - - -");
    }

    #[test]
    fn a_user_namespace_names_its_own_users_but_none_that_it_cannot_see() {
        let guest = seen(4_026_532_200, false);
        assert_eq!(named(&node("self", "254:0"), &guest), "root web - -");
        assert_eq!(named(&node("1", "254:0"), &guest), "- - - -");
    }

    #[test]
    fn a_recording_has_the_names_that_were_used_and_nothing_else_of_the_file() {
        use crate::host::At;
        use crate::host::archive::Sink;
        use crate::host::recording::Recording;

        #[derive(Default)]
        struct Kept(BTreeMap<String, Vec<u8>>);
        impl Sink for Kept {
            fn file(&mut self, at: At<'_>, contents: &[u8], _: bool) {
                self.0.insert(at.to_string(), contents.to_vec());
            }
            fn answer(&mut self, _: Question, _: Answer) {}
        }
        let node = node("self", "254:0");
        let recording = Recording::new(&node, Kept::default(), true);
        let named = names(&recording, &seen(INITIAL_USER_NAMESPACE, true));
        assert_eq!(named.user(UserKey::initial(1000)), "uid 1000 (web)");
        let kept = recording.into_writer().0;
        let passwd = String::from_utf8_lossy(&kept["/etc/passwd"]).into_owned();
        assert_eq!(passwd, "root:x:0:::\nweb:x:1000:::\nnobody:x:65534:::\n");
    }
}
