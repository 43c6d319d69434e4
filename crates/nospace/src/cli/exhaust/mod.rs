//! `nospace exhaust`: uses resources up on purpose.

mod args;
mod common;
mod job;
mod scenario;

use std::process::ExitCode;

use anyhow::bail;
use nospace_core::model::InotifyResource;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

pub use self::args::ExhaustArgs;
use self::args::TargetArgs;
use self::job::Job;
use self::scenario::ScenarioArgs;
use super::args::{CheckOutputArg, Shared};
use super::stop::first_only;
use crate::exhaust::inotify::{InotifyAccounting, Instances, Watches};
use crate::exhaust::preflight::{self, preflight};
use crate::exhaust::scenarios::held_apart;
use crate::exhaust::supervisor::supervise;
use crate::exhaust::{
    Consumer, EffectiveUser, Headroom, Settings, Start, Started, remote, run_cleanup,
};

/// Uses it up.
///
/// # Errors
///
/// Where that is refused, or cannot be done.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: ExhaustArgs) -> anyhow::Result<ExitCode> {
    match args.target {
        TargetArgs::Scenario(args) => match args.scenario.start {
            Start::Inotify(resource) => inotify(shared, outer, args, resource),
            Start::Apart(start) => apart(outer, &args, start),
        },
        TargetArgs::Cleanup => run_cleanup().map(|()| ExitCode::SUCCESS),
        TargetArgs::Supervise { parent, command } => {
            let stop = first_only(&[SIGTERM, SIGHUP, SIGINT, SIGQUIT])?;
            supervise(parent, &command, &stop).map(ExitCode::from)
        }
        TargetArgs::Hold { parent, name } => {
            // The terminal's signals are for nospace, which then ends this process.
            let _ignored = first_only(&[SIGHUP, SIGINT, SIGQUIT])?;
            remote::serve(parent, held_apart(&name)?.as_mut())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What is used up where nobody else is, or what all share and some is left of.
fn apart(
    outer: CheckOutputArg,
    args: &ScenarioArgs,
    start: fn(&Settings<'_>) -> anyhow::Result<Started>,
) -> anyhow::Result<ExitCode> {
    let ScenarioArgs {
        scenario, common, ..
    } = args;
    // Before the working directory and the namespaces change.
    let command = common.command()?;
    let available = preflight::available_memory()?;
    let mut started = start(&args.settings())?;
    let headroom = started.headroom;
    let level = common.level(started.leave, &headroom);
    let amount = level.of(headroom.free);
    let left = headroom.free - amount;
    if scenario.options.yes_break_this_node.is_some()
        && !args.yes_break_this_node
        && left < started.leave.min(headroom.free)
    {
        bail!(
            "leaving only {left} {name} would keep other programs of this machine from starting: use --leave {leave}, or override with --yes-break-this-node",
            name = scenario.unit.many(),
            leave = started.leave
        );
    }
    preflight::fits(amount, scenario.memory, available)?;
    let job = Job {
        scenario,
        subject: started.subject,
        headroom,
        level,
        command,
    };
    job.run(common, outer, started.consumer.as_mut())
}

fn inotify(
    shared: &Shared,
    outer: CheckOutputArg,
    args: ScenarioArgs,
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
        scenario: args.scenario,
        subject,
        headroom,
        level,
        command,
    };
    job.run(&common, outer, consumer.as_mut())
}
