//! `nospace watches` against watches that this test itself has set.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests"
)]

use std::ffi::OsStr;
use std::fs;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use nospace_bpf::take::Group;
use nospace_core::watches::{Event, MarkKind, NamedWatch, Naming, PathState, WatchesReport};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use serde_json::Value;

const NOSPACE: &str = env!("CARGO_BIN_EXE_nospace");

fn nospace(arguments: &[&str]) -> Output {
    Command::new(NOSPACE)
        .arg("watches")
        .args(arguments)
        .output()
        .unwrap()
}

/// Watches of this process are those of one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/watches.schema.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_schema_is_current() {
    let made = serde_json::to_value(schemars::schema_for!(WatchesReport)).unwrap();
    assert_eq!(schema(), made, "run: cargo xtask schema");
}

/// The watches of this process, with the document held to its schema.
fn own(arguments: &[&str]) -> WatchesReport {
    let pid = std::process::id().to_string();
    let output = nospace(&[&[pid.as_str(), "-o", "json"], arguments].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let wrong: Vec<_> = validator
        .iter_errors(&value)
        .map(|e| e.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let mut without = value.clone();
    without.as_object_mut().unwrap().remove("watches");
    assert!(!validator.is_valid(&without));
    serde_json::from_value(value).unwrap()
}

fn source(report: &WatchesReport) -> &str {
    let run = report.collectors.iter().find(|run| run.name == "watches");
    &run.unwrap().source
}

/// What is watched, in the order of the watch descriptors.
struct Watched {
    _instance: OwnedFd,
    _held: fs::File,
    directory: tempfile::TempDir,
}

fn watch_oddities() -> Watched {
    let directory = tempfile::tempdir().unwrap();
    let instance = inotify::init(CreateFlags::CLOEXEC).unwrap();
    let watch = |path: &Path, events| inotify::add_watch(&instance, path, events).unwrap();
    let deep = directory.path().join("a/b");
    fs::create_dir_all(&deep).unwrap();
    watch(&deep, WatchFlags::CREATE | WatchFlags::DELETE);
    let odd = directory
        .path()
        .join(OsStr::from_bytes(b"new\nline\x1b[31m"));
    fs::create_dir(&odd).unwrap();
    watch(&odd, WatchFlags::ALL_EVENTS);
    let gone = directory.path().join("gone");
    fs::create_dir(&gone).unwrap();
    watch(&gone, WatchFlags::MODIFY);
    let held = fs::File::open(&gone).unwrap();
    fs::remove_dir(&gone).unwrap();
    watch(Path::new("/proc/sys/kernel"), WatchFlags::MODIFY);
    Watched {
        _instance: instance,
        _held: held,
        directory,
    }
}

/// What is the same however it was found out.
fn check_common(watches: &[NamedWatch]) {
    assert_eq!(watches.len(), 4);
    assert_eq!(*watches[0].mask, [Event::Create, Event::Delete]);
    assert_eq!(watches[1].mask.len(), 12);
    for watch in watches {
        assert_eq!(watch.container_path, None, "the host's own mounts");
    }
}

#[test]
fn every_watch_is_named_or_said_why_not() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let watched = watch_oddities();
    let path = |name: &str| Some(format!("{}/{name}", watched.directory.path().display()));
    let there = [path("a/b"), path("new\nline\x1b[31m")];
    let report = own(&[]);
    check_common(&report.watches);
    if source(&report) == "ebpf" {
        for (watch, path) in report.watches.iter().zip(&there) {
            assert_eq!(
                (watch.host_path.as_deref(), watch.state),
                (path.as_deref(), PathState::Present)
            );
            assert_eq!(watch.naming, Naming::Kernel);
        }
        let gone = &report.watches[2];
        assert_eq!(
            (gone.host_path.as_deref(), gone.state),
            (path("gone").as_deref(), PathState::Deleted)
        );
        let proc = report.watches[3].host_path.as_deref();
        assert_eq!(proc, Some("/proc/sys/kernel"));
    } else {
        eprintln!("skipped: names by eBPF; the kernel or this user cannot");
    }
    let report = own(&["--no-ebpf"]);
    assert_eq!(source(&report), "procfs");
    check_common(&report.watches);
    assert_eq!(
        report.watches[3].state,
        PathState::Unnamed,
        "procfs has no handles"
    );
    if rustix::process::geteuid().is_root() {
        for (watch, path) in report.watches.iter().zip(&there) {
            assert_eq!(
                (watch.host_path.as_deref(), watch.naming),
                (path.as_deref(), Naming::Handle)
            );
        }
        assert_eq!(report.watches[2].state, PathState::Deleted);
    }
    check_archive();
    let pid = std::process::id().to_string();
    for arguments in [
        &[][..],
        &["--all"],
        &["--top=5"],
        &["--by=mount"],
        &["--by=holder"],
    ] {
        let output = nospace(&[&[pid.as_str()], arguments].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && text.starts_with(|c: char| c == '~' || c.is_numeric()),
            "{text}"
        );
        assert!(
            !text.contains("new\nline") && !text.contains('\x1b'),
            "{text}"
        );
    }
}

/// By eBPF, and by asking every process.
#[test]
fn fanotify_marks_are_listed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = tempfile::tempdir().unwrap();
    let removed = tempfile::tempdir().unwrap();
    let group = Group::new().unwrap();
    let open = |place: &Path| fs::File::open(place).unwrap();
    group.mark(open(kept.path()).as_fd()).unwrap();
    let other = open(removed.path());
    group.mark(other.as_fd()).unwrap();
    removed.close().unwrap();
    for way in [&[][..], &["--no-ebpf"]] {
        let report = own(way);
        let fd = group.as_fd().as_raw_fd();
        let at = report.groups.iter().position(|one| {
            one.holders
                .iter()
                .any(|holder| holder.fd.cast_signed() == fd)
        });
        let at = at.unwrap_or_else(|| panic!("{way:?}: {:?}", report.groups));
        assert_eq!(report.groups[at].marks, 2, "{way:?}");
        let marks = report.marks.iter().filter(|mark| mark.group as usize == at);
        let marks: Vec<_> = marks.collect();
        let of = |state| marks.iter().find(|mark| mark.state == Some(state));
        let present = of(PathState::Present).unwrap_or_else(|| panic!("{marks:?}"));
        assert_eq!(present.host_path.as_deref(), kept.path().to_str());
        assert_eq!(present.kind, MarkKind::Inode);
        assert_eq!(present.mask, [Event::Modify]);
        assert_eq!(present.number, Some(kept.path().metadata().unwrap().ino()));
        // Which of them depends on the file system.
        assert!(
            of(PathState::Deleted)
                .or_else(|| of(PathState::Unnamed))
                .is_some(),
            "{marks:?}"
        );
    }
    let text = nospace(&[&std::process::id().to_string()]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(
        text.contains("2 marks in 1 group of 1 process") && text.contains("inode "),
        "{text}"
    );
}

#[test]
fn what_is_not_there_is_said_so() {
    let output = nospace(&["no-such-pod"]);
    assert_eq!(output.status.code(), Some(3));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("\"no-such-pod\""), "{errors}");
}

