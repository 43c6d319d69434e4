//! `nospace completions`: for a shell.

use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap_complete::Shell;
use nospace_core::cause::Cause;

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
    shell: Shell,
}

/// Prints the script for `command`.
///
/// # Errors
///
/// Standard output cannot be written to.
pub fn run(args: &CompletionsArgs, command: clap::Command) -> anyhow::Result<ExitCode> {
    ui::print(script(args.shell, command).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The script for `command`. `explain` takes a file or a cause code, which clap cannot say of one argument: bash falls
/// back to files by itself, fish adds the codes to them, and zsh gets both.
fn script(shell: Shell, mut command: clap::Command) -> String {
    let codes: Vec<&str> = Cause::ALL.iter().map(|cause| cause.code()).collect();
    if shell == Shell::Bash {
        let values = PossibleValuesParser::new(&codes);
        command = command.mut_subcommand("explain", |explain| {
            explain.mut_arg("what", |what| what.value_parser(values))
        });
    }
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "nospace", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let codes = codes.join(" ");
    match shell {
        Shell::Fish => format!(
            "{script}complete -c nospace -n \"__fish_nospace_using_subcommand explain\" -a \"{codes}\"\n"
        ),
        Shell::Zsh => script.replace(
            "or one cause code:_files'",
            &format!(
                "or one cause code:{{_alternative \"codes\\:cause code\\:({codes})\" \"files\\:file\\:_files\"}}'"
            ),
        ),
        _ => script,
    }
}
