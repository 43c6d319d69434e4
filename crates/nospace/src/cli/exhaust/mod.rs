//! `nospace exhaust`: uses resources up on purpose.

mod args;
mod job;

use std::process::ExitCode;

use nospace_core::model::InotifyResource;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

pub use self::args::ExhaustArgs;
use self::args::{CgroupsArgs, Common, InotifyArgs, TargetArgs};
use self::job::Job;
use super::args::{CheckOutputArg, Shared};
use super::stop::first_only;
use crate::exhaust::inotify::{EffectiveUser, InotifyAccounting, Instances, Watches};
use crate::exhaust::preflight::preflight;
use crate::exhaust::supervisor::supervise;
use crate::exhaust::{
    Cgroups, Consumer, Headroom, Mounts, Target, Tmpfs, TmpfsResource, run_cleanup,
};

/// Uses it up.
///
/// # Errors
///
/// Where that is refused, or cannot be done.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: ExhaustArgs) -> anyhow::Result<ExitCode> {
    match args.target {
        TargetArgs::Watches(args) => inotify(shared, outer, args, InotifyResource::Watches),
        TargetArgs::Instances(args) => inotify(shared, outer, args, InotifyResource::Instances),
        TargetArgs::Cgroups(args) => cgroups(outer, &args),
        TargetArgs::Mounts(common) => mounts(outer, &common),
        TargetArgs::Inodes(args) => {
            let tmpfs = Tmpfs::new(TmpfsResource::Inodes, args.limit, args.on.as_deref())?;
            fill(outer, &args.common, Target::Inodes, tmpfs)
        }
        TargetArgs::Blocks(args) => {
            let tmpfs = Tmpfs::new(TmpfsResource::Blocks, args.limit << 20, args.on.as_deref())?;
            fill(outer, &args.common, Target::Blocks, tmpfs)
        }
        TargetArgs::Cleanup => run_cleanup().map(|()| ExitCode::SUCCESS),
        TargetArgs::Supervise { parent, command } => {
            let stop = first_only(&[SIGTERM, SIGHUP, SIGINT, SIGQUIT])?;
            supervise(parent, &command, &stop).map(ExitCode::from)
        }
    }
}

fn cgroups(outer: CheckOutputArg, args: &CgroupsArgs) -> anyhow::Result<ExitCode> {
    let command = args.common.command()?;
    let mut consumer = Cgroups::new(args.limit)?;
    let headroom = consumer.headroom();
    let job = Job {
        target: Target::Cgroups,
        subject: consumer.place(),
        headroom,
        // Without a limit of their own they are everybody's: not all of them unless that is asked for.
        level: args
            .common
            .level(headroom.free.saturating_sub(args.limit), &headroom),
        command,
    };
    job.run(&args.common, outer, &mut consumer)
}

fn mounts(outer: CheckOutputArg, common: &Common) -> anyhow::Result<ExitCode> {
    let command = common.command()?;
    let mut consumer = Mounts::new()?;
    let headroom = consumer.headroom()?;
    let job = Job {
        target: Target::Mounts,
        subject: consumer.subject()?,
        headroom,
        level: common.level(0, &headroom),
        command,
    };
    job.run(common, outer, &mut consumer)
}

fn fill(
    outer: CheckOutputArg,
    common: &Common,
    target: Target,
    mut consumer: Tmpfs,
) -> anyhow::Result<ExitCode> {
    let headroom = consumer.headroom()?;
    let job = Job {
        target,
        subject: consumer.place(),
        headroom,
        level: common.level(0, &headroom),
        command: common.command()?,
    };
    job.run(common, outer, &mut consumer)
}

fn inotify(
    shared: &Shared,
    outer: CheckOutputArg,
    args: InotifyArgs,
    resource: InotifyResource,
) -> anyhow::Result<ExitCode> {
    let common = args.common;
    // Before the working directory changes.
    let command = common.command()?;
    let host = shared.live()?;
    let user = EffectiveUser::new(args.as_uid);
    let preflight = preflight(&host, user.uid())?;
    let limits = preflight.budgets.map(|budget| budget.limit.unwrap_or(0));
    let accounting = InotifyAccounting::new(&host, preflight.key, limits);
    let headroom = Headroom::new(&preflight.budgets[resource], accounting.left(resource));
    let margin = preflight.of_root.then(|| preflight.margin(resource));
    let level = common.level(margin.unwrap_or(0), &headroom);
    let amount = level.of(headroom.free);
    if !args.yes_break_this_node {
        preflight.allow(resource, amount, headroom.free - amount)?;
    }
    let subject = format!("uid {}", user.uid());
    let mut consumer: Box<dyn Consumer> = match resource {
        InotifyResource::Instances => Box::new(Instances::new(user, accounting, amount)),
        InotifyResource::Watches => {
            let of = InotifyResource::Instances;
            let free = accounting.left(of).or(preflight.budgets[of].free());
            let kept = if preflight.of_root {
                preflight.margin(of)
            } else {
                0
            };
            let instances = free.unwrap_or(0).saturating_sub(kept);
            Box::new(Watches::new(user, accounting, amount, instances)?)
        }
    };
    let job = Job {
        target: match resource {
            InotifyResource::Instances => Target::Instances,
            InotifyResource::Watches => Target::Watches,
        },
        subject,
        headroom,
        level,
        command,
    };
    job.run(&common, outer, consumer.as_mut())
}