#[test]
fn the_name_of_a_process_stands_for_it() {
    let _instance = inotify::init(CreateFlags::CLOEXEC).unwrap();
    let comm = fs::read_to_string("/proc/self/comm").unwrap();
    let output = nospace(&[comm.trim_end(), "-o", "json"]);
    let report: WatchesReport = serde_json::from_slice(&output.stdout).unwrap();
    let pid = std::process::id();
    assert!(report.holders.iter().any(|holder| holder.pid == pid));
}

/// What `record` keeps are fdinfo files, and those only where it counts from /proc.
fn check_archive() {
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("node.tar.zst");
    let archive = archive.to_str().unwrap();
    let record = |arguments: &[&str]| {
        let record = ["record", archive];
        let mut command = Command::new(NOSPACE);
        let saved = command.args(record).args(arguments).output().unwrap();
        assert!(saved.status.success());
    };
    record(&["--no-ebpf"]);
    assert_eq!(own(&["--from", archive]).watches.len(), 4);
    record(&[]);
    let output = nospace(&["--from", archive]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() || errors.contains("the recording contains no watches"),
        "{errors}"
    );
}

/// Files lose their names first: a handle does not lead from them to a directory.
#[test]
fn what_was_forgotten_is_found_in_its_directory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let instance = inotify::init(CreateFlags::CLOEXEC).unwrap();
    let watch = |path: &Path| inotify::add_watch(&instance, path, WatchFlags::MODIFY).unwrap();
    let names = ["a b", "c\nd", "e"];
    for name in names {
        let file = directory.path().join("in").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "").unwrap();
        watch(&file);
    }
    watch(&directory.path().join("in"));
    rustix::fs::sync();
    // Entries and inodes that nobody uses: nothing is lost, and what is needed is read again.
    if fs::write("/proc/sys/vm/drop_caches", "2").is_err() {
        eprintln!("skipped: only root can have the kernel forget names");
        return;
    }
    let report = own(&[]);
    let path = |name: &str| format!("{}/in/{name}", directory.path().display());
    for (watch, name) in report.watches.iter().zip(names) {
        assert_eq!(watch.host_path, Some(path(name).into()), "{watch:?}");
        assert_eq!(watch.state, PathState::Present);
    }
    let found = |watch: &NamedWatch| watch.naming == Naming::Directory;
    assert!(report.watches.iter().any(found), "{:?}", report.watches);
}

