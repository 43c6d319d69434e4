//! nospace: what "no space left on device" and "too many open files" really mean on a node.

use std::process::ExitCode;

use nospace::cli::{Cli, UNKNOWN};

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    cli.run().unwrap_or_else(|error| {
        anstream::eprintln!("nospace: {error:#}");
        ExitCode::from(UNKNOWN)
    })
}
