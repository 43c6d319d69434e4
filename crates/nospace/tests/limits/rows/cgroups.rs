//! Control groups: how many there may be, and how many processes in one.

use nospace_core::cause::Cause;
use rustix::io::Errno;

use crate::cgroup::Cgroup;
use crate::explain::Victim;
use crate::place::Place;
use crate::row::{Exhausted, Expected, How, Row};

pub fn rows() -> Vec<Row> {
    vec![
        Row {
            cause: Cause::CgroupLimit,
            which: "cgroup.max.descendants",
            how: How::Real(descendants),
        },
        Row {
            cause: Cause::CgroupLimit,
            which: "cgroup.max.depth",
            how: How::KnownFailure {
                exhaust: depth,
                why: "check does not read cgroup.max.depth, for which mkdir(2) gives the same EAGAIN",
            },
        },
        Row {
            cause: Cause::CgroupLimit,
            which: "memory cgroups",
            how: How::Recorded {
                node: "cgroup-leak-v1",
                subject: "memory cgroups",
                unit: "cgroups",
                used: 62_552,
                limit: 65_535,
                why: "the kernel numbers memory cgroups for the whole machine: nobody could start a container",
            },
        },
        Row {
            cause: Cause::Pids,
            which: "pids.max of a cgroup",
            how: How::Real(pids),
        },
    ]
}

fn descendants() -> anyhow::Result<Option<Exhausted>> {
    const LIMIT: u64 = 12;
    let Some(cgroup) = Cgroup::with("cgroup.max.descendants")? else {
        return Ok(None);
    };
    cgroup.write("cgroup.max.descendants", LIMIT)?;
    for number in 0..LIMIT {
        std::fs::create_dir(cgroup.path().join(number.to_string()))?;
    }
    let more = cgroup.path().join("more");
    let more = more.display().to_string();
    anyhow::ensure!(std::fs::create_dir(&more).is_err(), "there is no limit");
    Ok(Some(Exhausted {
        expected: Expected::full(cgroup.name(), "cgroups", LIMIT),
        place: Place::default().with(cgroup),
        victim: Victim::new(format!("mkdir {more}")),
    }))
}

fn depth() -> anyhow::Result<Option<Exhausted>> {
    let Some(cgroup) = Cgroup::with("cgroup.max.depth")? else {
        return Ok(None);
    };
    cgroup.write("cgroup.max.depth", 1)?;
    let below = cgroup.path().join("below");
    std::fs::create_dir(&below)?;
    anyhow::ensure!(
        std::fs::create_dir(below.join("more")).is_err(),
        "there is no limit"
    );
    Ok(Some(Exhausted {
        expected: Expected::full(cgroup.name(), "levels", 1),
        place: Place::default().with(cgroup),
        victim: None,
    }))
}

fn pids() -> anyhow::Result<Option<Exhausted>> {
    const LIMIT: u64 = 20;
    let Some(cgroup) = Cgroup::with("pids.max")? else {
        return Ok(None);
    };
    let mut place = Place::new(&["--instances=0"], &[])?;
    cgroup.write("pids.max", LIMIT)?;
    cgroup.write("cgroup.procs", place.pid()?)?;
    place.exhaust("processes", Errno::AGAIN)?;
    let procs = cgroup.path().join("cgroup.procs").display().to_string();
    Ok(Some(Exhausted {
        expected: Expected::full(cgroup.name(), "threads", LIMIT),
        place: place.with(cgroup),
        // Whoever is moved there is not refused, but its children are.
        victim: Victim::unexplained(
            format!("echo $$ >{procs}; /bin/true; :"),
            "no signature for \"Cannot fork\", the words of dash",
        ),
    }))
}
