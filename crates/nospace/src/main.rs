//! nospace: what "no space left on device" and "too many open files" really mean on a node.

#![forbid(unsafe_code)]

mod cli;
mod collect;
mod host;
mod ui;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::Cli::read() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    cli.run().unwrap_or_else(|error| {
        anstream::eprintln!("nospace: {error:#}");
        ExitCode::from(cli::UNKNOWN)
    })
}
