use proptest::prelude::*;

use super::*;

const KEY: &str = "fs.inotify.max_user_watches";
const BOTH: [Reader; 2] = [Reader::Systemd, Reader::Procps];

fn boot(reader: Reader, files: &[(&str, &str)]) -> Boot {
    let files = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), assignments(text.as_bytes(), reader)));
    Boot {
        reader,
        files: files.collect(),
    }
}

fn won(reader: Reader, text: &str) -> Option<String> {
    let takes = |value: &str| number(value).is_some();
    let won = boot(reader, &[("f", text)]).winner(KEY, takes)?;
    Some(won.value)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn the_first_directory_masks_and_names_sort() {
    let all = [
        names(&["99-z.conf", "10-a.conf", "README", ".hidden.conf"]),
        names(&[]),
        names(&[]),
        names(&["10-a.conf", "50-m.conf"]),
    ];
    let mut order = vec![
        "/etc/sysctl.d/10-a.conf",
        "/usr/lib/sysctl.d/50-m.conf",
        "/etc/sysctl.d/99-z.conf",
    ];
    assert_eq!(reading_order(&all, Reader::Systemd), order);
    order.insert(0, "/etc/sysctl.d/.hidden.conf");
    order.push(SYSCTL_CONF);
    assert_eq!(reading_order(&all, Reader::Procps), order);
}

#[test]
fn lines_are_read_as_both_readers_do() {
    let text = b"# c\n; c\n\n-fs.inotify.max_user_watches = 5 \nnet/ipv4/conf/eth0.1/x=1\nnonsense\n=3\n-a.b\n";
    for reader in BOTH {
        let all = assignments(text, reader);
        let keys: Vec<_> = all
            .iter()
            .map(|one| (one.key.as_str(), one.value.as_deref(), one.line))
            .collect();
        assert_eq!(
            keys,
            [
                (KEY, Some("5"), 4),
                ("net.ipv4.conf.eth0/1.x", Some("1"), 5),
                ("a.b", None, 8),
            ]
        );
    }
}

#[test]
fn the_last_explicit_assignment_wins_and_patterns_give_way() {
    let text = "fs.inotify.max_user_watches=1\nfs.inotify.max_user_watches=2\nfs.inotify.*=7\n";
    for reader in BOTH {
        let files = [("10-a.conf", text), ("20-b.conf", "fs.inotify.max_*=9")];
        let boot = boot(reader, &files);
        let won = boot.winner(KEY, |_| true).unwrap();
        assert_eq!(
            (won.value.as_str(), won.file.as_str(), won.line),
            ("2", "10-a.conf", 2)
        );
        let other = boot.winner("fs.inotify.max_user_instances", |_| true);
        assert_eq!(other.unwrap().file, "20-b.conf");
        assert_eq!(boot.winner("fs.file-max", |_| true), None);
        assert_eq!(boot.setters(KEY).len(), 4);
    }
}

/// Each with what systemd-sysctl and what procps make of it.
#[test]
fn readers_differ() {
    let cases = [
        // An exclusion behind the key takes it away from systemd alone.
        (
            "fs.inotify.max_user_watches=5\n-fs.inotify.max_user_watches",
            None,
            Some("5"),
        ),
        // systemd applies the last word only, and the kernel refuses this one.
        (
            "fs.inotify.max_user_watches=5\nfs.inotify.max_user_watches=x",
            None,
            Some("5"),
        ),
        // The same again keeps its place in systemd's table.
        (
            "fs.inotify.*=1\nfs.*.*=2\nfs.inotify.*=1",
            Some("2"),
            Some("1"),
        ),
        ("- fs.inotify.max_user_watches=5", Some("5"), None),
        ("--fs.inotify.max_user_watches=5", None, Some("5")),
        ("fs.inotify.max_user_watches.=5", Some("5"), None),
        (
            "/fs/inotify/max_user_watches=5\nfs.inotify.*=6",
            Some("5"),
            Some("6"),
        ),
        ("x=1\rfs.inotify.max_user_watches=5", Some("5"), None),
        ("fs.inotify.max_user_watches=5\0 6", Some("5"), Some("5")),
        ("fs.inotify.max_user_watches=5\r\n", Some("5"), Some("5")),
        ("/proc/sys/fs/inotify/max_user_watches=5", None, None),
    ];
    for (text, systemd, procps) in cases {
        assert_eq!(
            won(Reader::Systemd, text).as_deref(),
            systemd,
            "systemd: {text:?}"
        );
        assert_eq!(
            won(Reader::Procps, text).as_deref(),
            procps,
            "procps: {text:?}"
        );
    }
}

/// In the initial user namespace user.max_inotify_watches is the same number.
#[test]
fn a_key_has_two_names() {
    let cases = [
        (
            "fs.inotify.max_user_watches=5\nuser.max_inotify_watches=6",
            "6",
        ),
        (
            "user.max_inotify_watches=6\nfs.inotify.max_user_watches=5",
            "5",
        ),
        ("fs.inotify.max_user_watches=5\nuser.max_*=6", "6"),
        ("fs.inotify.max_user_watches=5\nfs.inotify.*=6", "5"),
    ];
    for (text, expected) in cases {
        for reader in BOTH {
            assert_eq!(
                won(reader, text).as_deref(),
                Some(expected),
                "{reader:?}: {text:?}"
            );
        }
    }
}

#[test]
fn lines_of_systemd_are_numbered() {
    for text in [
        "a=1\r\nb=2\nc=3",
        "a=1\n\rb=2\0c=3",
        "a=1\rb=2\rc=3",
        "a=1\r\n\0b=2\n\0c=3",
    ] {
        let lines = assignments(text.as_bytes(), Reader::Systemd);
        let lines: Vec<_> = lines.iter().map(|l| (l.key.as_str(), l.line)).collect();
        assert_eq!(lines, [("a", 1), ("b", 2), ("c", 3)], "{text:?}");
    }
}

#[test]
fn numbers_are_the_kernels() {
    let numbers = [
        ("8192", Some(8192)),
        (" 0x10", Some(16)),
        ("010", Some(8)),
        ("0", Some(0)),
        ("100 200", Some(100)),
        ("08", None),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("0x", None),
        ("12abc", None),
        ("99999999999999999999", None),
    ];
    for (value, expected) in numbers {
        assert_eq!(number(value), expected, "{value:?}");
    }
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), key in "[a-z.*?]{0,20}") {
        for reader in BOTH {
            let files = vec![("f".to_owned(), assignments(&bytes, reader))];
            let boot = Boot { reader, files };
            let won = boot.winner(&key, |_| true);
            prop_assert!(won.is_none_or(|won| boot.setters(&key).contains(&won)));
        }
    }
}
