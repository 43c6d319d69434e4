//! `nospace completions`: for a shell.

use std::process::ExitCode;

use clap::Args;

use super::args::unused;
use crate::ui;

/// Print a shell completion script
#[derive(Args, Debug)]
#[command(
    after_help = "Example: nospace completions bash > /etc/bash_completion.d/nospace",
    args = unused(&["no_ebpf", "procfs", "sysfs", "rootfs", "color", "verbose"])
)]
pub struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

/// Prints the script for `command`.
///
/// # Errors
///
/// Standard output cannot be written to.
pub fn run(args: &CompletionsArgs, mut command: clap::Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "nospace", &mut script);
    ui::print(&script)?;
    Ok(ExitCode::SUCCESS)
}
