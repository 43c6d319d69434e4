//! nospace: what "no space left on device" and "too many open files" really mean on a node.

use std::process::ExitCode;

use nospace::cli::Cli;
use nospace::ui;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let failure = cli.failure();
    cli.run().unwrap_or_else(|error| {
        ui::complain(&error);
        ExitCode::from(failure)
    })
}
