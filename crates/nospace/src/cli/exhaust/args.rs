use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::scenario::{ScenarioArgs, after_help};

/// Use up a resource on purpose, for a limited time, to see what breaks and who notices
///
/// Everything is released when the time is up, on any signal, and even after kill -9.
#[derive(Args, Debug)]
#[command(after_help = after_help())]
pub struct ExhaustArgs {
    #[command(subcommand)]
    pub target: TargetArgs,
}

/// The resource.
#[derive(Debug, Subcommand)]
pub enum TargetArgs {
    #[command(flatten)]
    Scenario(ScenarioArgs),
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
    #[command(hide = true)]
    Hold {
        /// nospace, with which it ends
        parent: u32,
        /// The scenario
        name: String,
    },
}
