//! `nospace plan`: the program, its document, and its formula checked against recorded nodes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod cli;
mod lab;
mod measured;
mod nodes;
#[path = "../support/lab.rs"]
mod on_lab;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// `nospace plan` with these arguments, 80 columns wide.
fn plan(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nospace"))
        .arg("plan")
        .args(arguments)
        .env_clear()
        .envs([("LC_ALL", "C.UTF-8"), ("COLUMNS", "80")])
        .output()
        .unwrap()
}

fn recorded(node: &str) -> PathBuf {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/nodes");
    nodes.join(node).join("node.tar.zst")
}
