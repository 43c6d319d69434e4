//! The story of a node: healthy, its watches used up, the kubelet dead, healed; then the same with instances, and each of the
//! other causes. Runs on the node (tests/node/host.sh); what the node did and what nospace said of it
//! become rows of a table.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test's output")]

mod acts;
mod agent;
mod granted;
mod node;
mod nospace;
mod table;
#[path = "../../../../crates/nospace/tests/top/tmux.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod tmux;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use acts::cadvisor::Scene;
use clap::{Parser, Subcommand};
use node::Node;
use nospace::Nospace;
use table::Table;

/// Breaks and heals what it runs beside, and holds nospace against it.
#[derive(Parser)]
struct Arguments {
    /// The nospace to hold against it
    #[arg(long)]
    nospace: PathBuf,
    /// Writes the rows of the table here
    #[arg(long)]
    table: Option<PathBuf>,
    #[command(subcommand)]
    level: Level,
}

#[derive(Subcommand)]
enum Level {
    /// cAdvisor alone, in user namespaces
    Cadvisor {
        /// The program
        program: PathBuf,
    },
    /// The agent, and the API server that this runs beside
    Api {
        /// Only the acts whose names contain one of these
        only: Vec<String>,
    },
    /// The node that this runs on
    Node {
        /// Only the acts whose names contain one of these
        only: Vec<String>,
    },
    /// How many instances, and watches on the files of a directory, the kernel grants to whoever runs this
    #[command(hide = true)]
    Granted {
        /// No more instances than that
        instances: u64,
        /// The files
        files: PathBuf,
    },
}

/// Everything an act works with.
pub struct Stage {
    node: Node,
    nospace: Nospace,
    table: Table,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("story: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let nospace = Nospace::at(&arguments.nospace);
    let mut table = Table::default();
    let played = match &arguments.level {
        Level::Granted { instances, files } => {
            return granted::print(*instances, files).map(|()| true);
        }
        Level::Cadvisor { program } => {
            let cadvisor = program.clone();
            let mut scene = Scene {
                cadvisor,
                nospace: &nospace,
                table: &mut table,
            };
            act("cadvisor", || acts::cadvisor::play(&mut scene))
        }
        Level::Api { only } | Level::Node { only } => {
            let acts = match arguments.level {
                Level::Api { .. } => acts::API,
                _ => acts::NODE,
            };
            let node = Node::here()?;
            let mut stage = Stage {
                node,
                nospace,
                table,
            };
            let played = play(acts, &mut stage, only);
            table = stage.table;
            played
        }
    };
    print!("{}", table.markdown());
    if let Some(path) = &arguments.table {
        std::fs::write(path, table.markdown())?;
    }
    Ok(played && table.all_right())
}

fn play(acts: &[acts::Act], stage: &mut Stage, only: &[String]) -> bool {
    let wanted = |name: &str| only.is_empty() || only.iter().any(|only| name.contains(only));
    let mut good = true;
    for (name, run) in acts.iter().filter(|(name, _)| wanted(name)) {
        good &= act(name, || run(stage));
    }
    good
}

fn act(name: &str, run: impl FnOnce() -> anyhow::Result<()>) -> bool {
    let began = Instant::now();
    let outcome = run();
    let seconds = began.elapsed().as_secs_f32();
    match &outcome {
        Ok(()) => println!("act {name} ... ok ({seconds:.0} s)"),
        Err(error) => println!("act {name} ... FAILED ({seconds:.0} s): {error:#}"),
    }
    outcome.is_ok()
}
