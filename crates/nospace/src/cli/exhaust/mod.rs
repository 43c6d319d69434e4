//! `nospace exhaust`: uses resources up on purpose.

mod job;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::{Args, Subcommand};

use self::job::Job;
use super::{OutputArg, Shared};
use crate::duration;
use crate::exhaust::inotify::{Instances, Ledger, User, Watches};
use crate::exhaust::survey::survey;
use crate::exhaust::{Aim, Cgroups, Fill, Goal, Hold, Mounts, Rate, Room, Target, Tmpfs, reap};

/// Use a resource up on purpose, for a time, to see what fails and who notices
///
/// Everything is given back at the end: when the time is up, at any signal, at kill -9.
#[derive(Args, Debug)]
#[command(after_long_help = HELP)]
pub struct ExhaustArgs {
    #[command(subcommand)]
    target: TargetArgs,
}

const HELP: &str = "Examples:
  nospace exhaust watches                         until what the kubelet would need is left, for 5 minutes
  nospace exhaust watches --leave 0 --for 30s     all of them, for half a minute
  nospace exhaust instances --as-uid 1000         those of another user
  nospace exhaust watches --percent 90 --ramp 1000/s
  nospace exhaust watches --leave 0 -- tail -F /var/log/syslog
  nospace exhaust blocks --limit 16 --on /mnt/test
  nospace exhaust mounts -- mount -t tmpfs test /run

Those of others are used up only by `watches` and `instances`; the other four have limits of their own and harm
nobody. `check` must name each of them, and `explain` what its victims print.

Exit codes: 0 done, that of COMMAND where one ran, 1 failed or refused, 3 wrong usage.";

#[derive(Debug, Subcommand)]
enum TargetArgs {
    /// inotify watches of a user: inotify_add_watch fails with ENOSPC
    Watches(InotifyArgs),
    /// inotify instances of a user: inotify_init fails with EMFILE
    Instances(InotifyArgs),
    /// Control groups below one of nospace's own: mkdir below a cgroup fails with EAGAIN (v2) or ENOSPC
    Cgroups(CgroupsArgs),
    /// Mounts of a mount namespace of nospace's own, in which COMMAND runs: mount fails with ENOSPC
    Mounts(Common),
    /// Inodes of a tmpfs of nospace's own: new files fail with ENOSPC
    Inodes(InodesArgs),
    /// Bytes of a tmpfs of nospace's own: writes fail with ENOSPC
    Blocks(BlocksArgs),
    #[command(hide = true)]
    Reap,
}

/// How much, how long.
#[derive(Args, Debug)]
struct Common {
    #[command(flatten)]
    output: OutputArg,
    #[command(flatten)]
    aim: AimArgs,
    /// Give all back after this time, counted from the start: 30, 30s, 5m
    #[arg(long = "for", value_name = "TIME", value_parser = duration::parse, default_value = "5m")]
    time: Duration,
    /// Take no faster than this: 1000/s, 60/m
    #[arg(long, value_name = "RATE")]
    ramp: Option<Rate>,
    /// Run this while all is held; its end is the end. NOSPACE_EXHAUSTED tells it what is used up: a directory, a cgroup
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Args, Debug)]
#[group(multiple = false)]
struct AimArgs {
    /// Take until N are left
    #[arg(long, value_name = "N")]
    leave: Option<u64>,
    /// Take N, or as many as there are
    #[arg(long, value_name = "N")]
    amount: Option<u64>,
    /// Take until P percent of the limit are in use
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u8).range(1..=100))]
    percent: Option<u8>,
}

#[derive(Args, Debug)]
struct InotifyArgs {
    #[command(flatten)]
    common: Common,
    /// Use up the budget of this user instead of one's own; only root may
    #[arg(long, value_name = "UID")]
    as_uid: Option<u32>,
    /// Leave less to root than a kubelet on this machine needs to live on
    #[arg(long)]
    yes_break_this_node: bool,
}

#[derive(Args, Debug)]
struct CgroupsArgs {
    #[command(flatten)]
    common: Common,
    /// With cgroup v2: how many there may be. Without it: how many are made, of the kernel's 65,535
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: u64,
}

#[derive(Args, Debug)]
struct InodesArgs {
    #[command(flatten)]
    common: Common,
    /// How many inodes it has
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    limit: u64,
    /// Mount it on this empty directory instead of a new one below /run
    #[arg(long, value_name = "DIR")]
    on: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct BlocksArgs {
    #[command(flatten)]
    common: Common,
    /// How large it is, in MiB; it is memory that is used up
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    limit: u64,
    /// Mount it on this empty directory instead of a new one below /run
    #[arg(long, value_name = "DIR")]
    on: Option<PathBuf>,
}

impl Common {
    /// What was asked for, or else to leave so much.
    fn goal(&self, leave: u64, room: &Room) -> Goal {
        let AimArgs {
            leave: left,
            amount,
            percent,
        } = self.aim;
        let aim = left.map(Aim::Leave).or(amount.map(Aim::Amount));
        let aim = aim.or(percent.map(Aim::Percent));
        aim.unwrap_or(Aim::Leave(leave)).within(room.limit)
    }

    /// What is to run meanwhile, in the present working directory.
    fn command(&self) -> anyhow::Result<Option<Command>> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Ok(None);
        };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(env::current_dir()?);
        Ok(Some(command))
    }
}

/// Uses it up.
///
/// # Errors
///
/// Where that is refused, or cannot be done.
pub fn run(shared: &Shared, outer: OutputArg, args: ExhaustArgs) -> anyhow::Result<ExitCode> {
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

fn cgroups(outer: OutputArg, args: &CgroupsArgs) -> anyhow::Result<ExitCode> {
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

fn mounts(outer: OutputArg, common: &Common) -> anyhow::Result<ExitCode> {
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
    outer: OutputArg,
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
    outer: OutputArg,
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
