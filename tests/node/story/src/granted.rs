//! How many more instances and watches the kernel grants to a user: the story runs itself as that user.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use nospace_core::model::Pair;
use rustix::fs::inotify;
use rustix::io::Errno;

/// No more files than that are watched.
pub const MOST_WATCHES: u64 = 2000;

/// What the kernel grants to this uid now: at most so many instances, and as many watches as files can be had for.
pub fn granted_to(uid: u32, most_instances: u64) -> anyhow::Result<Pair<u64>> {
    let files = tempfile::tempdir()?;
    for number in 0..MOST_WATCHES {
        std::fs::write(files.path().join(number.to_string()), "")?;
    }
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(files.path(), open)?;
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", &uid.to_string(), "--clear-groups"])
        .arg(std::env::current_exe()?)
        .args(["--nospace", "-", "granted", &most_instances.to_string()])
        .arg(files.path());
    let said = crate::node::text(&mut command, "story granted")?;
    let mut numbers = said.split_whitespace().map(str::parse);
    let mut number = || numbers.next().context("two numbers")?.context("a number");
    Ok(Pair::of(number()?, number()?))
}

/// As the user: makes them, and prints how many there were.
pub fn print(most_instances: u64, files: &Path) -> anyhow::Result<()> {
    let mut instances = Vec::new();
    while (instances.len() as u64) < most_instances {
        match inotify::init(inotify::CreateFlags::CLOEXEC) {
            Ok(instance) => instances.push(instance),
            Err(Errno::MFILE) => break,
            Err(error) => return Err(error.into()),
        }
    }
    let mut watches = 0;
    for entry in std::fs::read_dir(files)? {
        let Some(instance) = instances.first() else {
            break;
        };
        match inotify::add_watch(instance, entry?.path(), inotify::WatchFlags::MODIFY) {
            Ok(_) => watches += 1,
            Err(Errno::NOSPC) => break,
            Err(error) => return Err(error.into()),
        }
    }
    println!("{} {watches}", instances.len());
    Ok(())
}
