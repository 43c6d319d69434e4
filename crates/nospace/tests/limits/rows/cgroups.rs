//! Control groups: how many there may be, and how many processes in one.

use nospace_core::cause::Cause;

use crate::cgroup::Cgroup;
use crate::exhaust::Exhaust;
use crate::explain::Victim;
use crate::place::Place;
use crate::row::{Exhausted, Expected, How, Row};

pub fn rows() -> Vec<Row> {
    vec![
        Row {
            cause: Cause::CgroupLimit,
            which: "cgroup.max.descendants",
            how: How::Scenario("cgroups", descendants),
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
            how: How::Scenario("pids", pids),
        },
    ]
}

fn descendants() -> anyhow::Result<Option<Exhausted>> {
    const LIMIT: u64 = 12;
    let exhaust = Exhaust::start(&["cgroups", "--limit", "12"])?;
    let more = format!("{}/more", exhaust.subject());
    Ok(Some(Exhausted {
        expected: Expected::full(name(&exhaust), "cgroups", LIMIT),
        place: Place::of(exhaust, &[]),
        victim: Victim::new(format!("mkdir {more}")),
    }))
}

/// How the kernel calls the cgroup that is used up.
fn name(exhaust: &Exhaust) -> String {
    format!("/nospace-exhaust.{}", exhaust.pid())
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
    let exhaust = Exhaust::start(&["pids", "--limit", "20"])?;
    let procs = format!("{}/cgroup.procs", exhaust.subject());
    Ok(Some(Exhausted {
        expected: Expected::full(name(&exhaust), "threads", LIMIT),
        place: Place::of(exhaust, &[]),
        // A process that is moved there is not refused, but its children are.
        victim: Victim::of_anybody(format!("echo $$ >{procs}; /bin/true; :")),
    }))
}
