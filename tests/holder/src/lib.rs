//! A process that holds inotify instances, watches and descriptors in given ways, and asks the
//! kernel for more when it is told to.
//!
//! It prints one line of JSON ([`Ready`]) when it holds what it was asked for, then obeys lines
//! on standard input ([`order`]). All is released when that closes or the parent dies.
//!
//! A test is its own holder: it calls [`main`] when [`is_asked`], and starts one with
//! [`Holder::start`], so no second program has to be built or found.

#![allow(clippy::print_stdout, reason = "it speaks on standard output")]

mod child;
mod driver;
mod exhaust;
mod hold;
mod network;
mod order;
mod pidns;
mod plan;
mod provoke;
mod refuse;
mod userns;

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use serde::{Deserialize, Serialize};

pub use driver::{Holder, scratch};
pub use order::Tried;
pub use plan::Plan;

/// Name that a program is called by when it shall be a holder.
const NAME: &str = "nospace-holder";

/// What a holder says first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Every process that holds the instances, the holder itself first.
    pub pids: Vec<u32>,
    /// Instances charged to the holder's user, by its own count.
    pub instances: u64,
    /// Watches charged to the holder's user, by its own count.
    pub watches: u64,
    /// Descriptors beside them.
    pub descriptors: u64,
}

/// Whether this process was started as a holder.
#[must_use]
pub fn is_asked() -> bool {
    let called = std::env::args_os().next().unwrap_or_default();
    Path::new(&called)
        .file_name()
        .is_some_and(|name| name.as_bytes() == NAME.as_bytes())
}

/// The holder itself. Call it before any thread is started.
#[must_use]
pub fn main() -> ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        Some(child::KEEP) => child::keep(),
        Some(child::RECEIVE) => child::receive(),
        Some(userns::MAP) => userns::map(),
        _ => serve(&Plan::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{}", serde_json::json!({ "error": format!("{error:#}") }));
            ExitCode::FAILURE
        }
    }
}

fn serve(plan: &Plan) -> anyhow::Result<()> {
    if plan.pid_namespace {
        return pidns::serve(plan);
    }
    if plan.own_proc {
        pidns::own_proc()?;
    }
    let mut held = hold::hold(plan)?;
    println!("{}", serde_json::to_string(&held.ready)?);
    order::obey(&mut held)
}
