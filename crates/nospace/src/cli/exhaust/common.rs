use std::env;
use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use clap::Args;

use crate::cli::args::OutputArg;
use crate::duration;
use crate::exhaust::supervisor::supervised;
use crate::exhaust::{FillLevel, Headroom, Rate, Request};

/// Heading of the options.
pub const AMOUNT: &str = "What to use up, and how long";

/// How much, how long.
#[derive(Args, Debug)]
pub struct Common {
    #[command(flatten)]
    request: RequestArgs,
    /// Release everything after this time, counted from the start: 30, 30s, 5m
    #[arg(long = "for", value_name = "TIME", value_parser = duration::parse, default_value = "5m", help_heading = AMOUNT)]
    pub time: Duration,
    /// Use up no faster than this: 1000/s, 60/m
    #[arg(long, value_name = "RATE", help_heading = AMOUNT)]
    pub ramp: Option<Rate>,
    /// Run this command meanwhile and stop when it exits; NOSPACE_EXHAUSTED names the directory, cgroup or user
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
    #[command(flatten)]
    pub output: OutputArg,
}

#[derive(Args, Debug)]
#[group(multiple = false)]
struct RequestArgs {
    /// Leave N
    #[arg(long, value_name = "N", help_heading = AMOUNT)]
    leave: Option<u64>,
    /// Use up N, or all there are
    #[arg(long, value_name = "N", help_heading = AMOUNT)]
    amount: Option<u64>,
    /// Stop at P percent of the limit in use
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u8).range(1..=100), help_heading = AMOUNT)]
    percent: Option<u8>,
}

impl Common {
    /// What was asked for, or else to leave `leave`.
    pub fn level(&self, leave: u64, headroom: &Headroom) -> FillLevel {
        let RequestArgs {
            leave: left,
            amount,
            percent,
        } = self.request;
        let request = left.map(Request::Leave).or(amount.map(Request::Amount));
        let request = request.or(percent.map(Request::Percent));
        request
            .unwrap_or(Request::Leave(leave))
            .within(headroom.limit)
    }

    /// What is to run meanwhile, in the present working directory.
    pub fn command(&self) -> anyhow::Result<Option<Command>> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Ok(None);
        };
        let mut command = supervised(program, arguments);
        command.current_dir(env::current_dir()?);
        Ok(Some(command))
    }
}
