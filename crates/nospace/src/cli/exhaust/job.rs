use std::process::{Command, ExitCode, ExitStatus};
use std::sync::atomic::Ordering;

use anyhow::bail;
use nospace_core::amount::duration;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::common::Common;
use crate::cli::args::{CheckOutputArg, FAILED};
use crate::cli::stop::stop_flag;
use crate::exhaust::session::{self, Outcome, SessionOptions};
use crate::exhaust::{
    Consumer, ExhaustSummary, FillLevel, Headroom, Overhead, SCHEMA_VERSION, Scenario,
};
use crate::output::document;
use crate::trace::errno;
use crate::ui::exhaust::{Progress, amount as amount_text, summary};
use crate::ui::screen::Screen;

/// Environment variable that names what is used up: a directory, a cgroup, a user.
const SUBJECT: &str = "NOSPACE_EXHAUSTED";

/// One exhaustion, from its announcement to its summary.
pub struct Job {
    pub scenario: &'static Scenario,
    pub subject: String,
    pub headroom: Headroom,
    pub level: FillLevel,
    pub command: Option<Command>,
}

impl Job {
    pub fn run(
        self,
        common: &Common,
        outer: CheckOutputArg,
        consumer: &mut dyn Consumer,
    ) -> anyhow::Result<ExitCode> {
        let amount = self.level.of(self.headroom.free);
        if let Some(rate) = common.ramp
            && rate.time_for(amount) >= common.time
        {
            bail!(
                "using up {} at that rate takes {}, longer than --for allows ({}): raise --for or --ramp",
                amount_text(amount, self.scenario.unit),
                duration(rate.time_for(amount)),
                duration(common.time)
            );
        }
        let stop = stop_flag(&[SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
        let mut progress = Progress::new(self.scenario, &self.subject);
        progress.announce(amount, &self.headroom, common.time);
        let mut command = self.command;
        if let Some(command) = &mut command {
            command.env(SUBJECT, &self.subject);
        }
        let plan = SessionOptions {
            level: self.level,
            free: self.headroom.free,
            rate: common.ramp,
            time: common.time,
            command,
            stop: &|| stop.load(Ordering::Relaxed),
        };
        let outcome = session::run(consumer, plan, &mut progress);
        progress.finish();
        let outcome = outcome?;
        let result = result(self.scenario, self.subject, &self.headroom, &outcome);
        let draw = |screen: &Screen| summary(&result, screen);
        common.output.or(outer).print(&document(&result, draw))?;
        Ok(outcome.command.map_or(ExitCode::SUCCESS, code))
    }
}

/// The command's own, or that of a failure where a signal ended it.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(FAILED))
}

fn result(
    scenario: &Scenario,
    subject: String,
    headroom: &Headroom,
    outcome: &Outcome,
) -> ExhaustSummary {
    let milliseconds =
        |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let Overhead { inodes, instances } = outcome.overhead;
    ExhaustSummary {
        schema_version: SCHEMA_VERSION,
        target: scenario.target,
        cause: scenario.cause,
        subject,
        pid: std::process::id(),
        limit: Some(headroom.limit),
        used_before: headroom.used,
        provenance: headroom.provenance,
        held: outcome.held,
        left: outcome.left,
        refused: outcome
            .refusal
            .and_then(|refusal| errno::name(-i64::from(refusal.raw_os_error())))
            .map(String::from),
        inodes,
        instances,
        took_ms: milliseconds(outcome.took),
        held_ms: milliseconds(outcome.kept),
        ended: outcome.ended,
        command_status: outcome.command.and_then(|status| status.code()),
    }
}
