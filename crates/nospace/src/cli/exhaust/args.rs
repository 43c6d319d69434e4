use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::args::OutputArg;
use crate::duration;
use crate::exhaust::supervisor::supervised;
use crate::exhaust::{FillLevel, Headroom, Rate, Request};

/// Use up a resource on purpose, for a limited time, to see what breaks and who notices
///
/// Everything is released when the time is up, on any signal, and even after kill -9.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct ExhaustArgs {
    #[command(subcommand)]
    pub target: TargetArgs,
}

const AFTER_HELP: &str = "\
Only `watches` and `instances` affect other processes; the other four use private resources.

Examples:
  nospace exhaust watches                       all but what the kubelet needs, for 5 min
  nospace exhaust watches --leave 0 --for 30s   all of them, for 30 s
  nospace exhaust instances --as-uid 1000       those of another user
  nospace exhaust watches --percent 90 --ramp 1000/s
  nospace exhaust watches --leave 0 -- tail -F /var/log/syslog
  nospace exhaust blocks --limit 16 --on /mnt/test
  nospace exhaust mounts -- mount -t tmpfs test /run

Exit codes: 0 done, or that of COMMAND; 1 failed or refused; 3 wrong usage.";

/// The resource.
#[derive(Debug, Subcommand)]
pub enum TargetArgs {
    /// A user's inotify watches: inotify_add_watch fails with ENOSPC
    Watches(InotifyArgs),
    /// A user's inotify instances: inotify_init fails with EMFILE
    Instances(InotifyArgs),
    /// Cgroups below a private one: mkdir there fails with EAGAIN (v2) or ENOSPC (v1)
    Cgroups(CgroupsArgs),
    /// Mounts in a private mount namespace, where COMMAND runs: mount fails with ENOSPC
    Mounts(Common),
    /// Inodes of a private tmpfs: creating files there fails with ENOSPC
    Inodes(InodesArgs),
    /// Space on a private tmpfs: writing there fails with ENOSPC
    Blocks(BlocksArgs),
    #[command(hide = true)]
    Cleanup,
    #[command(hide = true)]
    Supervise {
        /// nospace, with which the command ends
        parent: u32,
        /// The command
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

const AMOUNT: &str = "What to use up, and how long";

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

/// Of watches and instances.
#[derive(Args, Debug)]
pub struct InotifyArgs {
    #[command(flatten)]
    pub common: Common,
    /// Use up the limit of this user instead of your own (root only)
    #[arg(long, value_name = "UID", help_heading = AMOUNT)]
    pub as_uid: Option<u32>,
    /// Allow leaving root less than a kubelet on this machine needs to run
    #[arg(long, help_heading = AMOUNT)]
    pub yes_break_this_node: bool,
}

/// Of cgroups.
#[derive(Args, Debug)]
pub struct CgroupsArgs {
    #[command(flatten)]
    pub common: Common,
    /// Cgroup v2: how many are allowed. Cgroup v1: how many to create, of the kernel's 65,535
    #[arg(long, value_name = "N", default_value_t = 1000, help_heading = AMOUNT)]
    pub limit: u64,
}

/// Of inodes.
#[derive(Args, Debug)]
pub struct InodesArgs {
    #[command(flatten)]
    pub common: Common,
    /// Number of inodes
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000),
          help_heading = AMOUNT)]
    pub limit: u64,
    /// Mount on this empty directory instead of a new one below /run
    #[arg(long, value_name = "DIR", help_heading = AMOUNT)]
    pub on: Option<PathBuf>,
}

/// Of blocks.
#[derive(Args, Debug)]
pub struct BlocksArgs {
    #[command(flatten)]
    pub common: Common,
    /// Size in MiB; this is memory
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1_048_576),
          help_heading = AMOUNT)]
    pub limit: u64,
    /// Mount on this empty directory instead of a new one below /run
    #[arg(long, value_name = "DIR", help_heading = AMOUNT)]
    pub on: Option<PathBuf>,
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
