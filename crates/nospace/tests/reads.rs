//! No read is cut unseen: what does not fit is an error that names the file and the bound, live and recorded alike.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use nospace::collect::collect;
use nospace::host::archive::Writer;
use nospace::host::live::{Live, Roots};
use nospace::host::recorded::Recorded;
use nospace::host::recording::Recording;
use nospace::host::{Host, ReadError, proc, root};
use nospace_core::model::Snapshot;
use tempfile::TempDir;

const MOUNT: &str = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n";

/// A host with a procfs of these files.
fn host(directory: &TempDir, files: &[(&str, &[u8])]) -> Live {
    for (path, contents) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    let roots = Roots {
        proc: directory.path().to_owned(),
        sys: directory.path().to_owned(),
        root: directory.path().to_owned(),
    };
    Live::open(&roots, false).unwrap()
}

/// What `ask` gets from a live host and from a recording of it, with the files that the recording holds in part.
fn recorded<T>(host: &Live, ask: impl Fn(&dyn Host) -> T) -> (T, T, Vec<String>) {
    let writer = Writer::new(Vec::new(), host.look()).unwrap();
    let recording = Recording::new(host, writer, false);
    let live = ask(&recording);
    let writer = recording.into_writer();
    let incomplete = writer.incomplete().map(str::to_owned).collect();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("node.tar.zst");
    fs::write(&path, writer.finish().unwrap()).unwrap();
    (live, ask(&Recorded::open(&path).unwrap()), incomplete)
}

fn read(host: &dyn Host, path: &str, bound: usize) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    host.read(proc(path), bound, &mut bytes).map(|()| bytes)
}

fn count(host: &dyn Host, path: &str) -> (u64, Result<(), ReadError>) {
    let mut lines = 0;
    let end = host.lines(proc(path), &mut |_| {
        lines += 1;
        ControlFlow::Continue(())
    });
    (lines, end)
}

fn error<'s>(snapshot: &'s Snapshot, collector: &str) -> &'s str {
    let run = snapshot.collectors.iter().find(|one| one.name == collector);
    run.unwrap().error.as_deref().unwrap_or("none")
}

#[test]
fn a_file_beyond_its_bound_is_an_error_and_not_its_beginning() {
    let directory = TempDir::new().unwrap();
    let host = host(&directory, &[("loadavg", b"0.1 0.2 0.3 1/80 7")]);
    let (live, replayed, _) = recorded(&host, |host| {
        (read(host, "loadavg", 18), read(host, "loadavg", 17))
    });
    assert_eq!(live.0.as_deref(), Ok(&b"0.1 0.2 0.3 1/80 7"[..]));
    assert!(matches!(&live.1, Err(ReadError::Failed(why)) if why.contains("17 bytes")));
    assert_eq!(live, replayed);
}

#[test]
fn a_reader_that_stops_early_hides_nothing_from_the_next() {
    let directory = TempDir::new().unwrap();
    let host = host(&directory, &[("key-users", b"a\nb\nc\n")]);
    let (live, replayed, _) = recorded(&host, |host| {
        let mut first = Vec::new();
        host.lines(proc("key-users"), &mut |line| {
            first.extend_from_slice(line);
            ControlFlow::Break(())
        })
        .unwrap();
        (first, count(host, "key-users"))
    });
    assert_eq!(live, (b"a".to_vec(), (3, Ok(()))));
    assert_eq!(live, replayed);
}

#[test]
fn what_a_recording_has_no_room_for_is_an_error_when_it_is_read() {
    let directory = TempDir::new().unwrap();
    let lines = (70 << 20) / MOUNT.len();
    let host = host(
        &directory,
        &[("1/mountinfo", MOUNT.repeat(lines).as_bytes())],
    );
    let (live, replayed, incomplete) = recorded(&host, |host| count(host, "1/mountinfo"));
    assert_eq!(live, (lines as u64, Ok(())));
    assert!(replayed.0 < live.0 && replayed.0 > 900_000, "{replayed:?}");
    assert!(matches!(&replayed.1, Err(ReadError::Failed(why)) if why.contains("67108864 bytes")));
    assert_eq!(incomplete, ["proc/1/mountinfo"]);
}

