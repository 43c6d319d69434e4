//! Man pages of nospace and of each of its commands, from the definitions that parse the command line.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory as _;
use nospace::cli::Cli;

pub fn write() -> Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/man");
    fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    clap_mangen::generate_to(Cli::command(), &directory)
        .with_context(|| directory.display().to_string())
}