/// What nospace says in a mount namespace of its own; nothing where that cannot be had.
fn in_namespace(script: &str) -> Option<WatchesReport> {
    let unshare = |what: &[&str]| {
        let mut command = Command::new("unshare");
        let command = command.arg("--mount").args(what).env("nospace", NOSPACE);
        command.output().unwrap()
    };
    if !unshare(&["true"]).status.success() {
        eprintln!("skipped: only root can have a mount namespace");
        return None;
    }
    let script = format!("trap 'kill $!' EXIT\n{script}");
    let output = unshare(&["sh", "-euc", &script]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// A handle also opens what lies outside of the part of a file system that is mounted: the kernel calls that `/`.
#[test]
fn a_handle_is_believed_where_its_name_leads_back() {
    let script = r#"
        mount -t tmpfs whole /mnt
        mkdir -p /mnt/part/in /mnt/out
        touch /mnt/part/in/f /mnt/out/f
        tail -F /mnt/part/in/f /mnt/out/f >/dev/null 2>&1 &
        sleep 0.3
        mount --bind /mnt/part /srv
        umount -l /mnt
        for directory in /usr /lib /lib64 /proc /sys; do
            [ -e $directory ] || continue
            mkdir /srv$directory
            mount --rbind $directory /srv$directory
        done
        touch /srv/nospace
        mount --bind "$nospace" /srv/nospace
        chroot /srv /nospace watches --no-ebpf -o json $!
    "#;
    let Some(report) = in_namespace(script) else {
        return;
    };
    let mut paths: Vec<_> = report.watches.iter().map(|w| &w.host_path).collect();
    paths.sort();
    paths.dedup();
    let there = |path: &str| Some(path.into());
    assert_eq!(paths, [&None, &there("/in"), &there("/in/f")]);
}

/// As uid 65534: the message says what is lacking, not that the kernel had forgotten.
#[test]
fn a_handle_that_may_not_be_opened_is_reported_once() {
    let script = r#"
        mount -t tmpfs whole /mnt
        touch /mnt/f
        nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
        $nobody tail -F /mnt/f >/dev/null 2>&1 &
        sleep 0.3
        exec 8<"$nospace"
        $nobody /proc/self/fd/8 watches --no-ebpf -o json $!
    "#;
    let Some(report) = in_namespace(script) else {
        return;
    };
    let run = report.collectors.last().unwrap();
    let about = |what: &str| run.gaps.iter().filter(|gap| gap.contains(what)).count();
    assert_eq!(about("CAP_DAC_READ_SEARCH"), 1, "{:?}", run.gaps);
    assert_eq!(about("2 watches"), 1, "{:?}", run.gaps);
    assert_eq!(about("find MOUNTPOINT"), 0, "{:?}", run.gaps);
}

/// A `tail` that follows a file, which takes an instance.
struct Tail(std::process::Child);

impl Tail {
    fn start(file: &Path) -> Self {
        let follow = Command::new("tail").arg("-F").arg(file).spawn();
        Self(follow.unwrap())
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_program_is_all_its_processes() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("log");
    fs::write(&file, "").unwrap();
    let tails = [Tail::start(&file), Tail::start(&file)];
    let pids = tails.each_ref().map(|tail| tail.0.id());
    let listed = || -> Vec<(u32, String)> {
        let output = nospace(&["tail", "-o", "json"]);
        let report = serde_json::from_slice::<WatchesReport>(&output.stdout);
        let holders = report.map_or_else(|_| Vec::new(), |report| report.holders);
        holders.into_iter().map(|p| (p.pid, p.comm)).collect()
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let mut found = listed();
    while !pids
        .iter()
        .all(|pid| found.iter().any(|(one, _)| one == pid))
    {
        assert!(std::time::Instant::now() < deadline, "{pids:?}: {found:?}");
        found = listed();
    }
    assert!(found.iter().all(|(_, comm)| comm == "tail"), "{found:?}");
    let wrong = nospace(&["tial"]);
    assert_eq!(wrong.status.code(), Some(3));
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        said.contains("\"tial\" matches no pod, container or program") && said.contains("tail"),
        "{said}"
    );
}
