//! `nospace check`: one look at the node.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{OutputArg, Shared};
use crate::collect::collect;

/// Look at the node once: limits, usage, holders, findings, and whether the kubelet would start
#[derive(Args, Debug, Default)]
pub struct CheckArgs {
    #[command(flatten)]
    output: OutputArg,
    /// Look at a recorded node instead of this one
    #[arg(long, value_name = "ARCHIVE")]
    from: Option<PathBuf>,
}

/// Checks the node.
pub fn run(shared: &Shared, outer: OutputArg, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let _format = args.output.or(outer);
    let host = shared.host(args.from.as_ref())?;
    let snapshot = collect(host.as_ref());
    let mut text = serde_json::to_vec_pretty(&snapshot)?;
    text.push(b'\n');
    crate::ui::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