/// As versions before wrote it: the beginning of a file, and that it was cut.
#[test]
fn an_old_recording_with_a_file_that_was_cut_says_so() {
    let directory = TempDir::new().unwrap();
    let put = |path: &str, contents: &str| {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    };
    put(
        "nospace.json",
        r#"{"format":1,"version":"0.1.0","look":{"takenAt":"2026-01-01T00:00:00Z","uid":0,"mountsOf":"self"}}"#,
    );
    put(
        "answers.jsonl",
        "{\"q\":{\"read\":\"proc/sysvipc/shm\"},\"a\":\"cut\"}\n",
    );
    put(
        "files/proc/sysvipc/shm",
        "key shmid perms size\n0 1 600 4096\n0 2 60",
    );
    put("files/proc/sysvipc/sem", "key semid perms nsems\n");
    let host = Recorded::open(directory.path()).unwrap();
    let (lines, end) = count(&host, "sysvipc/shm");
    assert_eq!(lines, 2);
    assert!(matches!(end, Err(ReadError::Failed(_))));
    let snapshot = collect(&host);
    assert!(snapshot.sysv.is_none());
    let error = error(&snapshot, "sysv");
    assert!(
        error.contains("/proc/sysvipc/shm") && error.contains("40 bytes"),
        "{error}"
    );
}

#[test]
fn collectors_that_cannot_read_say_which_file_and_have_no_figures() {
    let directory = TempDir::new().unwrap();
    let long = vec![b'7'; 300 << 10];
    let line = vec![b'7'; 2 << 20];
    let host = host(
        &directory,
        &[
            ("sys/fs/file-nr", &long),
            ("key-users", &line),
            ("1/mountinfo", b"22 1 254:0 / / rw,rel"),
        ],
    );
    let snapshot = collect(&host);
    assert!(snapshot.keys.is_none() && snapshot.sysv.is_none());
    assert!(snapshot.filesystems.is_none() && snapshot.cgroups.is_none());
    for (collector, place, bound) in [
        ("files", "/proc/sys/fs/file-nr", "262144"),
        ("keys", "/proc/key-users", "1048576"),
        ("sysv", "/proc/sysvipc/sem", "not there"),
        ("filesystems", "/proc/1/mountinfo", ""),
        ("cgroups", "/proc/1/mountinfo", ""),
    ] {
        let error = error(&snapshot, collector);
        assert!(error.contains(place) && error.contains(bound), "{error}");
    }
    let pids = snapshot.collectors.iter().find(|one| one.name == "pids");
    assert!(pids.unwrap().error.is_some());
}

#[test]
fn processes_that_cannot_be_listed_leave_no_figures_of_them() {
    let directory = TempDir::new().unwrap();
    let put = |path: &str, contents: &str| fs::write(directory.path().join(path), contents);
    put(
        "nospace.json",
        r#"{"format":1,"version":"0.1.0","look":{"takenAt":"2026-01-01T00:00:00Z","uid":0,"mountsOf":"self"}}"#,
    )
    .unwrap();
    put(
        "answers.jsonl",
        "{\"q\":\"pids\",\"a\":{\"absent\":\"denied\"}}\n",
    )
    .unwrap();
    fs::create_dir_all(directory.path().join("files/proc/sys/fs/epoll")).unwrap();
    put("files/proc/sys/fs/epoll/max_user_watches", "100\n").unwrap();
    put("files/proc/sys/fs/mount-max", "100\n").unwrap();
    let snapshot = collect(&Recorded::open(Path::new(directory.path())).unwrap());
    assert!(snapshot.inotify.is_none() && snapshot.epoll.is_none());
    assert!(snapshot.mounts.is_none() && snapshot.namespaces.is_none());
    for collector in ["inotify", "epoll", "mounts", "namespaces"] {
        let error = error(&snapshot, collector);
        assert!(
            error.contains("cannot list processes"),
            "{collector}: {error}"
        );
    }
}

/// `--rootfs /host` in a pod: the root is somewhere else, and its file systems answer all the same.
#[test]
fn file_systems_of_another_root_are_asked() {
    let open = |root: &str| {
        let roots = Roots {
            proc: "/proc".into(),
            sys: "/sys".into(),
            root: root.into(),
        };
        Live::open(&roots, false).unwrap()
    };
    let blocks = |at: &str, place| open(at).statfs(root(place)).map(|usage| usage.blocks);
    for place in ["", "dev"] {
        let own = blocks("/", place);
        assert!(own.as_ref().is_ok_and(|blocks| *blocks > 0), "{own:?}");
        assert_eq!(blocks("/proc/self/root", place), own, "{place:?}");
    }
    // What is not there is gone, which decides what remedies may name.
    for at in ["/", "/proc/self/root"] {
        let missing = open(at).link(root("usr/bin/no-such-program"));
        assert_eq!(missing, Err(ReadError::Gone), "{at}");
    }
}
