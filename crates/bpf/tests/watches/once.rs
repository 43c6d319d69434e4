//! Every name is sent once, and the right one.

use std::env;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nospace_bpf::accounting::Holder;
use nospace_bpf::watches::Listed;
use rustix::mount::{UnmountFlags, unmount};

use crate::{Bench, Outcome, Watch, instance, path, watch};

/// A path of 4,000 names, which together are more than the program can leave at once; and what lies at its end.
pub fn deep(bench: &mut Bench) -> Outcome<String> {
    const DEPTH: usize = 4000;
    let home = env::current_dir()?;
    let top = bench.tmpfs("deep")?;
    env::set_current_dir(&top)?;
    for _ in 0..DEPTH {
        fs::create_dir("name")?;
        env::set_current_dir("name")?;
    }
    fs::write("file", "")?;
    let whole = "/name".repeat(DEPTH);
    let outcome = bench.expect(&[
        (Path::new("."), path(&whole)),
        (Path::new("file"), path(format!("{whole}/file"))),
        (&top, path("/")),
    ]);
    env::set_current_dir(&home)?;
    // Or this process's directories would be read to remove it.
    unmount(&top, UnmountFlags::DETACH)?;
    outcome
}

/// Its name is sent once, and every watch has it.
pub fn shared(bench: &mut Bench) -> Outcome<String> {
    const INSTANCES: usize = 20;
    const FILES: usize = 500;
    let directory = bench.path("t/shared");
    fs::create_dir(&directory)?;
    let names: Vec<PathBuf> = (0..FILES)
        .map(|n| directory.join(format!("f{n}")))
        .collect();
    for name in &names {
        fs::write(name, "")?;
    }
    let instances: Vec<OwnedFd> = (0..INSTANCES).map(|_| instance()).collect::<Outcome<_>>()?;
    for instance in &instances {
        for name in &names {
            watch(instance, name)?;
        }
    }
    let me = std::process::id();
    let accounting = bench.reader.read()?;
    let held = accounting.instances.iter().filter_map(|instance| {
        let holder = instance.holders.iter().find(|holder| holder.pid == me)?;
        Some((instance.identity, *holder))
    });
    let held: Vec<(u64, Holder)> = held.collect();
    let (mut files, mut watches) = (0, 0);
    bench
        .lister
        .list(held.iter().copied(), |listed| match listed {
            Listed::File(_) => files += 1,
            Listed::Watch(_) => watches += 1,
        })?;
    if watches != INSTANCES * FILES || !(FILES..FILES + FILES / 2).contains(&files) {
        return Err(format!("{watches} watches of {files} files listed").into());
    }
    let seen = bench.watches(held)?;
    let by_name =
        |(n, watch): (usize, &Watch)| watch.file.place == path(format!("/shared/f{}", n % FILES));
    if !seen.iter().enumerate().all(by_name) {
        return Err("a watch has the name of another file".into());
    }
    Ok(format!("{watches} watches, {files} files sent"))
}

/// Nothing of an earlier list is taken for the present one.
pub fn renamed(bench: &mut Bench) -> Outcome<String> {
    let (old, new) = (bench.path("t/old"), bench.path("t/new"));
    fs::create_dir_all(old.join("in"))?;
    let instance = instance()?;
    watch(&instance, &old.join("in"))?;
    for (is, should) in [(&old, "/old/in"), (&new, "/new/in")] {
        if is == &new {
            fs::rename(&old, &new)?;
        }
        match &bench.list(&instance)?[..] {
            [watch] if watch.file.place == path(should) => {}
            other => return Err(format!("{other:?}, should be {should}").into()),
        }
    }
    Ok("each list has the name of its time".into())
}

/// The kernel finds a file by any of its names.
pub fn linked(bench: &mut Bench) -> Outcome<String> {
    let (one, other) = (bench.path("t/one"), bench.path("t/other"));
    fs::write(&one, "")?;
    fs::hard_link(&one, &other)?;
    let instance = instance()?;
    watch(&instance, &one)?;
    watch(&instance, &other)?;
    match &bench.list(&instance)?[..] {
        [watch] if [path("/one"), path("/other")].contains(&watch.file.place) => {
            Ok("one of them".into())
        }
        other => Err(format!("{other:?}").into()),
    }
}
