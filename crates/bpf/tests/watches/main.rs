//! The path lister against what was watched and what fdinfo says, on every kind of file system.
//!
//! Needs root; mounts only in a mount namespace of its own. A plain program, as the oracle tests are.

#![allow(clippy::print_stdout, reason = "a test program of its own")]

mod once;

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nospace_bpf::accounting::AccountingReader;
use nospace_bpf::accounting::Holder;
use nospace_bpf::watches::{Listed, Lister, Place, WatchedFile};
use rustix::fs::inotify;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, unmount,
};
use rustix::thread::{UnshareFlags, unshare_unsafe};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
type Case = (&'static str, fn(&mut Bench) -> Outcome<String>);

const CASES: [Case; 15] = [
    ("root file system", on_disk),
    ("tmpfs", on_tmpfs),
    ("proc and sysfs", on_proc_and_sysfs),
    ("cgroup", on_cgroup),
    ("overlayfs", on_overlay),
    ("bind mount", through_a_bind_mount),
    ("removed directory", removed),
    ("no name at all", nameless),
    ("newline in a name", newline),
    ("long paths", long),
    ("more than the output holds", many),
    ("a path longer than the output", once::deep),
    ("one file in many instances", once::shared),
    ("a new name between two lists", once::renamed),
    ("several names of one file", once::linked),
];

fn main() -> ExitCode {
    let mut bench = match Bench::new() {
        Ok(bench) => bench,
        Err(e) if env::var_os("NOSPACE_NEEDS_EBPF").is_none() => {
            println!("skipped: {e}");
            return ExitCode::SUCCESS;
        }
        Err(e) => {
            println!("FAILED: {e}");
            return ExitCode::FAILURE;
        }
    };
    let mut failed = 0;
    for (name, case) in CASES {
        match case(&mut bench) {
            Ok(seen) => println!("{name} ... ok ({seen})"),
            Err(e) => {
                failed += 1;
                println!("{name} ... FAILED: {e}");
            }
        }
    }
    println!("{} cases, {failed} failed", CASES.len());
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A watch with its file.
#[derive(Debug)]
struct Watch {
    wd: u32,
    mask: u32,
    file: WatchedFile,
}

/// A mount namespace of our own, a tmpfs in it, and the programs.
struct Bench {
    reader: AccountingReader,
    lister: Lister,
    directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Outcome<Self> {
        let reader = AccountingReader::load()?;
        let lister = Lister::load()?;
        // SAFETY: this process has one thread, whose mounts it changes.
        unsafe { unshare_unsafe(UnshareFlags::NEWNS)? };
        mount_change(
            "/",
            MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
        )?;
        let directory = tempfile::tempdir()?;
        let bench = Self {
            reader,
            lister,
            directory,
        };
        bench.tmpfs("t")?;
        Ok(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn tmpfs(&self, name: &str) -> Outcome<PathBuf> {
        let path = self.path(name);
        fs::create_dir(&path)?;
        mount("tmpfs", &path, "tmpfs", MountFlags::empty(), None)?;
        Ok(path)
    }

    fn cgroup(&self, kind: &str, options: &std::ffi::CStr) -> Outcome<PathBuf> {
        let path = self.path(kind);
        fs::create_dir(&path)?;
        mount("cgroup", &path, kind, MountFlags::empty(), options)
            .map_err(|e| format!("cannot mount a {kind}: {e}"))?;
        Ok(path)
    }

    /// What the lister says about this instance, held against fdinfo.
    fn list(&mut self, instance: &OwnedFd) -> Outcome<Vec<Watch>> {
        let me = std::process::id();
        let accounting = self.reader.read()?;
        let fd = u32::try_from(instance.as_raw_fd())?;
        let held = accounting.instances.iter().find_map(|instance| {
            let mut holders = instance.holders.iter();
            let holder = holders.find(|h| h.pid == me && h.fd == fd)?;
            Some((instance.identity, *holder))
        });
        let held = held.ok_or("the instance is not in the accounting")?;
        let watches = self.watches([held])?;
        let elsewhere = Holder {
            fd: held.1.fd + 1,
            ..held.1
        };
        if !self.watches([(held.0, elsewhere)])?.is_empty() {
            return Err("an instance was listed that its holder no longer has there".into());
        }
        against_fdinfo(&watches, instance)?;
        Ok(watches)
    }

    /// What the lister lists, each watch with its file.
    fn watches(&mut self, of: impl IntoIterator<Item = (u64, Holder)>) -> Outcome<Vec<Watch>> {
        let mut files = HashMap::new();
        let mut watches = Vec::new();
        let mut without = 0;
        self.lister.list(of, |listed| match listed {
            Listed::File(file) => drop(files.insert(file.address, file)),
            Listed::Watch(watch) => match files.get(&watch.file) {
                Some(file) => watches.push(Watch {
                    wd: watch.wd,
                    mask: watch.mask,
                    file: file.clone(),
                }),
                None => without += 1,
            },
        })?;
        if without > 0 {
            return Err(format!("{without} watches came before their files").into());
        }
        Ok(watches)
    }

    /// Watches `paths` and expects them to be named `places`.
    fn expect(&mut self, watched: &[(&Path, Place)]) -> Outcome<String> {
        let instance = instance()?;
        for (path, _) in watched {
            watch(&instance, path)?;
        }
        let seen = self.list(&instance)?;
        for ((path, place), watch) in watched.iter().zip(&seen) {
            let seen = &watch.file.place;
            if seen != place {
                return Err(format!("{}: {seen:?}, should be {place:?}", path.display()).into());
            }
        }
        Ok(format!("{} named", seen.len()))
    }
}

fn instance() -> Outcome<OwnedFd> {
    Ok(inotify::init(inotify::CreateFlags::CLOEXEC)?)
}

fn watch(instance: &OwnedFd, path: &Path) -> Outcome<i32> {
    inotify::add_watch(instance, path, inotify::WatchFlags::CREATE)
        .map_err(|e| format!("cannot watch {}: {e}", path.display()).into())
}

fn path(text: impl AsRef<[u8]>) -> Place {
    Place::Path(text.as_ref().to_vec())
}

/// wd → (inode, device, mask), from both sides.
fn against_fdinfo(watches: &[Watch], instance: &OwnedFd) -> Outcome<()> {
    let fdinfo = fs::read_to_string(format!("/proc/self/fdinfo/{}", instance.as_raw_fd()))?;
    let mut should = BTreeMap::new();
    for line in fdinfo.lines().filter(|line| line.starts_with("inotify ")) {
        let field = |name: &str, radix| {
            let word = line
                .split(' ')
                .find_map(|w| w.strip_prefix(name))
                .ok_or("no such field")?;
            Ok::<u64, Box<dyn std::error::Error>>(u64::from_str_radix(word, radix)?)
        };
        let device = field("sdev:", 16)?;
        let device = ((device >> 20) as u32, (device & 0xf_ffff) as u32);
        // fdinfo prints wd in hexadecimal since 2.6, whatever its name suggests.
        should.insert(
            u32::try_from(field("wd:", 16)?)?,
            (field("ino:", 16)?, device, field("mask:", 16)? as u32),
        );
    }
    let is: BTreeMap<_, _> = watches
        .iter()
        .map(|w| (w.wd, (w.file.inode, w.file.device, w.mask)))
        .collect();
    if is.len() != watches.len() {
        return Err("a watch was listed twice".into());
    }
    if is != should {
        let first = is.iter().zip(&should).find(|(is, should)| is != should);
        return Err(format!(
            "listed {} watches, fdinfo has {}, first difference {first:?}",
            is.len(),
            should.len()
        )
        .into());
    }
    Ok(())
}

fn on_disk(bench: &mut Bench) -> Outcome<String> {
    bench.expect(&[
        (Path::new("/"), path("/")),
        (Path::new("/etc/passwd"), path("/etc/passwd")),
        (
            Path::new("/proc/self/exe"),
            path(env::current_exe()?.as_os_str().as_bytes()),
        ),
    ])
}

fn on_tmpfs(bench: &mut Bench) -> Outcome<String> {
    let root = bench.path("t");
    let deep = root.join("a/b/c");
    fs::create_dir_all(&deep)?;
    bench.expect(&[(&root, path("/")), (&deep, path("/a/b/c"))])
}

fn on_proc_and_sysfs(bench: &mut Bench) -> Outcome<String> {
    bench.expect(&[
        (Path::new("/proc/sys/kernel"), path("/sys/kernel")),
        (
            Path::new("/proc/self/status"),
            path(format!("/{}/status", std::process::id())),
        ),
        (Path::new("/sys/kernel"), path("/kernel")),
        (
            Path::new("/sys/kernel/btf/vmlinux"),
            path("/kernel/btf/vmlinux"),
        ),
    ])
}

fn on_cgroup(bench: &mut Bench) -> Outcome<String> {
    // A v1 hierarchy with no cgroup of its own goes with its last mount.
    let (v1, v2) = (
        bench.cgroup("cgroup", c"none,name=nospace")?,
        bench.cgroup("cgroup2", c"")?,
    );
    let child = v2.join(format!("nospace-test-{}", std::process::id()));
    fs::create_dir(&child)?;
    let named = path([b"/", child.file_name().unwrap_or_default().as_bytes()].concat());
    let outcome = bench.expect(&[
        (&v1, path("/")),
        (&v1.join("cgroup.procs"), path("/cgroup.procs")),
        (&v2, path("/")),
        (&child, named),
    ]);
    fs::remove_dir(&child)?;
    unmount(&v1, UnmountFlags::empty())?;
    unmount(&v2, UnmountFlags::empty())?;
    outcome
}

fn on_overlay(bench: &mut Bench) -> Outcome<String> {
    let base = bench.tmpfs("o")?;
    for directory in ["lower/only-lower", "upper/only-upper", "work", "merged"] {
        fs::create_dir_all(base.join(directory))?;
    }
    let options = std::ffi::CString::new(format!(
        "lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work",
        base.display()
    ))?;
    let merged = base.join("merged");
    mount(
        "overlay",
        &merged,
        "overlay",
        MountFlags::empty(),
        options.as_c_str(),
    )
    .map_err(|e| format!("cannot mount an overlay: {e}"))?;
    bench.expect(&[
        (&merged, path("/")),
        (&merged.join("only-lower"), path("/only-lower")),
        (&merged.join("only-upper"), path("/only-upper")),
    ])
}

fn through_a_bind_mount(bench: &mut Bench) -> Outcome<String> {
    let (source, target) = (bench.path("t/source"), bench.path("t/target"));
    fs::create_dir_all(source.join("inner"))?;
    fs::create_dir(&target)?;
    mount_bind(&source, &target)?;
    bench.expect(&[
        (&target, path("/source")),
        (&target.join("inner"), path("/source/inner")),
    ])
}

fn removed(bench: &mut Bench) -> Outcome<String> {
    let gone = bench.path("t/gone");
    fs::create_dir(&gone)?;
    let instance = instance()?;
    watch(&instance, &gone)?;
    let held = fs::File::open(&gone)?;
    fs::remove_dir(&gone)?;
    let seen = bench.list(&instance)?;
    drop(held);
    // Removing a directory takes its watches along, unless somebody has it open.
    match &seen[..] {
        [watch] if watch.file.place == Place::Deleted(b"/gone".to_vec()) => {
            Ok("reported as deleted".into())
        }
        other => Err(format!("{other:?}").into()),
    }
}

/// A pipe, whose entry has an empty name and leads to no root.
fn nameless(bench: &mut Bench) -> Outcome<String> {
    let (reader, _writer) = std::io::pipe()?;
    let itself = format!("/proc/self/fd/{}", reader.as_raw_fd());
    bench.expect(&[(Path::new(&itself), Place::Unreachable(b"/".to_vec()))])
}

fn newline(bench: &mut Bench) -> Outcome<String> {
    let odd = bench
        .path("t")
        .join(OsStr::from_bytes(b"a\nb\t\xff\x1b[31m"));
    fs::create_dir(&odd)?;
    bench.expect(&[(&odd, path(b"/a\nb\t\xff\x1b[31m"))])
}

/// 4,000 bytes in names of 200 and in names of 1.
fn long(bench: &mut Bench) -> Outcome<String> {
    let home = env::current_dir()?;
    let mut lengths = Vec::new();
    for name in ["n".repeat(200), "d".to_owned()] {
        let top = bench.path("t");
        env::set_current_dir(&top)?;
        let mut whole = String::new();
        while whole.len() < 4000 {
            fs::create_dir(&name)?;
            env::set_current_dir(&name)?;
            whole = format!("{whole}/{name}");
        }
        let outcome = bench.expect(&[(Path::new("."), path(&whole))]);
        env::set_current_dir(&home)?;
        outcome?;
        lengths.push(format!("{} bytes", whole.len()));
    }
    Ok(lengths.join(", "))
}

fn many(bench: &mut Bench) -> Outcome<String> {
    const FILES: usize = 30_000;
    let directory = bench.path("t/many");
    fs::create_dir(&directory)?;
    let instance = instance()?;
    for n in 0..FILES {
        let file = directory.join(n.to_string());
        fs::write(&file, "")?;
        watch(&instance, &file)?;
    }
    let seen = bench.list(&instance)?;
    for (n, watch) in seen.iter().enumerate() {
        if watch.file.place != path(format!("/many/{n}")) {
            return Err(format!("{n} is listed as {watch:?}").into());
        }
    }
    if seen.len() != FILES {
        return Err(format!("{} of {FILES} listed", seen.len()).into());
    }
    Ok(format!("{FILES} named"))
}
