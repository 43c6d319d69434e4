//! `nospace guard`: whether this kernel can keep a reserve for the node.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::args::{CheckOutputArg, FAILED, OutputArg, Shared, UNKNOWN};
use crate::guard::try_hooks;
use crate::output::document;
use crate::ui::guard::draw;
use crate::ui::screen::Screen;

/// Find out whether this kernel could keep a reserve of inotify for the node
///
/// Pods that run as root share their inotify watches and instances with the kubelet, the container runtime and systemd. On many kernels a
/// BPF program can refuse pods the last of them, so that the node keeps what it needs. Only a test shows which kernels: --probe briefly attaches
/// each program that could do it, and has it refuse a call of nospace itself, and of nobody else. Needs eBPF and root.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct GuardArgs {
    /// Try every hook of this kernel, and say what a guard could do; refuses nobody else's calls
    #[arg(long, required = true)]
    probe: bool,
    #[command(flatten)]
    output: OutputArg,
}

const AFTER_HELP: &str = "Exit codes: 0 a reserve of watches and instances can be kept, 1 it cannot, or not of both, 3 wrong usage, or it could not be tested.";

/// Probes.
///
/// # Errors
///
/// Output cannot be written, or eBPF is switched off.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: &GuardArgs) -> anyhow::Result<ExitCode> {
    if shared.no_ebpf {
        bail!("the guard needs eBPF: run it without --no-ebpf");
    }
    let kernel = rustix::system::uname();
    let probe = try_hooks(&kernel.release().to_string_lossy());
    args.output
        .or(outer)
        .print(&document(&probe, |screen: &Screen| draw(&probe, screen)))?;
    Ok(match (probe.is_certain(), probe.can_enforce_all()) {
        (false, _) => ExitCode::from(UNKNOWN),
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(FAILED),
    })
}
