//! `nospace exhaust`: uses resources up on purpose.

mod args;
mod job;

use std::process::ExitCode;

pub use self::args::ExhaustArgs;
use self::args::{CgroupsArgs, Common, InotifyArgs, TargetArgs};
use self::job::Job;
use super::args::{CheckOutputArg, Shared};
use crate::exhaust::inotify::{Instances, Ledger, User, Watches};
use crate::exhaust::survey::survey;
use crate::exhaust::{Cgroups, Fill, Hold, Mounts, Room, Target, Tmpfs, reap};

/// Uses it up.
///
/// # Errors
///
/// Where that is refused, or cannot be done.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: ExhaustArgs) -> anyhow::Result<ExitCode> {
    match args.target {
        TargetArgs::Watches(args) => inotify(shared, outer, args, Target::Watches),
        TargetArgs::Instances(args) => inotify(shared, outer, args, Target::Instances),
        TargetArgs::Cgroups(args) => cgroups(outer, &args),
        TargetArgs::Mounts(common) => mounts(outer, &common),
        TargetArgs::Inodes(args) => {
            let tmpfs = Tmpfs::new(Fill::Inodes, args.limit, args.on.as_deref())?;
            fill(outer, &args.common, Target::Inodes, tmpfs)
        }
        TargetArgs::Blocks(args) => {
            let tmpfs = Tmpfs::new(Fill::Blocks, args.limit << 20, args.on.as_deref())?;
            fill(outer, &args.common, Target::Blocks, tmpfs)
        }
        TargetArgs::Reap => reap().map(|()| ExitCode::SUCCESS),
    }
}

fn cgroups(outer: CheckOutputArg, args: &CgroupsArgs) -> anyhow::Result<ExitCode> {
    let command = args.common.command()?;
    let mut hold = Cgroups::new(args.limit)?;
    let room = hold.room();
    let job = Job {
        target: Target::Cgroups,
        subject: hold.place(),
        room,
        // Without a limit of their own they are everybody's: not all of them unless that is asked for.
        goal: args
            .common
            .goal(room.free.saturating_sub(args.limit), &room),
        command,
    };
    job.run(&args.common, outer, &mut hold)
}

fn mounts(outer: CheckOutputArg, common: &Common) -> anyhow::Result<ExitCode> {
    let command = common.command()?;
    let mut hold = Mounts::new()?;
    let room = hold.room()?;
    let job = Job {
        target: Target::Mounts,
        subject: hold.subject()?,
        room,
        goal: common.goal(0, &room),
        command,
    };
    job.run(common, outer, &mut hold)
}

fn fill(
    outer: CheckOutputArg,
    common: &Common,
    target: Target,
    mut hold: Tmpfs,
) -> anyhow::Result<ExitCode> {
    let room = hold.room()?;
    let job = Job {
        target,
        subject: hold.place(),
        room,
        goal: common.goal(0, &room),
        command: common.command()?,
    };
    job.run(common, outer, &mut hold)
}

fn inotify(
    shared: &Shared,
    outer: CheckOutputArg,
    args: InotifyArgs,
    target: Target,
) -> anyhow::Result<ExitCode> {
    let common = args.common;
    // Before the working directory changes.
    let command = common.command()?;
    let host = shared.live()?;
    let user = User::new(args.as_uid);
    let survey = survey(&host, user.uid())?;
    let is_watches = target == Target::Watches;
    let limits = |is_watches| survey.budget(is_watches).limit.unwrap_or(0);
    let ledger = Ledger::new(&host, survey.key, (limits(true), limits(false)));
    let known = if is_watches {
        ledger.watches_left()
    } else {
        ledger.instances_left()
    };
    let room = Room::new(survey.budget(is_watches), known);
    let margin = survey.of_root.then(|| survey.margin(is_watches));
    let goal = common.goal(margin.unwrap_or(0), &room);
    let amount = goal.of(room.free);
    if !args.yes_break_this_node {
        survey.allow(is_watches, amount, room.free - amount)?;
    }
    let subject = format!("uid {}", user.uid());
    let mut hold: Box<dyn Hold> = if is_watches {
        let instances = ledger.instances_left().or(survey.instances.free());
        let kept = survey.of_root.then(|| survey.margin(false));
        let instances = instances.unwrap_or(0).saturating_sub(kept.unwrap_or(0));
        Box::new(Watches::new(user, ledger, amount, instances)?)
    } else {
        Box::new(Instances::new(user, ledger, amount))
    };
    let job = Job {
        target,
        subject,
        room,
        goal,
        command,
    };
    job.run(&common, outer, hold.as_mut())
}
